/*
 * maintain.h - evaluate afresh for some contacts, write what differs, and carry
 * it to the segments that refer to what changed.
 */
#ifndef SEGMENTS_MAINTAIN_H
#define SEGMENTS_MAINTAIN_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "member/change_set.h"
#include "member/member_write.h"
#include "program/program.h"

/*
 * What rows that came, went or changed did to the atoms over them: ids of those
 * that may have become true, and of those that may have become false.
 */
typedef struct AtomFlips
{
	bool all; /* any of them may have become either */
	Bitmapset *rising;
	Bitmapset *falling;
	RowSource *source;   /* whose rows these are */
	Bitmapset *measures; /* values made of them that are not what they were before: */
	Bitmapset *grown;    /* of these, numbers that may be more, extremes that got a row */
	Bitmapset *shrunk;   /* and that may be less, that lost one */
	CommandId before;    /* as this command sees them */
} AtomFlips;

extern TupleTableSlot *MaintainContactSlot(Program *program, Datum composite);
extern void MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							   Bitmapset *reached, const char *cause, TimestampTz now);
extern void MaintainContacts(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							 const char *cause);
extern void MaintainRelated(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							const AtomFlips *flips);
extern Bitmapset *MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys);
extern void MaintainPropagate(Program *program, ChangeSet *set);
extern MemberWritten MaintainWrite(Program *program, ChangeSet *set, const char *cause);

#endif /* SEGMENTS_MAINTAIN_H */
