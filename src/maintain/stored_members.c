/*
 * stored_members.c - which of many contacts are stored as members of a segment.
 *
 * Of a few each is looked up (member_probe.c).  Many lie close together in the
 * index, and are met by reading it from the first to the last (member_find.c).
 */
#include "postgres.h"

#include "maintain/stored_members.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

#include "definition/table_beside.h"
#include "member/change_set.h"
#include "member/member_find.h"
#include "program/program.h"

/* A MemberVisit. */
static bool
note_member(void *arg, Change *change, TupleTableSlot *row)
{
	change->joined = (row != NULL);
	return false;
}

static Change *
make_questions(int64 segment, const StoredMember *asked, int n)
{
	Change *questions = palloc0(sizeof(Change) * n);
	int i;

	for (i = 0; i < n; i++)
	{
		questions[i].segment = segment;
		questions[i].key = asked[i].key;
	}
	return questions;
}

/*
 * Tell of contacts in key order, who are locked, which are stored as members.
 */
void
StoredMembersFind(Program *program, int64 segment, StoredMember *asked, int n)
{
	Change *questions;
	MemberFinder finder;
	Snapshot snapshot;
	Relation rel;
	Relation index;
	int i;

	if (n == 0)
		return;
	questions = make_questions(segment, asked, n);
	CommandCounterIncrement();
	rel = BesideOpenOf(program->table, BESIDE_MEMBER, AccessShareLock);
	index = index_open(BesideKeyIndexNeeded(rel), AccessShareLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	MemberFinderBegin(&finder, program, rel, index, false, snapshot);
	(void) MemberFinderMeet(&finder, questions, n, note_member, NULL);
	MemberFinderEnd(&finder);
	UnregisterSnapshot(snapshot);
	index_close(index, NoLock);
	table_close(rel, AccessShareLock);
	for (i = 0; i < n; i++)
		asked[i].stored = questions[i].joined;
	pfree(questions);
}
