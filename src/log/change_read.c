/*
 * change_read.c - the next entries of the log for a consumer.
 *
 * Transactions commit in another order than they begin, and a contact that two
 * of them changed must be given out in the order in which they wrote.  So a
 * consumer reads in windows: what one snapshot sees of the log and an earlier
 * one, up to which all was read, doesn't.  Whoever changed a contact saw what
 * had changed it before; so whatever a snapshot sees, it sees what that was
 * written after.  Nothing comes into a window later, and within it entries are
 * given in the order of writing.
 *
 * A consumer may be any distance behind, and a window as long as the log.  Of
 * each range of pages the index says where in the WAL the first entry on it was
 * written.  Ranges are read in this order: what was written before the next one
 * begins is all there.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"

#include "definition/access.h"
#include "definition/segment_find.h"
#include "definition/table_beside.h"
#include "log/change_log.h"
#include "log/change_log_scan.h"
#include "log/log_index.h"
#include "log/read_table.h"

#include "base/vector.h"

PG_FUNCTION_INFO_V1(segments_next_entries);
PG_FUNCTION_INFO_V1(segments_unread_entries);

#define FEW_PAGES 64 /* more are worth telling the index */
#define ENTRIES_PER_PAGE 16
#define LAST_LSN PG_UINT64_MAX

/* How far a consumer is. */
typedef struct ReadPlace
{
	LogHorizon seen;    /* all of it was read */
	LogHorizon window;  /* is being read */
	LogEntry last;      /* the last one of the window that was */
	Int64Vector hidden; /* of these segments nothing is told */
} ReadPlace;

typedef struct LogReading
{
	ReadTable *table;
	Relation log;
	Snapshot snapshot;
	ReadPlace place;
	LogPages *ranges; /* that may hold entries of the window */
	int nranges;
	BlockNumber many;  /* pages are too many */
	BlockNumber nread; /* pages that were read */
	XLogRecPtr least;  /* on the present range */
	bool found_stale;  /* ranges that begin behind where the index says */
	int max;
	LogEntry *entries;
	int n;
	int size;
	const LogEntry *limit; /* none after it is wanted any more; NULL: as many as there are */
	LogEntry latest;
} LogReading;

/* ----- the order of entries ----- */

static int
compare_entries(const void *a, const void *b)
{
	const LogEntry *left = a;
	const LogEntry *right = b;

	if (left->lsn != right->lsn)
		return left->lsn < right->lsn ? -1 : 1;
	if (left->xact != right->xact)
		return left->xact < right->xact ? -1 : 1;
	return left->n < right->n ? -1 : left->n > right->n;
}

static bool
is_unread(const ReadPlace *place, const LogEntry *entry)
{
	return !HorizonSees(&place->seen, entry->xact) && HorizonSees(&place->window, entry->xact) &&
		   compare_entries(entry, &place->last) > 0 &&
		   !Int64VectorHolds(&place->hidden, entry->segment);
}

/* Keep the first ones only: who comes later than all of these is not wanted. */
static void
put_in_order(LogReading *reading)
{
	qsort(reading->entries, reading->n, sizeof(LogEntry), compare_entries);
	if (reading->n < reading->max)
		return;
	reading->n = reading->max;
	reading->latest = reading->entries[reading->max - 1];
	reading->limit = &reading->latest;
}

static void
add_entry(const LogEntry *entry, void *arg)
{
	LogReading *reading = arg;

	reading->least = Min(reading->least, entry->lsn);
	if (reading->limit != NULL && compare_entries(entry, reading->limit) > 0)
		return;
	if (!is_unread(&reading->place, entry))
		return;
	if (reading->n >= 2 * (int64) reading->max)
		put_in_order(reading);
	VectorMakeRoom(reading->entries, reading->n, reading->size, 1024);
	reading->entries[reading->n++] = *entry;
}

/* Are there enough entries that were written before? */
static bool
is_enough(const LogReading *reading, XLogRecPtr next)
{
	int before = 0;
	int i;

	if (reading->n < reading->max)
		return false;
	for (i = 0; i < reading->n; i++)
		before += reading->entries[i].lsn < next;
	return before >= reading->max;
}

/* ----- ranges of pages ----- */

static void
look_at_index(LogReading *reading)
{
	LogWanted wanted = {&reading->place.seen, &reading->place.window, reading->place.last.lsn};

	reading->ranges = ChangeLogPages(reading->log, reading->table->change_index, &wanted,
									 reading->snapshot, &reading->nranges);
}

static void
summarize(LogReading *reading)
{
	ChangeLogSummarize(reading->log, reading->table->change_index, reading->table->owner,
					   reading->ranges, reading->nranges);
}

