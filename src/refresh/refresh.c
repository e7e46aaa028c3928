/*
 * refresh.c - segments.refresh_due(): time passes.
 *
 * Step 15a: for each contact table with a segment that may have moved, all its
 * moving segments are brought forward together.  Only contacts whose value
 * lies between where a boundary stood and where it stands now can change; they
 * are found by the values' own indexes (refresh_window.c), compared
 * (refresh_compare.c), and where they differ evaluated by maintain.c.
 * Segments that refer to what changed follow.  Idempotent; two at a time take
 * turns contact table by contact table.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "definition/access.h"
#include "log/member_count.h"
#include "refresh/refresh.h"
#include "base/sql_expr.h"

typedef struct Refresh
{
	Program *program;
	ClockMove move;
	PassedContacts passed;
} Refresh;

static void
reconcile(PassedContacts *contacts, void *arg)
{
	Refresh *refresh = arg;

	PassedReconcile(refresh->program, contacts, refresh->move.now);
}

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

		if (ProgramSegmentById(refresh->program, id) < 0)
			continue;
		DatumVectorAdd(&ids, Int64GetDatum(id));
		DatumVectorAdd(&next_moves, TimestampTzGetDatum(PredicateNextMove(
										BindStored(SegmentById(id)->filters, table), table,
										refresh->move.window.next_covered)));
	}
	ClockSetNextMoves(&ids, &next_moves);
}

/*
 * The clock is written first: what triggers of the member table write while we
 * are at it is evaluated at our instant already.
 */
static void
refresh_table(Oid contact_table, TimestampTz now)
{
	Refresh refresh = {0};
	SecureContext secure;
	OwnerMessage message;
	List *values;
	ListCell *cell;

	LockRelationOid(contact_table, RowExclusiveLock);
	if (!ClockBegin(&refresh.move, contact_table, now))
		return;
	refresh.program = ProgramGet(contact_table);
	refresh.passed.context =
		AllocSetContextCreate(CurrentMemoryContext, "segments passed", ALLOCSET_DEFAULT_SIZES);
	ClockAdvance(&refresh.move);
	/* also what binds filters: reading an expression can run input functions */
	OwnerMessageBegin(&message, contact_table);
	SecureEnter(&secure, refresh.program->table->owner);
	store_next_moves(&refresh);
	values = PassedValues(refresh.program, refresh.move.window.from, now);
	foreach (cell, values)
		PassedFind(refresh.program, lfirst(cell), &refresh.passed, reconcile, &refresh);
	reconcile(&refresh.passed, &refresh);
	SecureLeave(&secure);
	OwnerMessageEnd(&message);
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
	before = MemberWritten(0);
	foreach (cell, ClockDueTables(now))
	{
		CHECK_FOR_INTERRUPTS();
		refresh_table(lfirst_oid(cell), now);
	}
	after = MemberWritten(0);
	MemberCountsSettleAll(SETTLE_UPKEEP);
	SPI_finish();
	PG_RETURN_INT64(after - before);
}
