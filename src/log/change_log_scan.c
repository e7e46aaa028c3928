/*
 * change_log_scan.c - reads the newer part of the log of joins and leaves.
 *
 * The log is mostly in the order of writing, so its BRIN index says which
 * ranges of pages hold numbers from some one on: few, however long the log
 * is.  Where the index was dropped the whole log is read.
 *
 * Pages at the end that the index knows nothing of yet are always among them.
 * VACUUM tells it about them in time; ChangeLogSummarize does it sooner, for
 * full ranges only, as a page that is still written to would cost every
 * writer a change of the index.
 *
 * It also says where in the WAL they were written, which is the order in which
 * they are read.
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
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/index_find.h"
#include "base/secure.h"
#include "base/vector.h"
#include "log/change_log.h"

/* Columns of a log. */
#define Anum_change_xact 1
#define Anum_change_n 2
#define Anum_change_segment_id 3
#define Anum_change_joined 5
#define Anum_change_at 7
#define Anum_change_lsn 8

/* The second column of its BRIN index is where entries were written. */
#define Anum_index_lsn 2

#define OLD_DISTANCE 1000 /* numbers: so far back a transaction is old */
#define MANY_OLD 4

/* Does a BRIN operator family of the server's keep the smallest and greatest bigint? */
static bool
orders_numbers(Oid family)
{
	return family < FirstNormalObjectId &&
		   get_op_opfamily_strategy(Int8LessOperator, family) == BTLessStrategyNumber;
}

/* The same of pg_lsn. */
static bool
orders_places(Oid family)
{
	Oid less = get_opfamily_member(family, PG_LSNOID, PG_LSNOID, BTLessStrategyNumber);

	return family < FirstNormalObjectId && OidIsValid(less) && get_opcode(less) == F_PG_LSN_LT;
}

static bool
is_on_numbers(Relation index, void *purpose)
{
	return index->rd_rel->relam == BRIN_AM_OID &&
		   index->rd_index->indkey.values[0] == Anum_change_xact &&
		   orders_numbers(index->rd_opfamily[0]);
}

/* The same, which knows places too. */
static bool
is_on_places(Relation index, void *purpose)
{
	return is_on_numbers(index, purpose) && index->rd_index->indnkeyatts >= Anum_index_lsn &&
		   index->rd_index->indkey.values[Anum_index_lsn - 1] == Anum_change_lsn &&
		   orders_places(index->rd_opfamily[Anum_index_lsn - 1]);
}

/*
 * The BRIN index on the log's numbers, best with places, or InvalidOid.
 */
Oid
ChangeLogIndex(Relation log)
{
	Oid found = IndexFind(log, is_on_places, NULL);

	return OidIsValid(found) ? found : IndexFind(log, is_on_numbers, NULL);
}

/* A scan of the index, and what its tests have in common. */
typedef struct PageScan
{
	IndexScanDesc scan;
	TIDBitmap *bitmap;
	int nplaces; /* tests of places */
	ScanKeyData keys[3];
} PageScan;

static void
begin_page_scan(PageScan *scan, Relation index, const LogSpan *span, Snapshot snapshot)
{
	scan->bitmap = tbm_create(work_mem * (Size) 1024, NULL);
	scan->nplaces = 0;
	if (span != NULL && is_on_places(index, NULL))
	{
		ScanKeyEntryInitialize(&scan->keys[1], 0, Anum_index_lsn, BTGreaterEqualStrategyNumber,
							   PG_LSNOID, InvalidOid, F_PG_LSN_GE, LSNGetDatum(span->from));
		ScanKeyEntryInitialize(&scan->keys[2], 0, Anum_index_lsn, BTLessEqualStrategyNumber,
							   PG_LSNOID, InvalidOid, F_PG_LSN_LE, LSNGetDatum(span->to));
		scan->nplaces = 2;
	}
	scan->scan = BitmapScanBegin(index, snapshot, 1 + scan->nplaces);
}

static void
add_pages(PageScan *scan, StrategyNumber strategy, RegProcedure test, int64 number)
{
	ScanKeyEntryInitialize(&scan->keys[0], 0, Anum_change_xact, strategy, INT8OID, InvalidOid, test,
						   Int64GetDatum(number));
	index_rescan(scan->scan, scan->keys, 1 + scan->nplaces, NULL, 0);
	(void) index_getbitmap(scan->scan, scan->bitmap);
}

/*
 * A transaction that has been open for long must not make us read all that
 * others wrote since: the oldest ones are looked for one by one.
 */
