/*
 * build.c - members of whole segments: new ones, and ones whose definition
 * changed.
 *
 * A large table is not shut for the time of a scan.  The segments are evaluated
 * by a snapshot while everybody writes; what they differ in is written at once
 * for new segments, of which nobody else knows, and kept for the others.  Then
 * writers are shut out until the transaction ends, contacts that were touched
 * since the snapshot (touched.c) are evaluated again, and what was kept is
 * written for the others.  Whoever writes after that knows the definition
 * (program_cache.c).  Small tables are locked first.
 *
 * SHARE UPDATE EXCLUSIVE on the contact table makes those who change
 * definitions take turns from the start, and lets writers pass.
 *
 * Segments that refer to these follow in the order of their levels, each once,
 * when what they look at is there: those that were asked for too, and all that
 * refer to one that changed.
 */
#include "postgres.h"

#include "build/build.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/table_tree.h"
#include "base/vector.h"
#include "build/build_lock.h"
#include "build/build_repair.h"
#include "build/build_set.h"
#include "build/difference.h"
#include "build/progress.h"
#include "build/touched.h"
#include "clock/clock_write.h"
#include "clock/segment_clock.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/owner_message.h"
#include "definition/segment.h"
#include "log/change_log.h"
#include "log/change_number.h"
#include "maintain/maintain.h"
#include "member/change_set.h"
#include "member/member_write.h"
#include "predicate/bind.h"
#include "predicate/predicate_time.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "program/session.h"
#include "time/clock.h"

typedef struct Build
{
	Oid contact_table;
	const char *cause;
	bool fresh; /* new segments, without members */
	Program *program;
	ChangeSet *changes;    /* to be written together */
	Bitmapset *changed;    /* indexes of segments that have a difference */
	bool disturbed;        /* triggers of the member table changed contacts */
	Tuplestorestate *kept; /* segment, contact, joined: until writers are shut out */
	TupleTableSlot *kept_slot;
} Build;

/* ----- writing ----- */

static void
write_changes(Build *build, const char *cause)
{
	if (build->changes->n > 0)
	{
		MemberWritten result = MaintainWrite(build->program, build->changes, cause);

		ProgressChanges(result.written);
		build->disturbed |= result.disturbed;
	}
	ChangeSetReset(build->changes);
}

static void
add_change(Build *build, int64 segment, Datum key, bool joined)
{
	int index = ProgramSegmentById(build->program, segment);

	if (index >= 0)
		build->changed = bms_add_member(build->changed, index);
	ChangeSetAdd(build->program, build->changes, segment, index, key, joined);
	if (ChangeSetIsFull(build->changes))
		write_changes(build, build->cause);
}

static void
visit_difference(void *arg, const Difference *difference)
{
	add_change(arg, difference->segment, difference->key, !difference->stored);
}

static void
keep_difference(void *arg, const Difference *difference)
{
	Build *build = arg;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	values[0] = Int64GetDatum(difference->segment);
	values[1] = difference->key;
	values[2] = BoolGetDatum(!difference->stored);
	tuplestore_putvalues(build->kept, build->kept_slot->tts_tupleDescriptor, values, nulls);
}

static void
begin_keeping(Build *build)
{
	TupleDesc desc = CreateTemplateTupleDesc(3);

	TupleDescInitEntry(desc, 1, "segment_id", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "contact_id", build->program->table->key_type, -1, 0);
	TupleDescInitEntry(desc, 3, "joined", BOOLOID, -1, 0);
	TupleDescFinalize(desc);
	build->kept = tuplestore_begin_heap(false, false, work_mem);
	build->kept_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

/* Write what was kept, but for contacts that are evaluated again. */
static void
write_kept(Build *build, DatumVector *touched)
{
	bool isnull;

	while (tuplestore_gettupleslot(build->kept, true, false, build->kept_slot))
	{
		Datum key = slot_getattr(build->kept_slot, 2, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (ProgramFindKey(build->program, touched->items, touched->n, key) < 0)
			add_change(build, DatumGetInt64(slot_getattr(build->kept_slot, 1, &isnull)), key,
					   DatumGetBool(slot_getattr(build->kept_slot, 3, &isnull)));
	}
	write_changes(build, build->cause);
	ExecDropSingleTupleTableSlot(build->kept_slot);
	tuplestore_end(build->kept);
}

/* ----- time ----- */

/* They were evaluated as a whole at our now, writers shut out. */
static void
set_clock(Build *build, int64 id)
{
	int index = ProgramSegmentById(build->program, id);
	SegmentRow *row = SegmentById(id);
	TimestampTz now = SegmentsNow();
	TimestampTz evaluated_at;
	bool has_clock = !build->fresh && ClockRead(id, &evaluated_at);

	if (index >= 0 && row != NULL && (build->program->segments[index].flags & IMAGE_SEGMENT_MOVES))
	{
		if (has_clock && strcmp(build->cause, CAUSE_DEFINITION) != 0)
			now = Max(now, evaluated_at);
		ClockStart(build->contact_table, id, true, now,
				   PredicateNextMove(BindStored(row->filters, build->program->table),
									 build->program->table, now));
	}
	else if (has_clock)
		ClockStart(build->contact_table, id, false, now, DT_NOEND);
}

static void
set_clocks(Build *build, List *ids)
{
	ListCell *cell;

	foreach (cell, ids)
		set_clock(build, *(int64 *) lfirst(cell));
}

/* ----- segments that wait for none ----- */

static void
find_differences(Build *build, List *ids, Snapshot snapshot, DifferenceVisit visit)
{
	DifferenceSearch search = {build->contact_table, ids, snapshot};
	OwnerMessage message;

	search.redefined = (strcmp(build->cause, CAUSE_DEFINITION) == 0);
	search.empty = build->fresh;
	search.visit = visit;
	search.arg = build;
	OwnerMessageBegin(&message, build->contact_table);
	DifferencesFind(&search);
	OwnerMessageEnd(&message);
}

/* Writers are shut out already. */
static void
build_locked(Build *build, List *ids)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());

	find_differences(build, ids, snapshot, visit_difference);
	write_changes(build, build->cause);
	UnregisterSnapshot(snapshot);
	set_clocks(build, ids);
}

