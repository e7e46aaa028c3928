/*
 * preview.c - what a filter would find: segments.preview().
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/srf.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/owner_message.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "filter/filter_json.h"
#include "predicate/atom_sql.h"
#include "predicate/bind.h"
#include "predicate/bind_place.h"
#include "predicate/moving.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "query/ask.h"
#include "query/visible.h"
#include "time/clock.h"

static double
planned_rows(SPIPlanPtr plan)
{
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	double rows = linitial_node(PlannedStmt, cached->stmt_list)->planTree->plan_rows;

	ReleaseCachedPlan(cached, NULL); /* the plan is not a kept one */
	return rows;
}

/* What is asked, and by whom. */
typedef struct Preview
{
	ContactTable *table;
	bool exact;
	int sample;
	char *where;           /* FROM c WHERE ... of the contacts that match */
	Tuplestorestate *keys; /* of these, where some are hidden from the caller */
	int64 n;
	ArrayBuildState *found; /* a sample */
	Datum values[3];
	bool nulls[3];
} Preview;

static int64
rows_of(const char *sql)
{
	SPIPlanPtr plan = SPI_prepare(sql, 0, NULL);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return (int64) planned_rows(plan);
}

/* As the owner, for a caller from whom no contact is hidden. */
static void
preview_all(Preview *preview, MemoryContext caller)
{
	ContactTable *table = preview->table;
	MemoryContext old;
	bool isnull;

	preview->values[0] =
		Int64GetDatum(rows_of(psprintf("SELECT c.%s %s", table->key, preview->where)));
	if (preview->exact)
		preview->values[1] = Int64GetDatum(
			strtoll(QueryAsk(psprintf("SELECT pg_catalog.count(*) %s", preview->where)), NULL, 10));
	if (preview->sample > 0)
	{
		(void) QueryAsk(psprintf("SELECT ARRAY(SELECT c.%s::pg_catalog.text %s LIMIT %d)",
								 table->key, preview->where, preview->sample));
		old = MemoryContextSwitchTo(caller);
		preview->values[2] = datumCopy(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull), false, -1);
		MemoryContextSwitchTo(old);
	}
}

static void
note_visible(void *arg, Datum value, bool isnull)
{
	Preview *preview = arg;

	if (preview->n++ < preview->sample)
		preview->found =
			accumArrayResult(preview->found, value, isnull, TEXTOID, CurrentMemoryContext);
}

/*
 * As the caller, from whom contacts may be hidden: what the planner makes of the
 * caller's own query, and those found that the caller sees.
 */
static void
preview_visible(Preview *preview, Filter *filter)
{
	ContactTable *table = preview->table;
	StringInfoData document;

	initStringInfo(&document);
	FilterToJson(FilterUnflatten(filter), &document);
	SPI_connect();
	preview->values[0] = Int64GetDatum(
		rows_of(psprintf("SELECT FROM %s c WHERE segments.matches(c.*, %s::segments.filter)",
						 table->name, quote_literal_cstr(document.data))));
	SPI_finish();
	if (preview->keys)
		VisibleContacts(table, preview->keys, psprintf("c.%s::pg_catalog.text", table->key),
						note_visible, preview);
	preview->values[1] = Int64GetDatum(preview->n);
	preview->values[2] = preview->found ? makeArrayResult(preview->found, CurrentMemoryContext)
										: PointerGetDatum(construct_empty_array(TEXTOID));
}

/*
 * FROM c WHERE ...; as the owner.  Where moving segments are named, c are those
 * contacts already.
 */
static char *
preview_where(ContactTable *table, Filter *filter, Oid viewer)
{
	BindOptions options = {true};
	SqlContext context = {0};
	Predicate *predicate;
	StringInfoData where;

	options.viewer = viewer;
	predicate = BindFilter(FilterUnflatten(filter), table, &options);
	context.table = table;
	context.pinned = true;
	context.moving = MovingSegmentsOf(predicate, table);
	context.now = SegmentsNow();
	initStringInfo(&where);
	if (context.moving->segments != NIL)
	{
		appendStringInfoString(&where, "FROM (");
		MovingSql(&where, &context);
		appendStringInfoString(&where, "SELECT c.* ");
	}
	appendStringInfo(&where, "FROM %s c WHERE ", table->name);
	PredicateSql(&where, predicate, &context);
	if (context.moving->segments != NIL)
		appendStringInfoString(&where, ") c");
	return where.data;
}

/*
 * segments.preview(filter, contact_table, exact, sample)
 *   -> (estimate bigint, exact bigint, sample text[])
 */
PG_FUNCTION_INFO_V1(segments_preview);
Datum
segments_preview(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	Filter *filter;
	Preview preview = {0};
	OwnerMessage message;
	bool hides;
	SecureContext secure;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	filter = PG_GETARG_FILTER_P(0);
	preview.table =
		AccessContactTable(PG_ARGISNULL(1) ? CatalogDefaultContactTable() : PG_GETARG_OID(1));
	preview.exact = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	preview.sample = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	preview.nulls[1] = !preview.exact;
	preview.nulls[2] = preview.sample <= 0;
	hides = AccessHidesRows(preview.table->relid);
	if (hides && (preview.exact || preview.sample > 0))
		preview.keys = tuplestore_begin_heap(false, false, work_mem);
	SecureEnter(&secure, preview.table->owner);
	SPI_connect();
	preview.where = preview_where(preview.table, filter, secure.userid);
	if (preview.keys)
		StoreQuery(preview.table, psprintf("SELECT c.%s %s", preview.table->key, preview.where),
				   preview.keys, KeyDesc(preview.table));
	else if (!hides)
	{
		OwnerMessageBegin(&message, preview.table->relid);
		preview_all(&preview, caller);
		OwnerMessageEnd(&message);
	}
	SPI_finish();
	SecureLeave(&secure);
	if (hides)
		preview_visible(&preview, filter);
	tuplestore_putvalues(store, desc, preview.values, preview.nulls);
	PG_RETURN_NULL();
}
