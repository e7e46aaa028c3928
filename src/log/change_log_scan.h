/*
 * change_log_scan.h - reads the newer part of the log of joins and leaves.
 */
#ifndef SEGMENTS_CHANGE_LOG_SCAN_H
#define SEGMENTS_CHANGE_LOG_SCAN_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "storage/block.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "log/change_log.h"

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

/* Places of writing, both ends included. */
typedef struct LogSpan
{
	XLogRecPtr from;
	XLogRecPtr to;
} LogSpan;

/* A range of pages of the log. */
typedef struct LogPages
{
	BlockNumber first;
	BlockNumber last;
} LogPages;

extern Oid ChangeLogIndex(Relation log);
extern LogPages *ChangeLogPagesSince(Relation log, Oid index, const LogHorizon *since,
									 const LogSpan *span, Snapshot snapshot, int *n);
extern LogPages *ChangeLogPagesUnknown(Relation log, Oid index, Snapshot snapshot, int *n);
extern BlockNumber LogPagesTotal(const LogPages *pages, int n);
extern void ChangeLogScan(Relation log, const LogPages *pages, int n, const LogHorizon *since,
						  Snapshot snapshot, LogEntryFunction function, void *arg);
extern void ChangeLogSummarize(Relation log, Oid index, Oid owner, const LogPages *pages, int n,
							   bool anew);

#endif /* SEGMENTS_CHANGE_LOG_SCAN_H */
