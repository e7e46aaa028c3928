/*
 * contact_lock.c - lock and read contacts, and look up members, without a
 * query.
 *
 * Most statements concern one contact, and two queries for it would cost
 * several times the statement; for many, a query costs three times what locking
 * does.  Does what SELECT ... FOR NO KEY UPDATE (or FOR UPDATE) does (nodeLockRows.c) on the
 * latest snapshot: at READ COMMITTED the newest version of the row is locked
 * and read; above, a row that changed after our snapshot fails with 40001.
 * Contacts and members are read as their owner reads them, past row security.
 */
#include "postgres.h"

#include "maintain/contact_lock.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/datum.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

#include "base/index_choice.h"
#include "base/tree_probe.h"
#include "evaluate/batch.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"

/* ----- reading ----- */

/* The primary key of the contacts, by which they are found; kept while the table has it. */
static const IndexChoice *
key_index(Program *program, Relation rel)
{
	IndexChoice choice;

	if (program->key_index != NULL &&
		list_member_oid(RelationGetIndexList(rel), program->key_index->index))
		return program->key_index;
	if (!IndexChoiceFind(rel, program->table->key_attnum, program->table->key_type, &choice))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("contact table \"%s\" has no primary key over column \"%s\"",
							   RelationGetRelationName(rel), program->table->key_column),
						errhint("Give the table its primary key back.")));
	if (program->key_index == NULL)
		program->key_index = MemoryContextAlloc(program->context, sizeof(IndexChoice));
	*program->key_index = choice;
	return program->key_index;
}

/*
 * Begin to look up contacts under a registered snapshot, which is released at
 * the end.
 */
void
ContactProbeBegin(ContactProbe *probe, Program *program, Snapshot snapshot)
{
	Relation rel = ProgramTableOpen(program, program->relid, RowShareLock);

	TreeProbeOpen(probe, rel, program->table->key_attnum, key_index(program, rel), snapshot,
				  RowShareLock);
}

/*
 * The contact, or NULL; it stays until the next call.
 */
TupleTableSlot *
ContactProbeAsk(ContactProbe *probe, Datum key)
{
	TreeProbeFind(probe, key);
	return TreeProbeNext(probe);
}

void
ContactProbeEnd(ContactProbe *probe)
{
	Relation rel = probe->rel;
	Snapshot snapshot = probe->snapshot;

	TreeProbeClose(probe);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
}

/* ----- locking ----- */

typedef enum LockResult
{
	ROW_LOCKED,
	ROW_GONE,   /* by our own hand */
	ROW_CHANGED /* gone, or another contact: look for the key again */
} LockResult;

/* Lock the present row of a probe, at *tid of its table, into the slot. */
static LockResult
lock_row(Program *program, ContactProbe *probe, ItemPointer tid, Datum key, LockTupleMode mode,
		 TupleTableSlot *slot)
{
	TM_FailureData failure;
	bool whole_transaction = IsolationUsesXactSnapshot();
	TM_Result result = table_tuple_lock(
		TreeProbeTable(probe), tid, probe->snapshot, slot, GetCurrentCommandId(false), mode,
		LockWaitBlock, whole_transaction ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	bool isnull;

	if (result == TM_SelfModified)
		return ROW_GONE;
	if (result == TM_Deleted && !whole_transaction)
		return ROW_CHANGED;
	if (result == TM_Deleted || result == TM_Updated)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
	if (result != TM_Ok)
		elog(ERROR, "unexpected result of locking a contact: %d", (int) result);
	return ProgramCompareKeys(program, slot_getattr(slot, TreeProbeColumn(probe), &isnull), key) ==
				   0
			   ? ROW_LOCKED
			   : ROW_CHANGED;
}

/* The slot that locked rows come in, and the table that it is of. */
typedef struct LockedSlot
{
	TupleTableSlot *slot;
	Oid relid;
} LockedSlot;

static void
drop_slot(LockedSlot *locked)
{
	if (locked->slot != NULL)
		ExecDropSingleTupleTableSlot(locked->slot);
	locked->slot = NULL;
}

/* Make it one of the table that the present row is in. */
static void
fit_slot(LockedSlot *locked, ContactProbe *probe)
{
	Relation rel = TreeProbeTable(probe);

	if (locked->slot != NULL && locked->relid == RelationGetRelid(rel))
		return;
	drop_slot(locked);
	locked->slot = table_slot_create(rel, NULL);
	locked->relid = RelationGetRelid(rel);
}

/*
 * Was this version of the row written by our transaction?  Then it is locked: an
 * inserted row no one else sees, and an updated one has us as its writer.
 */
static bool
is_ours(TupleTableSlot *slot)
{
	bool isnull;

	/* a row that was made one of another table does not tell */
	return TTS_IS_BUFFERTUPLE(slot) &&
		   TransactionIdIsCurrentTransactionId(DatumGetTransactionId(
			   slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull)));
}

