/*
 * program_status.c - what the compiled segments of a contact table cost.
 *
 * Sizes and times of this backend's program and of its image.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/memutils.h"

#include "definition/access.h"
#include "program/program.h"
#include "program/program_cache.h"

/*
 * segments_internal.compiled_program(contact_table)
 *   -> (segments, atoms, image_bytes, shared, build_ms, backend_bytes);
 * null for those who may not know
 */
PG_FUNCTION_INFO_V1(segments_compiled_program);
Datum
segments_compiled_program(PG_FUNCTION_ARGS)
{
	Program *program;
	Datum values[6];
	bool nulls[6] = {0};
	TupleDesc desc;

	if (!AccessMayMonitor(PG_GETARG_OID(0)))
		PG_RETURN_NULL();
	program = ProgramGet(PG_GETARG_OID(0));
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
