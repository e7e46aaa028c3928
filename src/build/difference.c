/*
 * difference.c - contacts whose stored membership is not what it should be.
 *
 * Two ways to find them.  By query: each segment's filter as SQL against its
 * members, all in the executor; few segments are found by index so, and as
 * nothing of the row engine takes part, it is the oracle of every test.  By
 * scan: all segments in one scan of the contacts (segment_scan.c), what matches
 * is sorted by segment and contact and merged with the members and what was
 * done by hand, which come in the same order.  Sorting keeps to work_mem.
 * Many segments are scanned, but for those that are cheaper by query all the
 * same (scan_choice.c).  Reads only.
 */
#include "postgres.h"

#include "build/difference.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/vector.h"
#include "build/progress.h"
#include "build/row_stream.h"
#include "build/scan_choice.h"
#include "build/segment_query.h"
#include "build/segment_scan.h"
#include "definition/contact_table.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "time/clock.h"

/* ----- by scan: three streams in the order of segment and contact ----- */

typedef struct Merge
{
	DifferenceSearch *search;
	Program *program;
	Tuplesortstate *matching;
	TupleTableSlot *slot; /* segment, contact */
	RowStream stored;
	RowStream hand;
	bool more[3]; /* in matching, stored, hand */
	SPIPlanPtr exists_plan;
} Merge;

enum
{
	MATCHING,
	STORED,
	HAND
};