/*
 * The ranges to be read.  Those that the index doesn't know are read each time:
 * when they are many, it is told.
 */
static void
find_ranges(LogReading *reading)
{
	look_at_index(reading);
	if (LogPagesStale(reading->ranges, reading->nranges) <= reading->many)
		return;
	summarize(reading);
	pfree(reading->ranges);
	look_at_index(reading);
}

static int
compare_ranges(Datum a, Datum b, void *arg)
{
	const LogPages *left = (const LogPages *) DatumGetPointer(a);
	const LogPages *right = (const LogPages *) DatumGetPointer(b);

	/* the least one comes first */
	if (left->least != right->least)
		return left->least < right->least ? 1 : -1;
	return left->first < right->first ? 1 : left->first > right->first ? -1 : 0;
}

static binaryheap *
ranges_in_order(LogReading *reading)
{
	binaryheap *heap = binaryheap_allocate(Max(reading->nranges, 1), compare_ranges, NULL);
	int i;

	for (i = 0; i < reading->nranges; i++)
		binaryheap_add_unordered(heap, PointerGetDatum(&reading->ranges[i]));
	binaryheap_build(heap);
	return heap;
}

/* ----- reading ----- */

/*
 * When much is read, the others on it are looked at too: does the range begin
 * where the index says, or behind, as what was there first is gone?
 */
static void
read_range(LogReading *reading, LogPages *range)
{
	LogHorizon nothing = {0};
	bool all = reading->nread > reading->many;

	reading->least = LAST_LSN;
	reading->nread += LogPagesTotal(range, 1);
	ChangeLogScan(reading->log, range, 1, all ? &nothing : &reading->place.seen, reading->snapshot,
				  add_entry, reading);
	if (all && range->least > 0 && range->least < reading->least)
		range->is_stale = reading->found_stale = true;
}

/*
 * Fill the entries with the next ones; false: there are no more in the window.
 */
static bool
read_entries(LogReading *reading)
{
	binaryheap *heap;

	find_ranges(reading);
	heap = ranges_in_order(reading);
	while (!binaryheap_empty(heap))
	{
		LogPages *next = (LogPages *) DatumGetPointer(binaryheap_first(heap));

		if (is_enough(reading, next->least))
			break;
		CHECK_FOR_INTERRUPTS();
		(void) binaryheap_remove_first(heap);
		read_range(reading, next);
	}
	put_in_order(reading);
	if (reading->found_stale)
		summarize(reading);
	return reading->n == reading->max;
}

static void
begin_reading(LogReading *reading, ReadTable *table, const ReadPlace *place, int max)
{
	memset(reading, 0, sizeof(LogReading));
	reading->table = table;
	reading->log = ReadTableOpen(table, BESIDE_CHANGE, AccessShareLock);
	reading->snapshot = GetActiveSnapshot();
	reading->place = *place;
	reading->max = max;
	reading->many = Max(FEW_PAGES, (BlockNumber) (max / ENTRIES_PER_PAGE));
	VectorMakeRoom(reading->entries, reading->n, reading->size, Min(max, 1024));
}

/* ----- called by SQL ----- */

/* Arguments from the second one on: segments.consumer's columns. */
static void
place_of_arguments(FunctionCallInfo fcinfo, ReadPlace *place)
{
	memset(place, 0, sizeof(ReadPlace));
	SegmentsHidden(PG_GETARG_OID(0), &place->hidden);
	HorizonOfStored(&place->seen, PG_GETARG_INT64(1), PG_GETARG_ARRAYTYPE_P_COPY(2));
	HorizonOfStored(&place->window, PG_GETARG_INT64(3), PG_GETARG_ARRAYTYPE_P_COPY(4));
	place->last.lsn = PG_GETARG_LSN(5);
	place->last.xact = PG_GETARG_INT64(6);
	place->last.n = PG_GETARG_INT32(7);
}

