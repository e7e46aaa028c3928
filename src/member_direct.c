/*
 * member_direct.c - joins and leaves written straight into the tables.
 *
 * Step 12c: the fast way of MemberWrite.  Rows go into the heap in the order
 * of the primary key, in blocks, and then into each index in that index's own
 * order, which is where the time goes in bulk.  There is no query: whether somebody is a member already is what
 * the unique index says on insertion, and what was done by hand is looked up
 * only when anything was.
 *
 * Only plain tables as segments.attach() made them are written so; where a
 * user added triggers, columns, checks, rules or fancy indexes, MemberWrite
 * goes through the executor and they take effect.  The contacts are locked, so
 * nobody else writes the same rows.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "change_log.h"
#include "compat.h"
#include "maintain.h"

#define BLOCK_ROWS 1000			/* rows given to the heap at a time */

/* Member and override tables begin with these two columns. */
#define Anum_member_segment_id 1
#define Anum_member_contact_id 2
#define Natts_member 3
#define Natts_change 8

/* A table that is open for writing. */
typedef struct DirectTable
{
	Relation	rel;
	int			nindexes;
	Relation   *indexes;
	IndexInfo **infos;
	int			nslots;
	TupleTableSlot **slots;
} DirectTable;

typedef struct DirectWork
{
	Program    *program;
	DirectTable member;
	DirectTable change;
	Relation	override;
	bool		by_hand;		/* there are overrides */
	Snapshot	snapshot;
	CommandId	command;
	FmgrInfo	key_equal;
	Datum		now;
	Datum		transaction;
	Datum		cause;
	int			number;			/* of the next entry of the log */
} DirectWork;

/* ----- can it be done? ----- */

static bool
is_plain_index(Relation index)
{
	Form_pg_index form = index->rd_index;

	return form->indisvalid && form->indisready && form->indimmediate && !form->indisexclusion &&
		RelationGetIndexExpressions(index) == NIL && RelationGetIndexPredicate(index) == NIL;
}

/* The log, which is only added to, may have triggers of other kinds. */
static bool
has_insert_trigger(const TriggerDesc *triggers, int natts)
{
	if (triggers == NULL || natts != Natts_change)
		return triggers != NULL;
	return triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
		triggers->trig_insert_before_statement || triggers->trig_insert_after_statement ||
		triggers->trig_insert_new_table;
}

static bool
is_plain_table(Relation rel, int natts)
{
	TupleConstr *constraints = RelationGetDescr(rel)->constr;
	int			i;

	if (rel->rd_rel->relkind != RELKIND_RELATION || RelationGetDescr(rel)->natts != natts ||
		has_insert_trigger(rel->trigdesc, natts) || rel->rd_rules != NULL)
		return false;
	if (constraints && (constraints->num_check > 0 || constraints->has_generated_stored))
		return false;
	for (i = 0; i < natts; i++)
		if (TupleDescAttr(RelationGetDescr(rel), i)->attisdropped)
			return false;
	return true;
}

static bool
open_table(DirectTable *table, Oid relid, int natts)
{
	List	   *indexes;
	ListCell   *cell;
	bool		plain;

	table->rel = table_open(relid, RowExclusiveLock);
	plain = is_plain_table(table->rel, natts);
	indexes = RelationGetIndexList(table->rel);
	table->indexes = palloc(sizeof(Relation) * Max(list_length(indexes), 1));
	table->infos = palloc(sizeof(IndexInfo *) * Max(list_length(indexes), 1));
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), RowExclusiveLock);

		table->indexes[table->nindexes] = index;
		table->infos[table->nindexes++] = BuildIndexInfo(index);
		plain = plain && is_plain_index(index);
	}
	list_free(indexes);
	return plain;
}

static void
close_table(DirectTable *table)
{
	int			i;

	for (i = 0; i < table->nslots; i++)
		ExecDropSingleTupleTableSlot(table->slots[i]);
	for (i = 0; i < table->nindexes; i++)
		index_close(table->indexes[i], NoLock);
	table_close(table->rel, NoLock);
}

