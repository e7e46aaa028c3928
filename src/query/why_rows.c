/*
 * why_rows.c - one row group of a filter, explained for one contact: what is
 * made of its rows, how many count, and some of them.
 */
#include "postgres.h"

#include "query/why_rows.h"

#include "access/sysattr.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/owner_message.h"
#include "filter/filter.h"
#include "predicate/atom_sql.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "query/ask.h"
#include "query/why_leaf.h"

#define SAMPLE_ROWS 10   /* that count */
#define SAMPLE_FIELDS 40 /* of such a row */

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

static Field *
field_of_value(const RowGroup *group, const char *name, char *value)
{
	Field *field = palloc0(sizeof(Field));

	field->name = pstrdup(name);
	field->value = value;
	field->row_of = group->rows;
	return field;
}

/* The columns that tell a row from others, as far as they are for the viewer's eyes. */
static List *
key_fields(Why *why, const RowGroup *group)
{
	Oid constraint;
	Bitmapset *key = get_primary_key_attnos(group->rows->relid, false, &constraint);
	List *fields = NIL;
	int i = -1;

	while ((i = bms_next_member(key, i)) >= 0)
	{
		char *column =
			get_attname(group->rows->relid, i + FirstLowInvalidHeapAttributeNumber, false);
		Field *field = field_of_value(group, column, psprintf("r.%s", quote_identifier(column)));

		if (AccessMaySeeValueAs(why->viewer, why->table, field))
			fields = lappend(fields, field);
	}
	return fields;
}

/* The key of a row, or what filters name a membership by. */
static List *
identity(Why *why, const RowGroup *group)
{
	if (!RowGroupIsMemberships(group))
		return key_fields(why, group);
	return list_make2(field_of_value(group, "segment", "r.segment_id"),
					  field_of_value(group, "since", "r.since"));
}

static char *
order_of(List *key)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, key)
		appendStringInfo(&out, "%s%s", out.len ? ", " : " ORDER BY ",
						 ((Field *) lfirst(cell))->value);
	return out.data;
}

/* A row's key and what the filters see of it, as one JSON object. */
static char *
row_object(const RowGroup *group, List *key)
{
	List *fields = fields_read(group->predicate, list_copy(key));
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
	SqlContext context = WhyContext(why);
	char *from = RowGroupFromSql(group, &context);
	char *value = QueryAsk(psprintf("SELECT pg_catalog.to_json(%s) %s",
									RowGroupValueSql(group, &context), WhyFrom(why)));
	char *counted =
		QueryAsk(psprintf("SELECT (SELECT pg_catalog.count(*) %s) %s", from, WhyFrom(why)));
	List *key = identity(why, group);
	char *rows =
		QueryAsk(psprintf("SELECT (SELECT pg_catalog.json_agg(o) FROM (SELECT %s AS o %s "
						  "%s LIMIT %d) AS s) %s",
						  row_object(group, key), from, order_of(key), SAMPLE_ROWS, WhyFrom(why)));

	appendStringInfo(why->out, ", \"value\": %s, \"counted\": %s, \"rows\": %s",
					 value ? value : "null", counted ? counted : "null", rows ? rows : "[]");
}

/*
 * One row group, with what is made of its rows; its truth.
 */
bool
WhyAppendRows(Why *why, const FilterNode *node)
{
	Predicate *predicate = WhyBind(why, node);
	const RowGroup *group = group_of(predicate);
	OwnerMessage message;
	bool truth;

	OwnerMessageBegin(&message, why->table->relid);
	truth = WhyTruth(why, predicate);
	appendStringInfoChar(why->out, '{');
	WhyAppendDocument(why->out, node);
	if (group && !group_is_visible(why, group))
		appendStringInfoString(why->out, ", \"value\": null, \"hidden\": true");
	else if (group)
		append_rows_counted(why, group);
	appendStringInfo(why->out, ", \"matches\": %s}", truth ? "true" : "false");
	OwnerMessageEnd(&message);
	return truth;
}
