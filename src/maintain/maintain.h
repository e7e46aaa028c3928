/*
 * maintain.h - delta, candidates, evaluate, write, propagate.
 */
#ifndef SEGMENTS_MAINTAIN_H
#define SEGMENTS_MAINTAIN_H

#include "postgres.h"

#include "access/skey.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "evaluate/evaluate.h"
#include "base/index_probe.h"

/* Why members join and leave; the words of the change log. */
#define CAUSE_FILTER "filter"
#define CAUSE_MANUAL "manual"
#define CAUSE_TIME "time"
#define CAUSE_DEFINITION "definition"
#define CAUSE_SEGMENT "segment"

/* By what members are changed by hand, and which one of it; NULL: not said. */
typedef struct MemberOrigin
{
	const char *source;
	const char *reference;
} MemberOrigin;

/* Joins and leaves, in no order yet. */
typedef struct Change
{
	int64 segment;
	Datum key;
	int index;   /* of the segment in the program, or -1 */
	uint32 rank; /* of the key among those of a sorted set */
	bool joined;
} Change;

typedef struct ChangeSet
{
	MemoryContext context; /* keys are copied here */
	int n;
	int size;
	Change *changes;
	Size key_bytes;
	MemberOrigin origin;
} ChangeSet;

/*
 * work.c: a stretch of maintenance.  Comparing rows in memory needs neither
 * SPI nor the owner's rights; what does calls MaintainEnter first.
 */
extern void MaintainBegin(Program *program);
extern void MaintainEnter(void);
extern void MaintainEnd(void);

/* Was there maintenance since a statement began, or since a count was taken? */
extern bool MaintainRanInside(void);
extern uint64 MaintainRuns(void);

/* change_set.c */
extern ChangeSet *ChangeSetCreate(void);
extern void ChangeSetReset(ChangeSet *set);
extern bool ChangeSetIsFull(const ChangeSet *set);
extern void ChangeSetAdd(Program *program, ChangeSet *set, int64 segment, int index, Datum key,
						 bool joined);
extern void ChangeSetSort(Program *program, ChangeSet *set);
extern int *ChangesByContact(const Change *changes, int n);
extern bool ChangesPutByContact(Change *changes, int n);

/* member_find.c: a search for rows of members or overrides. */
#define MEMBER_FINDER_KEYS 3

typedef struct MemberFinder
{
	Program *program;
	Relation rel;
	Relation index;
	struct IndexScanDescData *scan;
	TupleTableSlot *slot;
	ScanKeyData keys[MEMBER_FINDER_KEYS];
	bool contact_first; /* in the index, and in the order of the changes */
	bool ordered;       /* the index is in the order of our keys */
	int pause;          /* changes to look up one by one */
	int last_pause;
} MemberFinder;

typedef bool (*MemberVisit)(void *arg, Change *change, TupleTableSlot *row);

extern void MemberFinderBegin(MemberFinder *finder, Program *program, Relation rel, Relation index,
							  bool contact_first, Snapshot snapshot);
extern int MemberFinderMeet(MemberFinder *finder, Change *changes, int n, MemberVisit visit,
							void *arg);
extern void MemberFinderEnd(MemberFinder *finder);

/* member_write.c */
extern int MemberWrite(Program *program, ChangeSet *set, const char *cause);
extern void MemberForgetContacts(Program *program, Datum *keys, int nkeys);
extern void MemberForgetAll(Program *program);
extern void MemberMoveContacts(Program *program, Datum *old_keys, Datum *new_keys, int nkeys);
/* member_direct.c */
extern bool MemberWriteDirect(Program *program, ChangeSet *set, const char *cause, int *written);

/* member_write.c */
extern int MemberNextChangeNumber(int count);
extern int MemberChangesLogged(void);
extern int64 MemberWritten(int64 more);
extern void MaintainExecute(SPIPlanPtr plan, Datum *values, int expected);
extern void MaintainExecuteNulls(SPIPlanPtr plan, Datum *values, const char *nulls, int expected);
extern void MaintainRun(const char *sql, int nargs, Oid *types, Datum *values);