static void
add_pages_since(PageScan *scan, const LogHorizon *since)
{
	int i = 0;

	for (; i < Min(since->nprogress, MANY_OLD) && since->progress[i] < since->high - OLD_DISTANCE;
		 i++)
		add_pages(scan, BTEqualStrategyNumber, F_INT8EQ, since->progress[i]);
	add_pages(scan, BTGreaterEqualStrategyNumber, F_INT8GE,
			  i < since->nprogress ? since->progress[i] : since->high);
}

static LogPages *
ranges_of(TIDBitmap *bitmap, int *n)
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

static LogPages *
all_pages(Relation log, int *n)
{
	LogPages *pages = palloc(sizeof(LogPages));

	pages->first = 0;
	pages->last = RelationGetNumberOfBlocks(log) - 1;
	*n = pages->last == InvalidBlockNumber ? 0 : 1;
	return pages;
}

/*
 * Pages outside of which there is no entry that the horizon doesn't see, and
 * that was written in the span, if there is one.
 */
LogPages *
ChangeLogPagesSince(Relation log, Oid index, const LogHorizon *since, const LogSpan *span,
					Snapshot snapshot, int *n)
{
	PageScan scan;
	LogPages *pages;
	Relation rel;

	if (!OidIsValid(index))
		return all_pages(log, n);
	rel = index_open(index, AccessShareLock);
	begin_page_scan(&scan, rel, span, snapshot);
	add_pages_since(&scan, since);
	index_endscan(scan.scan);
	pages = ranges_of(scan.bitmap, n);
	tbm_free(scan.bitmap);
	index_close(rel, AccessShareLock);
	return pages;
}

/*
 * Pages of which the index knows nothing: no number is greater than all.
 */
LogPages *
ChangeLogPagesUnknown(Relation log, Oid index, Snapshot snapshot, int *n)
{
	LogHorizon all = {PG_INT64_MAX, PG_INT64_MAX, 0, NULL};

	return ChangeLogPagesSince(log, index, &all, NULL, snapshot, n);
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

/* ----- entries ----- */

static void
read_entry(TupleTableSlot *slot, LogEntry *entry)
{
	slot_getsomeattrs(slot, Anum_change_lsn);
	entry->n = DatumGetInt32(slot->tts_values[Anum_change_n - 1]);
	entry->segment = DatumGetInt64(slot->tts_values[Anum_change_segment_id - 1]);
	entry->joined = DatumGetBool(slot->tts_values[Anum_change_joined - 1]);
	entry->at = DatumGetTimestampTz(slot->tts_values[Anum_change_at - 1]);
	entry->lsn = DatumGetLSN(slot->tts_values[Anum_change_lsn - 1]);
	entry->tid = slot->tts_tid;
}

static TableScanDesc
start_range(Relation log, TableScanDesc scan, const LogPages *pages, Snapshot snapshot)
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
		scan = start_range(log, scan, &pages[i], snapshot);
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

static void
summarize_range(Oid index, BlockNumber block, bool anew)
{
	Datum range = Int64GetDatum((int64) block);

	if (anew)
		(void) DirectFunctionCall2(brin_desummarize_range, ObjectIdGetDatum(index), range);
	(void) DirectFunctionCall2(brin_summarize_range, ObjectIdGetDatum(index), range);
}

static void
summarize_pages(Oid index, const LogPages *pages, int n, BlockNumber total, bool anew)
{
	Relation rel = index_open(index, AccessShareLock);
	BlockNumber range = BrinGetPagesPerRange(rel);
	BlockNumber block = 0;
	int i;

	index_close(rel, AccessShareLock);
	for (i = 0; i < n; i++)
		for (block = Max(block, pages[i].first - pages[i].first % range);
			 block <= pages[i].last && block + range < total; block += range)
		{
			CHECK_FOR_INTERRUPTS();
			summarize_range(index, block, anew);
		}
}

/*
 * Tell the index about full ranges among these pages, as the log's owner,
 * unless somebody is just doing so.  Ranges that it knows cost little; anew,
 * they are looked at again: the index still counts what was there before the
 * space was used again.
 */
void
ChangeLogSummarize(Relation log, Oid index, Oid owner, const LogPages *pages, int n, bool anew)
{
	SecureContext secure;

	if (!OidIsValid(index) || !ConditionalLockRelation(log, ShareUpdateExclusiveLock))
		return;
	SecureEnter(&secure, owner);
	summarize_pages(index, pages, n, RelationGetNumberOfBlocks(log), anew);
	SecureLeave(&secure);
	UnlockRelation(log, ShareUpdateExclusiveLock);
}
