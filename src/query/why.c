/*
 * why.c - explain one contact: segments.why().
 *
 * Every leaf of a segment's filter is bound by itself and asked for this
 * contact, so that what is shown is what the engine evaluates.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/owner_message.h"
#include "definition/related_sql.h"
#include "definition/segment.h"
#include "definition/segment_find.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "filter/filter_json.h"
#include "predicate/atom_sql.h"
#include "predicate/bind.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "query/visible.h"
#include "time/clock.h"

#define SAMPLE_ROWS 10   /* related values shown for a leaf */
#define SAMPLE_FIELDS 40 /* of a row that counts */

typedef struct Why
{
	ContactTable *table;
	char *contact; /* key as an SQL literal; of nobody when the caller may not see them */
	Oid viewer;    /* who asks */
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

/* The value, unless it is not for the viewer's eyes. */
static void
append_value(Why *why, Field *field)
{
	char *value;

	if (field != NULL && !AccessMaySeeValueAs(why->viewer, why->table, field))
	{
		appendStringInfoString(why->out, ", \"value\": null, \"hidden\": true");
		return;
	}
	value = stored_value(why, field);
	appendStringInfo(why->out, ", \"value\": %s", value ? value : "null");
}

static bool
append_leaf(Why *why, const FilterNode *leaf)
{
	OwnerMessage message;
	bool truth;

	OwnerMessageBegin(&message, why->table->relid);
	truth = leaf_truth(why, bind_alone(why, leaf));
	appendStringInfoChar(why->out, '{');
	append_document(why->out, leaf);
	append_value(why, FieldLookup(why->table, leaf->object, leaf->field));
	appendStringInfo(why->out, ", \"matches\": %s}", truth ? "true" : "false");
	OwnerMessageEnd(&message);
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

static bool group_is_visible(Why *why, const RowGroup *group);

static bool
fields_are_visible(Why *why, const Predicate *predicate)
{
	int i;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		if (!fields_are_visible(why, predicate->args[i]))
			return false;
	if (predicate->kind != PREDICATE_ATOM)
		return true;
	if (predicate->atom->scope == ATOM_GROUP)
		return group_is_visible(why, predicate->atom->group);
	return AccessMaySeeValueAs(why->viewer, why->table, predicate->atom->field);
}

/* May the viewer see all that the group reads, and whose rows they are? */
static bool
group_is_visible(Why *why, const RowGroup *group)
{
	const RelatedRows *rows = group->rows;
	Field whose = {0};

	whose.row_of = unconstify(RelatedRows *, rows);
	whose.value =
		psprintf("r.%s", quote_identifier(OidIsValid(rows->link_relid) || rows->contact_reference
											  ? rows->key_column
											  : rows->contact_column));
	return AccessMaySeeValueAs(why->viewer, why->table, &whose) &&
		   (group->of == NULL || AccessMaySeeValueAs(why->viewer, why->table, group->of)) &&
		   fields_are_visible(why, group->predicate);
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
	OwnerMessage message;
	bool truth;

	OwnerMessageBegin(&message, why->table->relid);
	truth = leaf_truth(why, predicate);
	appendStringInfoChar(why->out, '{');
	append_document(why->out, node);
	if (group && !group_is_visible(why, group))
		appendStringInfoString(why->out, ", \"value\": null, \"hidden\": true");
	else if (group)
		append_rows_counted(why, group);
	appendStringInfo(why->out, ", \"matches\": %s}", truth ? "true" : "false");
	OwnerMessageEnd(&message);
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

/*
 * The key as an SQL literal of the key's base type; NULL, which is nobody's,
 * where row security hides the contact from the caller.
 */
static char *
contact_literal(ContactTable *table, const char *contact)
{
	char *type = format_type_extended(getBaseType(table->key_type), -1, FORMAT_TYPE_FORCE_QUALIFY);

	if (AccessHidesRows(table->relid) && !ContactIsVisible(table, KeyOfText(table, contact)))
		return psprintf("NULL::%s", type);
	return psprintf("%s::%s", quote_literal_cstr(contact), type);
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
	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("segment was deleted concurrently")));
	why.table = AccessContactTable(row->contact_table);
	why.contact = contact_literal(why.table, contact);
	why.viewer = GetUserId();
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
