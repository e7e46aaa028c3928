/*
 * segment_query.c - the differences of one segment, by a query.
 *
 * Its filter as SQL against its members, all in the executor.  As nothing of
 * the row engine takes part, it is the oracle of every test.  What is computed
 * of related rows can be asked of each contact, or of all in one pass
 * (grouped_sql.c); the planner tells which is cheaper.
 */
#include "postgres.h"

#include "build/segment_query.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/snapmgr.h"

#include "base/spi.h"
#include "build/difference.h"
#include "build/progress.h"
#include "build/row_stream.h"
#include "clock/segment_clock.h"
#include "definition/contact_table.h"
#include "definition/segment.h"
#include "predicate/atom_sql.h"
#include "predicate/bind.h"
#include "predicate/grouped_sql.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "time/clock.h"

/* ----- as SQL ----- */

/*
 * When a segment is evaluated: now, or where time took it already.
 */
TimestampTz
SegmentQueryInstant(const DifferenceSearch *search, int64 segment)
{
	TimestampTz now = SegmentsNow();
	TimestampTz evaluated_at;

	if (!search->redefined && ClockRead(segment, &evaluated_at))
		now = Max(now, evaluated_at);
	return now;
}

/* Keys that should be members of the segment, as a subquery of column k. */
static char *
wanted_sql(DifferenceSearch *search, SegmentRow *row, ContactTable *table, const char *joins,
		   const char *condition)
{
	char *override = CatalogRelationName(table->override_table);

	if (!search->by_hand)
		return psprintf("SELECT c.%s AS k FROM %s c%s WHERE (%s)", table->key, table->name, joins,
						condition);
	return psprintf("SELECT c.%s AS k FROM %s c%s WHERE (%s) AND NOT EXISTS (SELECT FROM %s o "
					"WHERE o.segment_id = " INT64_FORMAT
					" AND o.contact_id = c.%s AND NOT o.included) UNION "
					"SELECT o.contact_id FROM %s o JOIN %s c ON c.%s = o.contact_id "
					"WHERE o.segment_id = " INT64_FORMAT " AND o.included",
					table->key, table->name, joins, condition, override, row->id, table->key,
					override, table->name, table->key, row->id);
}

/* Rows (key, stored, exists, excluded). */
static char *
difference_sql(DifferenceSearch *search, SegmentRow *row, ContactTable *table, const char *wanted)
{
	if (search->empty)
		return psprintf("SELECT e.k, false, true, false FROM (%s) e", wanted);
	return psprintf("SELECT COALESCE(e.k, m.contact_id), m.contact_id IS NOT NULL, "
					"m.contact_id IS NULL OR EXISTS (SELECT FROM %s c WHERE c.%s = m.contact_id), "
					"EXISTS (SELECT FROM %s o WHERE o.segment_id = " INT64_FORMAT
					" AND o.contact_id = m.contact_id "
					"AND NOT o.included) FROM (%s) e "
					"FULL JOIN (SELECT contact_id FROM %s WHERE segment_id = " INT64_FORMAT
					") m ON m.contact_id = e.k "
					"WHERE e.k IS NULL OR m.contact_id IS NULL",
					table->name, table->key, CatalogRelationName(table->override_table), row->id,
					wanted, CatalogRelationName(table->member_table), row->id);
}

/* The query; in *grouped the same with related rows of all contacts in one pass, where it has any. */
static char *
write_query(DifferenceSearch *search, SegmentRow *row, ContactTable *table, char **grouped)
{
	SqlContext context = {0};
	GroupedRows values = {NIL};
	Predicate *predicate = BindEvaluated(row->filters, table);
	StringInfoData plain;
	StringInfoData condition;
	StringInfoData joins;

	context.table = table;
	context.pinned = true;
	context.now = SegmentQueryInstant(search, row->id);
	initStringInfo(&plain);
	PredicateSql(&plain, predicate, &context);
	initStringInfo(&condition);
	initStringInfo(&joins);
	context.grouped = &values;
	PredicateSql(&condition, predicate, &context);
	GroupedJoins(&joins, &values);
	*grouped = values.values == NIL
				   ? NULL
				   : difference_sql(search, row, table,
									wanted_sql(search, row, table, joins.data, condition.data));
	return difference_sql(search, row, table, wanted_sql(search, row, table, "", plain.data));
}

/* ----- which query ----- */

static SPIPlanPtr
prepare(const char *sql, double *cost)
{
	SPIPlanPtr plan = SpiPrepare(sql, 0, NULL);

	*cost = SpiPlanTree(plan)->total_cost;
	return plan;
}

/*
 * Prepare the query of a segment; false when it is gone, or not published.
 */
bool
SegmentQueryPrepare(SegmentQuery *query, DifferenceSearch *search, int64 id)
{
	SegmentRow *row = SegmentById(id);
	char *grouped;
	char *plain;
	SPIPlanPtr other;

	memset(query, 0, sizeof(SegmentQuery));
	query->id = id;
	if (row == NULL || !row->is_published)
		return false;
	query->table = CatalogContactTable(row->contact_table, false);
	plain = write_query(search, row, query->table, &grouped);
	PushActiveSnapshot(search->snapshot);
	query->plan = prepare(plain, &query->plain_cost);
	query->cost = query->plain_cost;
	if (grouped != NULL)
	{
		other = prepare(grouped, &query->cost);
		if (query->cost < query->plain_cost)
		{
			SegmentQueryForget(query);
			query->plan = other;
		}
		else
		{
			SPI_freeplan(other);
			query->cost = query->plain_cost;
		}
	}
	PopActiveSnapshot();
	return true;
}

/*
 * Forget a query that was prepared.
 */
void
SegmentQueryForget(SegmentQuery *query)
{
	SPI_freeplan(query->plan);
	query->plan = NULL;
}

/*
 * Show the differences that it finds; it is not asked again.
 */
void
SegmentQueryRun(SegmentQuery *query, DifferenceSearch *search)
{
	RowStream stream;

	ProgressEnter(PROGRESS_EVALUATING);
	RowStreamOpen(&stream, query->plan, NULL, search->snapshot);
	while (RowStreamNext(&stream))
	{
		Difference difference = {query->id};
		bool isnull;

		difference.key = RowStreamColumn(&stream, 1, query->table->key_type, &isnull);
		difference.stored = DatumGetBool(RowStreamColumn(&stream, 2, BOOLOID, &isnull));
		difference.exists = DatumGetBool(RowStreamColumn(&stream, 3, BOOLOID, &isnull));
		difference.excluded = DatumGetBool(RowStreamColumn(&stream, 4, BOOLOID, &isnull));
		search->visit(search->arg, &difference);
	}
	RowStreamClose(&stream);
	SegmentQueryForget(query);
}
