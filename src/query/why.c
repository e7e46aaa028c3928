/*
 * why.c - explain one contact: segments.why().
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/type_name.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/segment.h"
#include "definition/segment_find.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "query/ask.h"
#include "query/visible.h"
#include "query/why_leaf.h"
#include "query/why_rows.h"
#include "time/clock.h"

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

static bool append_group(Why *why, const FilterNode *group);

static bool
append_node(Why *why, const FilterNode *node)
{
	if (FilterNodeIsRows(node))
		return WhyAppendRows(why, node);
	return FilterNodeIsGroup(node) ? append_group(why, node) : WhyAppendLeaf(why, node);
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
	char *included = QueryAsk(psprintf(
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
	char *member = QueryAsk(psprintf(
		"SELECT true FROM %s m WHERE m.segment_id = " INT64_FORMAT " AND m.contact_id = %s",
		CatalogRelationName(why->table->member_table), segment, why->contact));

	appendStringInfo(why->out, ", \"member\": %s, ", member ? "true" : "false");
}

/*
 * The key as an SQL literal of the key's base type; NULL, which is nobody's,
 * where row security hides the contact from the caller.
 */
static char *
contact_literal(ContactTable *table, Datum key, const char *contact)
{
	char *type = UnmodifiedTypeName(getBaseType(table->key_type));

	if (AccessHidesRows(table->relid) && !ContactIsVisible(table, key))
		return psprintf("NULL::%s", type);
	return psprintf("%s::%s", quote_literal_cstr(contact), type);
}


/*
 * segments_internal.why_contact(segment_id, contact text) -> jsonb
 */
PG_FUNCTION_INFO_V1(segments_why_contact);
Datum
segments_why_contact(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);
	char *contact;
	Datum key;
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
	/* read as the session writes it, and asked for as everything runs */
	key = KeyOfText(why.table, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	contact = ValueText(key, why.table->key_type);
	why.contact = contact_literal(why.table, key, contact);
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
					 QueryAsk(psprintf("SELECT true %s", WhyFrom(&why))) ? "true" : "false");
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
