/*
 * refresh.c - segments.refresh_due(): time passes.
 *
 * For each contact table with a segment that may have moved, all its moving
 * segments are brought forward together.  Only contacts whose value lies
 * between where a boundary stood and where it stands now can change; they are
 * found by the values' own indexes (refresh_window.c), compared
 * (refresh_compare.c), and where they differ evaluated by maintain.c. Segments
 * that refer to what changed follow.  Idempotent; two at a time take turns
 * contact table by contact table.  Each table is done by itself, in a
 * subtransaction: one that fails is reported, and the others are done.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/subtransaction.h"
#include "base/vector.h"
#include "clock/clock_write.h"
#include "clock/segment_clock.h"
#include "definition/access.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "definition/owner_message.h"
#include "definition/segment.h"
#include "log/change_number.h"
#include "log/member_settle.h"
#include "maintain/set_aside.h"
#include "predicate/bind.h"
#include "predicate/predicate_time.h"
#include "program/image.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "refresh/passed_contacts.h"
#include "refresh/refresh_compare.h"
#include "refresh/refresh_window.h"
#include "time/clock.h"

#include "refresh/refresh_read.h"

typedef struct Refresh
{
	Oid contact_table;
	TimestampTz now;
	Program *program;
	ClockMove move;
	PassedContacts *passed;
	const PassedValue *value; /* that is being looked for */
} Refresh;

/*
 * Segments whose next move lies behind covered_until: nobody can be missed at
 * it any more, so the one after it is next.
 */
static void
store_next_moves(Refresh *refresh)
{
	DatumVector ids;
	DatumVector next_moves;
	ListCell *cell;

	DatumVectorInit(&ids, CurrentMemoryContext, FLOAT8PASSBYVAL, sizeof(int64));
	DatumVectorInit(&next_moves, CurrentMemoryContext, FLOAT8PASSBYVAL, sizeof(int64));
	foreach (cell, ClockCovered(&refresh->move))
	{
		int64 id = *(int64 *) lfirst(cell);
		ContactTable *table = refresh->program->table;

		int index = ProgramSegmentById(refresh->program, id);
		SegmentRow *row = SegmentById(id);
		TimestampTz next_move = DT_NOEND;

		if (index < 0 || row == NULL)
			continue;
		/* one that was set aside does not move until it is built again */
		if (!(refresh->program->segments[index].flags & IMAGE_SEGMENT_ASIDE))
			next_move = PredicateNextMove(BindStored(row->filters, table), table,
										  refresh->move.window.next_covered);
		DatumVectorAdd(&ids, Int64GetDatum(id));
		DatumVectorAdd(&next_moves, TimestampTzGetDatum(next_move));
	}
	ClockSetNextMoves(&ids, &next_moves);
}

static void
find_value(void *arg)
{
	Refresh *refresh = arg;

	PassedFind(refresh->program, refresh->value, refresh->passed);
}

/* As InSubtransaction does; what was undone is not counted. */
static ErrorData *
in_counted_subtransaction(SubtransactionBody body, Refresh *refresh)
{
	int64 before = ChangesWritten(0);
	ErrorData *error = InSubtransaction(body, refresh, NULL);

	if (error != NULL)
		(void) ChangesWritten(before - ChangesWritten(0));
	return error;
}

/* The segments with a boundary on the line of a value can't be evaluated. */
static void
set_value_aside(Refresh *refresh, const ErrorData *error)
{
	Program *program = refresh->program;
	int i;
	uint32 j;

	for (i = 0; i < refresh->value->nwindows; i++)
	{
		ImageList segments = program->atoms[refresh->value->windows[i].atom].segments;

		for (j = 0; j < segments.n; j++)
			AsideAdd(program->relid, program->segments[ProgramItems(program, segments)[j]].id,
					 error);
	}
	SetAsideStore(program->relid);
}

/*
 * A value that can't be looked for must not hold up the segments over others:
 * false, and those over it are set aside.
 */
static bool
find_passed(Refresh *refresh, const PassedValue *value)
{
	ErrorData *error;

	refresh->value = value;
	error = InSubtransaction(find_value, refresh, NULL);
	if (error == NULL)
		return true;
	set_value_aside(refresh, error);
	FreeErrorData(error);
	return false;
}

