/*
 * segment_clock.c - up to which instant each moving segment was brought
 * forward: rows of segments.segment_clock.
 *
 * Step 15b.  The trap (src/README.md, time): a transaction that read the clock before a
 * refresh and commits after it wrote a row whose boundary the refresh has
 * passed without seeing the row.  So a refresh starts its windows not where
 * the last one ended but at covered_until, and that advances only when nobody
 * can be left behind: at a refresh, transactions with ids from the next one on
 * evaluate at evaluated_at or later, since they will read it (pending_at,
 * pending_xmax); once all lower ids have ended, everything they wrote is
 * visible to the refresh at hand, and pending_at is covered.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "maintain.h"
#include "sql_expr.h"

/* segments.segment_clock */
#define Anum_clock_segment_id 1
#define Anum_clock_evaluated_at 2
#define Anum_clock_covered_until 3

static Datum
clock_column(HeapTuple tuple, Relation rel, int column)
{
	bool		isnull;

	return heap_getattr(tuple, column, RelationGetDescr(rel), &isnull);
}

/*
 * When a segment was last brought forward; false when it never moves.
 */
bool
ClockRead(int64 segment, TimestampTz *evaluated_at)
{
	Relation	rel = table_open(CatalogRelid("segment_clock"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key, Anum_clock_segment_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(segment));
	scan = systable_beginscan(rel, PrimaryKeyIndex(rel), true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		*evaluated_at = DatumGetTimestampTz(clock_column(tuple, rel, Anum_clock_evaluated_at));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Read for a program how far its moving segments were brought: all at least to
 * moved_from, some as far as moved_to.  Kept until somebody writes a clock row
 * (or takes that back), of which an invalidation message tells.
 */
void
ClockLoad(Program *program)
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		generation = ProgramClockGeneration();

	if (program->clock_generation == generation)
		return;
	program->moved_from = DT_NOEND;
	program->moved_to = DT_NOBEGIN;
	rel = table_open(CatalogRelid("segment_clock"), AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int64		id = DatumGetInt64(clock_column(tuple, rel, Anum_clock_segment_id));

		if (ProgramSegmentById(program, id) < 0)
			continue;
		program->moved_from = Min(program->moved_from,
								  DatumGetTimestampTz(clock_column(tuple, rel, Anum_clock_covered_until)));
		program->moved_to = Max(program->moved_to,
								DatumGetTimestampTz(clock_column(tuple, rel, Anum_clock_evaluated_at)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	program->clock_generation = generation;
}

/* ----- writing ----- */

/* With the rights of the owner of our own tables. */
static void
run(const char *sql, int nargs, Oid *types, Datum *values)
{
	SecureContext secure;
	int			result;

	SecureEnter(&secure, CatalogOwner());
	result = SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);
	SecureLeave(&secure);
	if (result < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
	CacheInvalidateRelcacheByRelid(CatalogRelid("segment_clock"));
}

static Datum
next_xid(void)
{
	return Int64GetDatum((int64) U64FromFullTransactionId(ReadNextFullTransactionId()));
}

/* The oldest transaction id still running, as 64 bits. */
static uint64
oldest_xid(void)
{
	FullTransactionId next = ReadNextFullTransactionId();
	TransactionId oldest = GetLatestSnapshot()->xmin;

	return U64FromFullTransactionId(next) - (uint32) (XidFromFullTransactionId(next) - oldest);
}

/*
 * A segment was evaluated as a whole at now, writers shut out: write its clock
 * row, or none when it does not move.
 */
void
ClockStart(int64 segment, bool moves, TimestampTz now, TimestampTz next_move)
{
	Oid			types[3] = {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[3];

	values[0] = Int64GetDatum(segment);
	values[1] = TimestampTzGetDatum(now);
	values[2] = TimestampTzGetDatum(next_move);
	if (moves)
		run("INSERT INTO segments.segment_clock AS k (segment_id, evaluated_at, covered_until, next_move) "
			"VALUES ($1, $2, $2, $3) ON CONFLICT (segment_id) DO UPDATE SET evaluated_at = $2, covered_until = $2, "
			"next_move = $3, pending_at = NULL, pending_xmax = NULL", 3, types, values);
	else
		run("DELETE FROM segments.segment_clock WHERE segment_id = $1", 1, types, values);
}

/*
 * A refresh brings a segment from window->from to `now`.  Computes where
 * covered_until and the pending pair stand afterwards; ask before scanning.
 */
void
ClockPlanAdvance(ClockWindow *window)
{
	uint64		next = U64FromFullTransactionId(ReadNextFullTransactionId());

	window->next_covered = window->from;
	window->next_pending_at = window->pending_at;
	window->next_pending_xmax = window->pending_xmax;
	if (window->pending_xmax != 0 && (uint64) window->pending_xmax <= next)
	{
		if (oldest_xid() < (uint64) window->pending_xmax)
			return;
		window->next_covered = window->pending_at;
	}
	window->next_pending_at = window->evaluated_at;
	window->next_pending_xmax = DatumGetInt64(next_xid());
}

/*
 * Write what ClockPlanAdvance computed.
 */
void
ClockAdvance(int64 segment, const ClockWindow *window, TimestampTz now, TimestampTz next_move)
{
	Oid			types[6] = {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[6];

	values[0] = Int64GetDatum(segment);
	values[1] = TimestampTzGetDatum(now);
	values[2] = TimestampTzGetDatum(window->next_covered);
	values[3] = TimestampTzGetDatum(next_move);
	values[4] = TimestampTzGetDatum(window->next_pending_at);
	values[5] = Int64GetDatum(window->next_pending_xmax);
	run("UPDATE segments.segment_clock SET evaluated_at = $2, covered_until = $3, next_move = $4, "
		"pending_at = $5, pending_xmax = $6 WHERE segment_id = $1", 6, types, values);
}
