/*
 * rebuild.c - segments.rebuild(): members in line with definitions, without
 * shutting anybody out.
 *
 * What differs is found by a snapshot, without a lock.  Only contacts that
 * differ are then locked, evaluated afresh and written (maintain.c), as after
 * any write: whatever changed since the snapshot is seen there.  When nothing
 * differs nothing is written, and nobody waits; the old members are served
 * until the transaction commits.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "storage/lockdefs.h"
#include "utils/array.h"
#include "utils/snapmgr.h"

#include "base/vector.h"
#include "build/build_lock.h"
#include "build/build_repair.h"
#include "build/build_set.h"
#include "build/difference.h"
#include "build/progress.h"
#include "log/change_log.h"
#include "maintain/maintain.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "program/session.h"

typedef struct Rebuild
{
	DatumVector keys; /* of contacts that differ */
	List *ids;        /* of the segments they differ in */
	bool gone;        /* some don't exist */
} Rebuild;

static void
note_difference(void *arg, const Difference *difference)
{
	Rebuild *rebuild = arg;

	if (rebuild->ids == NIL || *(int64 *) llast(rebuild->ids) != difference->segment)
	{
		MemoryContext old = MemoryContextSwitchTo(rebuild->keys.context);
		int64 *id = palloc(sizeof(int64));

		*id = difference->segment;
		rebuild->ids = lappend(rebuild->ids, id);
		MemoryContextSwitchTo(old);
	}
	rebuild->gone |= !difference->exists;
	DatumVectorAdd(&rebuild->keys, difference->key);
	ProgressChanges(1);
}

static void
find_differences(Rebuild *rebuild, Oid contact_table, List *ids)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	DifferenceSearch search = {contact_table, ids, snapshot};

	search.by_hand = true;
	search.visit = note_difference;
	search.arg = rebuild;
	DifferencesFind(&search);
	UnregisterSnapshot(snapshot);
}

/*
 * Locked as a write of contacts does, and so before the definitions are read
 * again: they may have changed since the scan.
 */
static void
settle(Rebuild *rebuild, Oid contact_table)
{
	Program *program;

	ProgressEnter(PROGRESS_WRITING);
	/* members of nobody: only where no such contact can appear meanwhile */
	BuildLock(contact_table, NIL, rebuild->gone ? ShareRowExclusiveLock : RowExclusiveLock, false);
	program = ProgramGet(contact_table);
	if (rebuild->gone)
		BuildForgetGone(program, rebuild->keys.items, rebuild->keys.n);
	MaintainContacts(program, rebuild->keys.items, rebuild->keys.n,
					 BuildIndexes(program, rebuild->ids), CAUSE_DEFINITION);
	BuildHandChanges(program, rebuild->ids, CAUSE_DEFINITION);
}

/*
 * segments.rebuild_members(contact_table, segment_ids bigint[])
 */
PG_FUNCTION_INFO_V1(segments_rebuild_members);
Datum
segments_rebuild_members(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);
	List *ids = BuildIds(PG_GETARG_ARRAYTYPE_P(1));
	Program *program;
	Rebuild rebuild = {0};

	/* functions that fields call may have got other bodies */
	ProgramInvalidate(contact_table);
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
	program = ProgramGet(contact_table);
	DatumVectorInit(&rebuild.keys, CurrentMemoryContext, program->key_byval, program->key_len);
	SessionBegin(program);
	SessionEnter();
	ProgressBegin(PROGRESS_REBUILD, contact_table, list_length(ids));
	find_differences(&rebuild, contact_table, ids);
	if (rebuild.keys.n > 0)
		settle(&rebuild, contact_table);
	ProgressEnd();
	SessionEnd();
	PG_RETURN_VOID();
}
