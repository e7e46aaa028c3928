/*
 * predicate_sql.c - bound predicate -> SQL.
 *
 * The text that the planner gets, set-wise: matching(), matches(), build,
 * check, explain.  The contact is aliased c, a related row r; every name is
 * qualified.
 *
 * A row group is a subquery over the rows of the contact c.  The row is aliased
 * r at every level: what an inner group needs of the outer row, the date that
 * its own has to be near, is handed in as w.at.  The aggregate is a.v, and of
 * an average also its sum a.s and the number of its values a.n.
 */
#include "postgres.h"

#include "predicate/predicate_sql.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "definition/contact_table.h"
#include "definition/related_sql.h"
#include "filter/filter.h"
#include "predicate/atom_sql.h"
#include "predicate/grouped_sql.h"
#include "predicate/moving.h"
#include "predicate/predicate.h"

#define MAX_JOINS 8 /* conditions of one AND that the planner may make joins of */

/* ----- related rows ----- */

static char *
by_hand_sql(const SqlContext *context, int64 segment, const char *included)
{
	return psprintf(
		"EXISTS (SELECT FROM %s o WHERE o.segment_id = %s AND o.contact_id = c.%s AND %so.included)",
		CatalogRelationName(context->table->override_table), psprintf(INT64_FORMAT, segment),
		context->table->key, included);
}

static void
append_member(StringInfo out, const Atom *atom, const SqlContext *context)
{
	if (MovingHas(context->moving, atom->segment_id))
		appendStringInfo(out,
						 "EXISTS (SELECT FROM moving_" INT64_FORMAT " m WHERE m.contact_id = c.%s)",
						 atom->segment_id, context->table->key);
	else
		appendStringInfo(
			out, "EXISTS (SELECT FROM %s m WHERE m.segment_id = %s AND m.contact_id = c.%s)",
			CatalogRelationName(context->table->member_table),
			psprintf(INT64_FORMAT, atom->segment_id), context->table->key);
}

/*
 * WITH clause that gives the members of moving segments at the context's
 * instant: those of the filter and what was done by hand (SEMANTICS §6).
 * Nothing where there are none.
 */
void
MovingSql(StringInfo out, const SqlContext *context)
{
	const char *separator = "WITH ";
	ListCell *cell;

	foreach (cell, context->moving->segments)
	{
		MovingSegment *segment = lfirst(cell);

		appendStringInfo(out,
						 "%smoving_" INT64_FORMAT
						 " AS MATERIALIZED (SELECT c.%s AS contact_id FROM %s c WHERE ((%s OR (",
						 separator, segment->id, context->table->key, context->table->name,
						 by_hand_sql(context, segment->id, ""));
		PredicateSql(out, segment->predicate, context);
		appendStringInfo(out, ")) AND NOT %s) IS TRUE)", by_hand_sql(context, segment->id, "NOT "));
		separator = ", ";
	}
	if (context->moving->segments != NIL)
		appendStringInfoChar(out, ' ');
}

/* ----- within a span ----- */

