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
 * Only plain tables as segments.attach() made them are written so
 * (direct_table.c); where a user added triggers, columns, checks, rules or fancy
 * indexes, MemberWrite goes through the executor and they take effect.  The
 * contacts are locked, so nobody else writes the same rows.
 */
#include "postgres.h"

#include "member/member_direct.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "definition/contact_table.h"
#include "definition/table_beside.h"
#include "log/change_log.h"
#include "member/change_set.h"
#include "member/direct_log.h"
#include "member/direct_table.h"
#include "member/member_find.h"
#include "program/program.h"
#include "time/clock.h"

#define FEW_LEAVES 1000 /* looked for by contact, where that is fewer searches */

#define Anum_member_since 3
#define Anum_override_included 3

typedef struct DirectWork
{
	Program *program;
	DirectTable member;
	DirectLog log;
	Relation override;
	Relation override_index; /* NULL: there are no overrides */
	bool joins_looked_up;    /* some may be of members */
	int left;                /* who really did, of those that leave */
	Snapshot snapshot;
	CommandId command;
	Datum now;
} DirectWork;

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

/*
 * We may have begun before a member joined.  Nobody leaves before that: totals
 * of the time between would miss them.
 */
static void
note_leave(DirectWork *work, TupleTableSlot *member)
{
	bool isnull;
	TimestampTz since = DatumGetTimestampTz(slot_getattr(member, Anum_member_since, &isnull));

	if (since > DatumGetTimestampTz(work->now))
		DirectLogAddLater(&work->log, work->left, since);
	work->left++;
}

/* Whoever is not a member does not leave. */
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
	note_leave(work, member);
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

	work->left = 0;
	MemberFinderBegin(&finder, work->program, member->rel,
					  by_contact ? member->by_contact : member->primary, by_contact,
					  work->snapshot);
	n = MemberFinderMeet(&finder, changes, n, delete_member, work);
	MemberFinderEnd(&finder);
	return n;
}

/* ----- joins ----- */

/* Rows on their way into the member table. */
typedef struct Joins
{
	DirectWork *work;
	Change *changes;
	int n;
	ItemPointerData *tids;
	bool *refused; /* by the unique index: a member already */
	int nrefused;
} Joins;

static void
insert_heap(Joins *joins)
{
	DirectWork *work = joins->work;
	int start;
	int row;

	for (start = 0; start < joins->n; start += DIRECT_BLOCK)
	{
		int n = Min(DIRECT_BLOCK, joins->n - start);

		CHECK_FOR_INTERRUPTS();
		for (row = 0; row < n; row++)
		{
			TupleTableSlot *slot = DirectTableSlot(&work->member, row);

			slot->tts_values[0] = Int64GetDatum(joins->changes[start + row].segment);
			slot->tts_values[1] = joins->changes[start + row].key;
			slot->tts_values[2] = work->now;
			memset(slot->tts_isnull, false, sizeof(bool) * Natts_member);
			ExecStoreVirtualTuple(slot);
		}
		DirectTableInsert(&work->member, n, work->command);
		for (row = 0; row < n; row++)
			joins->tids[start + row] = work->member.slots[row]->tts_tid;
	}
}

/* One row's entry in one index of the member table. */
static bool
insert_index_entry(Joins *joins, int index, int row, IndexUniqueCheck check)
{
	DirectTable *table = &joins->work->member;
	IndexInfo *info = table->infos[index];
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS] = {0};
	int i;

	for (i = 0; i < info->ii_NumIndexAttrs; i++)
		switch (info->ii_IndexAttrNumbers[i])
		{
			case Anum_member_segment_id:
				values[i] = Int64GetDatum(joins->changes[row].segment);
				break;
			case Anum_member_contact_id:
				values[i] = joins->changes[row].key;
				break;
			default:
				values[i] = joins->work->now;
				break;
		}
	return index_insert(table->indexes[index], values, nulls, &joins->tids[row], table->rel, check,
						false, info);
}

/* The changes are in the primary key's order already. */
static void
insert_unique(Joins *joins, int index)
{
	int row;

	for (row = 0; row < joins->n; row++)
	{
		CHECK_FOR_INTERRUPTS();
		if (joins->refused[row] || insert_index_entry(joins, index, row, UNIQUE_CHECK_PARTIAL))
			continue;
		joins->refused[row] = true;
		joins->nrefused++;
	}
}

static void
insert_in_order(Joins *joins, int index, const int *order)
{
	int i;

	for (i = 0; i < joins->n; i++)
	{
		int row = order ? order[i] : i;

		CHECK_FOR_INTERRUPTS();
		if (!joins->refused[row])
			(void) insert_index_entry(joins, index, row, UNIQUE_CHECK_NO);
	}
}

static void
insert_other(Joins *joins, int index)
{
	int *order = NULL;

	if (joins->work->member.infos[index]->ii_IndexAttrNumbers[0] == Anum_member_contact_id)
		order = ChangesByContact(joins->changes, joins->n);
	insert_in_order(joins, index, order);
	if (order)
		pfree(order);
}

static void
insert_indexes(Joins *joins)
{
	DirectTable *table = &joins->work->member;
	int i;

	for (i = 0; i < table->nindexes; i++)
		if (table->indexes[i]->rd_index->indisunique)
			insert_unique(joins, i);
	for (i = 0; i < table->nindexes; i++)
		if (!table->indexes[i]->rd_index->indisunique)
			insert_other(joins, i);
}

/*
 * Heap rows of whoever is a member already are taken back: the row before stays,
 * with its since.
 */
static void
take_back_refused(Joins *joins)
{
	ItemPointerData *tids;
	int n = 0;
	int row;

	if (joins->nrefused == 0)
		return;
	tids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(ItemPointerData) * joins->nrefused);
	for (row = 0; row < joins->n; row++)
		if (joins->refused[row])
			tids[n++] = joins->tids[row];
	joins->work->command = DirectTableTakeBack(&joins->work->member, tids, n);
	pfree(tids);
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
	Joins joins = {work, changes, 0, NULL, NULL, 0};
	int kept = 0;
	int row;

	n = drop_members(work, changes, n);
	if (n == 0)
		return 0;
	joins.n = n;
	joins.tids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(ItemPointerData) * n);
	joins.refused = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(bool) * n,
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	insert_heap(&joins);
	insert_indexes(&joins);
	take_back_refused(&joins);
	for (row = 0; row < n; row++)
		if (!joins.refused[row])
			changes[kept++] = changes[row];
	DirectLogWrite(&work->log, changes, kept, work->command);
	pfree(joins.tids);
	pfree(joins.refused);
	return kept;
}

static int
write_leaves(DirectWork *work, Change *changes, int n)
{
	n = delete_members(work, changes, n);
	DirectLogWrite(&work->log, changes, n, work->command);
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
	DirectLogBegin(&work->log, &set->origin, cause, work->now);
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

	plain = DirectTableOpen(&work->member, table, BESIDE_MEMBER, Natts_member) &&
			work->member.primary != NULL;
	plain = DirectTableOpen(&work->log.table, table, BESIDE_CHANGE, Natts_change) && plain;
	plain = open_overrides(work) && plain;
	if (plain)
	{
		begin_work(work, set, cause);
		*written = write_all(work, set->changes, set->n);
		end_work(work);
	}
	close_overrides(work);
	DirectTableClose(&work->member);
	DirectTableClose(&work->log.table);
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