/* Contacts that were touched since the snapshot, in key order. */
static DatumVector
touched_contacts(Build *build, Bitmapset *segments, Snapshot snapshot)
{
	DatumVector keys;

	DatumVectorInit(&keys, CurrentMemoryContext, build->program->key_byval,
					build->program->key_len);
	TouchedContacts(build->program, segments, build->fresh, snapshot, &keys);
	if (keys.n > 0)
		ProgramSortKeys(build->program, keys.items, &keys.n);
	return keys;
}

/* Everybody writes until `relids` are locked. */
static void
build_online(Build *build, List *ids, List *relids)
{
	Bitmapset *segments = BuildIndexes(build->program, ids);
	Snapshot snapshot;
	DatumVector touched;

	BuildShareTables(build->contact_table, relids);
	BuildShareTables(build->program->table->change_table, NIL);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (!build->fresh)
		begin_keeping(build);
	find_differences(build, ids, snapshot, build->fresh ? visit_difference : keep_difference);
	write_changes(build, build->cause);
	ProgressEnter(PROGRESS_WAITING);
	BuildLock(build->contact_table, relids, ShareRowExclusiveLock, true);
	ProgressEnter(PROGRESS_CATCHING_UP);
	touched = touched_contacts(build, segments, snapshot);
	ProgressEnter(PROGRESS_WRITING);
	if (build->fresh && touched.n > 0)
		BuildForgetGone(build->program, touched.items, touched.n);
	if (!build->fresh)
		write_kept(build, &touched);
	set_clocks(build, ids);
	MaintainContacts(build->program, touched.items, touched.n, segments, build->cause);
	UnregisterSnapshot(snapshot);
}

static bool
is_large(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	double rows;
	bool large = TableTreeSize(rel, &rows) >= SMALL_TABLE_BLOCKS &&
				 !CheckRelationLockedByMe(rel, ShareRowExclusiveLock, true);

	table_close(rel, AccessShareLock);
	return large;
}

/* ----- segments that refer to others ----- */

/* Segments that refer to one that changed. */
static Bitmapset *
reached_segments(const Build *build)
{
	Bitmapset *result = NULL;
	int index = -1;

	while ((index = bms_next_member(build->changed, index)) >= 0)
		result = ProgramAddReferencing(build->program, result, index);
	return result;
}

/* Of one level: those asked for, and those reached by a change. */
static void
build_level(Build *build, List *asked, int level)
{
	Program *program = build->program;
	Bitmapset *done = BuildIndexes(program, asked);
	Build follow = *build;
	Bitmapset *candidates = reached_segments(build);
	List *reached = NIL;
	int i = -1;

	while ((i = bms_next_member(candidates, i)) >= 0)
		if (program->segments[i].level == level && !bms_is_member(i, done))
			reached = lappend(reached, unconstify(int64 *, &program->segments[i].id));
	if (asked != NIL)
		build_locked(build, asked);
	follow.changed = build->changed;
	follow.fresh = false;
	follow.cause = CAUSE_SEGMENT;
	if (reached != NIL)
		build_locked(&follow, reached);
	build->changed = follow.changed;
	build->disturbed |= follow.disturbed;
}

