/*
 * build.c - a whole segment at once: build, rebuild, check.
 *
 * Step 13a: one query over the contact table says who matches; members are
 * brought in line with it.  Everybody who writes to a table that the filter
 * reads is shut out meanwhile (SHARE ROW EXCLUSIVE, until the transaction
 * ends): a writer either committed before the query's snapshot, or begins
 * after it and then knows the definition (program.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "access/xact.h"
#include "compat.h"
#include "maintain.h"
#include "sql_expr.h"
#include "srf.h"

typedef struct Build
{
	SegmentRow *row;
	ContactTable *table;
	Predicate  *predicate;
	char	   *condition;		/* SQL over c, as of now */
	char	   *member;
	char	   *override;
	char	   *change;
	TimestampTz now;
	const char *cause;
	uint64		changes;
} Build;

/* ----- locks ----- */

static void
collect_tables(const Predicate *predicate, List **relids)
{
	int			i;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		collect_tables(predicate->args[i], relids);
	if (predicate->kind == PREDICATE_ATOM && predicate->atom->rows)
	{
		*relids = list_append_unique_oid(*relids, predicate->atom->rows->relid);
		if (OidIsValid(predicate->atom->rows->link_relid))
			*relids = list_append_unique_oid(*relids, predicate->atom->rows->link_relid);
	}
}

/* The contact table first, then the others by OID. */
static void
lock_in_order(Oid contact_table, List *relids)
{
	ListCell   *cell;

	LockRelationOid(contact_table, ShareRowExclusiveLock);
	list_sort(relids, list_oid_cmp);
	foreach(cell, relids)
		LockRelationOid(lfirst_oid(cell), ShareRowExclusiveLock);
}

static void
lock_tables(Build *build)
{
	List	   *relids = NIL;

	collect_tables(build->predicate, &relids);
	lock_in_order(build->table->relid, relids);
}

/* ----- preparing ----- */

static Predicate *
bind_stored(SegmentRow *row, ContactTable *table)
{
	BindOptions options = {false};

	return BindFilter(FilterUnflatten(row->filters), table, &options);
}

static void
prepare(Build *build, SegmentRow *row, const char *cause)
{
	SqlContext	context = {0};
	StringInfoData sql;
	TimestampTz evaluated_at;

	build->row = row;
	build->table = CatalogContactTable(row->contact_table, false);
	build->predicate = bind_stored(row, build->table);
	build->cause = cause;
	build->now = SegmentsNow();
	if (ClockRead(row->id, &evaluated_at) && strcmp(cause, CAUSE_DEFINITION) != 0)
		build->now = Max(build->now, evaluated_at);
	build->member = CatalogRelationName(build->table->member_table);
	build->override = CatalogRelationName(build->table->override_table);
	build->change = CatalogRelationName(build->table->change_table);
	context.table = build->table;
	context.pinned = true;
	context.now = build->now;
	initStringInfo(&sql);
	PredicateSql(&sql, build->predicate, &context);
	build->condition = sql.data;
}

/*
 * Lock all that some segments of one contact table read (ids: a List of int64
 * pointers).
 */
void
BuildLockTables(List *ids)
{
	ContactTable *table = NULL;
	List	   *relids = NIL;
	ListCell   *cell;

	foreach(cell, ids)
	{
		SegmentRow *row = SegmentById(*(int64 *) lfirst(cell));

		if (row == NULL)
			continue;
		if (table == NULL)
			table = CatalogContactTable(row->contact_table, false);
		collect_tables(bind_stored(row, table), &relids);
	}
	if (table != NULL)
		lock_in_order(table->relid, relids);
}

/* ----- writing ----- */

static char *
by_hand(Build *build, const char *contact, bool included)
{
	return psprintf("EXISTS (SELECT FROM %s o WHERE o.segment_id = " INT64_FORMAT " AND o.contact_id = %s AND %so.included)",
					build->override, build->row->id, contact, included ? "" : "NOT ");
}

