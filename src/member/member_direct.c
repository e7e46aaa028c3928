/*
 * member_direct.c - joins and leaves written straight into the tables.
 *
 * The fast way of MemberWrite.  Rows go into the heap in the order of the
 * primary key, in blocks, and then into each index in that index's own order,
 * which is where the time goes in bulk.  There is no query: whether somebody is
 * a member already is what the unique index says on insertion (asking costs
 * next to nothing, as the place is known by then), and what was done by hand is
 * looked up only when anything was.
 *
 * Only plain tables as segments.attach() made them are written so; where a user
 * added triggers, columns, checks, rules or fancy indexes, MemberWrite goes
 * through the executor and they take effect.  The contacts are locked, so
 * nobody else writes the same rows.
 */
#include "postgres.h"

#include "member/member_direct.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/index_choice.h"
#include "definition/contact_table.h"
#include "definition/table_beside.h"
#include "log/change_log.h"
#include "log/change_number.h"
#include "member/change_set.h"
#include "member/member_find.h"
#include "program/program.h"
#include "time/clock.h"

#define BLOCK_ROWS 1000 /* rows given to the heap at a time */
#define FEW_LEAVES 1000 /* looked for by contact, where that is fewer searches */

/* Member and override tables begin with these two columns. */
#define Anum_member_segment_id 1
#define Anum_member_contact_id 2
#define Natts_member 3
#define Anum_override_included 3
#define Anum_change_xact 1
#define Anum_change_lsn 8
#define Natts_change 10
#define Natts_filter_change 8 /* of entries without source and reference, which are left out */

/* A table that is open for writing. */
typedef struct DirectTable
{
	Relation rel;
	int nindexes;
	Relation *indexes;
	IndexInfo **infos;
	Relation primary;    /* one of them, over segment and contact; or NULL */
	Relation by_contact; /* another, over contact and segment; or NULL */
	int ncolumns;        /* of the rows that we write */
	TupleDesc desc;      /* of the slots */
	int nslots;
	TupleTableSlot **slots;
} DirectTable;

typedef struct DirectWork
{
	Program *program;
	DirectTable member;
	DirectTable change;
	Relation override;
	Relation override_index; /* NULL: there are no overrides */
	bool joins_looked_up;    /* some may be of members */
	Snapshot snapshot;
	CommandId command;
	Datum now;
	Datum transaction;
	Datum cause;
	Datum source; /* 0: not said, and neither is the reference */
	Datum reference;
	int number; /* of the next entry of the log */
} DirectWork;

/* ----- can it be done? ----- */

static bool
is_plain_index(Relation index)
{
	Form_pg_index form = index->rd_index;

	return form->indisvalid && form->indisready && form->indimmediate && !form->indisexclusion &&
		   RelationGetIndexExpressions(index) == NIL && RelationGetIndexPredicate(index) == NIL;
}


/* Can members be looked up by contact and segment? */
static bool
is_by_contact(Relation index, Oid key_type)
{
	Form_pg_index form = index->rd_index;

	return form->indnkeyatts == 2 && form->indkey.values[0] == Anum_member_contact_id &&
		   form->indkey.values[1] == Anum_member_segment_id &&
		   IndexIsOfServer(index, 0, key_type) && IndexIsOfServer(index, 1, INT8OID) &&
		   index->rd_indoption[0] == 0 && index->rd_indoption[1] == 0;
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
	int i;

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
open_table(DirectTable *table, const ContactTable *contacts, BesideKind kind, int natts)
{
	List *indexes;
	ListCell *cell;
	bool plain;
	Oid key;

	table->rel = BesideOpenOf(contacts, kind, RowExclusiveLock);
	plain = is_plain_table(table->rel, natts);
	key = kind == BESIDE_MEMBER ? BesideKeyIndex(table->rel) : InvalidOid;
	indexes = RelationGetIndexList(table->rel);
	table->indexes = palloc(sizeof(Relation) * Max(list_length(indexes), 1));
	table->infos = palloc(sizeof(IndexInfo *) * Max(list_length(indexes), 1));
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);

		table->indexes[table->nindexes] = index;
		table->infos[table->nindexes++] = BuildIndexInfo(index);
		plain = plain && is_plain_index(index);
		if (RelationGetRelid(index) == key)
			table->primary = index;
		else if (kind == BESIDE_MEMBER && is_by_contact(index, contacts->key_type))
			table->by_contact = index;
	}
	list_free(indexes);
	table->ncolumns = natts;
	return plain;
}

