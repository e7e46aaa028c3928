/*
 * maintain.h - delta, candidates, evaluate, write, propagate.
 */
#ifndef SEGMENTS_MAINTAIN_H
#define SEGMENTS_MAINTAIN_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "evaluate.h"

/* Why members join and leave; the words of the change log. */
#define CAUSE_FILTER "filter"
#define CAUSE_MANUAL "manual"
#define CAUSE_TIME "time"
#define CAUSE_DEFINITION "definition"
#define CAUSE_SEGMENT "segment"

/* Joins and leaves, in no order yet. */
typedef struct Change
{
	int64		segment;
	int			index;			/* of the segment in the program, or -1 */
	int			number;			/* counts the changes of the set */
	Datum		key;
	bool		joined;
} Change;

typedef struct ChangeSet
{
	MemoryContext context;		/* keys are copied here */
	int			n;
	int			size;
	Change	   *changes;
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

/* member_write.c */
extern ChangeSet *ChangeSetCreate(void);
extern void ChangeSetReset(ChangeSet *set);
extern void ChangeSetAdd(Program *program, ChangeSet *set, int64 segment, int index, Datum key, bool joined);
extern int	MemberWrite(Program *program, ChangeSet *set, const char *cause);
extern void MemberForgetContacts(Program *program, Datum *keys, int nkeys);
extern void MemberForgetAll(Program *program);
extern void MemberMoveContacts(Program *program, Datum *old_keys, Datum *new_keys, int nkeys);
/* member_direct.c */
extern bool MemberWriteDirect(Program *program, Change *changes, int n, const char *cause, int *written);

/* member_write.c */
extern int	MemberNextChangeNumber(int count);
extern int64 MemberWritten(int64 more);
extern void MaintainExecute(SPIPlanPtr plan, Datum *values, int expected);
extern void MaintainRun(const char *sql, int nargs, Oid *types, Datum *values);

/* maintain.c */
extern void MaintainContacts(Program *program, Datum *keys, int nkeys, Bitmapset *segments, const char *cause);
extern void MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments, Bitmapset *reached,
							   const char *cause, TimestampTz now);
extern Bitmapset *MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys);
extern TupleTableSlot *MaintainContactSlot(Program *program, Datum composite);
extern void MaintainPropagate(Program *program, ChangeSet *set);
extern TimestampTz MaintainNow(Program *program);

/* contact_lock.c */
extern TupleTableSlot *ContactLock(Program *program, Datum key);
extern void ContactStored(Program *program, Datum key, const int *segments, int n, bool *stored);

/* uncommitted.c */
extern bool UncommittedIsUnguarded(ContactTable *table, const RelatedRows *rows);
extern bool UncommittedWaitForContact(Program *program, Datum key);
extern void UncommittedWaitForRows(Program *program, Datum *keys, int nkeys);

/* contact_delta.c, related_delta.c: what a statement changed */
typedef struct StatementDelta
{
	Oid			relid;
	Tuplestorestate *old_rows;	/* NULL when there are none */
	Tuplestorestate *new_rows;
	bool		truncated;
	bool		others_fire;	/* the table has AFTER triggers that are not ours */
} StatementDelta;

extern void ContactDelta(Program *program, StatementDelta *delta);
extern void RelatedDelta(Program *program, StatementDelta *delta);

/* build.c */
extern void BuildSegment(int64 id, const char *cause);
extern void BuildLockTables(List *ids);
extern void BuildSegmentsReading(Program *program, Oid relid, const char *cause);

/* segment_clock.c */
extern bool ClockRead(int64 segment, TimestampTz *evaluated_at);
extern bool ClockIsAhead(Oid contact_table, TimestampTz now);
extern void ClockLoad(Program *program);

extern void ClockStart(Oid contact_table, int64 segment, bool moves, TimestampTz now, TimestampTz next_move);

/* kept_plan.c */
extern SPIPlanPtr KeptPlan(const char *sql, int nargs, Oid *types);

#endif							/* SEGMENTS_MAINTAIN_H */