/*
 * Find and lock a contact.  Whoever we waited for may have deleted it and
 * inserted it again, or given its key to another: then our snapshot does not
 * show who has the key now.
 */
static bool
lock_contact(Program *program, ContactProbe *probe, Datum key, LockTupleMode mode,
			 LockedSlot *locked)
{
	for (;;)
	{
		TupleTableSlot *slot = ContactProbeAsk(probe, key);
		ItemPointerData tid;
		LockResult result;

		CHECK_FOR_INTERRUPTS();
		if (slot == NULL)
			return false;
		fit_slot(locked, probe);
		if (is_ours(slot))
		{
			ExecCopySlot(locked->slot, slot);
			ExecClearTuple(slot);
			return true;
		}
		tid = slot->tts_tid;
		ExecClearTuple(slot);
		result = lock_row(program, probe, &tid, key, mode, locked->slot);
		if (result != ROW_CHANGED)
			return result == ROW_LOCKED;
		drop_slot(locked);
		ContactProbeEnd(probe);
		ContactProbeBegin(probe, program, RegisterSnapshot(GetLatestSnapshot()));
	}
}

/*
 * How to lock a contact of a batch.  Writers of one contact's rows take turns,
 * and need not keep foreign keys to it waiting.  But a contact that gives its
 * rows to another is mostly deleted next, and a transaction that inserts a row
 * for it would by then hold the key and wait for our lock, and the deletion for
 * the key.  So the key is held here already, and that one waits before it has
 * anything.
 */
static LockTupleMode
lock_mode(const Batch *batch, Datum key)
{
	const DatumVector *giving = batch->giving;

	return giving != NULL && ProgramFindKey(batch->program, giving->items, giving->n, key) >= 0
			   ? LockTupleExclusive
			   : LockTupleNoKeyExclusive;
}

/*
 * Lock the contacts of a batch in the order of their keys, and keep their
 * tuples, in the current memory context; those that don't exist have an absent
 * row.  Returns how many exist.
 */
int
ContactsLock(Batch *batch)
{
	Program *program = batch->program;
	ContactProbe probe;
	LockedSlot locked = {0};
	int found = 0;
	int i;

	CommandCounterIncrement();
	ContactProbeBegin(&probe, program, RegisterSnapshot(GetLatestSnapshot()));
	batch->tuples = palloc0(sizeof(HeapTuple) * batch->nrows);
	batch->slot = MakeSingleTupleTableSlot(program->sources[0]->desc, &TTSOpsHeapTuple);
	batch->visited = -1;
	for (i = 0; i < batch->nrows; i++)
	{
		batch->rows[i].slot = NULL;
		if (!lock_contact(program, &probe, batch->keys[i], lock_mode(batch, batch->keys[i]),
						  &locked))
			continue;
		batch->tuples[i] = TreeProbeTuple(&probe, locked.slot);
		batch->rows[i].slot = batch->slot;
		found++;
	}
	drop_slot(&locked);
	ContactProbeEnd(&probe);
	return found;
}

/*
 * Lock the contacts of some keys, in their order; those that exist are put in
 * front, as they are stored, in the current memory context.  Returns how many.
 */
int
ContactsLockKeys(Program *program, Datum *keys, int nkeys)
{
	ContactProbe probe;
	LockedSlot locked = {0};
	int found = 0;
	int i;

	ProgramSortKeys(program, keys, &nkeys);
	CommandCounterIncrement();
	ContactProbeBegin(&probe, program, RegisterSnapshot(GetLatestSnapshot()));
	for (i = 0; i < nkeys; i++)
	{
		bool isnull;

		if (!lock_contact(program, &probe, keys[i], LockTupleNoKeyExclusive, &locked))
			continue;
		keys[found++] = datumCopy(slot_getattr(locked.slot, TreeProbeColumn(&probe), &isnull),
								  program->key_byval, program->key_len);
		ExecClearTuple(locked.slot);
	}
	drop_slot(&locked);
	ContactProbeEnd(&probe);
	return found;
}
