/*
 * filter_json.c - tree to canonical JSON.
 *
 * Takes a filter tree and writes its document on one line, spaced as jsonb is
 * printed: keys in fixed order, current spellings only, defaults filled in.
 *
 * Invariant: what is written here is read back to an equal tree, and two equal
 * trees are written alike.
 */
#include "postgres.h"

#include "filter/filter_json.h"

#include "miscadmin.h"
#include "utils/json.h"

#include "filter/filter.h"
#include "filter/filter_aggregate.h"
#include "filter/filter_operator.h"

static const char *const date_keys[] = {"dateTypeMode", "absoluteDate", "relativeDateInterval",
										"relativeDateIntervalUnit"};

static void write_value(const FilterValue *value, StringInfo out);
static void write_children(const FilterNode *group, StringInfo out);

static void
write_list(const FilterValue *list, StringInfo out)
{
	int i;

	appendStringInfoChar(out, '[');
	for (i = 0; i < list->nitems; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		write_value(&list->items[i], out);
	}
	appendStringInfoChar(out, ']');
}

static void
write_date(const FilterValue *date, StringInfo out)
{
	const char *separator = "";
	int i;

	appendStringInfoChar(out, '{');
	for (i = 0; i < date->nitems; i++)
	{
		if (date->items[i].kind == FILTER_VALUE_ABSENT)
			continue;
		appendStringInfo(out, "%s\"%s\": ", separator, date_keys[i]);
		write_value(&date->items[i], out);
		separator = ", ";
	}
	appendStringInfoChar(out, '}');
}

/* Lists and date objects are never nested, so this recurses only once. */
static void
write_value(const FilterValue *value, StringInfo out)
{
	switch (value->kind)
	{
		case FILTER_VALUE_ABSENT:
		case FILTER_VALUE_NULL:
			appendStringInfoString(out, "null");
			break;
		case FILTER_VALUE_BOOLEAN:
		case FILTER_VALUE_NUMBER:
			appendStringInfoString(out, value->text);
			break;
		case FILTER_VALUE_STRING:
			escape_json(out, value->text);
			break;
		case FILTER_VALUE_LIST:
			write_list(value, out);
			break;
		case FILTER_VALUE_DATE:
			write_date(value, out);
			break;
	}
}

static void
write_properties(const FilterNode *filter, StringInfo out)
{
	const char *separator = "";

	appendStringInfoString(out, ", \"properties\": {");
	if (filter->value.kind != FILTER_VALUE_ABSENT)
	{
		appendStringInfoString(out, "\"filter\": ");
		write_value(&filter->value, out);
		separator = ", ";
	}
	if (filter->display != NULL)
		appendStringInfo(out, "%s\"display\": %s", separator, filter->display);
	appendStringInfoChar(out, '}');
}

static void
write_member(const char *key, const char *text, StringInfo out)
{
	appendStringInfo(out, ", \"%s\": ", key);
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		escape_json(out, text);
}

static void
write_filter(const FilterNode *filter, StringInfo out)
{
	/* of a row the object is not named */
	if (filter->object[0] != '\0')
		write_member("object", filter->object, out);
	write_member("field", filter->field, out);
	if (filter->type != NULL)
		write_member("type", filter->type, out);
	appendStringInfo(out, ", \"operator\": \"%s\"", FilterOperatorSymbol(filter->op));
	write_properties(filter, out);
}

static void
write_within(const FilterWithin *within, StringInfo out)
{
	appendStringInfoString(out, ", \"within\": {\"date\": ");
	escape_json(out, within->date);
	write_member("of", within->of, out);
	write_member("from", within->from, out);
	write_member("to", within->to, out);
	appendStringInfoChar(out, '}');
}

static void
write_rows(const FilterNode *node, StringInfo out)
{
	const FilterRows *rows = node->rows;

	write_member("rows", rows->relation, out);
	if (node->negate)
		appendStringInfoString(out, ", \"negate\": true");
	if (rows->within != NULL)
		write_within(rows->within, out);
	if (node->nchildren > 0)
	{
		appendStringInfoString(out, ", \"filters\": ");
		write_children(node, out);
	}
	if (rows->aggregate == FILTER_AGGREGATE_EXISTS)
		return;
	appendStringInfo(out, ", \"aggregate\": \"%s\"", FilterAggregateWord(rows->aggregate));
	if (rows->of != NULL)
		write_member("of", rows->of, out);
	appendStringInfo(out, ", \"operator\": \"%s\"", FilterOperatorSymbol(node->op));
	write_properties(node, out);
}

static void
write_node(const FilterNode *node, StringInfo out)
{
	appendStringInfo(out, "{\"glue\": \"%s\"", node->glue == FILTER_GLUE_OR ? "or" : "and");
	if (FilterNodeIsRows(node))
		write_rows(node, out);
	else if (!FilterNodeIsGroup(node))
		write_filter(node, out);
	else
	{
		if (node->negate)
			appendStringInfoString(out, ", \"negate\": true");
		appendStringInfoString(out, ", \"filters\": ");
		write_children(node, out);
	}
	appendStringInfoChar(out, '}');
}

static void
write_children(const FilterNode *group, StringInfo out)
{
	int i;

	check_stack_depth();
	appendStringInfoChar(out, '[');
	for (i = 0; i < group->nchildren; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		write_node(group->children[i], out);
	}
	appendStringInfoChar(out, ']');
}

/* Appends the canonical document of a tree, in server encoding. */
void
FilterToJson(const FilterNode *root, StringInfo out)
{
	Assert(FilterNodeIsGroup(root));
	write_children(root, out);
}
