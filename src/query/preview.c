/*
 * preview.c - how many contacts a filter would match: segments.preview().
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

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
#include "query/visible.h"
#include "time/clock.h"

#include "base/spi.h"

#define SAMPLE_PAGES 300     /* read for an estimate */
#define SAMPLE_LEAST 5       /* pages, or none */
#define SAMPLE_ENOUGH 10     /* found there are believed */
#define SAMPLE_COST 100000.0 /* of the planner, above which fewer are read */

/* What is asked, and by whom. */
typedef struct Preview
{
	ContactTable *table;
	bool exact;
	int sample;
	char *where;           /* FROM c WHERE ... of the contacts that match */
	char *condition;       /* what stands there, where c is the table itself; else NULL */
	Tuplestorestate *keys; /* of these, where some are hidden from the caller */
	int64 n;
	ArrayBuildState *found; /* a sample */
	Datum values[3];
	bool nulls[3];
} Preview;

/* ----- the estimate ----- */

static void
run(const char *sql)
{
	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run \"%s\"", sql);
}

/* The number that a query gives. */
static int64
number(const char *sql)
{
	bool isnull;

	run(sql);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static Plan *
planned(const char *sql)
{
	return SpiPlanTree(SpiPrepare(sql, 0, NULL));
}

static int64
planned_rows(const char *sql)
{
	return (int64) planned(sql)->plan_rows;
}

static BlockNumber
pages_of(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	BlockNumber pages = RelationGetNumberOfBlocks(rel);

	table_close(rel, NoLock);
	return pages;
}

/*
 * The condition without case and accents folded away, for the planner only: it
 * knows how many values a column has, and seldom how many folded ones.
 */
static char *
unfolded(const char *condition)
{
	static const char fold[] = "segments.fold(";
	StringInfoData out;
	const char *found;

	initStringInfo(&out);
	while ((found = strstr(condition, fold)) != NULL)
	{
		appendBinaryStringInfo(&out, condition, found - condition);
		appendStringInfoChar(&out, '(');
		condition = found + strlen(fold);
	}
	appendStringInfoString(&out, condition);
	return out.data;
}

/*
 * How many of the table match, by what a sample of its pages has.  The few that
 * are too rare for it are left to the planner, within what the sample allows.
 */
static int64
by_sample(Preview *preview, int64 found, double share)
{
	double planner, most, least;

	if (found >= SAMPLE_ENOUGH)
		return (int64) rint(found / share);
	planner = planned_rows(
		psprintf("SELECT FROM %s c WHERE %s", preview->table->name, unfolded(preview->condition)));
	most = (found + 3) / share;
	least = found / share / 2;
	return (int64) rint(Max(least, Min(most, planner)));
}

/* Counts those that match among a share of the pages. */
static char *
sample_sql(Preview *preview, double share)
{
	char *part =
		share < 1 ? psprintf(" TABLESAMPLE system (%.17g) REPEATABLE (0)", share * 100) : "";

	return psprintf("SELECT pg_catalog.count(*) FROM %s c%s WHERE %s", preview->table->name, part,
					preview->condition);
}

/*
 * The share of the pages that is read: some hundred, fewer where a contact is
 * dear; zero where even a few are, as related rows have no index.
 */
static double
affordable_share(Preview *preview)
{
	double pages = pages_of(preview->table->relid);
	double read = Min(pages, SAMPLE_PAGES);
	double share = pages > 0 ? read / pages : 1;
	double cost = planned(sample_sql(preview, share))->total_cost;

	if (cost <= SAMPLE_COST)
		return share;
	read *= SAMPLE_COST / cost;
	return read < SAMPLE_LEAST ? 0 : read / pages;
}

/*
 * How many contacts match, at once.  The planner is far off where it has no
 * statistics: for folded text, functions of dates, aggregates, after a load.  So
 * a small table is read, and of a large one some pages.
 */
static int64
estimate(Preview *preview)
{
	double share = preview->condition != NULL ? affordable_share(preview) : 0;

	if (share == 0)
		return planned_rows(psprintf("SELECT c.%s %s", preview->table->key, preview->where));
	if (share == 1)
		return number(sample_sql(preview, 1));
	return by_sample(preview, number(sample_sql(preview, share)), share);
}

/* ----- answers ----- */

/* As the owner, for a caller from whom no contact is hidden. */
static void
preview_all(Preview *preview, MemoryContext caller)
{
	ContactTable *table = preview->table;
	MemoryContext old;
	bool isnull;

	preview->values[0] = Int64GetDatum(estimate(preview));
	if (preview->exact)
		preview->values[1] =
			Int64GetDatum(number(psprintf("SELECT pg_catalog.count(*) %s", preview->where)));
	if (preview->sample > 0)
	{
		run(psprintf("SELECT ARRAY(SELECT segments_internal.value_text(c.%s) %s LIMIT %d)",
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
		planned_rows(psprintf("SELECT FROM %s c WHERE segments.matches(c.*, %s::segments.filter)",
							  table->name, quote_literal_cstr(document.data))));
	SPI_finish();
	if (preview->keys)
		VisibleContacts(table, preview->keys,
						psprintf("segments_internal.value_text(c.%s)", table->key), note_visible,
						preview);
	preview->values[1] = Int64GetDatum(preview->n);
	preview->values[2] = preview->found ? makeArrayResult(preview->found, CurrentMemoryContext)
										: PointerGetDatum(construct_empty_array(TEXTOID));
}

/*
 * FROM c WHERE ...; as the owner.  Where moving segments are named, c are those
 * contacts already.
 */
static void
write_where(Preview *preview, Filter *filter, Oid viewer)
{
	ContactTable *table = preview->table;
	BindOptions options = {true};
	SqlContext context = {0};
	Predicate *predicate;
	StringInfoData where;
	int start;

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
	start = where.len;
	PredicateSql(&where, predicate, &context);
	if (context.moving->segments == NIL)
		preview->condition = pstrdup(where.data + start);
	else
		appendStringInfoString(&where, ") c");
	preview->where = where.data;
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
	write_where(&preview, filter, secure.userid);
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
