/*
 * clock_write.c - clocks are started by a build and brought forward by a refresh.
 *
 * The trap (README.md): a transaction that read the clock before a
 * refresh and commits after it wrote a row whose boundary the refresh has
 * passed without seeing the row.  So a refresh starts its windows not where
 * the last one ended but at covered_until, and that advances only when nobody
 * can be left behind: at a refresh, transactions with ids from the next one on
 * evaluate at evaluated_at or later, since they will read it (pending_at,
 * pending_xmax); once all lower ids have ended, everything they wrote is
 * visible to the refresh at hand, and pending_at is covered.  When nobody else
 * is running at all, what the refresh finds as evaluated_at is covered at once.
 */
#include "postgres.h"

#include "clock/clock_write.h"

#include "access/skey.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "access/tupdesc.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "base/kept_plan.h"
#include "base/secure.h"
#include "base/spi.h"
#include "base/subtransaction.h"
#include "base/vector.h"
#include "clock/segment_clock.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "time/clock.h"

/* With the rights of the owner of our own tables. */
static uint64
run(const char *sql, int nargs, Oid *types, Datum *values)
{
	SecureContext secure;
	int result;

	SecureEnter(&secure, CatalogOwner());
	result = SPI_execute_plan(KeptPlan(sql, nargs, types), values, NULL, false, 0);
	SecureLeave(&secure);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/* The same, of rows as they are now, whatever our snapshot. */
static uint64
run_latest(const char *sql, int nargs, Oid *types, Datum *values)
{
	SecureContext secure;

	SecureEnter(&secure, CatalogOwner());
	SpiExecute(KeptPlan(sql, nargs, types), values, SPI_OK_SELECT);
	SecureLeave(&secure);
	return SPI_processed;
}

static void
tell_others(void)
{
	CacheInvalidateRelcacheByRelid(CatalogRelid("segment_clock"));
}

/* What is due at any instant sorts before all that has one. */
static TimestampTz
stored_next_move(TimestampTz next_move, TimestampTz now)
{
	return next_move <= now ? DT_NOBEGIN : next_move;
}

/*
 * A segment was evaluated as a whole at now, writers shut out: from here on it
 * has its own clock, or none when it does not move.
 */
void
ClockStart(Oid contact_table, int64 segment, bool moves, TimestampTz now, TimestampTz next_move)
{
	Oid types[4] = {INT8OID, REGCLASSOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum values[4];

	values[0] = Int64GetDatum(segment);
	values[1] = ObjectIdGetDatum(contact_table);
	values[2] = TimestampTzGetDatum(now);
	values[3] = TimestampTzGetDatum(stored_next_move(next_move, now));
	if (moves)
		(void) run(
			"INSERT INTO segments.segment_clock AS k (segment_id, contact_table, evaluated_at, covered_until, next_move) "
			"VALUES ($1, $2, $3, $3, $4) ON CONFLICT (segment_id) DO UPDATE SET contact_table = $2, evaluated_at = $3, "
			"covered_until = $3, next_move = $4, pending_at = NULL, pending_xmax = NULL",
			4, types, values);
	else
		(void) run("DELETE FROM segments.segment_clock WHERE segment_id = $1", 1, types, values);
	tell_others();
}

/* Do any segments go by the row of contact_clock? */
static bool
has_members(Oid contact_table)
{
	ScanKeyData key;
	CatalogScan scan;
	bool found = false;

	ScanKeyInit(&key, Anum_clock_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, "segment_clock", CatalogRelid("segment_clock_next_move_idx"), NULL, 1,
					 &key);
	while (!found && CatalogScanNext(&scan))
		found = ClockIsNull(&scan, Anum_clock_evaluated_at);
	CatalogScanEnd(&scan);
	return found;
}

/*
 * Segments with different instants move on together from the earliest of
 * each.  A later pending pair would promise too much for some: the one with
 * the lower instant and the higher id holds for all.
 */
static void
include(ClockMove *move, const ClockWindow *window)
{
	ClockWindow *all = &move->window;

	if (!move->any)
	{
		*all = *window;
		move->any = true;
		return;
	}
	all->from = Min(all->from, window->from);
	all->evaluated_at = Min(all->evaluated_at, window->evaluated_at);
	all->pending_at = Min(all->pending_at, window->pending_at);
	if (all->pending_xmax == 0 || window->pending_xmax == 0)
		all->pending_xmax = 0;
	else
		all->pending_xmax = Max(all->pending_xmax, window->pending_xmax);
}

/*
 * Lock the contact table's row, which is there from its first refresh on.
 * Whoever refreshes the same table waits here.
 */
static void
lock_contact_clock(Oid contact_table, ClockWindow *window)
{
	Oid type = REGCLASSOID;
	Datum value = ObjectIdGetDatum(contact_table);
	const char *lock = "SELECT m.covered_until, m.evaluated_at, m.pending_at, m.pending_xmax "
					   "FROM segments.contact_clock m WHERE m.contact_table = $1 FOR UPDATE";
	HeapTuple tuple;
	TupleDesc desc;
	bool isnull;

	if (run_latest(lock, 1, &type, &value) == 0)
	{
		(void) run(
			"INSERT INTO segments.contact_clock (contact_table, evaluated_at, covered_until) "
			"VALUES ($1, '-infinity', '-infinity') ON CONFLICT DO NOTHING",
			1, &type, &value);
		if (run_latest(lock, 1, &type, &value) == 0)
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("could not serialize access due to concurrent update")));
	}
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	window->from = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 1, &isnull));
	window->evaluated_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 2, &isnull));
	window->pending_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 3, &isnull));
	window->pending_xmax = DatumGetInt64(SPI_getbinval(tuple, desc, 4, &isnull));
	if (isnull)
		window->pending_xmax = 0;
	SPI_freetuptable(SPI_tuptable);
}

