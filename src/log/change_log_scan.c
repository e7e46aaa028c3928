/*
 * change_log_scan.c - reads the newer part of the log of joins and leaves.
 *
 * The log is mostly in the order of writing, so its BRIN index says which
 * stretches of pages hold numbers from some one on: few, however long the log
 * is.  Where the index was dropped the whole log is read.
 *
 * Pages at the end that the index knows nothing of yet are always among them.
 * VACUUM tells it about them in time; ChangeLogSummarize does it sooner, for
 * full stretches only, as a page that is still written to would cost every
 * writer a change of the index.
 */
#include "postgres.h"

#include "log/change_log_scan.h"

#include "access/brin.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/index_find.h"
#include "base/vector.h"
#include "log/change_log.h"

/* Columns of a log. */
#define Anum_change_xact 1
#define Anum_change_segment_id 3
#define Anum_change_joined 5
#define Anum_change_at 7

#define OLD_DISTANCE 1000 /* numbers: so far back a transaction is old */
#define MANY_OLD 4

/* Does a BRIN operator family of the server's keep the smallest and greatest bigint? */
static bool
orders_numbers(Oid family)
{
	return family < FirstNormalObjectId &&
		   get_op_opfamily_strategy(Int8LessOperator, family) == BTLessStrategyNumber;
}

/* A BRIN index on the log's numbers? */
static bool
is_by_number(Relation index, void *purpose)
{
	return index->rd_rel->relam == BRIN_AM_OID && index->rd_index->indnkeyatts == 1 &&
		   index->rd_index->indkey.values[0] == Anum_change_xact &&
		   orders_numbers(index->rd_opfamily[0]);
}

/*
 * The BRIN index on the log's numbers, or InvalidOid.
 */
Oid
ChangeLogIndex(Relation log)
{
	return IndexFind(log, is_by_number, NULL);
}

static void
add_pages(IndexScanDesc scan, TIDBitmap *bitmap, StrategyNumber strategy, RegProcedure test,
		  int64 number)
{
	ScanKeyData key;

	ScanKeyEntryInitialize(&key, 0, Anum_change_xact, strategy, INT8OID, InvalidOid, test,
						   Int64GetDatum(number));
	index_rescan(scan, &key, 1, NULL, 0);
	(void) index_getbitmap(scan, bitmap);
}

/*
 * A transaction that has been open for long must not make us read all that
 * others wrote since: the oldest ones are looked for one by one.
 */
static TIDBitmap *
pages_by_index(Relation index, const LogHorizon *since, Snapshot snapshot)
{
	TIDBitmap *bitmap = tbm_create(work_mem * (Size) 1024, NULL);
	IndexScanDesc scan = BitmapScanBegin(index, snapshot, 1);
	int i = 0;

	for (; i < Min(since->nprogress, MANY_OLD) && since->progress[i] < since->high - OLD_DISTANCE;
		 i++)
		add_pages(scan, bitmap, BTEqualStrategyNumber, F_INT8EQ, since->progress[i]);
	add_pages(scan, bitmap, BTGreaterEqualStrategyNumber, F_INT8GE,
			  i < since->nprogress ? since->progress[i] : since->high);
	index_endscan(scan);
	return bitmap;
}

static LogPages *
stretches_of(TIDBitmap *bitmap, int *n)
{
	int size = 0;
	LogPages *pages = NULL;
	BitmapPages *iterator = BitmapPagesBegin(bitmap);
	BlockNumber block;

	*n = 0;
	while (BitmapPagesNext(iterator, &block))
	{
		if (*n > 0 && pages[*n - 1].last + 1 == block)
		{
			pages[*n - 1].last = block;
			continue;
		}
		VectorMakeRoom(pages, *n, size, 8);
		pages[*n].first = pages[*n].last = block;
		(*n)++;
	}
	BitmapPagesEnd(iterator);
	return pages;
}

/*
 * Pages outside of which there is no entry that the horizon doesn't see.
 */
LogPages *
ChangeLogPagesSince(Relation log, Oid index, const LogHorizon *since, Snapshot snapshot, int *n)
{
	TIDBitmap *bitmap;
	LogPages *pages;
	Relation rel;

	if (!OidIsValid(index))
	{
		pages = palloc(sizeof(LogPages));
		pages->first = 0;
		pages->last = RelationGetNumberOfBlocks(log) - 1;
		*n = pages->last == InvalidBlockNumber ? 0 : 1;
		return pages;
	}
	rel = index_open(index, AccessShareLock);
	bitmap = pages_by_index(rel, since, snapshot);
	pages = stretches_of(bitmap, n);
	tbm_free(bitmap);
	index_close(rel, AccessShareLock);
	return pages;
}

/* ----- entries ----- */

static void
read_entry(TupleTableSlot *slot, LogEntry *entry)
{
	slot_getsomeattrs(slot, Anum_change_at);
	entry->segment = DatumGetInt64(slot->tts_values[Anum_change_segment_id - 1]);
	entry->joined = DatumGetBool(slot->tts_values[Anum_change_joined - 1]);
	entry->at = DatumGetTimestampTz(slot->tts_values[Anum_change_at - 1]);
}

static TableScanDesc
start_stretch(Relation log, TableScanDesc scan, const LogPages *pages, Snapshot snapshot)
{
	ItemPointerData first;
	ItemPointerData last;

	ItemPointerSet(&first, pages->first, FirstOffsetNumber);
	ItemPointerSet(&last, pages->last, MaxOffsetNumber);
	if (scan == NULL)
		return TableScanTidRange(log, snapshot, &first, &last);
	table_rescan_tidrange(scan, &first, &last);
	return scan;
}

/*
 * Call a function for each entry on these pages that the snapshot sees and the
 * horizon doesn't.
 */
void
ChangeLogScan(Relation log, const LogPages *pages, int n, const LogHorizon *since,
			  Snapshot snapshot, LogEntryFunction function, void *arg)
{
	TupleTableSlot *slot = table_slot_create(log, NULL);
	TableScanDesc scan = NULL;
	LogEntry entry;
	bool isnull;
	int i;

	for (i = 0; i < n; i++)
	{
		scan = start_stretch(log, scan, &pages[i], snapshot);
		while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
		{
			entry.xact = DatumGetInt64(slot_getattr(slot, Anum_change_xact, &isnull));
			if (HorizonSees(since, entry.xact))
				continue;
			read_entry(slot, &entry);
			function(&entry, arg);
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (scan != NULL)
		table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

/* ----- the index ----- */

/*
 * Tell the index about full stretches among these pages, as the log's owner,
 * unless somebody is just doing so.  Stretches that it knows cost little.
 */
void
ChangeLogSummarize(Relation log, Oid index, const LogPages *pages, int n)
{
	BlockNumber total = RelationGetNumberOfBlocks(log);
	BlockNumber range;
	Relation rel;
	int i;

	if (!OidIsValid(index) || !ConditionalLockRelation(log, ShareUpdateExclusiveLock))
		return;
	rel = index_open(index, AccessShareLock);
	range = BrinGetPagesPerRange(rel);
	index_close(rel, AccessShareLock);
	for (i = 0; i < n; i++)
	{
		BlockNumber block = pages[i].first - pages[i].first % range;

		for (; block <= pages[i].last && block + range < total; block += range)
			(void) DirectFunctionCall2(brin_summarize_range, ObjectIdGetDatum(index),
									   Int64GetDatum((int64) block));
	}
	UnlockRelation(log, ShareUpdateExclusiveLock);
}