static void
close_table(DirectTable *table)
{
	int i;

	for (i = 0; i < table->nslots; i++)
		ExecDropSingleTupleTableSlot(table->slots[i]);
	for (i = 0; i < table->nindexes; i++)
	{
		IndexInsertCleanup(table->indexes[i], table->infos[i]);
		index_close(table->indexes[i], NoLock);
	}
	table_close(table->rel, NoLock);
}

/*
 * Row type of the first columns of a table.  In rows that end before the last
 * column, as in those from before it was added, the others are null.
 */
static TupleDesc
leading_columns(TupleDesc full, int n)
{
	TupleDesc desc = CreateTemplateTupleDesc(n);
	int i;

	for (i = 1; i <= n; i++)
		TupleDescCopyEntry(desc, i, full, i);
	return desc;
}

/* Is some index made of columns behind the first n? */
static bool
is_indexed_behind(const DirectTable *table, int n)
{
	int i;
	int column;

	for (i = 0; i < table->nindexes; i++)
		for (column = 0; column < table->infos[i]->ii_NumIndexAttrs; column++)
			if (table->infos[i]->ii_IndexAttrNumbers[column] > n)
				return true;
	return false;
}

/*
 * The slots share a row type that isn't counted: a resource owner finds its
 * place for the thousandth reference to the same one by passing all others,
 * and does so again for every slot that the server makes meanwhile.
 */
static TupleTableSlot *
block_slot(DirectTable *table, int i)
{
	if (table->slots == NULL)
	{
		table->slots = palloc(sizeof(TupleTableSlot *) * BLOCK_ROWS);
		table->desc = leading_columns(RelationGetDescr(table->rel), table->ncolumns);
	}
	while (table->nslots <= i)
		table->slots[table->nslots++] =
			MakeSingleTupleTableSlot(table->desc, table_slot_callbacks(table->rel));
	return ExecClearTuple(table->slots[i]);
}

/* ----- what was done by hand ----- */

static bool
is_allowed(void *arg, Change *change, TupleTableSlot *override)
{
	bool isnull;

	return override == NULL ||
		   DatumGetBool(slot_getattr(override, Anum_override_included, &isnull)) == change->joined;
}

/* Changes that nothing done by hand forbids, moved to the front. */
static int
drop_forbidden(DirectWork *work, Change *changes, int n)
{
	MemberFinder finder;

	if (work->override_index == NULL || n == 0)
		return n;
	MemberFinderBegin(&finder, work->program, work->override, work->override_index, false,
					  work->snapshot);
	n = MemberFinderMeet(&finder, changes, n, is_allowed, NULL);
	MemberFinderEnd(&finder);
	return n;
}

/* ----- leaves ----- */

/* Whoever is no member does not leave. */
static bool
delete_member(void *arg, Change *change, TupleTableSlot *member)
{
	DirectWork *work = arg;
	TM_FailureData failure;

	if (member == NULL)
		return false;
	if (TableTupleDelete(work->member.rel, &member->tts_tid, work->command, work->snapshot,
						 &failure) != TM_Ok)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not maintain segment " INT64_FORMAT " due to concurrent update",
						change->segment)));
	return true;
}

/* Those who really left are moved to the front. */
static int
delete_members(DirectWork *work, Change *changes, int n)
{
	DirectTable *member = &work->member;
	MemberFinder finder;
	bool by_contact =
		member->by_contact != NULL && n <= FEW_LEAVES && ChangesPutByContact(changes, n);

	MemberFinderBegin(&finder, work->program, member->rel,
					  by_contact ? member->by_contact : member->primary, by_contact,
					  work->snapshot);
	n = MemberFinderMeet(&finder, changes, n, delete_member, work);
	MemberFinderEnd(&finder);
	return n;
}

/* ----- joins ----- */

/* Rows on their way into the member table. */
typedef struct JoinRun
{
	DirectWork *work;
	Change *changes;
	int n;
	ItemPointerData *tids;
	bool *refused; /* by the unique index: a member already */
	int nrefused;
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
	int start;
	int row;

	for (start = 0; start < run->n; start += BLOCK_ROWS)
	{
		int n = Min(BLOCK_ROWS, run->n - start);

		CHECK_FOR_INTERRUPTS();
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
	IndexInfo *info = table->infos[index];
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS] = {0};
	int i;

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
	return index_insert(table->indexes[index], values, nulls, &run->tids[row], table->rel, check,
						false, info);
}

