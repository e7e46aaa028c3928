/*
 * maintain.h - evaluate afresh for some contacts, write what differs, and carry
 * it to the segments that refer to what changed.
 */
#ifndef SEGMENTS_MAINTAIN_H
#define SEGMENTS_MAINTAIN_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "evaluate/flips.h"
#include "maintain/uncommitted.h"
#include "member/change_set.h"
#include "member/member_write.h"
#include "program/program.h"

extern void MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							   Bitmapset *reached, const char *cause, TimestampTz now);
extern void MaintainContacts(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							 const char *cause);
extern void MaintainWritten(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							Bitmapset *reached, const Looking *looking, TimestampTz now);
extern void MaintainRelated(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
							const AtomFlips *flips);
extern Bitmapset *MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys);
extern void MaintainPropagate(Program *program, ChangeSet *set);
extern MemberWritten MaintainWrite(Program *program, ChangeSet *set, const char *cause);

#endif /* SEGMENTS_MAINTAIN_H */