static void
include_own(ClockMove *move, Oid contact_table)
{
	CatalogScan scan;

	ClockBeginOwn(&scan, contact_table);
	while (CatalogScanNext(&scan))
	{
		ClockWindow window = {0};
		bool isnull;

		window.evaluated_at = ClockInstant(&scan, Anum_clock_evaluated_at);
		if (window.evaluated_at >= move->now)
			continue;
		window.from = ClockInstant(&scan, Anum_clock_covered_until);
		window.pending_at = ClockInstant(&scan, Anum_clock_pending_at);
		window.pending_xmax = DatumGetInt64(ClockColumn(&scan, Anum_clock_pending_xmax, &isnull));
		if (isnull)
			window.pending_xmax = 0;
		include(move, &window);
		DatumVectorAdd(&move->own_clock, ClockColumn(&scan, Anum_clock_segment_id, &isnull));
	}
	CatalogScanEnd(&scan);
}

/* The oldest transaction id of somebody else that may be running, as 64 bits. */
static uint64
oldest_other_xid(void)
{
	Snapshot snapshot = GetLatestSnapshot();
	FullTransactionId next = ReadNextFullTransactionId();
	TransactionId oldest = snapshot->xmax;
	uint32 i;

	for (i = 0; i < snapshot->xcnt; i++)
		if (TransactionIdPrecedes(snapshot->xip[i], oldest))
			oldest = snapshot->xip[i];
	while (TransactionIdIsCurrentTransactionId(oldest))
		TransactionIdAdvance(oldest);
	return U64FromFullTransactionId(next) - (uint32) (XidFromFullTransactionId(next) - oldest);
}

/*
 * Where covered_until and the pending pair stand after a refresh that has not
 * read anything yet.
 */
static void
plan_advance(ClockWindow *window)
{
	uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId());
	uint64 oldest = oldest_other_xid();

	window->next_covered = window->from;
	window->next_pending_at = window->evaluated_at;
	window->next_pending_xmax = (int64) next;
	if (oldest >= next)
	{
		window->next_covered = window->evaluated_at;
		return;
	}
	/* an id that is yet to come was noted before a dump was restored here */
	if (window->pending_xmax == 0 || (uint64) window->pending_xmax > next)
		return;
	if (oldest >= (uint64) window->pending_xmax)
		window->next_covered = window->pending_at;
	else
	{
		window->next_pending_at = window->pending_at;
		window->next_pending_xmax = window->pending_xmax;
	}
}

