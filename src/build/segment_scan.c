/*
 * segment_scan.c - many segments in one scan of the contact table.
 *
 * A query for each of a thousand segments would read the table a thousand
 * times.  Here every contact is read once and meets all of them through the
 * program's index: pure segments at once, on the row as it lies in its page;
 * the others in batches of contacts, as what they look up is asked for many
 * contacts at a time.  Nothing is written, and nobody is locked out.
 *
 * Everything is read by one snapshot.  Callers that write evaluate contacts
 * again whose inputs have changed since (touched.c), or under a lock
 * (rebuild.c).
 */
#include "postgres.h"

#include "build/segment_scan.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/table_tree.h"
#include "build/progress.h"
#include "evaluate/batch.h"
#include "evaluate/candidates.h"
#include "evaluate/predicate_row.h"
#include "evaluate/related_rows.h"
#include "evaluate/row.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"

typedef struct SegmentScanWork
{
	Program *program;
	Bitmapset *wanted; /* indexes of segments that only read the row */
	Bitmapset *impure; /* of those that look things up or move */
	TimestampTz now;
	Snapshot snapshot;
	SegmentScanVisit visit;
	void *arg;
	Candidates found;
	RowVersion row;
	int64 done; /* contacts */
	int nrows;  /* of the batch */
	TupleTableSlot **slots;
	MemoryContext scratch; /* of a batch */
	MemoryContext caller;  /* whose visit() may keep things */
} SegmentScanWork;

static void
show_match(SegmentScanWork *work, int index, Datum key)
{
	MemoryContext old = MemoryContextSwitchTo(work->caller);

	work->visit(work->arg, index, key);
	MemoryContextSwitchTo(old);
}

/* ----- one contact ----- */

/* The segments of a set that a contact matches. */
static void
meet_contact(SegmentScanWork *work, RowVersion *row, Bitmapset *segments, Datum key)
{
	Program *program = work->program;
	int i;

	CandidatesNewRow(&work->found, program);
	CandidatesOfInsert(&work->found, program, row);
	for (i = 0; i < work->found.segments.n; i++)
	{
		int index = work->found.segments.items[i];

		if (bms_is_member(index, segments) && SegmentOnRow(program, row, index, work->now))
			show_match(work, index, key);
	}
}

/* ----- impure segments, batch by batch ----- */

/* A key and the contact it belongs to, sorted together. */
typedef struct KeyedSlot
{
	Datum key;
	TupleTableSlot *slot;
} KeyedSlot;

static int
compare_slots(const void *a, const void *b, void *arg)
{
	return ProgramCompareKeys(arg, ((const KeyedSlot *) a)->key, ((const KeyedSlot *) b)->key);
}

/* The contacts of the batch in the order of their keys. */
static Batch *
sorted_batch(SegmentScanWork *work)
{
	Program *program = work->program;
	KeyedSlot *keyed = palloc(sizeof(KeyedSlot) * work->nrows);
	Datum *keys = palloc(sizeof(Datum) * work->nrows);
	Batch *batch;
	RowVersion row;
	int i;

	for (i = 0; i < work->nrows; i++)
	{
		bool isnull;

		keyed[i].slot = work->slots[i];
		keyed[i].key = slot_getattr(keyed[i].slot, program->table->key_attnum, &isnull);
	}
	qsort_arg(keyed, work->nrows, sizeof(KeyedSlot), compare_slots, program);
	for (i = 0; i < work->nrows; i++)
		keys[i] = keyed[i].key;
	batch = BatchCreate(program, work->now, work->nrows, keys);
	batch->snapshot = work->snapshot;
	for (i = 0; i < work->nrows; i++)
	{
		RowVersionInit(&row, program->sources[0], keyed[i].slot);
		(void) BatchSetRow(batch, i, &row);
	}
	return batch;
}

static void
finish_batch(SegmentScanWork *work)
{
	Program *program = work->program;
	MemoryContext old = MemoryContextSwitchTo(work->scratch);
	Batch *batch = sorted_batch(work);
	int i;

	for (i = 0; i < batch->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		meet_contact(work, &batch->rows[i], work->impure, batch->keys[i]);
	}
	if (batch->reader)
		RelatedRowsClose(batch);
	for (i = 0; i < work->nrows; i++)
		ExecClearTuple(work->slots[i]);
	work->nrows = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(work->scratch);
	ResetExprContext(program->econtext);
}

