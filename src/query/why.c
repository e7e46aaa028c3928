/*
 * why.c - explain one contact: segments.why(), and preview a filter:
 * segments.preview().
 *
 * Step 16: every leaf of a segment's filter is bound by itself and asked for
 * this contact, so that what is shown is what the engine evaluates.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "definition/access.h"
#include "predicate/bind.h"
#include "maintain/maintain.h"
#include "base/sql_expr.h"
#include "base/srf.h"

#define SAMPLE_ROWS 10   /* related values shown for a leaf */
#define SAMPLE_FIELDS 40 /* of a row that counts */

typedef struct Why
{
	ContactTable *table;
	char *contact; /* key as an SQL literal */
	TimestampTz now;
	StringInfo out; /* JSON */
} Why;

static void
append_string(StringInfo out, const char *name, const char *value)
{
	escape_json(out, name);
	appendStringInfoString(out, ": ");
	if (value)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

/* One value of a query as text, or NULL. */
static char *
ask(const char *sql)
{
	char *value = NULL;

	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", sql);
	if (SPI_processed > 0)
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	return value;
}

static char *
from_contact(Why *why)
{
	return psprintf("FROM %s c WHERE c.%s = %s", why->table->name, why->table->key, why->contact);
}

/* What the contact has in a field, as JSON text; NULL for memberships. */
static char *
stored_value(Why *why, Field *field)
{
	if (field == NULL || field->value == NULL)
		return NULL;
	if (field->rows == NULL)
		return ask(psprintf("SELECT pg_catalog.to_json(%s) %s", field->value, from_contact(why)));
	return ask(psprintf(
		"SELECT pg_catalog.json_agg(v) FROM (SELECT %s AS v FROM %s c, LATERAL (SELECT r.* %s LIMIT %d) r "
		"WHERE c.%s = %s) s",
		field->value, why->table->name, RowsFromSql(field->rows, field->condition, "c", why->table),
		SAMPLE_ROWS, why->table->key, why->contact));
}

/* A leaf or a row group bound by itself. */
static Predicate *
bind_alone(Why *why, const FilterNode *leaf)
{
	FilterNode alone = *leaf;
	FilterNode *child = &alone;
	FilterNode root = {0};
	BindOptions options = {false};

	root.nchildren = 1;
	root.children = &child;
	return BindFilter(&root, why->table, &options);
}

static SqlContext
context_of(Why *why)
{
	SqlContext context = {0};

	context.table = why->table;
	context.pinned = true;
	context.now = why->now;
	return context;
}

static bool
leaf_truth(Why *why, const Predicate *predicate)
{
	SqlContext context = context_of(why);
	StringInfoData sql;
	char *answer;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT (");
	PredicateSql(&sql, predicate, &context);
	appendStringInfo(&sql, ") IS TRUE %s", from_contact(why));
	answer = ask(sql.data);
	return answer != NULL && answer[0] == 't';
}

static void
append_document(StringInfo out, const FilterNode *leaf)
{
	FilterNode alone = *leaf;
	FilterNode *child = &alone;
	FilterNode root = {0};
	StringInfoData json;

	root.nchildren = 1;
	root.children = &child;
	initStringInfo(&json);
	FilterToJson(&root, &json);
	/* the element without the array around it */
	json.data[json.len - 1] = '\0';
	appendStringInfo(out, "\"filter\": %s", json.data + 1);
}

static bool
append_leaf(Why *why, const FilterNode *leaf)
{
	bool truth = leaf_truth(why, bind_alone(why, leaf));
	char *value = stored_value(why, FieldLookup(why->table, leaf->object, leaf->field));

	appendStringInfoChar(why->out, '{');
	append_document(why->out, leaf);
	appendStringInfo(why->out, ", \"value\": %s, \"matches\": %s}", value ? value : "null",
					 truth ? "true" : "false");
	return truth;
}

/* ----- row groups ----- */

/* The row group that a predicate compares; NULL when its truth is constant. */
static const RowGroup *
group_of(const Predicate *predicate)
{
	while (predicate->kind != PREDICATE_ATOM)
	{
		if (predicate->nargs == 0)
			return NULL;
		predicate = predicate->args[0];
	}
	return predicate->atom->group;
}

static List *
add_field(List *fields, Field *field)
{
	ListCell *cell;

	foreach (cell, fields)
		if (strcmp(((Field *) lfirst(cell))->name, field->name) == 0)
			return fields;
	return lappend(fields, field);
}

/* The fields of the row that the filters name. */
static List *
fields_read(const Predicate *predicate, List *fields)
{
	int i;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		fields = fields_read(predicate->args[i], fields);
	if (predicate->kind == PREDICATE_ATOM && predicate->atom->scope == ATOM_ROW)
		fields = add_field(fields, predicate->atom->field);
	return fields;
}

/* What the filters see of a row, as one JSON object. */
static char *
row_object(const RowGroup *group)
{
	List *fields = fields_read(group->predicate, NIL);
	const char *separator = "";
	StringInfoData out;
	ListCell *cell;

	if (group->of)
		fields = add_field(fields, group->of);
	initStringInfo(&out);
	appendStringInfoString(&out, "pg_catalog.json_build_object(");
	foreach (cell, list_truncate(fields, SAMPLE_FIELDS))
	{
		Field *field = lfirst(cell);

		appendStringInfo(&out, "%s%s, %s", separator, quote_literal_cstr(field->name),
						 field->value);
		separator = ", ";
	}
	appendStringInfoChar(&out, ')');
	return out.data;
}

/* The rows that count, and what is made of them. */
static void
append_rows_counted(Why *why, const RowGroup *group)
{
	SqlContext context = context_of(why);
	char *from = RowGroupFromSql(group, &context);
	char *value = ask(psprintf("SELECT pg_catalog.to_json(%s) %s",
							   RowGroupValueSql(group, &context), from_contact(why)));
	char *counted =
		ask(psprintf("SELECT (SELECT pg_catalog.count(*) %s) %s", from, from_contact(why)));
	char *rows = ask(psprintf("SELECT (SELECT pg_catalog.json_agg(o) FROM (SELECT %s AS o %s "
							  "LIMIT %d) AS s) %s",
							  row_object(group), from, SAMPLE_ROWS, from_contact(why)));

	appendStringInfo(why->out, ", \"value\": %s, \"counted\": %s, \"rows\": %s",
					 value ? value : "null", counted ? counted : "null", rows ? rows : "[]");
}

static bool
append_rows(Why *why, const FilterNode *node)
{
	Predicate *predicate = bind_alone(why, node);
	const RowGroup *group = group_of(predicate);
	bool truth = leaf_truth(why, predicate);

	appendStringInfoChar(why->out, '{');
	append_document(why->out, node);
	if (group)
		append_rows_counted(why, group);
	appendStringInfo(why->out, ", \"matches\": %s}", truth ? "true" : "false");
	return truth;
}

static bool append_group(Why *why, const FilterNode *group);

static bool
append_node(Why *why, const FilterNode *node)
{
	if (FilterNodeIsRows(node))
		return append_rows(why, node);
	return FilterNodeIsGroup(node) ? append_group(why, node) : append_leaf(why, node);
}

/* OR over runs of AND, as in bind.c. */
static bool
append_group(Why *why, const FilterNode *group)
{
	bool result = false;
	bool run = true;
	int i;

	check_stack_depth();
	appendStringInfo(why->out, "{\"glue\": \"%s\", \"negate\": %s, \"filters\": [",
					 group->glue == FILTER_GLUE_OR ? "or" : "and",
					 group->negate ? "true" : "false");
	for (i = 0; i < group->nchildren; i++)
	{
		if (i > 0)
		{
			appendStringInfoString(why->out, ", ");
			if (group->children[i]->glue == FILTER_GLUE_OR)
			{
				result |= run;
				run = true;
			}
		}
		run &= append_node(why, group->children[i]);
	}
	result |= run && group->nchildren > 0;
	if (group->negate)
		result = !result;
	appendStringInfo(why->out, "], \"matches\": %s}", result ? "true" : "false");
	return result;
}

static void
append_override(Why *why, int64 segment)
{
	char *included = ask(psprintf(
		"SELECT o.included FROM %s o WHERE o.segment_id = " INT64_FORMAT " AND o.contact_id = %s",
		CatalogRelationName(why->table->override_table), segment, why->contact));

	append_string(why->out, "override",
				  included == NULL     ? NULL
				  : included[0] == 't' ? "included"
									   : "excluded");
}

static void
append_member(Why *why, int64 segment)
{
	char *member = ask(psprintf(
		"SELECT true FROM %s m WHERE m.segment_id = " INT64_FORMAT " AND m.contact_id = %s",
		CatalogRelationName(why->table->member_table), segment, why->contact));

	appendStringInfo(why->out, ", \"member\": %s, ", member ? "true" : "false");
}

static void
check_readable(ContactTable *table)
{
	AclResult result = pg_class_aclcheck(table->relid, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, get_rel_name(table->relid));
}

/*
 * segments.why_contact(segment_id, contact text) -> jsonb
 */
PG_FUNCTION_INFO_V1(segments_why_contact);
Datum
segments_why_contact(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);
	char *contact = text_to_cstring(PG_GETARG_TEXT_PP(1));
	MemoryContext caller = CurrentMemoryContext;
	SegmentRow *row;
	SecureContext secure;
	StringInfoData out;
	Why why = {0};

	SegmentCheckVisible(id);
	row = SegmentById(id);
	why.table = CatalogContactTable(row->contact_table, false);
	check_readable(why.table);
	why.contact = psprintf("%s::%s", quote_literal_cstr(contact), why.table->key_type_name);
	why.now = SegmentsNow();
	initStringInfo(&out);
	why.out = &out;
	SecureEnter(&secure, why.table->owner);
	SPI_connect();
	appendStringInfoChar(&out, '{');
	append_string(&out, "segment", row->alias);
	appendStringInfoString(&out, ", ");
	append_string(&out, "contact", contact);
	appendStringInfo(&out, ", \"exists\": %s",
					 ask(psprintf("SELECT true %s", from_contact(&why))) ? "true" : "false");
	append_member(&why, id);
	append_override(&why, id);
	appendStringInfo(&out, ", \"published\": %s, ", row->is_published ? "true" : "false");
	append_string(&out, "at", timestamptz_to_str(why.now));
	appendStringInfoString(&out, ", \"filters\": ");
	(void) append_group(&why, FilterUnflatten(row->filters));
	appendStringInfoChar(&out, '}');
	SPI_finish();
	SecureLeave(&secure);
	MemoryContextSwitchTo(caller);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* ----- preview ----- */

static double
planned_rows(SPIPlanPtr plan)
{
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	double rows = linitial_node(PlannedStmt, cached->stmt_list)->planTree->plan_rows;

	ReleaseCachedPlan(cached, NULL); /* the plan is not a kept one */
	return rows;
}

/*
 * segments.preview(filter, contact_table, exact, sample)
 *   -> (estimate bigint, exact bigint, sample text[])
 */
PG_FUNCTION_INFO_V1(segments_preview);
Datum
segments_preview(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	BindOptions options = {true};
	SqlContext context = {0};
	StringInfoData where;
	SecureContext secure;
	SPIPlanPtr plan;
	Datum values[3];
	bool nulls[3] = {false, true, true};
	bool isnull;

	context.table = CatalogContactTable(
		PG_ARGISNULL(1) ? CatalogDefaultContactTable() : PG_GETARG_OID(1), false);
	check_readable(context.table);
	context.pinned = true;
	context.expand = true;
	context.now = SegmentsNow();
	initStringInfo(&where);
	SecureEnter(&secure, context.table->owner);
	options.viewer = secure.userid;
	SPI_connect();
	appendStringInfo(&where, "FROM %s c WHERE ", context.table->name);
	PredicateSql(&where,
				 BindFilter(FilterUnflatten(PG_GETARG_FILTER_P(0)), context.table, &options),
				 &context);
	plan = SPI_prepare(psprintf("SELECT c.%s %s", context.table->key, where.data), 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	values[0] = Int64GetDatum((int64) planned_rows(plan));
	if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
	{
		nulls[1] = false;
		values[1] = Int64GetDatum(
			strtoll(ask(psprintf("SELECT pg_catalog.count(*) %s", where.data)), NULL, 10));
	}
	if (!PG_ARGISNULL(3) && PG_GETARG_INT32(3) > 0)
	{
		(void) ask(psprintf("SELECT ARRAY(SELECT c.%s::pg_catalog.text %s LIMIT %d)",
							context.table->key, where.data, PG_GETARG_INT32(3)));
		nulls[2] = false;
		values[2] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	}
	tuplestore_putvalues(store, desc, values, nulls);
	SPI_finish();
	SecureLeave(&secure);
	PG_RETURN_NULL();
}
