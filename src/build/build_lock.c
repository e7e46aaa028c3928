/*
 * build_lock.c - whom building shuts out, and when.
 *
 * Who changes a definition holds SHARE ROW EXCLUSIVE on the contact table and
 * all that the segments read when it commits: then no writer is at work that
 * does not know the definition (program_cache.c).  The contact table comes
 * first, the others by OID.
 */
#include "postgres.h"

#include "build/build_lock.h"

#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "storage/lmgr.h"

#include "base/table_tree.h"
#include "definition/contact_table.h"
#include "program/program.h"

/* How often to wait for those at work before standing in everybody's way. */
#define GENTLE_ATTEMPTS 4

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

/*
 * A lock request that waits makes everybody wait who comes after it.  So wait
 * without one for those who hold the table now, a few times: they may have
 * long to go, and those who come meanwhile mostly have not.
 */
static void
lock_gently(Oid relid, LOCKMODE mode)
{
	LOCKTAG tag;
	int attempt;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (attempt = 0; attempt < GENTLE_ATTEMPTS; attempt++)
	{
		if (ConditionalLockRelationOid(relid, mode))
			return;
		WaitForLockers(tag, mode, false);
	}
	LockRelationOid(relid, mode);
}

/*
 * Lock the contact table and these, until the transaction ends; each with all
 * that hold its rows, as these are written by themselves too.
 */
void
BuildLock(Oid contact_table, List *relids, LOCKMODE mode, bool gently)
{
	void (*lock)(Oid, LOCKMODE) = gently ? lock_gently : LockRelationOid;
	ListCell *cell;

	TableTreeLock(contact_table, mode, lock);
	foreach (cell, relids)
		if (lfirst_oid(cell) != contact_table)
			TableTreeLock(lfirst_oid(cell), mode, lock);
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