static void
build_levels(Build *build, List *ids)
{
	int highest = 1;
	int level;
	int i;

	for (i = 0; i < build->program->nsegments; i++)
		highest = Max(highest, (int) build->program->segments[i].level);
	for (level = 2; level <= highest; level++)
		build_level(build, BuildIdsOfLevel(build->program, ids, level), level);
}

/*
 * Triggers of the member table changed contacts after the snapshot that they
 * were evaluated by: compare once more, until nothing is left to write.
 */
static void
build_disturbed(Build *build, List *ids)
{
	build->fresh = false;
	while (build->disturbed)
	{
		build->disturbed = false;
		build_level(build, BuildIdsOfLevel(build->program, ids, 1), 1);
		build_levels(build, ids);
	}
}

/* ----- together ----- */

static void
build_segments(Build *build, List *ids, bool online)
{
	Bitmapset *segments;
	Bitmapset *referring;
	List *first;
	List *others = NIL;
	List *relids;

	/* what is read from here on, nobody else changes; writers are not in the way yet */
	LockRelationOid(build->contact_table, ShareUpdateExclusiveLock);
	ids = BuildPublished(ids);
	build->program = ProgramGet(build->contact_table);
	segments = BuildIndexes(build->program, ids);
	referring = BuildReferringTo(build->program, segments);
	relids = BuildReadTables(build->program, bms_union(segments, referring));
	first = BuildSplitReferring(build->program, ids, referring, &others);
	if (online && TouchedCanBeFound(build->contact_table, relids))
		build_online(build, first, relids);
	else
	{
		BuildLock(build->contact_table, relids, ShareRowExclusiveLock, false);
		build_locked(build, first);
	}
	build_levels(build, others);
	build_disturbed(build, ids);
	if (!build->fresh)
		BuildHandChanges(build->program, ids, build->cause);
}

/*
 * Bring the members of published segments of one contact table in line with
 * their definitions, and the segments that refer to them.  `fresh`: they have
 * no members yet, and nobody else knows them.  Writers are shut out when this
 * returns, until the transaction ends.
 */
static void
build_together(Oid contact_table, List *ids, const char *cause, bool fresh, bool online)
{
	Build build = {contact_table, cause, fresh};
	Program *program = ProgramGet(contact_table);

	SessionBegin(program);
	SessionEnter();
	build.changes = ChangeSetCreate();
	ProgressBegin(fresh ? PROGRESS_CREATE : PROGRESS_REBUILD, contact_table, list_length(ids));
	build_segments(&build, ids, online && is_large(contact_table));
	ProgressEnd();
	SessionEnd();
}

/*
 * Rebuild the segments of a program that read a table (it was truncated).
 */
void
BuildSegmentsReading(Program *program, Oid relid, const char *cause)
{
	Bitmapset *segments = NULL;
	List *ids = NIL;
	int index = -1;
	int i;

	for (i = 1; i < program->nsources; i++)
	{
		RowSource *source = program->sources[i];

		if (source->relid == relid || (source->link && source->link->relid == relid))
			segments = bms_add_members(segments, ProgramSegmentsReading(program, source));
	}
	while ((index = bms_next_member(segments, index)) >= 0)
		ids = lappend(ids, unconstify(int64 *, &program->segments[index].id));
	if (ids != NIL)
		build_together(program->relid, ids, cause, false, false);
}

/*
 * segments_internal.build(contact_table, segment_ids bigint[], cause, fresh)
 */
PG_FUNCTION_INFO_V1(segments_build);
Datum
segments_build(PG_FUNCTION_ARGS)
{
	build_together(PG_GETARG_OID(0), BuildIds(PG_GETARG_ARRAYTYPE_P(1)),
				   text_to_cstring(PG_GETARG_TEXT_PP(2)), PG_GETARG_BOOL(3), true);
	PG_RETURN_VOID();
}

/*
 * segments.reset_clock(contact_table) -> number of changes
 *
 * Nobody evaluates while we take the clock back: writers are shut out of all that
 * moving segments read, and who is refreshing has the contact table.  Who waited
 * for us, whenever it began, evaluates at our now or later.
 */
PG_FUNCTION_INFO_V1(segments_reset_clock);
Datum
segments_reset_clock(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);
	int64 before = ChangesWritten(0);
	List *ids;

	(void) CatalogContactTable(contact_table, false);
	if (!AccessIsOwner(contact_table))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of table %s", get_rel_name(contact_table))));
	LockRelationOid(contact_table, ShareUpdateExclusiveLock);
	LockRelationOid(contact_table, ShareRowExclusiveLock);
	ids = ClockMoving(contact_table);
	SPI_connect();
	if (ids != NIL)
		build_together(contact_table, ids, CAUSE_DEFINITION, false, false);
	ClockReset(contact_table, SegmentsNow());
	SPI_finish();
	PG_RETURN_INT64(ChangesWritten(0) - before);
}
