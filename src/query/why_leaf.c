/*
 * why_leaf.c - one leaf of a filter, explained for one contact.
 *
 * It is bound by itself and asked for this contact, so that what is shown is
 * what the engine evaluates.
 */
#include "postgres.h"

#include "query/why_leaf.h"

#include "lib/stringinfo.h"

#include "definition/access.h"
#include "definition/field.h"
#include "definition/owner_message.h"
#include "definition/related_sql.h"
#include "filter/filter.h"
#include "filter/filter_json.h"
#include "predicate/atom_sql.h"
#include "predicate/bind.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "query/ask.h"

#define SAMPLE_ROWS 10 /* related values shown for a leaf */

/*
 * The contact, as FROM and WHERE.
 */
char *
WhyFrom(Why *why)
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
		return QueryAsk(psprintf("SELECT pg_catalog.to_json(%s) %s", field->value, WhyFrom(why)));
	return QueryAsk(psprintf(
		"SELECT pg_catalog.json_agg(v) FROM (SELECT %s AS v FROM %s c, LATERAL (SELECT r.* %s LIMIT %d) r "
		"WHERE c.%s = %s) s",
		field->value, why->table->name, RowsFromSql(field->rows, field->condition, "c", why->table),
		SAMPLE_ROWS, why->table->key, why->contact));
}

/*
 * A leaf or a row group bound by itself.
 */
Predicate *
WhyBind(Why *why, const FilterNode *leaf)
{
	FilterNode alone = *leaf;
	FilterNode *child = &alone;
	FilterNode root = {0};
	BindOptions options = {false};

	root.nchildren = 1;
	root.children = &child;
	return BindFilter(&root, why->table, &options);
}

/*
 * Conditions are asked as of the instant that is explained.
 */
SqlContext
WhyContext(Why *why)
{
	SqlContext context = {0};

	context.table = why->table;
	context.pinned = true;
	context.now = why->now;
	return context;
}

/*
 * Does the contact satisfy it?
 */
bool
WhyTruth(Why *why, const Predicate *predicate)
{
	SqlContext context = WhyContext(why);
	StringInfoData sql;
	char *answer;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT (");
	PredicateSql(&sql, predicate, &context);
	appendStringInfo(&sql, ") IS TRUE %s", WhyFrom(why));
	answer = QueryAsk(sql.data);
	return answer != NULL && answer[0] == 't';
}

/*
 * The leaf or row group itself.
 */
void
WhyAppendDocument(StringInfo out, const FilterNode *leaf)
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

/*
 * One leaf, with its value; its truth.
 */
bool
WhyAppendLeaf(Why *why, const FilterNode *leaf)
{
	OwnerMessage message;
	bool truth;

	OwnerMessageBegin(&message, why->table->relid);
	truth = WhyTruth(why, WhyBind(why, leaf));
	appendStringInfoChar(why->out, '{');
	WhyAppendDocument(why->out, leaf);
	append_value(why, FieldLookup(why->table, leaf->object, leaf->field));
	appendStringInfo(why->out, ", \"matches\": %s}", truth ? "true" : "false");
	OwnerMessageEnd(&message);
	return truth;
}
