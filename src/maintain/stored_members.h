/*
 * stored_members.h - which of many contacts are stored as members of a segment.
 */
#ifndef SEGMENTS_STORED_MEMBERS_H
#define SEGMENTS_STORED_MEMBERS_H

#include "postgres.h"

#include "program/program.h"

/* A contact of a batch that is asked for. */
typedef struct StoredMember
{
	Datum key;
	int position; /* in the batch */
	bool stored;  /* it is a member */
} StoredMember;

extern void StoredMembersFind(Program *program, int64 segment, StoredMember *asked, int n);

#endif /* SEGMENTS_STORED_MEMBERS_H */