/*
 * Lock the clock of a contact table and find what a refresh to `now` has to
 * bring forward: false when nothing.
 */
bool
ClockBegin(ClockMove *move, Oid contact_table, TimestampTz now)
{
	ClockWindow window = {0};
	bool members;

	memset(move, 0, sizeof(ClockMove));
	move->contact_table = contact_table;
	move->now = now;
	/* the segments, and their table, may be gone since it was listed */
	if (!ClockIsDue(contact_table, now))
		return false;
	DatumVectorInit(&move->own_clock, CurrentMemoryContext, FLOAT8PASSBYVAL, sizeof(int64));
	lock_contact_clock(contact_table, &window);
	members = has_members(contact_table);
	move->together = !members || window.evaluated_at < now;
	if (members && move->together)
		include(move, &window);
	include_own(move, contact_table);
	if (move->any)
		plan_advance(&move->window);
	return move->any;
}

static Datum
id_array(const DatumVector *ids)
{
	return Int64Array(ids->items, ids->n);
}

/* A row that we saw and our snapshot does not show was not updated. */
static void
expect(uint64 written, uint64 expected)
{
	if (written < expected && IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
}

static void
expect_all(uint64 written, const DatumVector *ids)
{
	expect(written, (uint64) ids->n);
}

/*
 * Write where the segments stand after a refresh.  Those with their own clock
 * join the others, unless these are ahead of us.
 */
void
ClockAdvance(const ClockMove *move)
{
	Oid types[6] = {REGCLASSOID,    TIMESTAMPTZOID, TIMESTAMPTZOID,
					TIMESTAMPTZOID, INT8OID,        INT8ARRAYOID};
	Datum values[6];

	values[0] = ObjectIdGetDatum(move->contact_table);
	values[1] = TimestampTzGetDatum(move->now);
	values[2] = TimestampTzGetDatum(move->window.next_covered);
	values[3] = TimestampTzGetDatum(move->window.next_pending_at);
	values[4] = Int64GetDatum(move->window.next_pending_xmax);
	values[5] = id_array(&move->own_clock);
	if (!move->together)
		expect_all(
			run("UPDATE segments.segment_clock SET evaluated_at = $2, covered_until = $3, pending_at = $4, "
				"pending_xmax = $5 WHERE contact_table = $1 AND segment_id = ANY ($6)",
				6, types, values),
			&move->own_clock);
	else
	{
		expect(
			run("UPDATE segments.contact_clock SET evaluated_at = $2, covered_until = $3, pending_at = $4, "
				"pending_xmax = $5 WHERE contact_table = $1",
				5, types, values),
			1);
		if (move->own_clock.n > 0)
		{
			Oid id_array_type = INT8ARRAYOID;

			expect_all(
				run("UPDATE segments.segment_clock SET evaluated_at = NULL, covered_until = NULL, pending_at = NULL, "
					"pending_xmax = NULL WHERE segment_id = ANY ($1)",
					1, &id_array_type, &values[5]),
				&move->own_clock);
		}
	}
	tell_others();
}

static bool
has_own_clock(const ClockMove *move, int64 segment)
{
	int i;

	for (i = 0; i < move->own_clock.n; i++)
		if (DatumGetInt64(move->own_clock.items[i]) == segment)
			return true;
	return false;
}

/*
 * Segments whose next move is covered now, to be told the one after that.
 */
List *
ClockCovered(const ClockMove *move)
{
	ScanKeyData keys[3];
	CatalogScan scan;
	List *result = NIL;

	ScanKeyInit(&keys[0], Anum_clock_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(move->contact_table));
	ScanKeyInit(&keys[1], Anum_clock_next_move, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT,
				TimestampTzGetDatum(DT_NOBEGIN));
	ScanKeyInit(&keys[2], Anum_clock_next_move, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(move->window.next_covered));
	CatalogScanBegin(&scan, "segment_clock", CatalogRelid("segment_clock_next_move_idx"), NULL, 3,
					 keys);
	while (CatalogScanNext(&scan))
	{
		bool isnull;
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(ClockColumn(&scan, Anum_clock_segment_id, &isnull));
		/* the others are ahead of us, and may have to come back to it */
		if (move->together || has_own_clock(move, *id))
			result = lappend(result, id);
	}
	CatalogScanEnd(&scan);
	return result;
}

/*
 * Store when segments move next.
 */
void
ClockSetNextMoves(DatumVector *ids, DatumVector *next_moves)
{
	Oid types[2] = {INT8ARRAYOID, TIMESTAMPTZARRAYOID};
	Datum values[2];

	if (ids->n == 0)
		return;
	values[0] = id_array(ids);
	values[1] = PointerGetDatum(construct_array(next_moves->items, next_moves->n, TIMESTAMPTZOID, 8,
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	expect_all(
		run("UPDATE segments.segment_clock k SET next_move = n.next_move "
			"FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS n (segment_id, next_move) WHERE k.segment_id = n.segment_id",
			2, types, values),
		ids);
}

/*
 * Segments of a contact table that move with time.
 */
List *
ClockMoving(Oid contact_table)
{
	ScanKeyData key;
	CatalogScan scan;
	List *result = NIL;

	ScanKeyInit(&key, Anum_clock_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, "segment_clock", CatalogRelid("segment_clock_next_move_idx"), NULL, 1,
					 &key);
	while (CatalogScanNext(&scan))
	{
		bool isnull;
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(ClockColumn(&scan, Anum_clock_segment_id, &isnull));
		result = lappend(result, id);
	}
	CatalogScanEnd(&scan);
	return result;
}

/*
 * All moving segments of a contact table were evaluated at now, with writers
 * shut out, and have their own clock: nobody goes by the one that they shared.
 */
void
ClockReset(Oid contact_table, TimestampTz now)
{
	Oid types[2] = {REGCLASSOID, TIMESTAMPTZOID};
	Datum values[2];

	values[0] = ObjectIdGetDatum(contact_table);
	values[1] = TimestampTzGetDatum(now);
	(void) run("UPDATE segments.contact_clock SET evaluated_at = $2, covered_until = $2, "
			   "pending_at = NULL, pending_xmax = NULL WHERE contact_table = $1",
			   2, types, values);
	tell_others();
}

static void
store_failure(void *arg)
{
	Oid types[3] = {REGCLASSOID, TIMESTAMPTZOID, TEXTOID};

	(void) run("INSERT INTO segments.contact_clock AS k "
			   "(contact_table, evaluated_at, covered_until, failed_at, error) "
			   "VALUES ($1, '-infinity', '-infinity', $2, $3) "
			   "ON CONFLICT (contact_table) DO UPDATE SET failed_at = $2, error = $3",
			   3, types, arg);
}

static void
clear_failure(void *arg)
{
	Oid type = REGCLASSOID;

	(void) run("UPDATE segments.contact_clock SET failed_at = NULL, error = NULL "
			   "WHERE contact_table = $1 AND failed_at IS NOT NULL",
			   1, &type, arg);
}

/*
 * The last refresh of a contact table failed, or (NULL) did not.  Whether that
 * can be stored must not decide whether the others are brought forward.
 */
void
ClockFailed(Oid contact_table, const ErrorData *error)
{
	Datum values[3];

	values[0] = ObjectIdGetDatum(contact_table);
	values[1] = TimestampTzGetDatum(SegmentsNow());
	values[2] = error ? CStringGetTextDatum(AsideReason(error)) : (Datum) 0;
	if (error == NULL)
		clear_failure(values);
	else
		(void) InSubtransaction(store_failure, values, NULL);
}
