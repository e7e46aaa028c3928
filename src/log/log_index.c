/*
 * log_index.c - which pages of the log of joins and leaves hold what is looked
 * for.
 *
 * The log is mostly in the order of writing.  Its BRIN index keeps, for each
 * range of pages, the least and the greatest number and place in the WAL of
 * what is on them.  A few pages of the index have this of a million entries;
 * they are read from end to end, as a scan, which looks each range up in a map
 * and asks functions about it, takes longer by twenty times.  That is no more
 * than the form of the index on disk, which has never changed.
 *
 * Summaries move to other pages of the index while we read.  One that we miss
 * is one of a range that must be read.  One that we meet twice is right twice:
 * whoever adds an entry widens the summary before it commits, so at each time
 * since the snapshot was taken it covered all that the snapshot sees.
 *
 * Ranges at the end that the index knows nothing of yet are always read.
 * VACUUM tells it about them in time; ChangeLogSummarize does it sooner, for
 * full ranges only, as a page that is still written to would cost every writer
 * a change of the index.
 *
 * Where the index was dropped, or is not as attach() makes it, the whole log
 * is read.
 */
#include "postgres.h"

#include "log/log_index.h"

#include "access/brin_internal.h"
#include "access/brin_page.h"
#include "access/brin_tuple.h"
#include "access/genam.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/lmgr.h"
#include "storage/predicate.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/index_find.h"
#include "base/secure.h"
#include "log/change_log.h"

/* Columns of a log. */
#define Anum_change_xact 1
#define Anum_change_lsn 8

#define NO_ENTRY PG_UINT64_MAX /* is what is looked for: a place behind all */

/* What the index keeps of a range of pages, as it is on disk. */
typedef struct Summary
{
	int64 least_xact;
	int64 greatest_xact;
	XLogRecPtr least;
	XLogRecPtr greatest;
} Summary;

#define NULLS_OF_SUMMARY 0x03 /* bits of a summary of no entry: both columns have no value */

typedef struct RangeReading
{
	const LogWanted *wanted;
	BlockNumber size; /* pages of a range */
	BlockNumber n;
	LogPages *ranges;
} RangeReading;

/* ----- which index ----- */

/*
 * Does a column of a BRIN index keep the least and the greatest value of one of
 * the log, in the server's own order?  Classes of other kinds keep something
 * else, and others' may call the greatest the least.
 */
static bool
keeps_ends(Relation index, int key, AttrNumber column, Oid type)
{
	return key < index->rd_index->indnkeyatts && index->rd_index->indkey.values[key] == column &&
		   index->rd_opcintype[key] == type &&
		   get_index_column_opclass(RelationGetRelid(index), key + 1) < FirstNormalObjectId &&
		   index_getprocid(index, key + 1, BRIN_PROCNUM_OPCINFO) == F_BRIN_MINMAX_OPCINFO;
}

static bool
is_ours(Relation index, void *purpose)
{
	return index->rd_rel->relam == BRIN_AM_OID && index->rd_index->indisvalid &&
		   keeps_ends(index, 0, Anum_change_xact, INT8OID) &&
		   keeps_ends(index, 1, Anum_change_lsn, PG_LSNOID);
}

/*
 * The BRIN index on the numbers and places of a log, or InvalidOid.
 */
Oid
ChangeLogIndex(Relation log)
{
	return IndexFind(log, is_ours, NULL);
}

/* It may have gone since it was found, and before the log was locked. */
static Relation
open_index(Relation log, Oid index)
{
	Relation rel = OidIsValid(index) ? try_relation_open(index, AccessShareLock) : NULL;

	if (rel == NULL || (rel->rd_rel->relkind == RELKIND_INDEX &&
						rel->rd_index->indrelid == RelationGetRelid(log) && is_ours(rel, NULL)))
		return rel;
	relation_close(rel, AccessShareLock);
	return NULL;
}

/* ----- reading it ----- */

static bool
may_hold(const LogWanted *wanted, const Summary *summary)
{
	return summary->greatest >= wanted->from &&
		   (wanted->window == NULL || summary->least_xact < wanted->window->high) &&
		   !HorizonSeesAll(wanted->since, summary->least_xact, summary->greatest_xact);
}

/* A range whose summary is just being made stays one that is not known. */
static void
take_summary(RangeReading *reading, BrinTuple *tuple, Size length)
{
	BlockNumber range = tuple->bt_blkno / reading->size;
	const uint8 *nulls = (const uint8 *) tuple + SizeOfBrinTuple;
	Summary summary;
	LogPages *pages;

	if (range >= reading->n || BrinTupleIsPlaceholder(tuple))
		return;
	pages = &reading->ranges[range];
	pages->is_stale = false;
	pages->least = NO_ENTRY;
	if (BrinTupleHasNulls(tuple) && (*nulls & NULLS_OF_SUMMARY) != 0)
		return;
	if (length < BrinTupleDataOffset(tuple) + sizeof(Summary))
		ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
						errmsg("summary of page %u of the log is too short", tuple->bt_blkno)));
	memcpy(&summary, (const char *) tuple + BrinTupleDataOffset(tuple), sizeof(Summary));
	if (may_hold(reading->wanted, &summary))
		pages->least = summary.least;
}

