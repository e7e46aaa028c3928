/*
 * change_log.h - the numbers under which transactions stand in the log of
 * joins and leaves, and what of it a snapshot has seen.
 */
#ifndef SEGMENTS_CHANGE_LOG_H
#define SEGMENTS_CHANGE_LOG_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/snapshot.h"

/* Why members join and leave; the words of the change log. */
#define CAUSE_FILTER "filter"
#define CAUSE_MANUAL "manual"
#define CAUSE_TIME "time"
#define CAUSE_DEFINITION "definition"
#define CAUSE_SEGMENT "segment"

/* The instant of a leave in SQL over the member's row: nobody leaves before they joined. */
#define LEFT_AT(now) "GREATEST(" now ", since)"

/* What a snapshot sees of the log: all below high but those in progress. */
typedef struct LogHorizon
{
	int64 low; /* all below are seen */
	int64 high;
	int nprogress;
	int64 *progress; /* sorted; all below high */
} LogHorizon;

extern int64 ChangeLogTransaction(void);
extern void HorizonOfSnapshot(LogHorizon *horizon, Snapshot snapshot);
extern void HorizonAddOwn(LogHorizon *horizon, int64 xact, bool seen);
extern void HorizonOfStored(LogHorizon *horizon, int64 high, ArrayType *progress);
extern Datum HorizonProgress(const LogHorizon *horizon);
extern bool HorizonSees(const LogHorizon *horizon, int64 xact);
extern bool HorizonSeesAll(const LogHorizon *horizon, int64 from, int64 to);
extern bool HorizonIsWithin(const LogHorizon *inner, const LogHorizon *outer);

#endif /* SEGMENTS_CHANGE_LOG_H */