/*
 * All values, and then the contacts that were found by any; false where a value
 * failed.
 */
static bool
pass_values(Refresh *refresh)
{
	List *values = PassedValues(refresh->program, refresh->move.window.from, refresh->now);
	bool found = true;
	ListCell *cell;

	refresh->passed = PassedContactsBegin(refresh->program);
	foreach (cell, values)
		if (!(found = find_passed(refresh, lfirst(cell))))
			break;
	if (found)
		PassedReconcile(refresh->program, refresh->passed, refresh->move.now);
	PassedContactsEnd(refresh->passed);
	return found;
}

/*
 * The clock is written first: what triggers of the member table write while we
 * are at it is evaluated at our instant already.
 */
static void
refresh_table(void *arg)
{
	Refresh *refresh = arg;
	SecureContext secure;
	OwnerMessage message;

	LockRelationOid(refresh->contact_table, RowExclusiveLock);
	if (!ClockBegin(&refresh->move, refresh->contact_table, refresh->now))
		return;
	refresh->program = SetAsideUncompiled(ProgramGet(refresh->contact_table));
	ClockAdvance(&refresh->move);
	/* also what binds filters: reading an expression can run input functions */
	OwnerMessageBegin(&message, refresh->contact_table);
	SecureEnter(&secure, refresh->program->table->owner);
	store_next_moves(refresh);
	/* each time there are fewer segments */
	while (!pass_values(refresh))
		refresh->program = ProgramGet(refresh->contact_table);
	SecureLeave(&secure);
	OwnerMessageEnd(&message);
	ClockFailed(refresh->contact_table, NULL);
}

/*
 * A contact table that can't be brought forward must not hold up the others.
 * Where filters have lost their meaning behind our back it is tried again
 * without them.
 */
static void
refresh_guarded(Oid contact_table, TimestampTz now)
{
	Refresh refresh = {contact_table, now};
	ErrorData *error = in_counted_subtransaction(refresh_table, &refresh);

	if (error != NULL && SetAsideUnbound(contact_table))
		error = in_counted_subtransaction(refresh_table, &refresh);
	if (error == NULL)
		return;
	ClockFailed(contact_table, error);
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("segments of contact table \"%s\" were not brought forward: %s",
							 get_rel_name(contact_table), AsideReasonFor(contact_table, error)),
					  errhint("The others were; segments.status says what failed.")));
}

/*
 * The contact tables to bring forward to an instant.  What is brought beyond the
 * present does not come back by itself, so that is for the owner only.
 */
static List *
tables_to_refresh(TimestampTz now)
{
	List *due = ClockDueTables(now);
	List *owned = NIL;
	ListCell *cell;

	if (now <= SegmentsNow())
		return due;
	foreach (cell, due)
		if (AccessIsOwner(lfirst_oid(cell)))
			owned = lappend_oid(owned, lfirst_oid(cell));
	if (due != NIL && owned == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to bring segments forward beyond the present"),
				 errdetail("Only the owner of a contact table may do so with its segments.")));
	return owned;
}

/*
 * segments.refresh_due(at) -> number of changes
 */
PG_FUNCTION_INFO_V1(segments_refresh_due);
Datum
segments_refresh_due(PG_FUNCTION_ARGS)
{
	TimestampTz now = PG_ARGISNULL(0) ? SegmentsNow() : PG_GETARG_TIMESTAMPTZ(0);
	int64 before;
	int64 after;
	ListCell *cell;

	if (TIMESTAMP_NOT_FINITE(now))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("refresh_due needs a finite instant")));
	SPI_connect();
	before = ChangesWritten(0);
	foreach (cell, tables_to_refresh(now))
	{
		CHECK_FOR_INTERRUPTS();
		refresh_guarded(lfirst_oid(cell), now);
	}
	after = ChangesWritten(0);
	SetAsideNote();
	MemberCountsSettleAll(SETTLE_UPKEEP);
	SPI_finish();
	PG_RETURN_INT64(after - before);
}
