/*
 * rows_sql.c - row groups -> SQL.
 *
 * Step 4b: a row group is a subquery over the rows of the contact c.  The row
 * is aliased r at every level: what an inner group needs of the outer row, the
 * date that its own has to be near, is handed in as w.at.  The aggregate is
 * a.v, and of an average also its sum a.s and the number of its values a.n.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "predicate/bind.h"

/* ----- within ----- */

/* One end of the span around w.at, as it is compared with the inner date. */
static char *
end_of_span(const RowWithin *within, const char *length, bool back, const SqlContext *context)
{
	const char *zone = quote_literal_cstr(context->table->timezone);
	char *at = psprintf("segments.%s(%s, %s, %s, w.at)", back ? "span_start" : "span_end",
						quote_literal_cstr(length), back ? "false" : "true", zone);

	if (within->days)
		return psprintf("segments.local_day(%s, %s)", at, zone);
	if (within->as_local)
		return psprintf("(%s AT TIME ZONE 'UTC')", at);
	return at;
}

/* A row without a date, or around one, is in no span. */
static void
append_within(StringInfo out, const RowWithin *within, const SqlContext *context)
{
	if (within->from == NULL && within->to == NULL)
		appendStringInfo(out, " AND %s IS NOT NULL AND w.at IS NOT NULL", within->date);
	if (within->from != NULL)
		appendStringInfo(out, " AND %s >= %s", within->date,
						 end_of_span(within, within->from, within->from_back, context));
	if (within->to != NULL)
		appendStringInfo(out, " AND %s <= %s", within->date,
						 end_of_span(within, within->to, within->to_back, context));
}

/* ----- rows ----- */

/*
 * FROM ... WHERE ... of the rows r that count.
 */
char *
RowGroupFromSql(const RowGroup *group, const SqlContext *context)
{
	StringInfoData out;
	char *rows = RowsFromSql(group->rows, group->condition, "c", context->table);

	initStringInfo(&out);
	if (group->within == NULL)
		appendStringInfoString(&out, rows);
	else
		/* the first in FROM: r is the outer row there */
		appendStringInfo(&out, "FROM (SELECT %s) AS w (at) CROSS JOIN %s", group->within->of,
						 rows + strlen("FROM "));
	if (group->within != NULL)
		append_within(&out, group->within, context);
	if (group->predicate->kind != PREDICATE_TRUE)
	{
		appendStringInfoString(&out, " AND (");
		PredicateSql(&out, group->predicate, context);
		appendStringInfoChar(&out, ')');
	}
	return out.data;
}

/* ----- aggregates ----- */

/* A query of one row, the aggregate: v, and of an average s and n. */
static char *
aggregate_query(const RowGroup *group, const SqlContext *context)
{
	char *from = RowGroupFromSql(group, context);
	const char *argument = group->argument;

	switch (group->aggregate)
	{
		case FILTER_AGGREGATE_COUNT:
			return psprintf("SELECT pg_catalog.count(*) AS v %s", from);
		case FILTER_AGGREGATE_DISTINCT:
			return psprintf("SELECT pg_catalog.count(DISTINCT %s) AS v %s", argument, from);
		case FILTER_AGGREGATE_SUM:
			return psprintf("SELECT COALESCE(pg_catalog.sum(%s), 0)::pg_catalog.numeric AS v %s",
							argument, from);
		case FILTER_AGGREGATE_MIN:
			return psprintf("SELECT pg_catalog.min(%s) AS v %s", argument, from);
		case FILTER_AGGREGATE_MAX:
			return psprintf("SELECT pg_catalog.max(%s) AS v %s", argument, from);
		case FILTER_AGGREGATE_AVG:
			return psprintf(
				"SELECT s, n, s / NULLIF(n, 0) AS v FROM (SELECT pg_catalog.sum(%s)::pg_catalog.numeric AS s, "
				"pg_catalog.count(%s)::pg_catalog.numeric AS n %s) AS totals",
				argument, argument, from);
		case FILTER_AGGREGATE_EXISTS:
			break;
	}
	elog(ERROR, "no value for aggregate %d", (int) group->aggregate);
	return NULL;
}

/*
 * The aggregate's value over the contact c, as a scalar subquery.
 */
char *
RowGroupValueSql(const RowGroup *group, const SqlContext *context)
{
	if (group->aggregate == FILTER_AGGREGATE_EXISTS)
		return psprintf("EXISTS (SELECT %s)", RowGroupFromSql(group, context));
	return psprintf("(SELECT a.v FROM (%s) AS a)", aggregate_query(group, context));
}

/* An average that is one of some numbers: exactly, as a sum. */
static void
append_average_any(StringInfo out, const Atom *atom)
{
	int i;

	for (i = 0; i < atom->nconstants; i++)
		appendStringInfo(out, "%sa.s = %s * a.n", i ? " OR " : "",
						 BindLiteral(atom->value_type, atom->constants[i]));
}

/* An average between two numbers, the same way. */
static void
append_average_range(StringInfo out, const Atom *atom)
{
	if (!atom->lower.given && !atom->upper.given)
		appendStringInfoString(out, "true");
	if (atom->lower.given)
		appendStringInfo(out, "a.s %s %s * a.n", atom->lower.inclusive ? ">=" : ">",
						 BindLiteral(atom->value_type, atom->lower.constant));
	if (atom->upper.given)
		appendStringInfo(out, "%sa.s %s %s * a.n", atom->lower.given ? " AND " : "",
						 atom->upper.inclusive ? "<=" : "<",
						 BindLiteral(atom->value_type, atom->upper.constant));
}

static void
append_test(StringInfo out, const Atom *atom, const SqlContext *context)
{
	bool average = atom->group->aggregate == FILTER_AGGREGATE_AVG;

	if (average && (atom->test == TEST_ANY || atom->test == TEST_RANGE))
	{
		appendStringInfoString(out, "a.n > 0 AND (");
		if (atom->test == TEST_ANY)
			append_average_any(out, atom);
		else
			append_average_range(out, atom);
		appendStringInfoChar(out, ')');
		return;
	}
	AtomRowSql(out, atom, context);
}

/*
 * The whole atom as a condition on the contact c, and within another group on
 * the outer row r too.
 */
void
RowGroupSql(StringInfo out, const Atom *atom, const SqlContext *context)
{
	if (atom->test == TEST_EXISTS)
	{
		appendStringInfo(out, "EXISTS (SELECT %s)", RowGroupFromSql(atom->group, context));
		return;
	}
	appendStringInfoString(out, "(SELECT ");
	append_test(out, atom, context);
	appendStringInfo(out, " FROM (%s) AS a)", aggregate_query(atom->group, context));
}