static TupleTableSlot *
block_slot(DirectTable *table, int i)
{
	if (table->slots == NULL)
		table->slots = palloc(sizeof(TupleTableSlot *) * BLOCK_ROWS);
	while (table->nslots <= i)
		table->slots[table->nslots++] = table_slot_create(table->rel, NULL);
	return ExecClearTuple(table->slots[i]);
}

/* ----- looking things up ----- */

static SysScanDesc
find_row(DirectWork *work, Relation rel, Oid index, int64 segment, Datum key)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_member_segment_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(segment));
	ScanKeyEntryInitializeWithInfo(&keys[1], 0, Anum_member_contact_id, BTEqualStrategyNumber, InvalidOid,
								   work->program->key_collation, &work->key_equal, key);
	return systable_beginscan(rel, index, true, work->snapshot, 2, keys);
}

/*
 * Does what was done by hand forbid the change?
 */
static bool
forbidden_by_hand(DirectWork *work, const Change *change)
{
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		forbidden = false;

	if (!work->by_hand)
		return false;
	scan = find_row(work, work->override, PrimaryKeyIndex(work->override), change->segment, change->key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		bool		included = DatumGetBool(heap_getattr(tuple, 3, RelationGetDescr(work->override), &isnull));

		forbidden = (included != change->joined);
	}
	systable_endscan(scan);
	return forbidden;
}

/* ----- leaves ----- */

/* Delete the member row; false when there is none. */
static bool
delete_member(DirectWork *work, const Change *change)
{
	Relation	rel = work->member.rel;
	SysScanDesc scan = find_row(work, rel, PrimaryKeyIndex(rel), change->segment, change->key);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
	{
		TM_FailureData failure;
		TM_Result	result = TableTupleDelete(rel, &tuple->t_self, work->command, work->snapshot, &failure);

		if (result != TM_Ok)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not maintain segment " INT64_FORMAT " due to concurrent update", change->segment)));
	}
	systable_endscan(scan);
	return found;
}

/* ----- joins ----- */

/* Rows on their way into the member table. */
typedef struct JoinRun
{
	DirectWork *work;
	Change	   *changes;
	int			n;
	ItemPointerData *tids;
	bool	   *refused;		/* by the unique index: a member already */
	int			nrefused;
} JoinRun;

static void
insert_block(DirectTable *table, TupleTableSlot **slots, int n, CommandId command)
{
	if (n == 1)
		table_tuple_insert(table->rel, slots[0], command, 0, NULL);
	else
		table_multi_insert(table->rel, slots, n, command, 0, NULL);
}

static void
insert_heap(JoinRun *run)
{
	DirectWork *work = run->work;
	int			start;
	int			row;

	for (start = 0; start < run->n; start += BLOCK_ROWS)
	{
		int			n = Min(BLOCK_ROWS, run->n - start);

		for (row = 0; row < n; row++)
		{
			TupleTableSlot *slot = block_slot(&work->member, row);

			slot->tts_values[0] = Int64GetDatum(run->changes[start + row].segment);
			slot->tts_values[1] = run->changes[start + row].key;
			slot->tts_values[2] = work->now;
			memset(slot->tts_isnull, false, sizeof(bool) * Natts_member);
			ExecStoreVirtualTuple(slot);
		}
		insert_block(&work->member, work->member.slots, n, work->command);
		for (row = 0; row < n; row++)
			run->tids[start + row] = work->member.slots[row]->tts_tid;
	}
}

/* One row's entry in one index of the member table. */
static bool
insert_index_entry(JoinRun *run, int index, int row, IndexUniqueCheck check)
{
	DirectTable *table = &run->work->member;
	IndexInfo  *info = table->infos[index];
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS] = {0};
	int			i;

	for (i = 0; i < info->ii_NumIndexAttrs; i++)
		switch (info->ii_IndexAttrNumbers[i])
		{
			case Anum_member_segment_id:
				values[i] = Int64GetDatum(run->changes[row].segment);
				break;
			case Anum_member_contact_id:
				values[i] = run->changes[row].key;
				break;
			default:
				values[i] = run->work->now;
				break;
		}
	return index_insert(table->indexes[index], values, nulls, &run->tids[row], table->rel, check, false, info);
}

