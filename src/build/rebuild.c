/*
 * rebuild.c - segments.rebuild(): members in line with definitions, without
 * shutting anybody out.
 *
 * Step 13e: what differs is found by a snapshot, without a lock.  Only contacts
 * that differ are then locked, evaluated afresh and written (maintain.c), as
 * after any write: whatever changed since the snapshot is seen there.  When
 * nothing differs nothing is written, and nobody waits; the old members are
 * served until the transaction commits.  All of it is done as the owner of the
 * contact table, for callers who may change its segments.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "build/build.h"
#include "definition/access.h"
#include "definition/segment.h"
#include "log/member_count.h"

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
	OwnerMessage message;

	search.by_hand = true;
	search.visit = note_difference;
	search.arg = rebuild;
	OwnerMessageBegin(&message, contact_table);
	DifferencesFind(&search);
	OwnerMessageEnd(&message);
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

/* Segments of one contact table. */
static void
rebuild_members(Oid contact_table, List *ids)
{
	MemoryContext caller = CurrentMemoryContext;
	Program *program;
	Rebuild rebuild = {0};

	/* functions that fields call may have got other bodies */
	ProgramInvalidate(contact_table);
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
	program = ProgramGet(contact_table);
	DatumVectorInit(&rebuild.keys, CurrentMemoryContext, program->key_byval, program->key_len);
	MaintainBegin(program);
	MaintainEnter();
	ProgressBegin(PROGRESS_REBUILD, contact_table, list_length(ids));
	find_differences(&rebuild, contact_table, ids);
	if (rebuild.keys.n > 0)
		settle(&rebuild, contact_table);
	ProgressEnd();
	MaintainEnd();
	/* what was at work in between left us in a context that is gone */
	MemoryContextSwitchTo(caller);
}

/* ----- called by SQL ----- */

static List *
lappend_id(List *ids, int64 id)
{
	int64 *copy = palloc(sizeof(int64));

	*copy = id;
	return lappend(ids, copy);
}

/*
 * Of these segments, the published ones of the contact table of the first one
 * left; `ids` becomes what is left after that.  The caller must see and may
 * change them all.
 */
static List *
take_contact_table(List **ids, Oid *contact_table)
{
	List *taken = NIL;
	List *left = NIL;
	ListCell *cell;

	*contact_table = InvalidOid;
	foreach (cell, *ids)
	{
		int64 id = *(int64 *) lfirst(cell);
		SegmentRow *row;

		SegmentCheckVisible(id);
		row = SegmentById(id);
		if (row == NULL || !row->is_published)
			continue;
		if (!OidIsValid(*contact_table))
			AccessCheckChange(*contact_table = row->contact_table);
		if (row->contact_table == *contact_table)
			taken = lappend_id(taken, id);
		else
			left = lappend_id(left, id);
	}
	*ids = left;
	return taken;
}

static int
compare_ids(const ListCell *a, const ListCell *b)
{
	int64 left = *(int64 *) lfirst(a);
	int64 right = *(int64 *) lfirst(b);

	return left < right ? -1 : left > right;
}

/*
 * segments.rebuild(segment_ids bigint[])
 */
PG_FUNCTION_INFO_V1(segments_rebuild);
Datum
segments_rebuild(PG_FUNCTION_ARGS)
{
	List *ids = BuildIds(PG_GETARG_ARRAYTYPE_P(0));

	while (ids != NIL)
	{
		Oid contact_table;
		List *taken = take_contact_table(&ids, &contact_table);

		list_sort(taken, compare_ids);
		if (taken != NIL)
			rebuild_members(contact_table, taken);
	}
	PG_RETURN_VOID();
}

/* Whoever changed members behind our back did not log it. */
static void
check_count(Oid contact_table, int64 id)
{
	bool is_right;

	CommandCounterIncrement();
	PushCopiedSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	is_right = MemberCountIsRight(contact_table, id);
	PopActiveSnapshot();
	if (!is_right)
		MemberCountsGiveUp(contact_table);
}

/*
 * segments.rebuild(segment text)
 */
PG_FUNCTION_INFO_V1(segments_rebuild_segment);
Datum
segments_rebuild_segment(PG_FUNCTION_ARGS)
{
	SegmentHandle segment;
	SegmentRow *row;

	SegmentFindVisible(text_to_cstring(PG_GETARG_TEXT_PP(0)), &segment);
	AccessCheckChange(segment.contact_table);
	row = SegmentById(segment.id);
	if (row != NULL && row->is_published)
		rebuild_members(segment.contact_table, lappend_id(NIL, segment.id));
	check_count(segment.contact_table, segment.id);
	PG_RETURN_VOID();
}