static void
begin_sort(Merge *merge)
{
	Program *program = merge->program;
	TupleDesc desc = CreateTemplateTupleDesc(2);
	AttrNumber columns[2] = {1, 2};
	Oid operators[2];
	Oid collations[2];
	bool nulls_first[2] = {false, false};

	TupleDescInitEntry(desc, 1, "segment_id", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "contact_id", program->table->key_type, -1, 0);
	TupleDescFinalize(desc);
	operators[0] = Int8LessOperator;
	operators[1] = lookup_type_cache(program->table->key_type, TYPECACHE_LT_OPR)->lt_opr;
	collations[0] = InvalidOid;
	collations[1] = program->key_collation;
	merge->matching = tuplesort_begin_heap(desc, 2, columns, operators, collations, nulls_first,
										   work_mem, NULL, false);
	merge->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

typedef struct MatchSink
{
	Merge *merge;
	TupleTableSlot *slot;
} MatchSink;

static void
keep_match(void *arg, int index, Datum key)
{
	MatchSink *sink = arg;

	ExecClearTuple(sink->slot);
	sink->slot->tts_values[0] = Int64GetDatum(sink->merge->program->segments[index].id);
	sink->slot->tts_values[1] = key;
	sink->slot->tts_isnull[0] = false;
	sink->slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(sink->slot);
	tuplesort_puttupleslot(sink->merge->matching, sink->slot);
}

static void
scan_and_sort(Merge *merge, Bitmapset *segments)
{
	MatchSink sink;

	begin_sort(merge);
	sink.merge = merge;
	sink.slot = MakeSingleTupleTableSlot(merge->slot->tts_tupleDescriptor, &TTSOpsVirtual);
	SegmentScan(merge->program, segments, SegmentsNow(), merge->search->snapshot, keep_match,
				&sink);
	ExecDropSingleTupleTableSlot(sink.slot);
	ProgressEnter(PROGRESS_COMPARING);
	tuplesort_performsort(merge->matching);
}

static Datum
segment_id_array(Program *program, Bitmapset *segments)
{
	Datum *ids = palloc(sizeof(Datum) * Max(bms_num_members(segments), 1));
	int index = -1;
	int n = 0;

	while ((index = bms_next_member(segments, index)) >= 0)
		ids[n++] = Int64GetDatum(program->segments[index].id);
	return Int64Array(ids, n);
}

static void
open_sorted(Merge *merge, RowStream *stream, Oid relid, const char *more_columns, Datum ids)
{
	Oid type = INT8ARRAYOID;
	const char *collate =
		OidIsValid(merge->program->key_collation) ? " COLLATE pg_catalog.\"C\"" : "";

	RowStreamQuery(
		stream,
		psprintf("SELECT t.segment_id, t.contact_id%s FROM %s t WHERE t.segment_id = ANY ($1) "
				 "ORDER BY t.segment_id, t.contact_id%s",
				 more_columns, CatalogRelationName(relid), collate),
		1, &type, &ids, merge->search->snapshot);
}

static void
open_streams(Merge *merge, Bitmapset *segments)
{
	ContactTable *table = merge->program->table;
	Datum ids = segment_id_array(merge->program, segments);

	open_sorted(merge, &merge->stored, table->member_table, "", ids);
	open_sorted(merge, &merge->hand, table->override_table, ", t.included", ids);
}

static void
advance(Merge *merge, int stream)
{
	if (stream == MATCHING)
		merge->more[MATCHING] =
			tuplesort_gettupleslot(merge->matching, true, false, merge->slot, NULL);
	else
		merge->more[stream] = RowStreamNext(stream == STORED ? &merge->stored : &merge->hand);
}

static Datum
merge_column(Merge *merge, int stream, int column)
{
	bool isnull;

	if (stream == MATCHING)
		return slot_getattr(merge->slot, column, &isnull);
	return RowStreamColumn(stream == STORED ? &merge->stored : &merge->hand, column,
						   column == 1   ? INT8OID
						   : column == 2 ? merge->program->table->key_type
										 : BOOLOID,
						   &isnull);
}

/* Where two streams stand, as qsort compares. */
static int
compare_streams(Merge *merge, int a, int b)
{
	int64 left = DatumGetInt64(merge_column(merge, a, 1));
	int64 right = DatumGetInt64(merge_column(merge, b, 1));

	if (left != right)
		return left < right ? -1 : 1;
	return ProgramCompareKeys(merge->program, merge_column(merge, a, 2), merge_column(merge, b, 2));
}

static bool
contact_exists(Merge *merge, Datum key)
{
	ContactTable *table = merge->program->table;
	bool found;

	if (merge->exists_plan == NULL)
		merge->exists_plan =
			SPI_prepare(psprintf("SELECT FROM %s c WHERE c.%s = $1", table->name, table->key), 1,
						&table->key_type);
	if (SPI_execute_snapshot(merge->exists_plan, &key, NULL, merge->search->snapshot,
							 InvalidSnapshot, true, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look up a contact");
	found = SPI_processed > 0;
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* here[]: which streams stand at this segment and contact. */
static void
judge(Merge *merge, int first, const bool *here)
{
	Difference difference = {DatumGetInt64(merge_column(merge, first, 1))};
	bool by_hand = here[HAND] && merge->search->by_hand;
	bool included = by_hand && DatumGetBool(merge_column(merge, HAND, 3));
	bool wanted = here[MATCHING];

	difference.key = merge_column(merge, first, 2);
	difference.excluded = by_hand && !included;
	difference.stored = here[STORED];
	if (difference.excluded)
		wanted = false;
	if (included && !wanted)
		wanted = contact_exists(merge, difference.key);
	if (wanted == difference.stored)
		return;
	difference.exists = wanted || contact_exists(merge, difference.key);
	merge->search->visit(merge->search->arg, &difference);
}

static void
merge_streams(Merge *merge)
{
	int i;

	for (i = MATCHING; i <= HAND; i++)
		advance(merge, i);
	while (merge->more[MATCHING] || merge->more[STORED] || merge->more[HAND])
	{
		bool here[3] = {false, false, false};
		int first = -1;

		for (i = MATCHING; i <= HAND; i++)
			if (merge->more[i] && (first < 0 || compare_streams(merge, i, first) < 0))
				first = i;
		for (i = MATCHING; i <= HAND; i++)
			here[i] = merge->more[i] && (i == first || compare_streams(merge, i, first) == 0);
		judge(merge, first, here);
		for (i = MATCHING; i <= HAND; i++)
			if (here[i])
				advance(merge, i);
	}
}

/* New segments: what matches is all there is to know. */
typedef struct MatchVisit
{
	DifferenceSearch *search;
	Program *program;
} MatchVisit;

static void
visit_match(void *arg, int index, Datum key)
{
	MatchVisit *match = arg;
	Difference difference = {match->program->segments[index].id, key, false, true, false};

	match->search->visit(match->search->arg, &difference);
}

static void
find_by_scan(DifferenceSearch *search, Program *program, Bitmapset *segments)
{
	Merge merge = {search, program};
	MatchVisit match = {search, program};

	if (search->empty)
	{
		SegmentScan(program, segments, SegmentsNow(), search->snapshot, visit_match, &match);
		return;
	}
	scan_and_sort(&merge, segments);
	open_streams(&merge, segments);
	merge_streams(&merge);
	RowStreamClose(&merge.stored);
	RowStreamClose(&merge.hand);
	ExecDropSingleTupleTableSlot(merge.slot);
	tuplesort_end(merge.matching);
}

/* ----- choosing ----- */

/*
 * A scan serves segments of the program that are evaluated at now: not those
 * without filters, nor those that time took further already.
 */
static bool
can_be_scanned(DifferenceSearch *search, const ImageSegment *segment)
{
	return !(segment->flags & IMAGE_SEGMENT_NEVER) &&
		   !((segment->flags & IMAGE_SEGMENT_MOVES) &&
			 SegmentQueryInstant(search, segment->id) > SegmentsNow());
}

static bool
should_scan(DifferenceSearch *search)
{
	if (search->method == DIFFERENCE_CHOOSE)
		return list_length(search->ids) >= MANY_SEGMENTS;
	return search->method == DIFFERENCE_SCAN;
}

static void
find_by_query(DifferenceSearch *search, int64 id)
{
	SegmentQuery query;

	if (SegmentQueryPrepare(&query, search, id))
		SegmentQueryRun(&query, search);
}

/*
 * Find the differences of some published segments of one contact table, and
 * show each to visit(); its key is only good until that returns.  Needs SPI.
 */
void
DifferencesFind(DifferenceSearch *search)
{
	Program *program = should_scan(search) ? ProgramGet(search->contact_table) : NULL;
	Bitmapset *scanned = NULL;
	List *queried = NIL;
	List *spared = NIL;
	ListCell *cell;

	foreach (cell, search->ids)
	{
		int index = program ? ProgramSegmentById(program, *(int64 *) lfirst(cell)) : -1;

		if (index >= 0 && can_be_scanned(search, &program->segments[index]))
			scanned = bms_add_member(scanned, index);
		else
			queried = lappend(queried, lfirst(cell));
	}
	if (search->method == DIFFERENCE_CHOOSE && scanned != NULL)
		spared = ScanLeaveToQueries(search, program, &scanned);
	if (!bms_is_empty(scanned))
		find_by_scan(search, program, scanned);
	foreach (cell, spared)
		SegmentQueryRun(lfirst(cell), search);
	foreach (cell, queried)
		find_by_query(search, *(int64 *) lfirst(cell));
}