/*
 * What rows that came, went or changed did to the atoms over them: ids of those
 * that may have become true, and of those that may have become false.
 */
typedef struct AtomFlips
{
	bool all; /* any of them may have become either */
	Bitmapset *rising;
	Bitmapset *falling;
} AtomFlips;

/* maintain.c */
extern void MaintainContacts(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							 const char *cause);
extern void MaintainRelated(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							const AtomFlips *flips);
extern void MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							   Bitmapset *reached, const char *cause, TimestampTz now);
extern Bitmapset *MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys);
extern TupleTableSlot *MaintainContactSlot(Program *program, Datum composite);
extern void MaintainPropagate(Program *program, ChangeSet *set);
extern TimestampTz MaintainNow(Program *program);

/* manual.c */
typedef enum ManualAction
{
	MANUAL_INCLUDE,
	MANUAL_EXCLUDE,
	MANUAL_RESET
} ManualAction;

extern int ManualLock(Program *program, Datum *keys, int nkeys, Datum **locked);
extern void ManualApply(Program *program, SegmentRow *row, ManualAction action, Datum *keys,
						int nkeys, const MemberOrigin *origin);

/* related_contacts.c */
extern void RelatedContacts(Program *program, RowSource *source, Datum *keys, int nkeys,
							DatumVector *contacts);

/* company_lock.c */
extern void CompanyHold(Program *program, RowSource *source, Oid type, Datum *keys, int nkeys);
extern void CompanyHoldReferenced(Batch *batch);

/* contact_lock.c */
typedef IndexProbe ContactProbe;

typedef struct MemberProbe
{
	Program *program;
	bool open; /* from the first question on */
	IndexProbe probe;
} MemberProbe;

extern int ContactsLock(Batch *batch);
extern void ContactProbeBegin(ContactProbe *probe, Program *program, Snapshot snapshot);
extern TupleTableSlot *ContactProbeAsk(ContactProbe *probe, Datum key);
extern void ContactProbeEnd(ContactProbe *probe);
extern void MemberProbeBegin(MemberProbe *members, Program *program);
extern bool MemberProbeAsk(MemberProbe *members, int64 segment, Datum key);
extern void MemberProbeEnd(MemberProbe *members);

/* uncommitted.c */
extern bool UncommittedIsUnguarded(ContactTable *table, const RelatedRows *rows);
extern bool UncommittedWaitForContact(Program *program, Datum key);
extern bool UncommittedWaitForCompanies(RowSource *source, Oid type, Datum *keys, int nkeys);
extern void UncommittedWaitForReferences(Program *program, RowSource *source, Datum *keys,
										 int nkeys);
extern void UncommittedWaitForRows(Program *program, Datum *keys, int nkeys);

/* contact_delta.c, related_delta.c: what a statement changed */
typedef struct StatementDelta
{
	Oid relid;
	Tuplestorestate *old_rows; /* NULL when there are none */
	Tuplestorestate *new_rows;
	bool truncated;
	bool others_fire; /* the table has AFTER triggers that are not ours */
} StatementDelta;

extern void ContactDelta(Program *program, StatementDelta *delta);
extern void RelatedDelta(Program *program, StatementDelta *delta);

/* build.c */
extern void BuildSegmentsReading(Program *program, Oid relid, const char *cause);

/* segment_clock.c */
extern bool ClockRead(int64 segment, TimestampTz *evaluated_at);
extern bool ClockIsAhead(Oid contact_table, TimestampTz now);
extern void ClockLoad(Program *program);

extern List *ClockMoving(Oid contact_table);
extern void ClockReset(Oid contact_table, TimestampTz now);
extern void ClockStart(Oid contact_table, int64 segment, bool moves, TimestampTz now,
					   TimestampTz next_move);

/* kept_plan.c */
extern SPIPlanPtr KeptPlan(const char *sql, int nargs, Oid *types);

#endif /* SEGMENTS_MAINTAIN_H */
