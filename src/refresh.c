/*
 * refresh.c - segments.refresh_due(): time passes.
 *
 * Step 15a: for each moving segment that is due, only contacts whose value
 * lies between where a boundary stood and where it stands now can change; they
 * are found by the values' own indexes and evaluated by maintain.c.  Segments
 * that refer to what changed follow.  Idempotent; two at a time take turns
 * segment by segment.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "maintain.h"
#include "member_count.h"
#include "sql_expr.h"

#define MANY_DAYS 370			/* beyond, every month and day has passed */

typedef struct Refresh
{
	Program    *program;
	int			segment;		/* index */
	Predicate  *predicate;		/* its filter, bound */
	ClockWindow window;
	TimestampTz now;
	DatumVector keys;
} Refresh;

/* ----- contacts that a boundary passed ----- */

static void
keep_keys(Refresh *refresh)
{
	uint64		i;

	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		key = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		DatumVectorAdd(&refresh->keys, key);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Contacts with an atom's value (of the row, or of some related row) in a condition. */
static void
find_keys(Refresh *refresh, const Atom *atom, const char *condition)
{
	ContactTable *table = refresh->program->table;
	char	   *sql;

	if (atom->scope == ATOM_CONTACT)
		sql = psprintf("SELECT c.%s FROM %s c WHERE %s", table->key, table->name, condition);
	else
		sql = psprintf("SELECT c.%s FROM %s c WHERE EXISTS (SELECT %s AND %s)", table->key, table->name,
					   RowsFromSql(atom->rows, atom->field->condition, "c", table), condition);
	MaintainRun(sql, 0, NULL, NULL);
	keep_keys(refresh);
}

/* The value whose moving boundary matters: aggregates are over this one. */
static char *
moving_value(const Atom *atom)
{
	return atom->scope == ATOM_AGGREGATE ? atom->field->value : atom->value;
}

static void
passed_by(Refresh *refresh, const Atom *atom, const Boundary *boundary)
{
	SqlContext	context = {0};
	StringInfoData from;
	StringInfoData to;
	const char *value = moving_value(atom);
	char	   *slack;

	if (!BoundaryMoves(boundary))
		return;
	context.table = refresh->program->table;
	context.pinned = true;
	initStringInfo(&from);
	initStringInfo(&to);
	context.now = refresh->window.from;
	BoundarySql(&from, atom, boundary, &context);
	context.now = refresh->now;
	BoundarySql(&to, atom, boundary, &context);
	if (atom->value_type == VALUE_DATE)
		slack = psprintf(INT64_FORMAT, (BoundarySlack(boundary) + USECS_PER_DAY - 1) / USECS_PER_DAY);
	else
		slack = psprintf("'" INT64_FORMAT " microseconds'::pg_catalog.interval", BoundarySlack(boundary));
	find_keys(refresh, atom, psprintf("%s >= LEAST(%s, %s) - %s AND %s <= GREATEST(%s, %s) + %s",
									  value, from.data, to.data, slack, value, from.data, to.data, slack));
}

/* Months and days on which an anniversary stood within the window. */
static void
passed_anniversary(Refresh *refresh, const Atom *atom)
{
	ContactTable *table = refresh->program->table;
	StringInfoData days;
	TimestampTz at = refresh->window.from;
	int			steps;

	initStringInfo(&days);
	for (steps = 0; at <= refresh->now && steps < MANY_DAYS; steps++)
	{
		int32		month_days[2];
		int			n = PhraseAnniversary(atom->anniversary, table->zone, at, month_days);
		int			i;

		for (i = 0; i < n; i++)
			appendStringInfo(&days, "%s%d", days.len ? "," : "", month_days[i]);
		at = PhraseNextMidnight(table->zone, at);
	}
	if (steps == MANY_DAYS)
		find_keys(refresh, atom, psprintf("%s IS NOT NULL", atom->value));
	else
		find_keys(refresh, atom, psprintf("%s = ANY ('{%s}'::pg_catalog.int4[])", atom->value, days.data));
}

static void
passed_atom(Refresh *refresh, const Atom *atom)
{
	if (!atom->moves)
		return;
	if (atom->value_type == VALUE_MONTH_DAY)
	{
		passed_anniversary(refresh, atom);
		return;
	}
	passed_by(refresh, atom, &atom->lower);
	passed_by(refresh, atom, &atom->upper);
}

static void
passed_predicate(Refresh *refresh, const Predicate *predicate)
{
	int			i;

	for (i = 0; i < predicate->nargs; i++)
		passed_predicate(refresh, predicate->args[i]);
	if (predicate->kind == PREDICATE_ATOM)
		passed_atom(refresh, predicate->atom);
}

/* ----- one segment ----- */

static void
run_as_catalog_owner(const char *sql, int nargs, Oid *types, Datum *values)
{
	SecureContext secure;

	SecureEnter(&secure, CatalogOwner());
	MaintainRun(sql, nargs, types, values);
	SecureLeave(&secure);
}


/*
 * Lock the segment's clock row; false when somebody else brought it forward
 * meanwhile, or it is gone.
 */
static bool
lock_clock(Refresh *refresh, int64 id, TimestampTz now)
{
	Oid			types[2] = {INT8OID, TIMESTAMPTZOID};
	Datum		values[2];
	HeapTuple	tuple;
	TupleDesc	desc;
	bool		isnull;

	values[0] = Int64GetDatum(id);
	values[1] = TimestampTzGetDatum(now);
	run_as_catalog_owner("SELECT k.covered_until, k.evaluated_at, k.pending_at, k.pending_xmax FROM segments.segment_clock k "
				"WHERE k.segment_id = $1 AND k.evaluated_at < $2 FOR UPDATE", 2, types, values);
	if (SPI_processed == 0)
		return false;
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	refresh->window.from = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 1, &isnull));
	refresh->window.evaluated_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 2, &isnull));
	refresh->window.pending_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 3, &isnull));
	refresh->window.pending_xmax = DatumGetInt64(SPI_getbinval(tuple, desc, 4, &isnull));
	if (isnull)
		refresh->window.pending_xmax = 0;
	return true;
}

