/*
 * build_lock.c - whom building shuts out, and when.
 *
 * Whoever changes a definition holds SHARE ROW EXCLUSIVE on the contact table and
 * all that the segments read when it commits: then no writer is at work that
 * does not know the definition (program_cache.c).  The others come by OID, the
 * contact table last: so do those who write related rows, and locks it for these.
 * Who held it and waited for the others would stop everybody in the middle of
 * such a statement, and wait for them.
 */
#include "postgres.h"

#include "build/build_lock.h"

#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/subtransaction.h"
#include "base/table_tree.h"
#include "definition/contact_table.h"
#include "program/program.h"

/* How often to wait for those at work before standing in everybody's way. */
#define GENTLE_ATTEMPTS 4

/* How long to stand in the way, in ms, before giving way. */
#define PATIENCE 300

/* After so many attempts no longer, but in line until a table is free. */
#define MANY_ATTEMPTS 40

/*
 * Tables that some segments (indexes) read beside the contact table.
 */
List *
BuildReadTables(Program *program, Bitmapset *segments)
{
	List *relids = NIL;
	int i;

	for (i = 1; i < program->nsources; i++)
	{
		RelatedRows *rows = program->sources[i]->rows;

		if (!bms_overlap(ProgramSegmentsReading(program, program->sources[i]), segments))
			continue;
		relids = list_append_unique_oid(relids, rows->relid);
		if (OidIsValid(rows->link_relid))
			relids = list_append_unique_oid(relids, rows->link_relid);
	}
	list_sort(relids, list_oid_cmp);
	return relids;
}

typedef struct Locking
{
	Oid contact_table;
	List *relids;
	LOCKMODE mode;
	Oid first;    /* that is waited for before the others; or InvalidOid */
	int patience; /* ms */
} Locking;

static TimestampTz give_way_at; /* of whoever is locking now */
static Oid refused;             /* the table that was not to be had in time */

static void
lock_trees(Locking *locking, void (*lock)(Oid, LOCKMODE))
{
	ListCell *cell;

	if (OidIsValid(locking->first))
		lock(locking->first, locking->mode);
	foreach (cell, locking->relids)
		if (lfirst_oid(cell) != locking->contact_table)
			TableTreeLock(lfirst_oid(cell), locking->mode, lock);
	TableTreeLock(locking->contact_table, locking->mode, lock);
}

static void
lock_in_time(Oid relid, LOCKMODE mode)
{
	long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), give_way_at);

	refused = relid;
	if (ConditionalLockRelationOid(relid, mode))
		return;
	if (left <= 0)
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
						errmsg("canceling statement due to lock timeout")));
	(void) set_config_option("lock_timeout", psprintf("%ld", left), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	LockRelationOid(relid, mode);
}

/* In a subtransaction, which gives locks and setting back. */
static void
try_lock_trees(void *arg)
{
	Locking *locking = arg;

	give_way_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), locking->patience);
	lock_trees(locking, lock_in_time);
}

static bool
is_in_the_way(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		   error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

/* All or none; none after a moment. */
static bool
got_all(Locking *locking)
{
	ErrorData *error = InSubtransaction(try_lock_trees, locking, is_in_the_way);

	if (error == NULL)
		return true;
	FreeErrorData(error);
	return false;
}

static void
wait_for_lockers(Oid relid, LOCKMODE mode)
{
	LOCKTAG tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	WaitForLockers(tag, mode, false);
}

/*
 * A lock request that waits makes everybody wait who comes after it.  So wait
 * without one for those who hold the tables now, a few times: they may have
 * long to go, and those who come meanwhile mostly have not.
 */
static void
wait_gently(Locking *locking)
{
	ListCell *cell;

	wait_for_lockers(locking->contact_table, locking->mode);
	foreach (cell, locking->relids)
		wait_for_lockers(lfirst_oid(cell), locking->mode);
}

/* In line for the table that was not to be had, however long it takes. */
static bool
got_all_in_line(Locking *locking)
{
	Oid alone = refused;

	LockRelationOid(alone, locking->mode);
	if (got_all(locking))
		return true;
	UnlockRelationOid(alone, locking->mode);
	return false;
}

/*
 * Lock the contact table and these, until the transaction ends; each with all
 * that hold its rows, as these are written by themselves too.
 *
 * All of them, or none: a transaction that has written one of them and comes to
 * another would wait for us, and we for it.  (A merge of two contacts moves their
 * events first, and deletes one of them then.)  So after a moment all locks are
 * given back, and they are asked for again, the one that was not to be had first.
 * The moment is shorter than deadlock_timeout: nobody who waits in line behind us
 * finds a circle before it is over.  Only who is kept away by others all the time
 * stands in line for longer in the end.
 */
void
BuildLock(Oid contact_table, List *relids, LOCKMODE mode, bool gently)
{
	Locking locking = {contact_table, relids, mode, InvalidOid, Min(PATIENCE, DeadlockTimeout / 2)};
	int attempt;

	/* those who change definitions take turns here, and don't stand in line before writers */
	if (mode == ShareRowExclusiveLock)
		LockRelationOid(contact_table, ShareUpdateExclusiveLock);
	if (!SubtransactionPossible() || (relids == NIL && !gently))
	{
		lock_trees(&locking, LockRelationOid);
		return;
	}
	for (attempt = 0; gently && attempt < GENTLE_ATTEMPTS; attempt++)
	{
		wait_gently(&locking);
		if (got_all(&locking))
			return;
	}
	locking.patience = Max(locking.patience, DeadlockTimeout / 4 * 3);
	for (attempt = 0; !got_all(&locking); attempt++)
	{
		CHECK_FOR_INTERRUPTS();
		locking.first = refused;
		if (attempt < MANY_ATTEMPTS)
			wait_for_lockers(refused, mode);
		else if (got_all_in_line(&locking))
			return;
	}
}

/*
 * Nobody rewrites or truncates them until the transaction ends; they are read
 * and written as always.
 */
void
BuildShareTables(Oid contact_table, List *relids)
{
	ListCell *cell;

	TableTreeLock(contact_table, AccessShareLock, LockRelationOid);
	foreach (cell, relids)
		TableTreeLock(lfirst_oid(cell), AccessShareLock, LockRelationOid);
}