/* One end of the span around w.at, as it is compared with the inner date. */
static char *
end_of_span(const RowWithin *within, const char *length, bool back, const SqlContext *context)
{
	const char *zone = quote_literal_cstr(context->table->timezone);
	char *at = psprintf("segments.%s(%s, %s, %s, w.at)", back ? "span_start" : "span_end",
						quote_literal_cstr(length), back ? "false" : "true", zone);

	if (within->days)
		return psprintf("segments_internal.local_day(%s, %s)", at, zone);
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

/* ----- row groups ----- */

/* The moving segments whose memberships a group reads, each once: int64 *. */
static List *
moving_segments_of(const RowGroup *group, const SqlContext *context)
{
	List *result = NIL;
	List *ids;
	ListCell *cell;

	if (context->moving == NULL || !RowGroupIsMemberships(group))
		return NIL;
	ids = RowGroupSegments(group, NIL);
	foreach (cell, context->moving->segments)
	{
		MovingSegment *segment = lfirst(cell);
		ListCell *named;

		foreach (named, ids)
			if (*(int64 *) lfirst(named) == segment->id)
				break;
		if (named != NULL)
			result = lappend(result, &segment->id);
	}
	return result;
}

/*
 * FROM ... WHERE ... of the rows of a group.  Memberships of moving segments
 * are those of the context's instant: who becomes a member then is one since.
 */
static char *
rows_from(const RowGroup *group, const SqlContext *context)
{
	List *moving = moving_segments_of(group, context);
	char *stored = CatalogRelationName(group->rows->relid);
	char *now;
	StringInfoData out;
	StringInfoData ids;
	ListCell *cell;

	if (moving == NIL)
		return RowsFromSql(group->rows, group->condition, "c", context->table);
	now = AtomLiteralSql(VALUE_TIMESTAMPTZ, TimestampTzGetDatum(context->now));
	initStringInfo(&out);
	initStringInfo(&ids);
	foreach (cell, moving)
	{
		int64 id = *(int64 *) lfirst(cell);

		appendStringInfo(&ids, "%s" INT64_FORMAT, ids.len ? ", " : "", id);
		appendStringInfo(&out,
						 "SELECT " INT64_FORMAT " AS segment_id, v.contact_id, "
						 "COALESCE(m.since, %s) AS since FROM moving_" INT64_FORMAT " v LEFT JOIN "
						 "%s m ON m.segment_id = " INT64_FORMAT
						 " AND m.contact_id = v.contact_id UNION ALL ",
						 id, now, id, stored, id);
	}
	return psprintf("FROM (%sSELECT m.segment_id, m.contact_id, m.since FROM %s m "
					"WHERE m.segment_id NOT IN (%s)) r WHERE r.contact_id = c.%s",
					out.data, stored, ids.data, context->table->key);
}

/*
 * FROM ... WHERE ... of the rows r that count.
 */
char *
RowGroupFromSql(const RowGroup *group, const SqlContext *context)
{
	StringInfoData out;
	char *rows = rows_from(group, context);

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

/* A query of one row, the aggregate: v, and of an average s and n. */
static char *
aggregate_query(const RowGroup *group, const SqlContext *context)
{
	char *from = RowGroupFromSql(group, context);
	const char *argument = group->argument;
	char *call = AggregateCallSql(RowGroupAggregate(group), argument);

	if (call)
		return psprintf("SELECT %s%s AS v %s", call,
						group->aggregate == FILTER_AGGREGATE_SUM ? "::pg_catalog.numeric" : "",
						from);
	switch (group->aggregate)
	{
		case FILTER_AGGREGATE_DISTINCT:
			return psprintf("SELECT pg_catalog.count(DISTINCT %s) AS v %s", argument, from);
		case FILTER_AGGREGATE_AVG:
			return psprintf(
				"SELECT s, n, s / NULLIF(n, 0) AS v FROM (SELECT pg_catalog.sum(%s)::pg_catalog.numeric AS s, "
				"pg_catalog.count(%s)::pg_catalog.numeric AS n %s) AS totals",
				argument, argument, from);
		default:
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
	return psprintf("(SELECT %s FROM (%s) AS a)",
					group->aggregate == FILTER_AGGREGATE_AVG ? "pg_catalog.trim_scale(a.v)" : "a.v",
					aggregate_query(group, context));
}

/* An average that is one of some numbers: exactly, as a sum. */
static void
append_average_any(StringInfo out, const Atom *atom)
{
	int i;

	for (i = 0; i < atom->nconstants; i++)
		appendStringInfo(out, "%sa.s = %s * a.n", i ? " OR " : "",
						 AtomLiteralSql(atom->value_type, atom->constants[i]));
}

/* An average between two numbers, the same way. */
static void
append_average_range(StringInfo out, const Atom *atom)
{
	if (!atom->lower.given && !atom->upper.given)
		appendStringInfoString(out, "true");
	if (atom->lower.given)
		appendStringInfo(out, "a.s %s %s * a.n", atom->lower.inclusive ? ">=" : ">",
						 AtomLiteralSql(atom->value_type, atom->lower.constant));
	if (atom->upper.given)
		appendStringInfo(out, "%sa.s %s %s * a.n", atom->lower.given ? " AND " : "",
						 atom->upper.inclusive ? "<=" : "<",
						 AtomLiteralSql(atom->value_type, atom->upper.constant));
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
static void
append_row_group(StringInfo out, const Atom *atom, const SqlContext *context)
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

/* ----- atoms ----- */

/*
 * The whole atom as a condition on the contact c.
 */
void
AtomSql(StringInfo out, const Atom *atom, const SqlContext *context)
{
	if (atom->scope == ATOM_MEMBER)
		append_member(out, atom, context);
	else if (atom->scope == ATOM_GROUP)
		append_row_group(out, atom, context);
	else if (atom->scope == ATOM_ROWS)
	{
		appendStringInfo(out, "EXISTS (SELECT %s",
						 RowsFromSql(atom->rows, atom->field->condition, "c", context->table));
		if (atom->test != TEST_EXISTS)
		{
			appendStringInfoString(out, " AND ");
			AtomRowSql(out, atom, context);
		}
		appendStringInfoChar(out, ')');
	}
	else
		AtomRowSql(out, GroupedAtom(context->grouped, atom, context->table), context);
}

/* ----- the tree ----- */

static bool
is_existence(const Atom *atom)
{
	return atom->scope == ATOM_MEMBER || atom->scope == ATOM_ROWS ||
		   (atom->scope == ATOM_GROUP && atom->test == TEST_EXISTS);
}

static bool
needs_parentheses(const Predicate *arg, PredicateKind parent)
{
	if (arg->kind == PREDICATE_AND || arg->kind == PREDICATE_OR)
		return arg->kind != parent;
	return arg->kind == PREDICATE_NOT && parent == PREDICATE_NOT;
}

static bool
never_null(const Predicate *arg)
{
	return arg->kind == PREDICATE_ATOM && (is_existence(arg->atom) || arg->atom->test == TEST_NULL);
}

static void
append_not(StringInfo out, const Predicate *arg, const SqlContext *context)
{
	if (arg->kind == PREDICATE_ATOM && arg->atom->test == TEST_NULL &&
		arg->atom->scope != ATOM_ROWS && arg->atom->scope != ATOM_GROUP)
		appendStringInfo(out, "%s IS NOT NULL",
						 GroupedAtom(context->grouped, arg->atom, context->table)->value);
	else if (never_null(arg))
	{
		appendStringInfoString(out, "NOT ");
		PredicateSql(out, arg, context);
	}
	else
	{
		appendStringInfoChar(out, '(');
		PredicateSql(out, arg, context);
		appendStringInfoString(out, ") IS NOT TRUE");
	}
}

/* Does it become a subquery that the planner makes a join of? */
static bool
is_joined(const Predicate *arg)
{
	if (arg->kind == PREDICATE_NOT)
		arg = arg->args[0];
	return arg->kind == PREDICATE_ATOM && is_existence(arg->atom);
}

/*
 * Write the predicate over the contact c; NULL in the result counts as false.
 *
 * The planner makes joins of what EXISTS conditions there are, and takes the
 * third power of their number to put them in order.  Beyond a few they are
 * hidden from it, and asked of each contact that the first ones leave.
 */
void
PredicateSql(StringInfo out, const Predicate *predicate, const SqlContext *context)
{
	int joins = 0;
	int i;

	check_stack_depth();
	switch (predicate->kind)
	{
		case PREDICATE_FALSE:
			appendStringInfoString(out, "false");
			return;
		case PREDICATE_TRUE:
			appendStringInfoString(out, "true");
			return;
		case PREDICATE_ATOM:
			AtomSql(out, predicate->atom, context);
			return;
		case PREDICATE_NOT:
			append_not(out, predicate->args[0], context);
			return;
		case PREDICATE_AND:
		case PREDICATE_OR:
			break;
	}
	for (i = 0; i < predicate->nargs; i++)
	{
		const Predicate *arg = predicate->args[i];
		bool parens =
			needs_parentheses(arg, predicate->kind) ||
			(arg->kind == PREDICATE_ATOM && predicate->kind == PREDICATE_OR &&
			 arg->atom->test == TEST_RANGE && arg->atom->lower.given && arg->atom->upper.given);
		bool hidden = predicate->kind == PREDICATE_AND && is_joined(arg) && ++joins > MAX_JOINS;

		CHECK_FOR_INTERRUPTS();
		parens = parens || hidden;
		if (i > 0)
			appendStringInfoString(out, predicate->kind == PREDICATE_AND ? " AND " : " OR ");
		if (parens)
			appendStringInfoChar(out, '(');
		PredicateSql(out, arg, context);
		if (parens)
			appendStringInfoChar(out, ')');
		if (hidden)
			appendStringInfoString(out, " IS TRUE");
	}
}
