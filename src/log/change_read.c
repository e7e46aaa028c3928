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
 * A consumer may be any distance behind, and a window as long as the log.  The
 * index says which pages hold what was written in a span of the WAL: spans are
 * tried that are met by a few pages, and what worked is remembered with the
 * consumer.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
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
#include "log/read_table.h"

#include "base/vector.h"

PG_FUNCTION_INFO_V1(segments_next_entries);
PG_FUNCTION_INFO_V1(segments_unread_entries);

#define FEW_PAGES 256 /* are looked at for few entries */
#define ENTRIES_PER_PAGE 16
#define FIRST_SPAN (UINT64CONST(1) << 24) /* bytes of WAL */
#define OPEN_SPAN UINT64CONST(0)          /* to the end of the window */
#define LAST_LSN PG_UINT64_MAX

/* How far a consumer is. */
typedef struct ReadPlace
{
	LogHorizon seen;       /* all of it was read */
	LogHorizon window;     /* is being read */
	LogEntry last;         /* the last one of the window that was */
	HiddenSegments hidden; /* of these nothing is told */
} ReadPlace;

typedef struct LogReading
{
	ReadTable *table;
	Relation log;
	Snapshot snapshot;
	ReadPlace place;
	LogSpan span; /* what is looked at */
	uint64 length;
	BlockNumber many; /* pages are too many */
	bool repaired;
	LogPages *pages;
	int npages;
	int max;
	LogEntry *entries;
	int n;
	int size;
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
	return HorizonSees(&place->window, entry->xact) && compare_entries(entry, &place->last) > 0 &&
		   !SegmentIsHidden(&place->hidden, entry->segment);
}

/* Keep the first ones only. */
static void
put_in_order(LogReading *reading)
{
	qsort(reading->entries, reading->n, sizeof(LogEntry), compare_entries);
	reading->n = Min(reading->n, reading->max);
}

static void
add_entry(const LogEntry *entry, void *arg)
{
	LogReading *reading = arg;

	if (entry->lsn < reading->span.from || entry->lsn > reading->span.to ||
		!is_unread(&reading->place, entry))
		return;
	if (reading->n == reading->size && reading->size >= 2 * (int64) reading->max)
		put_in_order(reading);
	VectorMakeRoom(reading->entries, reading->n, reading->size, 1024);
	reading->entries[reading->n++] = *entry;
}

/* ----- pages ----- */

/* Pages that may hold entries of the present span. */
static void
find_pages(LogReading *reading)
{
	if (reading->pages != NULL)
		pfree(reading->pages);
	reading->pages =
		ChangeLogPagesSince(reading->log, reading->table->change_index, &reading->place.seen,
							&reading->span, reading->snapshot, &reading->npages);
}

static void
set_span(LogReading *reading, uint64 length)
{
	XLogRecPtr from = reading->span.from;

	reading->length = length;
	reading->span.to = length == OPEN_SPAN || from > LAST_LSN - length ? LAST_LSN : from + length;
	find_pages(reading);
}

static bool
is_too_much(LogReading *reading)
{
	return LogPagesTotal(reading->pages, reading->npages) > reading->many;
}

/* Tell the index what is on these pages. */
static void
summarize(LogReading *reading, bool anew)
{
	ChangeLogSummarize(reading->log, reading->table->change_index, reading->table->owner,
					   reading->pages, reading->npages, anew);
}

/*
 * Too many pages are met: by any span those that the index doesn't know yet,
 * and the shortest one those whose space was used again.
 */
static void
repair_index(LogReading *reading)
{
	bool is_shortest = reading->length == 1;

	if (!OidIsValid(reading->table->change_index) || !reading->table->is_logged)
		return;
	if (!is_shortest)
	{
		pfree(reading->pages);
		reading->pages = ChangeLogPagesUnknown(reading->log, reading->table->change_index,
											   reading->snapshot, &reading->npages);
	}
	if (is_shortest || is_too_much(reading))
		summarize(reading, is_shortest);
	find_pages(reading);
}

