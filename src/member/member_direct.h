/*
 * member_direct.h - joins and leaves written straight into the tables.
 */
#ifndef SEGMENTS_MEMBER_DIRECT_H
#define SEGMENTS_MEMBER_DIRECT_H

#include "postgres.h"

#include "member/change_set.h"
#include "program/program.h"

extern bool MemberWriteDirect(Program *program, ChangeSet *set, const char *cause, int *written);

#endif /* SEGMENTS_MEMBER_DIRECT_H */