/* Log what a statement moved, in the same statement. */
static void
run_logged(Build *build, const char *statement, bool joined)
{
	Oid			types[4] = {TIMESTAMPTZOID, INT8OID, INT4OID, TEXTOID};
	Datum		values[4];
	char	   *sql = psprintf("WITH moved AS (%s RETURNING contact_id) "
							   "INSERT INTO %s (xact, n, segment_id, contact_id, joined, cause, at) "
							   "SELECT $2, $3 + pg_catalog.row_number() OVER () - 1, " INT64_FORMAT ", contact_id, %s, $4, $1 "
							   "FROM moved", statement, build->change, build->row->id, joined ? "true" : "false");

	values[0] = TimestampTzGetDatum(build->now);
	values[1] = Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	values[2] = Int32GetDatum(MemberNextChangeNumber(0));
	values[3] = CStringGetTextDatum(build->cause);
	MaintainRun(sql, 4, types, values);
	(void) MemberNextChangeNumber((int) SPI_processed);
	build->changes += SPI_processed;
}

static void
write_joins(Build *build)
{
	char	   *contact = psprintf("c.%s", build->table->key);

	run_logged(build,
			   psprintf("INSERT INTO %s (segment_id, contact_id, since) SELECT " INT64_FORMAT ", %s, $1 FROM %s c "
						"WHERE (%s) AND NOT %s ON CONFLICT DO NOTHING",
						build->member, build->row->id, contact, build->table->name, build->condition,
						by_hand(build, contact, false)), true);
	run_logged(build,
			   psprintf("INSERT INTO %s (segment_id, contact_id, since) SELECT o.segment_id, o.contact_id, $1 "
						"FROM %s o JOIN %s c ON %s = o.contact_id "
						"WHERE o.segment_id = " INT64_FORMAT " AND o.included ON CONFLICT DO NOTHING",
						build->member, build->override, build->table->name, contact, build->row->id), true);
}

static void
write_leaves(Build *build)
{
	run_logged(build,
			   psprintf("DELETE FROM %s m WHERE m.segment_id = " INT64_FORMAT " AND NOT (%s OR NOT %s AND "
						"EXISTS (SELECT FROM %s c WHERE c.%s = m.contact_id AND (%s)))",
						build->member, build->row->id, by_hand(build, "m.contact_id", true),
						by_hand(build, "m.contact_id", false), build->table->name, build->table->key,
						build->condition), false);
}

