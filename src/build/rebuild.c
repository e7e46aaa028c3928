/*
 * rebuild.c - segments.rebuild(): members in line with definitions, without
 * shutting anybody out.
 *
 * What differs is found by a snapshot, without a lock.  Only contacts that
 * differ are then locked, evaluated afresh and written (maintain.c), as after
 * any write: whatever changed since the snapshot is seen there.  When nothing
 * differs nothing is written, and nobody waits; the old members are served
 * until the transaction commits.  All of it is done as the owner of the contact
 * table, for callers who may change its segments.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/secure.h"
#include "base/subtransaction.h"
#include "base/vector.h"
#include "build/build_lock.h"
#include "build/build_repair.h"
#include "build/build_set.h"
#include "build/difference.h"
#include "build/progress.h"
#include "definition/access.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "definition/owner_message.h"
#include "definition/segment.h"
#include "definition/segment_find.h"
#include "log/change_log.h"
#include "log/member_count.h"
#include "log/member_settle.h"
#include "maintain/maintain.h"
#include "maintain/set_aside.h"
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
write_differences(Rebuild *rebuild, Oid contact_table)
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
	SessionBegin(program);
	SessionEnter();
	ProgressBegin(PROGRESS_REBUILD, contact_table, list_length(ids));
	find_differences(&rebuild, contact_table, ids);
	if (rebuild.keys.n > 0)
		write_differences(&rebuild, contact_table);
	ProgressEnd();
	SessionEnd();
	/* what was at work in between left us in a context that is gone */
	MemoryContextSwitchTo(caller);
}

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

/* A segment that was set aside is built as one with new filters is. */
static void
bring_back(Oid contact_table, int64 id)
{
	Oid types[2] = {REGCLASSOID, INT8OID};
	Datum values[2] = {ObjectIdGetDatum(contact_table), Int64GetDatum(id)};
	SecureContext secure;

	SPI_connect();
	SecureEnter(&secure, CatalogOwner());
	if (SPI_execute_with_args("SELECT segments_internal.bring_back($1, $2)", 2, types, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not bring segment " INT64_FORMAT " back", id);
	SecureLeave(&secure);
	SPI_finish();
}

/* Segments of one contact table, those that were set aside by themselves. */
static void
rebuild_all_of(Oid contact_table, List *ids)
{
	List *rest;
	List *failed = SegmentsFailed(ids, &rest);
	ListCell *cell;

	foreach (cell, failed)
	{
		int64 id = *(int64 *) lfirst(cell);

		/* one that came back may have brought it along */
		if (SegmentHasFailed(id))
			bring_back(contact_table, id);
		else
			rest = lappend(rest, lfirst(cell));
	}
	if (rest != NIL)
		rebuild_members(contact_table, rest);
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
			rebuild_all_of(contact_table, taken);
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

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("segment must not be null")));
	SegmentFindVisible(text_to_cstring(PG_GETARG_TEXT_PP(0)), &segment);
	AccessCheckChange(segment.contact_table);
	row = SegmentById(segment.id);
	if (row != NULL && row->is_published)
		rebuild_all_of(segment.contact_table, lappend_id(NIL, segment.id));
	check_count(segment.contact_table, segment.id);
	PG_RETURN_VOID();
}

typedef struct Guarded
{
	Oid contact_table;
	List *ids;
} Guarded;