/* The changes are in the primary key's order already. */
static void
insert_unique(JoinRun *run, int index)
{
	int row;

	for (row = 0; row < run->n; row++)
	{
		CHECK_FOR_INTERRUPTS();
		if (run->refused[row] || insert_index_entry(run, index, row, UNIQUE_CHECK_PARTIAL))
			continue;
		run->refused[row] = true;
		run->nrefused++;
	}
}

static void
insert_in_order(JoinRun *run, int index, const int *order)
{
	int i;

	for (i = 0; i < run->n; i++)
	{
		int row = order ? order[i] : i;

		CHECK_FOR_INTERRUPTS();
		if (!run->refused[row])
			(void) insert_index_entry(run, index, row, UNIQUE_CHECK_NO);
	}
}

static void
insert_other(JoinRun *run, int index)
{
	int *order = NULL;

	if (run->work->member.infos[index]->ii_IndexAttrNumbers[0] == Anum_member_contact_id)
		order = ChangesByContact(run->changes, run->n);
	insert_in_order(run, index, order);
	if (order)
		pfree(order);
}

static void
insert_indexes(JoinRun *run)
{
	DirectTable *table = &run->work->member;
	int i;

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
	int row;

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
	memset(slot->tts_isnull, false, sizeof(bool) * work->change.ncolumns);
	if (work->change.ncolumns == Natts_change)
	{
		slot->tts_values[8] = work->source;
		slot->tts_values[9] = work->reference;
		slot->tts_isnull[8] = work->source == (Datum) 0;
		slot->tts_isnull[9] = work->reference == (Datum) 0;
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * Does the index hold, for stretches of pages, the least and greatest
 * transaction and place only?  All that we add to a page is the same to it.
 */
static bool
is_once_a_page(Relation index, IndexInfo *info)
{
	int i;

	for (i = 0; i < info->ii_NumIndexAttrs; i++)
		if (info->ii_IndexAttrNumbers[i] != Anum_change_xact &&
			info->ii_IndexAttrNumbers[i] != Anum_change_lsn)
			return false;
	return index->rd_rel->relam == BRIN_AM_OID;
}

static void
insert_log_entry(DirectTable *table, int index, TupleTableSlot *slot)
{
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	FormIndexDatum(table->infos[index], slot, NULL, values, nulls);
	(void) index_insert(
		table->indexes[index], values, nulls, &slot->tts_tid, table->rel,
		table->indexes[index]->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false,
		table->infos[index]);
}

static void
insert_log_index(DirectTable *table, int index, int n)
{
	bool once = is_once_a_page(table->indexes[index], table->infos[index]);
	BlockNumber page = InvalidBlockNumber;
	int row;

	for (row = 0; row < n; row++)
	{
		TupleTableSlot *slot = table->slots[row];

		if (once && ItemPointerGetBlockNumber(&slot->tts_tid) == page)
			continue;
		page = ItemPointerGetBlockNumber(&slot->tts_tid);
		insert_log_entry(table, index, slot);
	}
}

static void
write_log(DirectWork *work, Change *changes, int n)
{
	DirectTable *table = &work->change;
	int start;
	int row;
	int i;

	for (start = 0; start < n; start += BLOCK_ROWS)
	{
		int count = Min(BLOCK_ROWS, n - start);
		Datum lsn = LSNGetDatum(GetXLogInsertRecPtr());

		CHECK_FOR_INTERRUPTS();
		for (row = 0; row < count; row++)
			fill_log_row(work, block_slot(table, row), &changes[start + row],
						 work->number + start + row, lsn);
		insert_block(table, table->slots, count, work->command);
		for (i = 0; i < table->nindexes; i++)
			insert_log_index(table, i, count);
	}
	work->number += n;
	(void) ChangeNumberNext(n);
}

/* ----- a statement's changes ----- */

static bool
is_no_member(void *arg, Change *change, TupleTableSlot *member)
{
	return member == NULL;
}

/*
 * Joins of those who aren't members yet, moved to the front.  The unique index
 * would say so, but only when the row is there: who reads the changes of the
 * table from the WAL would see a row come and go under a key that stays.
 */
static int
drop_members(DirectWork *work, Change *changes, int n)
{
	MemberFinder finder;

	if (!work->joins_looked_up)
		return n;
	MemberFinderBegin(&finder, work->program, work->member.rel, work->member.primary, false,
					  work->snapshot);
	n = MemberFinderMeet(&finder, changes, n, is_no_member, NULL);
	MemberFinderEnd(&finder);
	return n;
}

static int
write_joins(DirectWork *work, Change *changes, int n)
{
	JoinRun run = {work, changes, 0, NULL, NULL, 0};
	int kept = 0;
	int row;

	n = drop_members(work, changes, n);
	if (n == 0)
		return 0;
	run.n = n;
	run.tids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(ItemPointerData) * n);
	run.refused = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(bool) * n,
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
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
	n = delete_members(work, changes, n);
	write_log(work, changes, n);
	return n;
}

/*
 * Leaves come first in the set, then joins.  The real ones of each are moved
 * to the front of their part: the set ends with what was written.
 */
static int
write_all(DirectWork *work, Change *changes, int n)
{
	int leaves = 0;
	int written = 0;
	int allowed;

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

/* False when overrides cannot be looked up. */
static bool
open_overrides(DirectWork *work)
{
	Oid index;

	work->override = BesideOpenOf(work->program->table, BESIDE_OVERRIDE, AccessShareLock);
	if (RelationGetNumberOfBlocks(work->override) == 0)
		return true;
	index = BesideKeyIndex(work->override);
	if (!OidIsValid(index))
		return false;
	work->override_index = index_open(index, AccessShareLock);
	return true;
}

static void
close_overrides(DirectWork *work)
{
	if (work->override_index)
		index_close(work->override_index, NoLock);
	table_close(work->override, NoLock);
}

static Datum
text_or_zero(const char *text)
{
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Entries without a source end before it, so that filters' take no more room. */
static void
set_origin(DirectWork *work, const ChangeOrigin *origin)
{
	work->source = text_or_zero(origin->source);
	work->reference = text_or_zero(origin->reference);
	if (origin->source == NULL && origin->reference == NULL &&
		!is_indexed_behind(&work->change, Natts_filter_change))
		work->change.ncolumns = Natts_filter_change;
}

/* What is looked up is as it is now: our own changes too, and whatever others have committed. */
static void
begin_work(DirectWork *work, const ChangeSet *set, const char *cause)
{
	/* by hand, who is a member can be added again */
	work->joins_looked_up =
		strcmp(cause, CAUSE_MANUAL) == 0 || RelationIsLogicallyLogged(work->member.rel);
	if (!set->changes[0].joined || work->override_index || work->joins_looked_up)
		work->snapshot = RegisterSnapshot(GetLatestSnapshot());
	work->command = GetCurrentCommandId(true);
	work->now = TimestampTzGetDatum(SegmentsNow());
	work->transaction = Int64GetDatum(ChangeLogTransaction());
	work->cause = CStringGetTextDatum(cause);
	set_origin(work, &set->origin);
	work->number = ChangeNumberNext(0);
}

static void
end_work(DirectWork *work)
{
	if (work->snapshot)
		UnregisterSnapshot(work->snapshot);
	/* what follows in this transaction sees what was written */
	CommandCounterIncrement();
}

static bool
write_if_plain(DirectWork *work, ChangeSet *set, const char *cause, int *written)
{
	ContactTable *table = work->program->table;
	bool plain;

	plain = open_table(&work->member, table, BESIDE_MEMBER, Natts_member) &&
			work->member.primary != NULL;
	plain = open_table(&work->change, table, BESIDE_CHANGE, Natts_change) && plain;
	plain = open_overrides(work) && plain;
	if (plain)
	{
		begin_work(work, set, cause);
		*written = write_all(work, set->changes, set->n);
		end_work(work);
	}
	close_overrides(work);
	close_table(&work->member);
	close_table(&work->change);
	return plain;
}

/*
 * Write changes that are sorted, leaves first.  False, with nothing done, when
 * the tables are not as we made them; else *written says how many changes were
 * real.
 */
bool
MemberWriteDirect(Program *program, ChangeSet *set, const char *cause, int *written)
{
	DirectWork work = {0};
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "segments writing", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	bool plain;

	work.program = program;
	plain = write_if_plain(&work, set, cause, written);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return plain;
}
