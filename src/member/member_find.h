/*
 * member_find.h - the stored rows of sorted changes.
 */
#ifndef SEGMENTS_MEMBER_FIND_H
#define SEGMENTS_MEMBER_FIND_H

#include "postgres.h"

#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "member/change_set.h"
#include "program/program.h"

/* A search for rows of members or overrides. */
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
extern void MemberFinderEnd(MemberFinder *finder);
extern int MemberFinderMeet(MemberFinder *finder, Change *changes, int n, MemberVisit visit,
							void *arg);

#endif /* SEGMENTS_MEMBER_FIND_H */