/* As segments.rebuild() does for whoever calls. */
static void
rebuild_ids(void *arg)
{
	Guarded *guarded = arg;
	Oid type = INT8ARRAYOID;
	Datum value = BuildIdArray(guarded->ids);

	if (SPI_execute_with_args("SELECT segments.rebuild($1)", 1, &type, &value, NULL, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not rebuild segments");
}

static void
ignore_difference(void *arg, const Difference *difference)
{
}

/* Evaluate the filters, whatever the members are. */
static void
evaluate_ids(void *arg)
{
	Guarded *guarded = arg;
	DifferenceSearch search = {guarded->contact_table, guarded->ids};
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());

	search.snapshot = snapshot;
	search.method = DIFFERENCE_QUERY;
	search.empty = true;
	search.visit = ignore_difference;
	SessionBegin(ProgramGet(guarded->contact_table));
	SessionEnter();
	DifferencesFind(&search);
	SessionEnd();
	UnregisterSnapshot(snapshot);
}

static void
check_layout(void *arg)
{
	(void) CatalogContactTable(((Guarded *) arg)->contact_table, false);
}

/*
 * Set aside the segments that can't be evaluated; the others.  None, where the
 * tables beside are not as they must be: filters are not to blame for that.
 */
static List *
set_aside_failing(Guarded *guarded)
{
	List *rest = NIL;
	ListCell *cell;

	if (InSubtransaction(check_layout, guarded, NULL) != NULL)
		return guarded->ids;
	foreach (cell, guarded->ids)
	{
		Guarded one = {guarded->contact_table, list_make1(lfirst(cell))};
		ErrorData *error;

		CHECK_FOR_INTERRUPTS();
		/* gone meanwhile */
		if (!SegmentIsVisible(*(int64 *) lfirst(cell)))
			continue;
		error = InSubtransaction(evaluate_ids, &one, NULL);
		if (error == NULL)
			rest = lappend(rest, lfirst(cell));
		else
			AsideAdd(guarded->contact_table, *(int64 *) lfirst(cell), error);
	}
	SetAsideStore(guarded->contact_table);
	return rest;
}

static void
warn_not_rebuilt(Guarded *guarded, const ErrorData *error)
{
	SegmentRow *row =
		list_length(guarded->ids) == 1 ? SegmentById(*(int64 *) linitial(guarded->ids)) : NULL;

	ereport(WARNING, (errcode(error->sqlerrcode),
					  row != NULL ? errmsg("segment \"%s\" was not rebuilt: %s", row->alias,
										   AsideReasonFor(guarded->contact_table, error))
								  : errmsg("segments of contact table \"%s\" were not rebuilt: %s",
										   get_rel_name(guarded->contact_table),
										   AsideReasonFor(guarded->contact_table, error))));
}

/*
 * Those of some segments that belong to the contact table and are seen by who
 * calls: others are nobody's to rebuild here, nor to set aside.
 */
static List *
own_segments(Oid contact_table, ArrayType *array)
{
	List *ids = NIL;
	ListCell *cell;

	foreach (cell, BuildIds(array))
	{
		int64 id = *(int64 *) lfirst(cell);
		SegmentRow *row = SegmentById(id);

		if (row != NULL && row->contact_table == contact_table && SegmentIsVisible(id))
			ids = lappend(ids, lfirst(cell));
	}
	return ids;
}

/*
 * segments_internal.rebuild_guarded(contact_table, segment_ids bigint[], failed bigint[])
 *
 * Failed ones are tried one by one.  Should the others fail together, those that
 * can't be evaluated are set aside, and the rest is tried again.
 */
PG_FUNCTION_INFO_V1(segments_rebuild_guarded);
Datum
segments_rebuild_guarded(PG_FUNCTION_ARGS)
{
	Guarded guarded = {PG_GETARG_OID(0), NIL};
	List *failed;
	ErrorData *error = NULL;
	ListCell *cell;

	AccessCheckChange(guarded.contact_table);
	guarded.ids = own_segments(guarded.contact_table, PG_GETARG_ARRAYTYPE_P(1));
	failed = own_segments(guarded.contact_table, PG_GETARG_ARRAYTYPE_P(2));
	SPI_connect();
	if (guarded.ids != NIL)
		error = InSubtransaction(rebuild_ids, &guarded, NULL);
	if (error != NULL)
	{
		int before = list_length(guarded.ids);

		guarded.ids = set_aside_failing(&guarded);
		if (guarded.ids == NIL)
			error = NULL;
		else if (list_length(guarded.ids) < before)
			error = InSubtransaction(rebuild_ids, &guarded, NULL);
	}
	if (error != NULL)
		warn_not_rebuilt(&guarded, error);
	foreach (cell, failed)
	{
		Guarded one = {guarded.contact_table, list_make1(lfirst(cell))};

		error = InSubtransaction(rebuild_ids, &one, NULL);
		if (error != NULL)
			warn_not_rebuilt(&one, error);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
