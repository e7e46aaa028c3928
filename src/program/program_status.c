/*
 * program_status.c - what the compiled segments of a contact table cost.
 *
 * Sizes and times of this backend's program and of its image.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/subtransaction.h"
#include "definition/access.h"
#include "definition/aside.h"
#include "program/program.h"
#include "program/program_cache.h"

typedef struct GetOne
{
	Oid contact_table;
	Program *program;
} GetOne;

static void
get_one(void *arg)
{
	GetOne *one = arg;

	one->program = ProgramGet(one->contact_table);
}

/*
 * segments_internal.compiled_program(contact_table)
 *   -> (segments, atoms, image_bytes, shared, build_ms, backend_bytes);
 * null for those who may not know, and, with a warning, where it can't be compiled: the view
 * compiled shows all contact tables
 */
PG_FUNCTION_INFO_V1(segments_compiled_program);
Datum
segments_compiled_program(PG_FUNCTION_ARGS)
{
	GetOne one = {PG_GETARG_OID(0), NULL};
	ErrorData *error;
	Program *program;
	Datum values[6];
	bool nulls[6] = {0};
	TupleDesc desc;

	if (!AccessMayMonitor(one.contact_table))
		PG_RETURN_NULL();
	error = InSubtransaction(get_one, &one, NULL);
	if (error != NULL)
	{
		ereport(WARNING, (errcode(error->sqlerrcode),
						  errmsg("segments of contact table \"%s\" could not be compiled: %s",
								 get_rel_name(one.contact_table),
								 AsideReasonFor(one.contact_table, error))));
		PG_RETURN_NULL();
	}
	program = one.program;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int32GetDatum(program->nsegments);
	values[1] = Int32GetDatum(program->natoms);
	values[2] = Int64GetDatum((int64) program->image->size);
	values[3] = BoolGetDatum(program->use->shared != NULL);
	values[4] = Float8GetDatum(program->image->build_usec / 1000.0);
	values[5] = Int64GetDatum(
		(int64) MemoryContextMemAllocated(program->context, true) +
		(program->use->shared ? 0
							  : (int64) MemoryContextMemAllocated(program->use->context, true)));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
