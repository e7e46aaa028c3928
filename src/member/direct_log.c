/*
 * direct_log.c - entries of joins and leaves written straight into the log.
 */
#include "postgres.h"

#include "member/direct_log.h"

#include "access/genam.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/vector.h"
#include "log/change_log.h"
#include "log/change_number.h"
#include "member/change_set.h"
#include "member/direct_table.h"

#define Anum_change_xact 1
#define Anum_change_lsn 8
#define Natts_filter_change 8 /* of entries without source and reference, which are left out */

/*
 * The row-th entry of those that are written next is of this instant.  Rows are
 * told in ascending order.
 */
void
DirectLogAddLater(DirectLog *log, int row, TimestampTz at)
{
	VectorMakeRoom(log->later, log->nlater, log->later_size, 64);
	log->later[log->nlater].row = row;
	log->later[log->nlater++].at = at;
}

/* The instant of an entry; next: which of the later ones is still to come. */
static Datum
instant_of(const DirectLog *log, int row, int *next)
{
	if (*next == log->nlater || log->later[*next].row != row)
		return log->now;
	return TimestampTzGetDatum(log->later[(*next)++].at);
}

static void
fill_row(DirectLog *log, TupleTableSlot *slot, const Change *change, int number, Datum at,
		 Datum lsn)
{
	slot->tts_values[0] = log->transaction;
	slot->tts_values[1] = Int32GetDatum(number);
	slot->tts_values[2] = Int64GetDatum(change->segment);
	slot->tts_values[3] = change->key;
	slot->tts_values[4] = BoolGetDatum(change->joined);
	slot->tts_values[5] = log->cause;
	slot->tts_values[6] = at;
	slot->tts_values[7] = lsn;
	memset(slot->tts_isnull, false, sizeof(bool) * log->table.ncolumns);
	if (log->table.ncolumns == Natts_change)
	{
		slot->tts_values[8] = log->source;
		slot->tts_values[9] = log->reference;
		slot->tts_isnull[8] = log->source == (Datum) 0;
		slot->tts_isnull[9] = log->reference == (Datum) 0;
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * Does the index hold, for ranges of pages, the least and greatest
 * transaction and place only?  All that we add to a page is the same to it.
 */
static bool
is_once_a_page(Relation index, IndexInfo *info)
{
	int i;

	for (i = 0; i < info->ii_NumIndexAttrs; i++)
		if (info->ii_IndexAttrNumbers[i] != Anum_change_xact &&
			info->ii_IndexAttrNumbers[i] != Anum_change_lsn)
			return false;
	return index->rd_rel->relam == BRIN_AM_OID;
}

static void
insert_index(DirectTable *table, int index, int n)
{
	bool once = is_once_a_page(table->indexes[index], table->infos[index]);
	bool unique = table->indexes[index]->rd_index->indisunique;
	BlockNumber page = InvalidBlockNumber;
	int row;

	for (row = 0; row < n; row++)
	{
		TupleTableSlot *slot = table->slots[row];

		if (once && ItemPointerGetBlockNumber(&slot->tts_tid) == page)
			continue;
		page = ItemPointerGetBlockNumber(&slot->tts_tid);
		(void) DirectTableInsertEntry(table, index, slot,
									  unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO);
	}
}

/*
 * Write entries, under the numbers that come next.
 */
void
DirectLogWrite(DirectLog *log, const Change *changes, int n, CommandId command)
{
	DirectTable *table = &log->table;
	int later = 0;
	int start;
	int row;
	int i;

	for (start = 0; start < n; start += DIRECT_BLOCK)
	{
		int count = Min(DIRECT_BLOCK, n - start);
		Datum lsn = LSNGetDatum(GetXLogInsertRecPtr());

		CHECK_FOR_INTERRUPTS();
		for (row = 0; row < count; row++)
			fill_row(log, DirectTableSlot(table, row), &changes[start + row],
					 log->number + start + row, instant_of(log, start + row, &later), lsn);
		DirectTableInsert(table, count, command);
		for (i = 0; i < table->nindexes; i++)
			insert_index(table, i, count);
	}
	log->nlater = 0;
	log->number += n;
	(void) ChangeNumberNext(n);
}

static Datum
text_or_zero(const char *text)
{
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Entries without a source end before it, so that filters' take no more room. */
static void
set_origin(DirectLog *log, const ChangeOrigin *origin)
{
	log->source = text_or_zero(origin->source);
	log->reference = text_or_zero(origin->reference);
	if (origin->source == NULL && origin->reference == NULL &&
		!DirectTableIsIndexedBehind(&log->table, Natts_filter_change))
		log->table.ncolumns = Natts_filter_change;
}

/*
 * What entries of a cause and an origin have in common, in the open table.
 */
void
DirectLogBegin(DirectLog *log, const ChangeOrigin *origin, const char *cause, Datum now)
{
	log->now = now;
	log->transaction = Int64GetDatum(ChangeLogTransaction());
	log->cause = CStringGetTextDatum(cause);
	set_origin(log, origin);
	log->number = ChangeNumberNext(0);
}