/*
 * When the segment is due again: at its next move, or at once while a move may
 * have passed a row that was not committed.
 */
static TimestampTz
next_refresh(Refresh *refresh)
{
	const Predicate *predicate = refresh->predicate;
	ContactTable *table = refresh->program->table;

	if (PredicateNextMove(predicate, table, refresh->window.next_covered) <= refresh->now)
		return refresh->now;
	return PredicateNextMove(predicate, table, refresh->now);
}

static void
refresh_segment(int64 id, Oid contact_table, TimestampTz now)
{
	Refresh		refresh = {0};
	SecureContext secure;

	LockRelationOid(contact_table, RowExclusiveLock);
	if (!lock_clock(&refresh, id, now))
		return;
	refresh.program = ProgramGet(contact_table);
	refresh.segment = ProgramSegmentById(refresh.program, id);
	refresh.now = now;
	if (refresh.segment < 0)
		return;
	refresh.predicate = BindStored(SegmentById(id)->filters, refresh.program->table);
	DatumVectorInit(&refresh.keys, CurrentMemoryContext, refresh.program->key_byval, refresh.program->key_len);
	ClockPlanAdvance(&refresh.window);
	SecureEnter(&secure, refresh.program->table->owner);
	passed_predicate(&refresh, refresh.predicate);
	MaintainContactsAt(refresh.program, refresh.keys.items, refresh.keys.n, bms_make_singleton(refresh.segment),
					   NULL, CAUSE_TIME, now);
	SecureLeave(&secure);
	ClockAdvance(id, &refresh.window, now, next_refresh(&refresh));
}

/* ----- all that is due ----- */

typedef struct DueSegment
{
	int64		id;
	Oid			contact_table;
} DueSegment;

/*
 * In topological order as far as it matters: a segment that refers to a moved
 * one is evaluated with it, and once more for its own phrases.
 */
static List *
due_segments(TimestampTz now)
{
	Oid			type = TIMESTAMPTZOID;
	Datum		value = TimestampTzGetDatum(now);
	List	   *due = NIL;
	uint64		i;

	run_as_catalog_owner("SELECT s.id, s.contact_table::pg_catalog.oid FROM segments.segment_clock k "
				"JOIN segments.segment s ON s.id = k.segment_id "
				"WHERE s.is_published AND k.next_move <= $1 AND k.evaluated_at < $1 ORDER BY s.id", 1, &type, &value);
	for (i = 0; i < SPI_processed; i++)
	{
		DueSegment *segment = palloc(sizeof(DueSegment));
		bool		isnull;

		segment->id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		segment->contact_table = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
		due = lappend(due, segment);
	}
	return due;
}

/*
 * segments.refresh_due(at) -> number of changes
 */
PG_FUNCTION_INFO_V1(segments_refresh_due);
Datum
segments_refresh_due(PG_FUNCTION_ARGS)
{
	TimestampTz now = PG_ARGISNULL(0) ? SegmentsNow() : PG_GETARG_TIMESTAMPTZ(0);
	int64		before;
	int64		after;
	ListCell   *cell;

	if (TIMESTAMP_NOT_FINITE(now))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("refresh_due needs a finite instant")));
	SPI_connect();
	before = MemberWritten(0);
	foreach(cell, due_segments(now))
	{
		DueSegment *due = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		refresh_segment(due->id, due->contact_table, now);
	}
	after = MemberWritten(0);
	MemberCountsSettleAll(SETTLE_UPKEEP);
	SPI_finish();
	PG_RETURN_INT64(after - before);
}