/* The changes are in the primary key's order already. */
static void
insert_unique(JoinRun *run, int index)
{
	int			row;

	for (row = 0; row < run->n; row++)
		if (!run->refused[row] && !insert_index_entry(run, index, row, UNIQUE_CHECK_PARTIAL))
		{
			run->refused[row] = true;
			run->nrefused++;
		}
}

/* By contact, then segment: the order of the index the other way. */
static int
compare_by_contact(const void *a, const void *b, void *arg)
{
	JoinRun    *run = arg;
	const Change *left = &run->changes[*(const int *) a];
	const Change *right = &run->changes[*(const int *) b];
	int			result = ProgramCompareKeys(run->work->program, left->key, right->key);

	if (result != 0)
		return result;
	return left->segment < right->segment ? -1 : left->segment > right->segment;
}

static void
insert_other(JoinRun *run, int index)
{
	int		   *order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * run->n);
	int			row;

	for (row = 0; row < run->n; row++)
		order[row] = row;
	if (run->n > 1 && run->work->member.infos[index]->ii_IndexAttrNumbers[0] == Anum_member_contact_id)
		qsort_arg(order, run->n, sizeof(int), compare_by_contact, run);
	for (row = 0; row < run->n; row++)
		if (!run->refused[order[row]])
			(void) insert_index_entry(run, index, order[row], UNIQUE_CHECK_NO);
	pfree(order);
}

static void
insert_indexes(JoinRun *run)
{
	DirectTable *table = &run->work->member;
	int			i;

	for (i = 0; i < table->nindexes; i++)
		if (table->indexes[i]->rd_index->indisunique)
			insert_unique(run, i);
	for (i = 0; i < table->nindexes; i++)
		if (!table->indexes[i]->rd_index->indisunique)
			insert_other(run, i);
}

/*
 * Heap rows of who is a member already are taken back: the row before stays,
 * with its since.
 */
static void
take_back_refused(JoinRun *run)
{
	int			row;

	if (run->nrefused == 0)
		return;
	/* a command cannot delete what it inserted itself */
	CommandCounterIncrement();
	for (row = 0; row < run->n; row++)
		if (run->refused[row])
			simple_heap_delete(run->work->member.rel, &run->tids[row]);
	CommandCounterIncrement();
	run->work->command = GetCurrentCommandId(true);
}

/* ----- the log ----- */

static void
fill_log_row(DirectWork *work, TupleTableSlot *slot, const Change *change, int number, Datum lsn)
{
	slot->tts_values[0] = work->transaction;
	slot->tts_values[1] = Int32GetDatum(number);
	slot->tts_values[2] = Int64GetDatum(change->segment);
	slot->tts_values[3] = change->key;
	slot->tts_values[4] = BoolGetDatum(change->joined);
	slot->tts_values[5] = work->cause;
	slot->tts_values[6] = work->now;
	slot->tts_values[7] = lsn;
	memset(slot->tts_isnull, false, sizeof(bool) * Natts_change);
	ExecStoreVirtualTuple(slot);
}

static void
insert_log_indexes(DirectTable *table, TupleTableSlot *slot)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		FormIndexDatum(table->infos[i], slot, NULL, values, nulls);
		(void) index_insert(table->indexes[i], values, nulls, &slot->tts_tid, table->rel,
							table->indexes[i]->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
							false, table->infos[i]);
	}
}