static Datum
tid_array(const LogEntry *entries, int n)
{
	Datum *values = palloc_extended(sizeof(Datum) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < n; i++)
		values[i] = PointerGetDatum(&entries[i].tid);
	return PointerGetDatum(
		construct_array(values, n, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}

static Datum
reading_result(FunctionCallInfo fcinfo, LogReading *reading, bool is_more)
{
	LogEntry *last = reading->n > 0 ? &reading->entries[reading->n - 1] : &reading->place.last;
	TupleDesc desc;
	Datum values[5];
	bool nulls[5] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = LSNGetDatum(last->lsn);
	values[1] = Int64GetDatum(last->xact);
	values[2] = Int32GetDatum(last->n);
	values[3] = tid_array(reading->entries, reading->n);
	values[4] = BoolGetDatum(is_more);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

static ReadTable *
readable_table(Oid contact_table)
{
	if (!AccessMayRead(contact_table))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(contact_table));
	return ReadTableGet(contact_table);
}

/*
 * segments_internal.next_entries(contact_table, low, low_in_progress, high, in_progress,
 * lsn, xact, n, max) -> (lsn, xact, n, entries, is_more)
 */
Datum
segments_next_entries(PG_FUNCTION_ARGS)
{
	ReadTable *table = readable_table(PG_GETARG_OID(0));
	LogReading reading;
	ReadPlace place;
	bool is_more;

	if (PG_GETARG_INT32(8) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max must be at least 1")));
	place_of_arguments(fcinfo, &place);
	begin_reading(&reading, table, &place, PG_GETARG_INT32(8));
	is_more = !HorizonIsWithin(&place.window, &place.seen) && read_entries(&reading);
	table_close(reading.log, AccessShareLock);
	PG_RETURN_DATUM(reading_result(fcinfo, &reading, is_more));
}

/* ----- how much is unread ----- */

#define COUNTED_PAGES 1024 /* of more, so many are counted at either end */

typedef struct UnreadCount
{
	const ReadPlace *place;
	bool is_later; /* those after the window are counted */
	double n;
} UnreadCount;

static void
count_entry(const LogEntry *entry, void *arg)
{
	UnreadCount *count = arg;

	if (count->is_later ? !Int64VectorHolds(&count->place->hidden, entry->segment)
						: is_unread(count->place, entry))
		count->n++;
}

/* The first, or last, so many pages. */
static LogPages *
cut_pages(const LogPages *pages, int *n, BlockNumber wanted, bool from_end)
{
	LogPages *cut = palloc(sizeof(LogPages) * Max(*n, 1));
	int taken = 0;

	for (; taken < *n && wanted > 0; taken++)
	{
		const LogPages *next = &pages[from_end ? *n - 1 - taken : taken];
		BlockNumber size = Min(wanted, next->last - next->first + 1);

		cut[taken] = *next;
		if (from_end)
			cut[taken].first = next->last - size + 1;
		else
			cut[taken].last = next->first + size - 1;
		wanted -= size;
	}
	*n = taken;
	return cut;
}

/* Exact where there are few pages, else as many as those at either end let expect. */
static double
count_on_pages(Relation log, const LogPages *pages, int n, const LogHorizon *since,
			   UnreadCount *count)
{
	BlockNumber total = LogPagesTotal(pages, n);
	Snapshot snapshot = GetActiveSnapshot();
	int some = n;
	LogPages *cut;

	count->n = 0;
	if (total <= 2 * COUNTED_PAGES)
	{
		ChangeLogScan(log, pages, n, since, snapshot, count_entry, count);
		return count->n;
	}
	cut = cut_pages(pages, &some, COUNTED_PAGES, false);
	ChangeLogScan(log, cut, some, since, snapshot, count_entry, count);
	some = n;
	cut = cut_pages(pages, &some, COUNTED_PAGES, true);
	ChangeLogScan(log, cut, some, since, snapshot, count_entry, count);
	return rint(count->n / (2 * COUNTED_PAGES) * total);
}

static double
count_wanted(Relation log, Oid index, const LogWanted *wanted, UnreadCount *count)
{
	int n;
	LogPages *pages = ChangeLogPages(log, index, wanted, GetActiveSnapshot(), &n);

	return count_on_pages(log, pages, n, wanted->since, count);
}

/*
 * segments_internal.unread_entries(contact_table, low, low_in_progress, high,
 * in_progress, lsn, xact, n) -> bigint: how many entries who is that far has
 * not read, about where there are many.
 */
Datum
segments_unread_entries(PG_FUNCTION_ARGS)
{
	ReadTable *table = readable_table(PG_GETARG_OID(0));
	Relation log = ReadTableOpen(table, BESIDE_CHANGE, AccessShareLock);
	ReadPlace place;
	LogWanted in_window = {&place.seen, &place.window};
	LogWanted later = {&place.window};
	UnreadCount count = {&place, false, 0};
	double unread = 0;

	place_of_arguments(fcinfo, &place);
	in_window.from = place.last.lsn;
	if (!HorizonIsWithin(&place.window, &place.seen))
		unread = count_wanted(log, table->change_index, &in_window, &count);
	count.is_later = true;
	unread += count_wanted(log, table->change_index, &later, &count);
	table_close(log, AccessShareLock);
	PG_RETURN_INT64((int64) unread);
}
