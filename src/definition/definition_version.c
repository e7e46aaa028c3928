/*
 * definition_version.c - which state of a table's definitions is the present
 * one.
 *
 * Whoever changes what segments of a contact table mean, or which contact
 * tables read a table, adds a row with a random number to
 * segments.definition_change; the version is the XOR of all that are visible.
 * So two states have the same version only if they are the same, whoever
 * committed in which order; nobody waits for anybody, as a counter would make
 * them; and old rows can be folded into one without changing the version.  A
 * transaction that changed definitions itself does not trust versions: it can
 * have changed them again since.
 */
#include "postgres.h"

#include "definition/definition_version.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "definition/contact_table.h"

/* segments.definition_change */
#define Anum_change_relation 1
#define Anum_change_number 2
#define Natts_definition_change 2

#define FOLD_ROWS 16 /* when there are more of one table */
#define FEW_PAGES 4  /* are read from end to end: a new backend saves the index */

typedef struct VersionRows
{
	Relation rel;
	SysScanDesc scan;
} VersionRows;

static void
begin_rows(VersionRows *rows, Oid relid, LOCKMODE lock, Snapshot snapshot)
{
	ScanKeyData key;
	bool by_index;

	rows->rel = table_open(CatalogRelid("definition_change"), lock);
	ScanKeyInit(&key, Anum_change_relation, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	by_index = RelationGetNumberOfBlocks(rows->rel) > FEW_PAGES;
	rows->scan = systable_beginscan(rows->rel, by_index ? PrimaryKeyIndex(rows->rel) : InvalidOid,
									by_index, snapshot, 1, &key);
}

static uint64
number_of(VersionRows *rows, HeapTuple tuple)
{
	bool isnull;

	return (uint64) DatumGetInt64(
		heap_getattr(tuple, Anum_change_number, RelationGetDescr(rows->rel), &isnull));
}

static bool
is_ours(HeapTuple tuple)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}

/* The version that a snapshot (NULL: the latest) shows. */
static uint64
version_at(Oid relid, Snapshot snapshot, bool *ours)
{
	VersionRows rows;
	HeapTuple tuple;
	uint64 version = 0;

	*ours = false;
	begin_rows(&rows, relid, AccessShareLock, snapshot);
	while (HeapTupleIsValid(tuple = systable_getnext(rows.scan)))
	{
		version ^= number_of(&rows, tuple);
		*ours |= is_ours(tuple);
	}
	systable_endscan(rows.scan);
	table_close(rows.rel, AccessShareLock);
	return version;
}

/*
 * The version of a table's definitions, as last committed; 0: unknown.
 * *ours: this transaction has changed them.
 */
uint64
DefinitionVersion(Oid relid, bool *ours)
{
	return version_at(relid, NULL, ours);
}

/*
 * Has somebody changed the definitions of a table since the snapshot that a
 * transaction above READ COMMITTED keeps?  Then its queries show old ones.
 */
bool
DefinitionIsUnseen(Oid relid)
{
	bool ours;

	return IsolationUsesXactSnapshot() &&
		   version_at(relid, NULL, &ours) != version_at(relid, GetTransactionSnapshot(), &ours);
}

static void
add_row(Relation rel, Oid relid, uint64 number)
{
	Datum values[Natts_definition_change];
	bool nulls[Natts_definition_change] = {0};
	HeapTuple tuple;

	values[Anum_change_relation - 1] = ObjectIdGetDatum(relid);
	values[Anum_change_number - 1] = Int64GetDatum((int64) number);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
}

/*
 * A number that nobody else takes; never 0.
 */
uint64
DefinitionRandomNumber(void)
{
	uint64 number;

	if (!pg_strong_random(&number, sizeof(number)))
		number = hash_combine64((uint64) GetCurrentTimestamp(), (uint64) MyProcPid);
	return number == 0 ? 1 : number;
}


/* Take a row away, unless somebody else is about to. */
static bool
take_row(Relation rel, Snapshot snapshot, HeapTuple tuple)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TM_FailureData failure;
	TM_Result result =
		table_tuple_lock(rel, &tuple->t_self, snapshot, slot, GetCurrentCommandId(true),
						 LockTupleExclusive, LockWaitSkip, 0, &failure);

	ExecDropSingleTupleTableSlot(slot);
	if (result != TM_Ok)
		return false;
	simple_heap_delete(rel, &tuple->t_self);
	return true;
}

/* Many rows become one, with the same XOR. */
static void
fold_rows(Oid relid)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	VersionRows rows;
	HeapTuple tuple;
	uint64 number = 0;

	begin_rows(&rows, relid, RowExclusiveLock, snapshot);
	while (HeapTupleIsValid(tuple = systable_getnext(rows.scan)))
		if (!is_ours(tuple) && take_row(rows.rel, snapshot, tuple))
			number ^= number_of(&rows, tuple);
	systable_endscan(rows.scan);
	UnregisterSnapshot(snapshot);
	if (number != 0)
		add_row(rows.rel, relid, number);
	table_close(rows.rel, RowExclusiveLock);
}

/*
 * The definitions of a table change in this transaction.
 */
void
DefinitionChanged(Oid relid)
{
	VersionRows rows;
	HeapTuple tuple;
	bool ours = false;
	int n = 0;

	begin_rows(&rows, relid, RowExclusiveLock, NULL);
	for (; HeapTupleIsValid(tuple = systable_getnext(rows.scan)); n++)
		ours |= is_ours(tuple);
	systable_endscan(rows.scan);
	if (!ours)
		add_row(rows.rel, relid, DefinitionRandomNumber());
	table_close(rows.rel, RowExclusiveLock);
	CommandCounterIncrement();
	/* above READ COMMITTED a row that somebody took already is an error */
	if (!ours && n > FOLD_ROWS && !IsolationUsesXactSnapshot())
		fold_rows(relid);
}