/* Shorten the span until few pages are met, or it cannot be shorter. */
static void
shorten_span(LogReading *reading)
{
	if (!reading->repaired && is_too_much(reading))
		repair_index(reading);
	reading->repaired = true;
	if (reading->length == OPEN_SPAN && is_too_much(reading))
		set_span(reading, FIRST_SPAN);
	while (reading->length > 1 && is_too_much(reading))
		set_span(reading, Max(reading->length / 4, 1));
	if (is_too_much(reading))
		repair_index(reading);
}

/* ----- reading ----- */

static void
read_span(LogReading *reading)
{
	ChangeLogScan(reading->log, reading->pages, reading->npages, &reading->place.seen,
				  reading->snapshot, add_entry, reading);
	put_in_order(reading);
}

/* Go on behind the span, with a longer one; after an empty one, as a whole if that is little. */
static void
next_span(LogReading *reading, bool was_empty)
{
	uint64 length = reading->length <= LAST_LSN / 4 ? reading->length * 4 : OPEN_SPAN;

	reading->span.from = reading->span.to + 1;
	set_span(reading, was_empty ? OPEN_SPAN : length);
	if (was_empty && is_too_much(reading))
		set_span(reading, length);
}

/*
 * Fill the entries with the next ones; false: there are no more in the window.
 */
static bool
read_entries(LogReading *reading)
{
	set_span(reading, reading->length);
	for (;;)
	{
		int before = reading->n;

		CHECK_FOR_INTERRUPTS();
		shorten_span(reading);
		read_span(reading);
		if (reading->n == reading->max)
			return true;
		if (reading->span.to == LAST_LSN)
			return false;
		next_span(reading, reading->n == before);
	}
}

static void
begin_reading(LogReading *reading, ReadTable *table, const ReadPlace *place, uint64 length, int max)
{
	memset(reading, 0, sizeof(LogReading));
	reading->table = table;
	reading->log = ReadTableOpen(table, BESIDE_CHANGE, AccessShareLock);
	reading->snapshot = GetActiveSnapshot();
	reading->place = *place;
	reading->span.from = place->last.lsn;
	reading->length = length;
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
	Datum values[6];
	bool nulls[6] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = LSNGetDatum(last->lsn);
	values[1] = Int64GetDatum(last->xact);
	values[2] = Int32GetDatum(last->n);
	values[3] = Int64GetDatum((int64) Min(reading->length, PG_INT64_MAX));
	values[4] = tid_array(reading->entries, reading->n);
	values[5] = BoolGetDatum(is_more);
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
 * lsn, xact, n, span, max) -> (lsn, xact, n, span, entries, is_more)
 */
Datum
segments_next_entries(PG_FUNCTION_ARGS)
{
	ReadTable *table = readable_table(PG_GETARG_OID(0));
	LogReading reading;
	ReadPlace place;
	bool is_more;

	if (PG_GETARG_INT32(9) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max must be at least 1")));
	place_of_arguments(fcinfo, &place);
	begin_reading(&reading, table, &place, (uint64) PG_GETARG_INT64(8), PG_GETARG_INT32(9));
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

	if (count->is_later ? !SegmentIsHidden(&count->place->hidden, entry->segment)
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
count_in_window(Relation log, Oid index, UnreadCount *count)
{
	LogSpan span = {count->place->last.lsn, LAST_LSN};
	int n;
	LogPages *pages =
		ChangeLogPagesSince(log, index, &count->place->seen, &span, GetActiveSnapshot(), &n);

	return count_on_pages(log, pages, n, &count->place->seen, count);
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
	UnreadCount count = {&place, false, 0};
	LogPages *pages;
	double unread = 0;
	int n;

	place_of_arguments(fcinfo, &place);
	if (!HorizonIsWithin(&place.window, &place.seen))
		unread = count_in_window(log, table->change_index, &count);
	count.is_later = true;
	pages =
		ChangeLogPagesSince(log, table->change_index, &place.window, NULL, GetActiveSnapshot(), &n);
	unread += count_on_pages(log, pages, n, &place.window, &count);
	table_close(log, AccessShareLock);
	PG_RETURN_INT64((int64) unread);
}
