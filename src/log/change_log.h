/*
 * change_log.h - the numbers under which transactions stand in the log of
 * joins and leaves, and what of it a snapshot has seen.
 */
#ifndef SEGMENTS_CHANGE_LOG_H
#define SEGMENTS_CHANGE_LOG_H

#include "postgres.h"

#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

/* What a snapshot sees of the log: all below high but those in progress. */
typedef struct LogHorizon
{
	int64 low; /* all below are seen */
	int64 high;
	int nprogress;
	int64 *progress; /* sorted; all below high */
} LogHorizon;

/* One entry of the log, as far as counts need it. */
typedef struct LogEntry
{
	int64 xact;
	int64 segment;
	bool joined;
	TimestampTz at;
} LogEntry;

typedef void (*LogEntryFunction)(const LogEntry *entry, void *arg);

/* A stretch of pages of the log. */
typedef struct LogPages
{
	BlockNumber first;
	BlockNumber last;
} LogPages;

/* change_log.c */
extern int64 ChangeLogNumber(uint64 xact);
extern int64 ChangeLogTransaction(void);
extern void HorizonOfSnapshot(LogHorizon *horizon, Snapshot snapshot);
extern void HorizonAddOwn(LogHorizon *horizon, int64 xact, bool seen);
extern bool HorizonSees(const LogHorizon *horizon, int64 xact);
extern bool HorizonIsWithin(const LogHorizon *inner, const LogHorizon *outer);

/* change_log_scan.c */
extern Oid ChangeLogIndex(Relation log);
extern LogPages *ChangeLogPagesSince(Relation log, Oid index, const LogHorizon *since,
									 Snapshot snapshot, int *n);
extern void ChangeLogScan(Relation log, const LogPages *pages, int n, const LogHorizon *since,
						  Snapshot snapshot, LogEntryFunction function, void *arg);
extern void ChangeLogSummarize(Relation log, Oid index, const LogPages *pages, int n);

#endif /* SEGMENTS_CHANGE_LOG_H */
