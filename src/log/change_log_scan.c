/*
 * change_log_scan.c - reads entries of the log of joins and leaves.
 */
#include "postgres.h"

#include "log/change_log_scan.h"

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "log/change_log.h"
#include "log/log_index.h"

/* Columns of a log. */
#define Anum_change_xact 1
#define Anum_change_n 2
#define Anum_change_segment_id 3
#define Anum_change_joined 5
#define Anum_change_at 7
#define Anum_change_lsn 8

/*
 * An entry of the row of a log in a slot, but for its transaction.
 */
void
ChangeLogEntry(TupleTableSlot *slot, LogEntry *entry)
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
			ChangeLogEntry(slot, &entry);
			function(&entry, arg);
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (scan != NULL)
		table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}