/* Segments that refer to this one are no longer sure of their members. */
static void
build_referencing(Build *build)
{
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(build->row->id);
	int64	   *ids;
	int			n;
	int			i;
	SecureContext secure;

	SecureEnter(&secure, CatalogOwner());
	if (SPI_execute_with_args("SELECT r.segment_id FROM segments.segment_reference r JOIN segments.segment s ON s.id = r.segment_id "
							  "WHERE r.referenced_id = $1 AND s.is_published ORDER BY 1",
							  1, &type, &value, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read segment references");
	SecureLeave(&secure);
	n = (int) SPI_processed;
	ids = palloc(sizeof(int64) * Max(n, 1));
	for (i = 0; i < n; i++)
	{
		bool		isnull;

		ids[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	for (i = 0; i < n; i++)
		BuildSegment(ids[i], CAUSE_SEGMENT);
}

static void
set_clock(Build *build)
{
	bool		moves = PredicateMoves(build->predicate);

	ClockStart(build->table->relid, build->row->id, moves, build->now,
			   moves ? PredicateNextMove(build->predicate, build->table, build->now) : DT_NOEND);
}

/*
 * Bring the members of a published segment in line with its definition, and
 * the segments that refer to it.  Needs SPI; data is read and written as
 * the contact table's owner.
 */
void
BuildSegment(int64 id, const char *cause)
{
	SegmentRow *row = SegmentById(id);
	Build		build = {0};
	SecureContext secure;

	check_stack_depth();
	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("segment " INT64_FORMAT " does not exist", id)));
	if (!row->is_published)
		return;
	for (;;)
	{
		SegmentRow *fresh;

		prepare(&build, row, cause);
		lock_tables(&build);
		/* it may have changed, or gone, while we waited for the locks */
		fresh = SegmentById(id);
		if (fresh == NULL || !fresh->is_published)
			return;
		if (VARSIZE(fresh->filters) == VARSIZE(row->filters) &&
			memcmp(fresh->filters, row->filters, VARSIZE(row->filters)) == 0)
			break;
		row = fresh;
	}
	SecureEnter(&secure, build.table->owner);
	write_leaves(&build);
	write_joins(&build);
	SecureLeave(&secure);
	set_clock(&build);
	if (build.changes > 0)
		build_referencing(&build);
}

/*
 * Rebuild the segments of a program that read a table (it was truncated).
 */
void
BuildSegmentsReading(Program *program, Oid relid, const char *cause)
{
	int			i;

	for (i = 1; i < program->nsources; i++)
	{
		RowSource  *source = program->sources[i];
		Bitmapset  *segments;
		int			index = -1;

		if (source->relid != relid && !(source->link && source->link->relid == relid))
			continue;
		segments = ProgramSegmentsReading(program, source);
		while ((index = bms_next_member(segments, index)) >= 0)
			BuildSegment(program->segments[index].id, cause);
	}
}

/*
 * segments.build(segment_id, cause)
 */
PG_FUNCTION_INFO_V1(segments_build);
Datum
segments_build(PG_FUNCTION_ARGS)
{
	SPI_connect();
	BuildSegment(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	SPI_finish();
	PG_RETURN_VOID();
}

/* ----- check ----- */

static void
store_differences(SegmentRow *row, Tuplestorestate *store, TupleDesc desc)
{
	Build		build = {0};
	char	   *contact;
	SecureContext secure;
	Oid			input;
	Oid			param;
	uint64		i;

	prepare(&build, row, CAUSE_FILTER);
	contact = psprintf("c.%s", build.table->key);
	getTypeInputInfo(TupleDescAttr(desc, 1)->atttypid, &input, &param);
	SecureEnter(&secure, build.table->owner);
	if (SPI_execute(psprintf("SELECT COALESCE(e.k, m.contact_id)::pg_catalog.text, m.contact_id IS NOT NULL, e.k IS NOT NULL, "
							 "CASE WHEN m.contact_id IS NULL THEN 'is not a member but should be' "
							 "WHEN NOT EXISTS (SELECT FROM %s c WHERE %s = m.contact_id) THEN 'does not exist' "
							 "WHEN EXISTS (SELECT FROM %s o WHERE o.segment_id = " INT64_FORMAT " AND o.contact_id = m.contact_id "
							 "AND NOT o.included) THEN 'is excluded by hand' ELSE 'is a member but does not match' END "
							 "FROM (SELECT %s AS k FROM %s c WHERE (%s) AND NOT %s UNION "
							 "SELECT o.contact_id FROM %s o JOIN %s c ON %s = o.contact_id "
							 "WHERE o.segment_id = " INT64_FORMAT " AND o.included) e "
							 "FULL JOIN (SELECT contact_id FROM %s WHERE segment_id = " INT64_FORMAT ") m ON m.contact_id = e.k "
							 "WHERE e.k IS NULL OR m.contact_id IS NULL",
							 build.table->name, contact, build.override, row->id, contact, build.table->name,
							 build.condition, by_hand(&build, contact, false), build.override, build.table->name, contact,
							 row->id, build.member, row->id), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not check segment " INT64_FORMAT, row->id);
	for (i = 0; i < SPI_processed; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {0};
		bool		isnull;

		values[0] = Int64GetDatum(row->id);
		values[1] = OidInputFunctionCall(input, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1), param, -1);
		values[2] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
		values[3] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull);
		values[4] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 4, &isnull);
		tuplestore_putvalues(store, desc, values, nulls);
	}
	SPI_freetuptable(SPI_tuptable);
	SecureLeave(&secure);
}

static List *
segment_ids(const char *sql)
{
	List	   *ids = NIL;
	uint64		i;

	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read segments");
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		int64	   *id = palloc(sizeof(int64));

		*id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		ids = lappend(ids, id);
	}
	return ids;
}

/*
 * segments.check_segments(ids bigint[], key anyelement)
 *   -> (segment_id, contact_id, stored, evaluated, reason)
 */
PG_FUNCTION_INFO_V1(segments_check_segment);
Datum
segments_check_segment(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	List	   *ids = NIL;
	ListCell   *cell;

	SPI_connect();
	if (PG_ARGISNULL(0))
		ids = segment_ids("SELECT id FROM segments.segment WHERE is_published ORDER BY id");
	else
	{
		int64	   *id = palloc(sizeof(int64));

		*id = PG_GETARG_INT64(0);
		ids = list_make1(id);
	}
	foreach(cell, ids)
	{
		SegmentRow *row = SegmentById(*(int64 *) lfirst(cell));

		CHECK_FOR_INTERRUPTS();
		if (row != NULL && row->is_published)
			store_differences(row, store, desc);
	}
	SPI_finish();
	PG_RETURN_NULL();
}
