/*
 * log_index.h - which pages of the log of joins and leaves hold what is looked
 * for.
 */
#ifndef SEGMENTS_LOG_INDEX_H
#define SEGMENTS_LOG_INDEX_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "storage/block.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "log/change_log.h"

/* Which entries are looked for. */
typedef struct LogWanted
{
	const LogHorizon *since;  /* those that it doesn't see */
	const LogHorizon *window; /* and this one does, or NULL */
	XLogRecPtr from;          /* and that were written there or behind */
} LogWanted;

/* A range of pages of the log. */
typedef struct LogPages
{
	BlockNumber first;
	BlockNumber last;
	XLogRecPtr least; /* nothing on them was written before */
	bool is_stale;    /* the index should look at them anew */
} LogPages;

extern Oid ChangeLogIndex(Relation log);
extern LogPages *ChangeLogPages(Relation log, Oid index, const LogWanted *wanted, Snapshot snapshot,
								int *n);
extern BlockNumber LogPagesTotal(const LogPages *pages, int n);
extern BlockNumber LogPagesStale(const LogPages *pages, int n);
extern void ChangeLogSummarize(Relation log, Oid index, Oid owner, const LogPages *pages, int n);

#endif /* SEGMENTS_LOG_INDEX_H */