static void
take_page(RangeReading *reading, Page page)
{
	OffsetNumber last;
	OffsetNumber i;

	if (PageIsNew(page) || !BRIN_IS_REGULAR_PAGE(page))
		return;
	last = PageGetMaxOffsetNumber(page);
	for (i = FirstOffsetNumber; i <= last; i++)
	{
		ItemId item = PageGetItemId(page, i);

		if (ItemIdIsUsed(item))
			take_summary(reading, (BrinTuple *) PageGetItem(page, item), ItemIdGetLength(item));
	}
}

static void
take_summaries(RangeReading *reading, Relation index, Snapshot snapshot)
{
	BlockNumber total = RelationGetNumberOfBlocks(index);
	BlockNumber block;

	for (block = BRIN_METAPAGE_BLKNO + 1; block < total; block++)
	{
		Buffer buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBuffer(index, block);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		TestPageTooOld(snapshot, index, BufferGetPage(buffer));
		take_page(reading, BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
	}
}

/* The option may have been changed since the index was made: its first page tells. */
static BlockNumber
pages_per_range(Relation index)
{
	Buffer buffer = ReadBuffer(index, BRIN_METAPAGE_BLKNO);
	BrinMetaPageData *meta;
	BlockNumber size;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	meta = (BrinMetaPageData *) PageGetContents(BufferGetPage(buffer));
	if (meta->brinMagic != BRIN_META_MAGIC || meta->brinVersion != BRIN_CURRENT_VERSION)
		ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED), errmsg("index \"%s\" is not a BRIN index",
																 RelationGetRelationName(index))));
	size = meta->pagesPerRange;
	UnlockReleaseBuffer(buffer);
	return size;
}

/* All ranges, none of which is known. */
static void
begin_ranges(RangeReading *reading, BlockNumber total)
{
	BlockNumber i;

	reading->n = total / reading->size + (total % reading->size > 0);
	reading->ranges =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(LogPages) * (Size) Max(reading->n, 1));
	for (i = 0; i < reading->n; i++)
	{
		LogPages *pages = &reading->ranges[i];

		pages->first = i * reading->size;
		pages->is_stale = total - pages->first > reading->size;
		pages->last = pages->is_stale ? pages->first + reading->size - 1 : total - 1;
		pages->least = 0;
	}
}

/* Those that may hold what is looked for. */
static int
keep_ranges(RangeReading *reading)
{
	BlockNumber i;
	int n = 0;

	for (i = 0; i < reading->n; i++)
		if (reading->ranges[i].least != NO_ENTRY)
			reading->ranges[n++] = reading->ranges[i];
	return n;
}

static LogPages *
all_pages(Relation log, int *n)
{
	LogPages *pages = palloc0(sizeof(LogPages));

	pages->last = RelationGetNumberOfBlocks(log) - 1;
	*n = pages->last == InvalidBlockNumber ? 0 : 1;
	return pages;
}

/*
 * Pages outside of which there is nothing that is looked for and that the
 * snapshot sees, in their order.
 */
LogPages *
ChangeLogPages(Relation log, Oid index, const LogWanted *wanted, Snapshot snapshot, int *n)
{
	Relation rel = open_index(log, index);
	RangeReading reading = {wanted};

	if (rel == NULL)
		return all_pages(log, n);
	PredicateLockRelation(rel, snapshot);
	pgstat_count_index_scan(rel);
	reading.size = pages_per_range(rel);
	begin_ranges(&reading, RelationGetNumberOfBlocks(log));
	take_summaries(&reading, rel, snapshot);
	relation_close(rel, AccessShareLock);
	*n = keep_ranges(&reading);
	return reading.ranges;
}

BlockNumber
LogPagesTotal(const LogPages *pages, int n)
{
	BlockNumber total = 0;
	int i;

	for (i = 0; i < n; i++)
		total += pages[i].last - pages[i].first + 1;
	return total;
}

/*
 * How many of these pages the index should look at.
 */
BlockNumber
LogPagesStale(const LogPages *pages, int n)
{
	BlockNumber total = 0;
	int i;

	for (i = 0; i < n; i++)
		if (pages[i].is_stale)
			total += LogPagesTotal(&pages[i], 1);
	return total;
}

/* ----- telling it ----- */

/*
 * What it knows of them is forgotten first: it still counts what was there
 * before space was used again.
 */
static void
summarize_pages(Oid index, const LogPages *pages, int n, BlockNumber total)
{
	int i;

	for (i = 0; i < n; i++)
	{
		Datum range = Int64GetDatum((int64) pages[i].first);

		if (!pages[i].is_stale || pages[i].last + 1 >= total)
			continue;
		CHECK_FOR_INTERRUPTS();
		(void) DirectFunctionCall2(brin_desummarize_range, ObjectIdGetDatum(index), range);
		(void) DirectFunctionCall2(brin_summarize_range, ObjectIdGetDatum(index), range);
	}
}

/*
 * Have the index look at the stale ones among these pages, as the log's owner,
 * unless somebody is just doing so.
 */
void
ChangeLogSummarize(Relation log, Oid index, Oid owner, const LogPages *pages, int n)
{
	SecureContext secure;

	if (!OidIsValid(index) || !ConditionalLockRelation(log, ShareUpdateExclusiveLock))
		return;
	SecureEnter(&secure, owner);
	summarize_pages(index, pages, n, RelationGetNumberOfBlocks(log));
	SecureLeave(&secure);
	UnlockRelation(log, ShareUpdateExclusiveLock);
}
