/*
 * contact_lock.c - lock and read one contact, and look up one member, without
 * a query.
 *
 * Step 12e: most statements concern one contact, and two queries for it would
 * cost several times the statement.  Does what SELECT ... FOR NO KEY UPDATE
 * does (nodeLockRows.c) on the latest snapshot: at READ COMMITTED the newest
 * version of the row is locked and read; above, a row that changed after our
 * snapshot fails with 40001.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "compat.h"
#include "maintain.h"

/* Members: segment_id, contact_id, in this order. */
#define Anum_member_segment_id 1
#define Anum_member_contact_id 2

/* The column's own collation: by that its primary key is ordered. */
static void
key_on_contact(Program *program, Relation rel, ScanKey scan_key, AttrNumber column, Datum key)
{
	Oid			operator = lookup_type_cache(program->table->key_type, TYPECACHE_EQ_OPR)->eq_opr;
	Oid			collation = TupleDescAttr(RelationGetDescr(rel), column - 1)->attcollation;

	ScanKeyEntryInitialize(scan_key, 0, column, BTEqualStrategyNumber, InvalidOid, collation,
						   get_opcode(operator), key);
}

/* Where the contact is, by its primary key. */
static bool
find_contact(Program *program, Relation rel, Snapshot snapshot, Datum key, ItemPointer tid)
{
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	key_on_contact(program, rel, &scan_key, program->table->key_attnum, key);
	scan = systable_beginscan(rel, PrimaryKeyIndex(rel), true, snapshot, 1, &scan_key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		*tid = tuple->t_self;
	systable_endscan(scan);
	return found;
}

/* Lock the row at *tid into the slot; false when it is gone, or another one. */
static bool
lock_row(Program *program, Relation rel, Snapshot snapshot, ItemPointer tid, Datum key, TupleTableSlot *slot)
{
	TM_FailureData failure;
	bool		whole_transaction = IsolationUsesXactSnapshot();
	TM_Result	result = table_tuple_lock(rel, tid, snapshot, slot, GetCurrentCommandId(false),
										  LockTupleNoKeyExclusive, LockWaitBlock,
										  whole_transaction ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	bool		isnull;

	if (result == TM_SelfModified || (result == TM_Deleted && !whole_transaction))
		return false;
	if (result == TM_Deleted || result == TM_Updated)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
	if (result != TM_Ok)
		elog(ERROR, "unexpected result of locking a contact: %d", (int) result);
	return ProgramCompareKeys(program, slot_getattr(slot, program->table->key_attnum, &isnull), key) == 0;
}

/*
 * Lock one contact and read it, or NULL when it does not exist.  The slot is
 * in the current memory context, and holds no buffer.
 */
TupleTableSlot *
ContactLock(Program *program, Datum key)
{
	Relation	rel = table_open(program->relid, RowShareLock);
	Snapshot	snapshot;
	TupleTableSlot *result = NULL;
	ItemPointerData tid;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (find_contact(program, rel, snapshot, key, &tid))
	{
		TupleTableSlot *slot = table_slot_create(rel, NULL);

		if (lock_row(program, rel, snapshot, &tid, key, slot))
		{
			result = MakeSingleTupleTableSlot(program->sources[0]->desc, &TTSOpsVirtual);
			ExecCopySlot(result, slot);
		}
		ExecDropSingleTupleTableSlot(slot);
	}
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return result;
}

/*
 * Is the contact stored as a member of these segments (indexes, n of them)?
 */
void
ContactStored(Program *program, Datum key, const int *segments, int n, bool *stored)
{
	Relation	rel = table_open(program->table->member_table, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Oid			index = PrimaryKeyIndex(rel);
	int			i;

	for (i = 0; i < n; i++)
	{
		ScanKeyData keys[2];
		SysScanDesc scan;

		ScanKeyInit(&keys[0], Anum_member_segment_id, BTEqualStrategyNumber, F_INT8EQ,
					Int64GetDatum(program->segments[segments[i]].id));
		key_on_contact(program, rel, &keys[1], Anum_member_contact_id, key);
		scan = systable_beginscan(rel, index, true, snapshot, 2, keys);
		stored[i] = HeapTupleIsValid(systable_getnext(scan));
		systable_endscan(scan);
	}
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
}