static void
add_to_batch(SegmentScanWork *work, TupleTableSlot *slot)
{
	ExecCopySlot(work->slots[work->nrows++], slot);
	if (work->nrows == BATCH_ROWS)
		finish_batch(work);
}

/* ----- the scan ----- */

static void
scan_contact(SegmentScanWork *work, TupleTableSlot *slot)
{
	Program *program = work->program;
	bool isnull;

	CHECK_FOR_INTERRUPTS();
	RowVersionReset(&work->row, slot);
	if (work->wanted != NULL)
		meet_contact(work, &work->row, work->wanted,
					 slot_getattr(slot, program->table->key_attnum, &isnull));
	if (work->impure != NULL)
		add_to_batch(work, slot);
	else
		ResetExprContext(program->econtext);
	if (++work->done % BATCH_ROWS == 0)
		ProgressContacts(BATCH_ROWS);
}

/* One of the tables that hold contacts, shown as rows of the contact table. */
static void
scan_leaf(SegmentScanWork *work, Oid relid, Relation rel)
{
	Relation leaf = table_open(relid, AccessShareLock);
	TupleConversionMap *map = TableTreeMap(leaf, rel);
	TableScanDesc scan = TableBeginScan(leaf, work->snapshot);
	TupleTableSlot *slot = table_slot_create(leaf, NULL);
	TupleTableSlot *mapped = NULL;

	if (map)
		mapped = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		scan_contact(work, map ? execute_attr_map_slot(map->attrMap, slot, mapped) : slot);
	if (mapped)
		ExecDropSingleTupleTableSlot(mapped);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(leaf, NoLock);
}

static void
scan_contacts(SegmentScanWork *work, Relation rel)
{
	ListCell *cell;

	foreach (cell, TableTreeLeaves(rel, AccessShareLock))
		scan_leaf(work, lfirst_oid(cell), rel);
	if (work->nrows > 0)
		finish_batch(work);
	ProgressContacts(work->done % BATCH_ROWS);
}

static void
prepare_batch(SegmentScanWork *work)
{
	int i;

	work->scratch =
		AllocSetContextCreate(CurrentMemoryContext, "segments scan", ALLOCSET_DEFAULT_SIZES);
	work->slots = palloc(sizeof(TupleTableSlot *) * BATCH_ROWS);
	for (i = 0; i < BATCH_ROWS; i++)
		work->slots[i] =
			MakeSingleTupleTableSlot(work->program->sources[0]->desc, &TTSOpsHeapTuple);
}

static void
split_by_purity(SegmentScanWork *work, Bitmapset *segments)
{
	int index = -1;

	while ((index = bms_next_member(segments, index)) >= 0)
		if (work->program->segments[index].flags & IMAGE_SEGMENT_PURE)
			work->wanted = bms_add_member(work->wanted, index);
		else
			work->impure = bms_add_member(work->impure, index);
}

/*
 * Let every contact that the snapshot sees meet these segments (indexes in the
 * program), at one instant.  visit() is called for each match, in no order; the
 * key is only good until it returns.  Needs SPI, and the owner's rights.
 */
void
SegmentScan(Program *program, Bitmapset *segments, TimestampTz now, Snapshot snapshot,
			SegmentScanVisit visit, void *arg)
{
	SegmentScanWork work = {0};
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "segments shared scan", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Relation rel = ProgramTableOpen(program, program->relid, AccessShareLock);
	double rows;
	int i;

	work.program = program;
	work.caller = old;
	work.now = now;
	work.snapshot = snapshot;
	work.visit = visit;
	work.arg = arg;
	split_by_purity(&work, segments);
	if (work.impure != NULL)
		prepare_batch(&work);
	RowVersionInit(&work.row, program->sources[0], NULL);
	CandidatesInit(&work.found, program);
	ProgressEnter(PROGRESS_EVALUATING);
	(void) TableTreeSize(rel, &rows);
	ProgressTotal(rows);
	scan_contacts(&work, rel);
	for (i = 0; work.slots && i < BATCH_ROWS; i++)
		ExecDropSingleTupleTableSlot(work.slots[i]);
	table_close(rel, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
