/*
 * change_log_scan.h - reads entries of the log of joins and leaves.
 */
#ifndef SEGMENTS_CHANGE_LOG_SCAN_H
#define SEGMENTS_CHANGE_LOG_SCAN_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "log/change_log.h"
#include "log/log_index.h"

/* One entry of the log, as far as counts and readers need it. */
typedef struct LogEntry
{
	int64 xact;
	int32 n; /* its number in the transaction */
	int64 segment;
	bool joined;
	TimestampTz at;
	XLogRecPtr lsn; /* where it was written */
	ItemPointerData tid;
} LogEntry;

typedef void (*LogEntryFunction)(const LogEntry *entry, void *arg);

extern void ChangeLogEntry(TupleTableSlot *slot, LogEntry *entry);
extern void ChangeLogScan(Relation log, const LogPages *pages, int n, const LogHorizon *since,
						  Snapshot snapshot, LogEntryFunction function, void *arg);

#endif /* SEGMENTS_CHANGE_LOG_SCAN_H */
