/*
 * build_many.c - many segments in one scan of the contact table.
 *
 * Step 13b: a query for each of a thousand new segments would read the table a
 * thousand times.  Here every contact is read once and meets all of them
 * through the program's index; what has to be looked up is asked in batches.
 * Segments that refer to others come after, one by one, when the members they
 * look at are there.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "maintain.h"
#include "sql_expr.h"

#define FLUSH_CHANGES 500000

typedef struct ManyBuild
{
	Program    *program;
	Bitmapset  *wanted;			/* indexes of the segments to build */
	Bitmapset  *impure;			/* of those, the ones that look things up */
	TimestampTz now;
	const char *cause;
	ChangeSet  *changes;
	RowVersion	no_row;
	IntVector	flipped;
	uint64		written;
} ManyBuild;

static void
meet(ManyBuild *build, RowVersion *row, int index, Datum key)
{
	Program    *program = build->program;
	SegmentGate *gate = &program->gates[index];
	ProgramSegment *segment = &program->segments[index];

	if (gate->stamp == program->stamp)
		return;
	gate->stamp = program->stamp;
	if (bms_is_member(index, build->wanted) && PredicateOnRow(program, row, segment->predicate, build->now))
		ChangeSetAdd(program, build->changes, segment->id, index, key, true);
}

static void
meet_all(ManyBuild *build, RowVersion *row, List *segments, Datum key)
{
	ListCell   *cell;

	foreach(cell, segments)
		meet(build, row, lfirst_int(cell), key);
}

/* One contact and all the segments it can match. */
static void
meet_contact(ManyBuild *build, RowVersion *row, Datum key)
{
	Program    *program = build->program;
	int			index = -1;
	int			i;

	program->stamp++;
	build->flipped.n = 0;
	RowVersionReset(&build->no_row, NULL);
	FlippedAtoms(program, &build->no_row, row, build->now, &build->flipped);
	for (i = 0; i < build->flipped.n; i++)
		meet_all(build, row, program->access[build->flipped.items[i]], key);
	meet_all(build, row, program->always, key);
	while ((index = bms_next_member(build->impure, index)) >= 0)
		meet(build, row, index, key);
}

static void
write_changes(ManyBuild *build)
{
	if (build->changes->n > 0)
		build->written += MemberWrite(build->program, build->changes, build->cause);
	ChangeSetReset(build->changes);
}

static int
compare_rows(const void *a, const void *b, void *arg)
{
	return ProgramCompareKeys(arg, *(const Datum *) a, *(const Datum *) b);
}

/* A key and the contact it belongs to, sorted together. */
typedef struct KeyedRow
{
	Datum		key;
	TupleTableSlot *slot;
} KeyedRow;

static void
process_batch(ManyBuild *build, SPITupleTable *tuples, int n)
{
	Program    *program = build->program;
	KeyedRow   *keyed = palloc(sizeof(KeyedRow) * n);
	Datum	   *keys = palloc(sizeof(Datum) * n);
	Batch	   *batch;
	int			i;

	for (i = 0; i < n; i++)
	{
		bool		isnull;

		keyed[i].slot = MaintainContactSlot(program, SPI_getbinval(tuples->vals[i], tuples->tupdesc, 1, &isnull));
		keyed[i].key = slot_getattr(keyed[i].slot, program->table->key_attnum, &isnull);
	}
	qsort_arg(keyed, n, sizeof(KeyedRow), compare_rows, program);
	for (i = 0; i < n; i++)
		keys[i] = keyed[i].key;
	batch = BatchCreate(program, build->now, n, keys);
	for (i = 0; i < n; i++)
	{
		RowVersionInit(&batch->rows[i], program->sources[0], keyed[i].slot);
		batch->rows[i].batch = batch;
		batch->rows[i].position = i;
		meet_contact(build, &batch->rows[i], keys[i]);
	}
}