static void
write_log(DirectWork *work, Change *changes, int n)
{
	DirectTable *table = &work->change;
	Datum		lsn = LSNGetDatum(GetXLogInsertRecPtr());
	int			start;
	int			row;

	for (start = 0; start < n; start += BLOCK_ROWS)
	{
		int			count = Min(BLOCK_ROWS, n - start);

		for (row = 0; row < count; row++)
			fill_log_row(work, block_slot(table, row), &changes[start + row], work->number + start + row, lsn);
		insert_block(table, table->slots, count, work->command);
		for (row = 0; row < count; row++)
			insert_log_indexes(table, table->slots[row]);
	}
	work->number += n;
	(void) MemberNextChangeNumber(n);
}

/* ----- a statement's changes ----- */

static int
write_joins(DirectWork *work, Change *changes, int n)
{
	JoinRun		run = {work, changes, n, NULL, NULL, 0};
	int			kept = 0;
	int			row;

	run.tids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(ItemPointerData) * n);
	run.refused = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(bool) * n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	insert_heap(&run);
	insert_indexes(&run);
	take_back_refused(&run);
	for (row = 0; row < n; row++)
		if (!run.refused[row])
			changes[kept++] = changes[row];
	write_log(work, changes, kept);
	pfree(run.tids);
	pfree(run.refused);
	return kept;
}

static int
write_leaves(DirectWork *work, Change *changes, int n)
{
	int			kept = 0;
	int			row;

	for (row = 0; row < n; row++)
		if (delete_member(work, &changes[row]))
			changes[kept++] = changes[row];
	write_log(work, changes, kept);
	return kept;
}

/* Changes that nothing done by hand forbids, moved to the front. */
static int
drop_forbidden(DirectWork *work, Change *changes, int n)
{
	int			kept = 0;
	int			i;

	if (!work->by_hand)
		return n;
	for (i = 0; i < n; i++)
		if (!forbidden_by_hand(work, &changes[i]))
			changes[kept++] = changes[i];
	return kept;
}

/*
 * Leaves come first in the set, then joins.  The real ones of each are moved
 * to the front of their part: the set ends with what was written.
 */
static int
write_all(DirectWork *work, Change *changes, int n)
{
	int			leaves = 0;
	int			written = 0;
	int			allowed;

	while (leaves < n && !changes[leaves].joined)
		leaves++;
	allowed = drop_forbidden(work, changes, leaves);
	if (allowed > 0)
		written += write_leaves(work, changes, allowed);
	allowed = drop_forbidden(work, changes + leaves, n - leaves);
	if (allowed > 0)
		written += write_joins(work, changes + leaves, allowed);
	return written;
}

/* ----- all together ----- */

static void
begin_work(DirectWork *work, const char *cause)
{
	Program    *program = work->program;

	fmgr_info(get_opcode(lookup_type_cache(program->table->key_type, TYPECACHE_EQ_OPR)->eq_opr), &work->key_equal);
	work->override = table_open(program->table->override_table, AccessShareLock);
	work->by_hand = RelationGetNumberOfBlocks(work->override) > 0;
	work->transaction = Int64GetDatum(ChangeLogTransaction());
	work->snapshot = RegisterSnapshot(GetLatestSnapshot());
	work->command = GetCurrentCommandId(true);
	work->now = TimestampTzGetDatum(MaintainNow(program));
	work->cause = CStringGetTextDatum(cause);
	work->number = MemberNextChangeNumber(0);
}

static void
end_work(DirectWork *work)
{
	UnregisterSnapshot(work->snapshot);
	table_close(work->override, NoLock);
	/* what follows in this transaction sees what was written */
	CommandCounterIncrement();
}

/*
 * Write changes that are sorted, leaves first.  False, with nothing done, when
 * the tables are not as we made them; else *written says how many changes were
 * real.
 */
bool
MemberWriteDirect(Program *program, Change *changes, int n, const char *cause, int *written)
{
	DirectWork	work = {0};
	bool		plain;

	work.program = program;
	plain = open_table(&work.member, program->table->member_table, Natts_member);
	plain = open_table(&work.change, program->table->change_table, Natts_change) && plain;
	if (plain)
	{
		begin_work(&work, cause);
		*written = write_all(&work, changes, n);
		end_work(&work);
	}
	close_table(&work.member);
	close_table(&work.change);
	return plain;
}
