/*
 * member_count.h - how many members segments have.
 */
#ifndef SEGMENTS_MEMBER_COUNT_H
#define SEGMENTS_MEMBER_COUNT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/itemptr.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "log/change_log.h"
#include "log/change_log_scan.h"
#include "log/log_index.h"
#include "log/read_table.h"

/* Numbers of one segment. */
typedef struct MemberCount
{
	int64 segment; /* key of a hash of them */
	int64 members;
	int64 joins;
	int64 leaves;
	TimestampTz last_change; /* DT_NOBEGIN: none */
} MemberCount;

/* Up to where the log of a contact table is settled; see member_count.c. */
typedef struct CountState
{
	bool exists;
	bool believed;
	ItemPointerData tid;
	TransactionId xmin; /* of the row */
	LogHorizon horizon;
} CountState;

/* A contact table's members and log, open for reading under one snapshot. */
typedef struct CountSource
{
	ReadTable *table;
	Relation log;
	Snapshot snapshot;
	CountState state;
	LogPages *pages; /* that hold what is not settled */
	int npages;
} CountSource;

extern void CountSourceOpen(CountSource *source, ReadTable *table, Snapshot snapshot);
extern void CountSourceClose(CountSource *source);
extern HTAB *MemberCountHash(void);
extern MemberCount *MemberCountIn(HTAB *counts, int64 segment);
extern void MemberCountAdd(const LogEntry *entry, void *counts);
extern void MemberCountsAfresh(CountSource *source, HTAB *counts);
extern bool MemberCountIsRight(Oid contact_table, int64 segment);

#endif /* SEGMENTS_MEMBER_COUNT_H */
