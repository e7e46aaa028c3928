/*
 * member_write.h - joins and leaves -> rows of the member table and the log.
 */
#ifndef SEGMENTS_MEMBER_WRITE_H
#define SEGMENTS_MEMBER_WRITE_H

#include "postgres.h"

#include "member/change_set.h"
#include "program/program.h"

/* What became of changes that were to be written. */
typedef struct MemberWritten
{
	int written;    /* so many were not so yet */
	bool disturbed; /* triggers of the member table changed contacts */
} MemberWritten;

extern MemberWritten MemberWrite(Program *program, ChangeSet *set, const char *cause);
extern void MemberForgetContacts(Program *program, Datum *keys, int nkeys);
extern void MemberForgetAll(Program *program);
extern void MemberMoveContacts(Program *program, Datum *old_keys, Datum *new_keys, int nkeys);

#endif /* SEGMENTS_MEMBER_WRITE_H */
