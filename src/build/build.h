/*
 * build.h - whole segments at once: one scan for many, differences between
 * what is stored and what should be, and what changed since a snapshot.
 */
#ifndef SEGMENTS_BUILD_H
#define SEGMENTS_BUILD_H

#include "postgres.h"

#include "storage/lockdefs.h"
#include "utils/array.h"
#include "utils/snapshot.h"

#include "maintain/maintain.h"

/* From so many segments on, one scan for all is cheaper than a query each. */
#define MANY_SEGMENTS 8
/* Contact tables of so few pages are read at once: writers can wait. */
#define SMALL_TABLE_BLOCKS 32

/* segment_scan.c: a segment (index in the program) that a contact matches */
typedef void (*SegmentScanVisit)(void *arg, int index, Datum key);

extern void SegmentScan(Program *program, Bitmapset *wanted, TimestampTz now, Snapshot snapshot,
						SegmentScanVisit visit, void *arg);

/* difference.c: a contact whose stored membership is not what it should be */
typedef struct Difference
{
	int64 segment;
	Datum key;
	bool stored;   /* else it should be a member */
	bool exists;   /* the contact */
	bool excluded; /* by hand */
} Difference;

typedef void (*DifferenceVisit)(void *arg, const Difference *difference);

typedef enum DifferenceMethod
{
	DIFFERENCE_CHOOSE = 0,
	DIFFERENCE_QUERY, /* each segment by its SQL, whatever the row engine says */
	DIFFERENCE_SCAN   /* all in one scan, where a segment can be */
} DifferenceMethod;

typedef struct DifferenceSearch
{
	Oid contact_table;
	List *ids;         /* of published segments: int64 * */
	Snapshot snapshot; /* of contacts and members */
	DifferenceMethod method;
	bool by_hand;   /* what was done by hand counts */
	bool redefined; /* evaluate at now even if brought further before */
	bool empty;     /* they have no members yet */
	DifferenceVisit visit;
	void *arg;
} DifferenceSearch;

extern void DifferencesFind(DifferenceSearch *search);

/* touched.c: contacts that others' changes since a snapshot concern */
extern bool TouchedCanBeFound(Oid contact_table, List *relids);
extern void TouchedContacts(Program *program, Bitmapset *segments, bool fresh, Snapshot snapshot,
							DatumVector *keys);

/* build_set.c */
extern List *BuildIds(ArrayType *array);
extern Datum BuildIdArray(List *ids);
extern Bitmapset *BuildIndexes(Program *program, List *ids);
extern List *BuildIdsOfRank(Program *program, List *ids, int rank);
extern Bitmapset *BuildReferringTo(Program *program, Bitmapset *segments);
extern List *BuildSplitReferring(Program *program, List *ids, Bitmapset *referring, List **others);
extern List *BuildPublished(List *ids);

/* build_repair.c */
extern void BuildHandChanges(Program *program, List *ids, const char *cause);
extern void BuildForgetGone(Program *program, Datum *keys, int nkeys);

/* build_lock.c */
extern List *BuildReadTables(Program *program, Bitmapset *segments);
extern void BuildShareTables(Oid contact_table, List *relids);
extern void BuildLock(Oid contact_table, List *relids, LOCKMODE mode, bool gently);

/* progress.c: what other sessions see of it */
typedef enum ProgressCommand
{
	PROGRESS_CREATE = 1,
	PROGRESS_REBUILD,
	PROGRESS_CHECK,
	PROGRESS_IMPORT
} ProgressCommand;

typedef enum ProgressPhase
{
	PROGRESS_EVALUATING = 1,
	PROGRESS_COMPARING,
	PROGRESS_WAITING,
	PROGRESS_CATCHING_UP,
	PROGRESS_WRITING,
	PROGRESS_READING,
	PROGRESS_MATCHING,
	PROGRESS_ADDING
} ProgressPhase;

extern void ProgressBegin(ProgressCommand command, Oid contact_table, int segments);
extern void ProgressEnd(void);
extern void ProgressEnter(ProgressPhase phase);
extern void ProgressTotal(double contacts);
extern void ProgressContacts(int64 more);
extern void ProgressChanges(int64 more);

#endif /* SEGMENTS_BUILD_H */