static void
scan_contacts(ManyBuild *build)
{
	Program    *program = build->program;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "segments scan", ALLOCSET_DEFAULT_SIZES);
	SPIPlanPtr	plan = SPI_prepare(psprintf("SELECT (c.*)::%s FROM %s c", program->table->name, program->table->name), 0, NULL);
	Portal		portal;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	PushActiveSnapshot(GetLatestSnapshot());
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	PopActiveSnapshot();
	for (;;)
	{
		MemoryContext old;
		SPITupleTable *tuples;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, BATCH_ROWS);
		tuples = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		old = MemoryContextSwitchTo(scratch);
		process_batch(build, tuples, (int) SPI_processed);
		MemoryContextSwitchTo(old);
		SPI_freetuptable(tuples);
		MemoryContextReset(scratch);
		memset(&build->flipped, 0, sizeof(IntVector));	/* it was in there */
		ResetExprContext(program->econtext);
		if (build->changes->n >= FLUSH_CHANGES)
			write_changes(build);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(scratch);
	write_changes(build);
}

/* Segments that a shared scan can build; the others are left in *rest. */
static Bitmapset *
choose_segments(Program *program, List *ids, List **rest)
{
	Bitmapset  *wanted = NULL;
	ListCell   *cell;

	foreach(cell, ids)
	{
		int64	   *id = lfirst(cell);
		ProgramSegment *segment = ProgramSegmentById(program, *id);

		if (segment != NULL && segment->references == NIL && segment->predicate->kind != PREDICATE_FALSE)
			wanted = bms_add_member(wanted, segment->index);
		else
			*rest = lappend(*rest, id);
	}
	return wanted;
}

static void
start_clocks(ManyBuild *build)
{
	int			index = -1;

	while ((index = bms_next_member(build->wanted, index)) >= 0)
	{
		ProgramSegment *segment = &build->program->segments[index];

		if (segment->moves)
			ClockStart(build->program->relid, segment->id, true, build->now,
					   PredicateNextMove(segment->predicate, build->program->table, build->now));
	}
}

/*
 * Fill new segments of one contact table, that have no members yet, in one
 * scan.  Returns the ids that have to be built each by itself, in rank order.
 */
static List *
build_together(Oid contact_table, List *ids, const char *cause)
{
	ManyBuild	build = {0};
	List	   *rest = NIL;
	SecureContext secure;
	int			index = -1;

	build.program = ProgramGet(contact_table);
	build.wanted = choose_segments(build.program, ids, &rest);
	build.now = SegmentsNow();
	build.cause = cause;
	build.changes = ChangeSetCreate();
	while ((index = bms_next_member(build.wanted, index)) >= 0)
		if (!build.program->segments[index].pure)
			build.impure = bms_add_member(build.impure, index);
	RowVersionInit(&build.no_row, build.program->sources[0], NULL);
	SecureEnter(&secure, build.program->table->owner);
	scan_contacts(&build);
	SecureLeave(&secure);
	start_clocks(&build);
	return rest;
}

static List *
read_ids(ArrayType *array)
{
	Datum	   *values;
	List	   *ids = NIL;
	int			n;
	int			i;

	deconstruct_array(array, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, NULL, &n);
	for (i = 0; i < n; i++)
	{
		int64	   *id = palloc(sizeof(int64));

		*id = DatumGetInt64(values[i]);
		ids = lappend(ids, id);
	}
	return ids;
}

/*
 * segments.build_new(contact_table, segment_ids bigint[], cause): fill
 * segments that have no members yet.  Locks as BuildSegment does.
 */
PG_FUNCTION_INFO_V1(segments_build_new);
Datum
segments_build_new(PG_FUNCTION_ARGS)
{
	Oid			contact_table = PG_GETARG_OID(0);
	List	   *ids = read_ids(PG_GETARG_ARRAYTYPE_P(1));
	char	   *cause = text_to_cstring(PG_GETARG_TEXT_PP(2));
	ListCell   *cell;

	SPI_connect();
	BuildLockTables(ids);
	foreach(cell, build_together(contact_table, ids, cause))
		BuildSegment(*(int64 *) lfirst(cell), cause);
	SPI_finish();
	PG_RETURN_VOID();
}
