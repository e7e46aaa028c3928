/*
 * override_insert.c - what was done by hand, written straight into its table.
 *
 * INSERT ... ON CONFLICT asks the unique index for each row before it is there,
 * and marks the row as one that may be taken back.  The contacts are locked, so
 * nobody else writes their rows: those that are there already are found in one
 * pass of the index, and the others go into the heap in blocks, then into each
 * index.
 *
 * What is not that simple is left to a query: rows that say the opposite, which
 * are updated; a table that is not as segments.attach() made it; and rows that
 * the index refuses, as somebody who writes the table past us has just done.
 */
#include "postgres.h"

#include "member/override_insert.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/vector.h"
#include "definition/table_beside.h"
#include "member/change_set.h"
#include "member/direct_table.h"
#include "member/member_find.h"
#include "program/program.h"
#include "time/clock.h"

#define Natts_override 7
#define Anum_override_included 3

typedef struct OverrideWork
{
	Program *program;
	DirectTable table;
	Datum values[Natts_override]; /* but for the contact */
	bool nulls[Natts_override];
	CommandId command;
	int nrefused;
	ItemPointerData *refused; /* NULL: not yet */
	DatumVector *left;        /* to a query */
} OverrideWork;

/* ----- those that are there ----- */

/* Is there no row of it?  One that says the opposite is left to a query. */
static bool
is_missing(void *arg, Change *change, TupleTableSlot *row)
{
	OverrideWork *work = arg;
	bool isnull;

	if (row == NULL)
		return true;
	if (DatumGetBool(slot_getattr(row, Anum_override_included, &isnull)) != change->joined)
		DatumVectorAdd(work->left, change->key);
	return false;
}

/* Contacts without a row, moved to the front. */
static int
drop_present(OverrideWork *work, Change *changes, int n)
{
	Relation rel = work->table.rel;
	MemberFinder finder;
	Snapshot snapshot;

	if (RelationGetNumberOfBlocks(rel) == 0)
		return n;
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	MemberFinderBegin(&finder, work->program, rel, work->table.primary, false, snapshot);
	n = MemberFinderMeet(&finder, changes, n, is_missing, work);
	MemberFinderEnd(&finder);
	UnregisterSnapshot(snapshot);
	return n;
}

/* ----- the others ----- */

static void
insert_heap(OverrideWork *work, const Change *changes, int n)
{
	int row;

	for (row = 0; row < n; row++)
	{
		TupleTableSlot *slot = DirectTableSlot(&work->table, row);

		memcpy(slot->tts_values, work->values, sizeof(work->values));
		memcpy(slot->tts_isnull, work->nulls, sizeof(work->nulls));
		slot->tts_values[Anum_member_contact_id - 1] = changes[row].key;
		ExecStoreVirtualTuple(slot);
	}
	DirectTableInsert(&work->table, n, work->command);
}

static void
refuse(OverrideWork *work, const Change *change, TupleTableSlot *slot)
{
	if (work->refused == NULL)
		work->refused = palloc(sizeof(ItemPointerData) * DIRECT_BLOCK);
	work->refused[work->nrefused++] = slot->tts_tid;
	DatumVectorAdd(work->left, change->key);
	ExecClearTuple(slot);
}

static void
insert_unique(OverrideWork *work, int index, const Change *changes, int n)
{
	int row;

	for (row = 0; row < n; row++)
	{
		TupleTableSlot *slot = work->table.slots[row];

		if (!TTS_EMPTY(slot) &&
			!DirectTableInsertEntry(&work->table, index, slot, UNIQUE_CHECK_PARTIAL))
			refuse(work, &changes[row], slot);
	}
}

static void
insert_other(OverrideWork *work, int index, int n)
{
	int row;

	for (row = 0; row < n; row++)
		if (!TTS_EMPTY(work->table.slots[row]))
			(void) DirectTableInsertEntry(&work->table, index, work->table.slots[row],
										  UNIQUE_CHECK_NO);
}

/* A block of contacts that have no row, in the order of the indexes. */
static void
insert_block(OverrideWork *work, const Change *changes, int n)
{
	DirectTable *table = &work->table;
	int i;

	CHECK_FOR_INTERRUPTS();
	insert_heap(work, changes, n);
	for (i = 0; i < table->nindexes; i++)
		if (table->indexes[i]->rd_index->indisunique)
			insert_unique(work, i, changes, n);
	for (i = 0; i < table->nindexes; i++)
		if (!table->indexes[i]->rd_index->indisunique)
			insert_other(work, i, n);
	if (work->nrefused > 0)
		work->command = DirectTableTakeBack(table, work->refused, work->nrefused);
	work->nrefused = 0;
}

/* ----- all together ----- */

static void
set_text(OverrideWork *work, int column, const char *text)
{
	work->values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
	work->nulls[column] = text == NULL;
}

static void
set_values(OverrideWork *work, const Override *override)
{
	work->values[0] = Int64GetDatum(override->segment);
	work->values[2] = BoolGetDatum(override->included);
	work->values[3] = TimestampTzGetDatum(SegmentsNow());
	set_text(work, 4, override->user);
	set_text(work, 5, override->origin.source);
	set_text(work, 6, override->origin.reference);
}

static Change *
as_changes(const Override *override, const Datum *keys, int nkeys)
{
	Change *changes = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Change) * nkeys);
	int i;

	for (i = 0; i < nkeys; i++)
	{
		changes[i].segment = override->segment;
		changes[i].index = -1;
		changes[i].key = keys[i];
		changes[i].ordinal = i;
		changes[i].joined = override->included;
	}
	return changes;
}

static void
insert_missing(OverrideWork *work, const Override *override, const Datum *keys, int nkeys)
{
	Change *changes = as_changes(override, keys, nkeys);
	int n = drop_present(work, changes, nkeys);
	int start;

	set_values(work, override);
	work->command = GetCurrentCommandId(true);
	for (start = 0; start < n; start += DIRECT_BLOCK)
		insert_block(work, changes + start, Min(DIRECT_BLOCK, n - start));
	/* what follows in this transaction sees what was written */
	CommandCounterIncrement();
}

/*
 * Include contacts in a segment by hand, or exclude them: keys that are sorted,
 * of contacts that are locked.  Those for which a query is needed are added to
 * `left`.
 */
void
OverrideInsert(Program *program, const Override *override, Datum *keys, int nkeys,
			   DatumVector *left)
{
	OverrideWork work = {0};
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "segments overrides", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	bool plain;
	int i;

	work.program = program;
	work.left = left;
	plain = DirectTableOpen(&work.table, program->table, BESIDE_OVERRIDE, Natts_override) &&
			work.table.primary != NULL;
	if (plain)
		insert_missing(&work, override, keys, nkeys);
	DirectTableClose(&work.table);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	for (i = 0; !plain && i < nkeys; i++)
		DatumVectorAdd(left, keys[i]);
}
