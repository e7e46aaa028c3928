/*
 * member_find.c - the stored rows of sorted changes.
 *
 * Step 12g: takes changes by segment and contact, and a table whose primary
 * key is (segment_id, contact_id): members or overrides.  Gives each change
 * with its row, or with none, to a callback.  Changes that lie close together
 * in the index are met by reading it from the first to the last of them, as a
 * merge join does; the others are looked up one by one.  Which it is going to
 * be is not known before: a range is given up when it holds too many rows of
 * others, and then not tried again for a while.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "compat.h"
#include "maintain.h"

#define Anum_segment_id 1
#define Anum_contact_id 2

/* Reading on costs a twentieth of looking up. */
#define ROWS_PER_CHANGE 16		/* read for each change, before a range is given up */
#define ROWS_AT_FIRST 64		/* and before the first */
#define MAX_PAUSE 4096			/* changes to look up before a range is tried again */

static void
init_keys(MemberFinder *finder)
{
	TypeCacheEntry *type = lookup_type_cache(finder->program->table->key_type, TYPECACHE_BTREE_OPFAMILY);
	Oid			collation = finder->index->rd_indcollation[Anum_contact_id - 1];
	int			i;

	ScanKeyInit(&finder->keys[0], Anum_segment_id, BTEqualStrategyNumber, F_INT8EQ, (Datum) 0);
	for (i = 1; i < MEMBER_FINDER_KEYS; i++)
	{
		StrategyNumber strategy = i == 1 ? BTGreaterEqualStrategyNumber : BTLessEqualStrategyNumber;
		Oid			operator = get_opfamily_member(type->btree_opf, type->btree_opintype, type->btree_opintype, strategy);

		ScanKeyEntryInitialize(&finder->keys[i], 0, Anum_contact_id, strategy, InvalidOid, collation,
							   get_opcode(operator), (Datum) 0);
	}
}

/*
 * Does the index hold keys as they are, in the order in which ours are sorted?
 */
static bool
is_in_our_order(MemberFinder *finder)
{
	Oid			collation = finder->index->rd_indcollation[Anum_contact_id - 1];

	return TupleDescAttr(RelationGetDescr(finder->index), Anum_contact_id - 1)->atttypid ==
		TupleDescAttr(RelationGetDescr(finder->rel), Anum_contact_id - 1)->atttypid &&
		(collation == finder->program->key_collation || (OidIsValid(collation) && CollationIsC(collation)));
}

/*
 * Look for rows of an open table by its open primary key index.
 */
void
MemberFinderBegin(MemberFinder *finder, Program *program, Relation rel, Relation index, Snapshot snapshot)
{
	memset(finder, 0, sizeof(MemberFinder));
	finder->program = program;
	finder->rel = rel;
	finder->index = index;
	finder->ordered = is_in_our_order(finder);
	finder->slot = table_slot_create(rel, NULL);
	finder->scan = IndexBeginScan(rel, index, snapshot, MEMBER_FINDER_KEYS);
	finder->scan->xs_want_itup = finder->ordered;
	init_keys(finder);
}

void
MemberFinderEnd(MemberFinder *finder)
{
	index_endscan(finder->scan);
	ExecDropSingleTupleTableSlot(finder->slot);
}

/* ----- a stretch of the index ----- */

/* Changes on their way through, and those to keep. */
typedef struct Meeting
{
	MemberFinder *finder;
	Change	   *changes;
	int			next;			/* to be decided */
	int			kept;
	MemberVisit visit;
	void	   *arg;
} Meeting;

static void
decide(Meeting *meeting, TupleTableSlot *slot)
{
	Change	   *change = &meeting->changes[meeting->next++];

	if (meeting->visit(meeting->arg, change, slot))
		meeting->changes[meeting->kept++] = *change;
}

/* Changes that come before an entry of the index have no row.  Is the next one's key the entry's? */
static bool
is_at_entry(Meeting *meeting, int end)
{
	MemberFinder *finder = meeting->finder;
	bool		isnull;
	Datum		key = index_getattr(finder->scan->xs_itup, Anum_contact_id, finder->scan->xs_itupdesc, &isnull);

	while (meeting->next < end)
	{
		int			order = ProgramCompareKeys(finder->program, meeting->changes[meeting->next].key, key);

		if (order >= 0)
			return order == 0;
		decide(meeting, NULL);
	}
	return false;
}

/*
 * Read the index from the next change to the one before `end`, all of one
 * segment, and decide on these.  Stops when there are too many rows of others.
 */
static void
meet_range(Meeting *meeting, int end)
{
	MemberFinder *finder = meeting->finder;
	int			start = meeting->next;
	bool		is_range = end - start > 1;
	int			read = 0;

	finder->keys[0].sk_argument = Int64GetDatum(meeting->changes[start].segment);
	finder->keys[1].sk_argument = meeting->changes[start].key;
	finder->keys[2].sk_argument = meeting->changes[end - 1].key;
	index_rescan(finder->scan, finder->keys, MEMBER_FINDER_KEYS, NULL, 0);
	while (meeting->next < end && index_getnext_tid(finder->scan, ForwardScanDirection) != NULL)
	{
		if (is_range && read++ > ROWS_AT_FIRST + ROWS_PER_CHANGE * (meeting->next - start))
			return;
		/* an entry can be of a row that is gone */
		if ((!is_range || is_at_entry(meeting, end)) && index_fetch_heap(finder->scan, finder->slot))
			decide(meeting, finder->slot);
	}
	while (meeting->next < end)
		decide(meeting, NULL);
}

/* ----- which stretch ----- */

/* The end of the segment's changes. */
static int
end_of_segment(const Change *changes, int start, int n)
{
	int			end = start + 1;

	while (end < n && changes[end].segment == changes[start].segment)
		end++;
	return end;
}

/* A whole range, unless ranges have lately been of others' rows. */
static void
meet_some(Meeting *meeting, int end)
{
	MemberFinder *finder = meeting->finder;

	if (!finder->ordered || finder->pause > 0 || meeting->next + 1 == end)
	{
		finder->pause -= finder->pause > 0;
		meet_range(meeting, meeting->next + 1);
		return;
	}
	meet_range(meeting, end);
	finder->last_pause = meeting->next == end ? 0 : Min(Max(2 * finder->last_pause, 4), MAX_PAUSE);
	finder->pause = finder->last_pause;
}

/*
 * Call visit(arg, change, row) for each of the changes, which are sorted by
 * segment and contact; row is NULL where there is none.  Changes for which it
 * returns true are moved to the front; returns how many.
 */
int
MemberFinderMeet(MemberFinder *finder, Change *changes, int n, MemberVisit visit, void *arg)
{
	Meeting		meeting = {finder, changes, 0, 0, visit, arg};

	while (meeting.next < n)
	{
		int			end = end_of_segment(changes, meeting.next, n);

		while (meeting.next < end)
			meet_some(&meeting, end);
		ExecClearTuple(finder->slot);
	}
	return meeting.kept;
}
