/*
 * member_find.c - the stored rows of sorted changes.
 *
 * Takes changes sorted by segment and contact, or the other way round, and an
 * index of a table of members or overrides over these two columns.  Gives each
 * change with its row, or with none, to a callback. Changes that lie close
 * together in the index are met by reading it from the first to the last of
 * them, as a merge join does; the others are looked up one by one.  Which it is
 * going to be is not known before: a range is given up when it holds too many
 * rows of others, and then not tried again for a while.
 *
 * Going down an index to a page that nobody read lately is most of what a
 * single leave costs.  The leaves of one contact are neighbours in the index by
 * contact, and all over the place in the primary key.
 */
#include "postgres.h"

#include "member/member_find.h"

#include "access/genam.h"
#include "access/itup.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "member/change_set.h"
#include "program/keys.h"
#include "program/program.h"

/* Reading on costs a twentieth of looking up. */
#define ROWS_PER_CHANGE 16 /* read for each change, before a range is given up */
#define ROWS_AT_FIRST 64   /* and before the first */
#define MAX_PAUSE 4096     /* changes to look up before a range is tried again */

/* The function that compares contacts' keys. */
static RegProcedure
key_procedure(Program *program, StrategyNumber strategy)
{
	TypeCacheEntry *type = lookup_type_cache(program->table->key_type, TYPECACHE_BTREE_OPFAMILY);

	return get_opcode(
		get_opfamily_member(type->btree_opf, type->btree_opintype, type->btree_opintype, strategy));
}

/* One segment and contacts from here to there, or the other way round. */
static void
init_keys(MemberFinder *finder)
{
	static const StrategyNumber strategies[] = {BTEqualStrategyNumber, BTGreaterEqualStrategyNumber,
												BTLessEqualStrategyNumber};
	static const RegProcedure segment_procedures[] = {F_INT8EQ, F_INT8GE, F_INT8LE};
	int i;

	for (i = 0; i < MEMBER_FINDER_KEYS; i++)
	{
		AttrNumber column = i == 0 ? 1 : 2;
		bool is_contact = (column == 1) == finder->contact_first;

		ScanKeyEntryInitialize(
			&finder->keys[i], 0, column, strategies[i], InvalidOid,
			finder->index->rd_indcollation[column - 1],
			is_contact ? key_procedure(finder->program, strategies[i]) : segment_procedures[i],
			(Datum) 0);
	}
}

/*
 * Does the index hold what comes second as it is, in the order in which ours
 * are sorted?
 */
static bool
is_in_our_order(MemberFinder *finder)
{
	Oid collation = finder->index->rd_indcollation[1];

	return finder->contact_first || (TupleDescAttr(RelationGetDescr(finder->index), 1)->atttypid ==
										 finder->program->table->key_type &&
									 (collation == finder->program->key_collation ||
									  (OidIsValid(collation) && CollationIsC(collation))));
}

/*
 * Look for rows of an open table by one of its indexes, also open, over
 * segment and contact, or contact and segment.
 */
void
MemberFinderBegin(MemberFinder *finder, Program *program, Relation rel, Relation index,
				  bool contact_first, Snapshot snapshot)
{
	memset(finder, 0, sizeof(MemberFinder));
	finder->program = program;
	finder->rel = rel;
	finder->index = index;
	finder->contact_first = contact_first;
	finder->ordered = is_in_our_order(finder);
	finder->slot = table_slot_create(rel, NULL);
	finder->scan = IndexScanBegin(rel, index, snapshot, MEMBER_FINDER_KEYS);
	finder->scan->xs_want_itup = finder->ordered;
	init_keys(finder);
}

void
MemberFinderEnd(MemberFinder *finder)
{
	index_endscan(finder->scan);
	ExecDropSingleTupleTableSlot(finder->slot);
}

/* ----- a range of the index ----- */

/* Changes on their way through, and those to keep. */
typedef struct Meeting
{
	MemberFinder *finder;
	Change *changes;
	int next; /* to be decided */
	int kept;
	MemberVisit visit;
	void *arg;
} Meeting;

static void
decide(Meeting *meeting, TupleTableSlot *slot)
{
	Change *change = &meeting->changes[meeting->next++];

	if (meeting->visit(meeting->arg, change, slot))
		meeting->changes[meeting->kept++] = *change;
}

/* By what comes second in the index. */
static int
compare_with_entry(MemberFinder *finder, const Change *change, Datum entry)
{
	if (!finder->contact_first)
		return ProgramCompareKeys(finder->program, change->key, entry);
	return change->segment < DatumGetInt64(entry) ? -1 : change->segment > DatumGetInt64(entry);
}

/* Changes that come before an entry of the index have no row.  Is the next one the entry's? */
static bool
is_at_entry(Meeting *meeting, int end)
{
	MemberFinder *finder = meeting->finder;
	bool isnull;
	Datum entry = index_getattr(finder->scan->xs_itup, 2, finder->scan->xs_itupdesc, &isnull);

	while (meeting->next < end)
	{
		int order = compare_with_entry(finder, &meeting->changes[meeting->next], entry);

		if (order >= 0)
			return order == 0;
		decide(meeting, NULL);
	}
	return false;
}

static void
begin_range(MemberFinder *finder, const Change *first, const Change *last)
{
	finder->keys[0].sk_argument =
		finder->contact_first ? first->key : Int64GetDatum(first->segment);
	finder->keys[1].sk_argument =
		finder->contact_first ? Int64GetDatum(first->segment) : first->key;
	finder->keys[2].sk_argument = finder->contact_first ? Int64GetDatum(last->segment) : last->key;
	index_rescan(finder->scan, finder->keys, MEMBER_FINDER_KEYS, NULL, 0);
}

/*
 * Read the index from the next change to the one before `end`, all of one
 * segment or contact, and decide on these.  Stops when there are too many rows
 * of others.
 */
static void
meet_range(Meeting *meeting, int end)
{
	MemberFinder *finder = meeting->finder;
	int start = meeting->next;
	bool is_range = end - start > 1;
	int read = 0;

	begin_range(finder, &meeting->changes[start], &meeting->changes[end - 1]);
	while (meeting->next < end && index_getnext_tid(finder->scan, ForwardScanDirection) != NULL)
	{
		if (is_range && read++ > ROWS_AT_FIRST + ROWS_PER_CHANGE * (meeting->next - start))
			return;
		/* an entry can be of a row that is gone */
		if ((!is_range || is_at_entry(meeting, end)) &&
			index_fetch_heap(finder->scan, finder->slot))
			decide(meeting, finder->slot);
	}
	while (meeting->next < end)
		decide(meeting, NULL);
}

/* ----- which range ----- */

/* The end of the changes of one segment, or of one contact. */
static int
end_of_group(bool contact_first, const Change *changes, int start, int n)
{
	int end = start + 1;

	while (end < n && (contact_first ? changes[end].ordinal == changes[start].ordinal
									 : changes[end].segment == changes[start].segment))
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
 * Call visit(arg, change, row) for each of the changes, which are sorted as
 * the index is; row is NULL where there is none.  Changes for which it
 * returns true are moved to the front; returns how many.
 */
int
MemberFinderMeet(MemberFinder *finder, Change *changes, int n, MemberVisit visit, void *arg)
{
	Meeting meeting = {finder, changes, 0, 0, visit, arg};

	while (meeting.next < n)
	{
		int end = end_of_group(finder->contact_first, changes, meeting.next, n);

		CHECK_FOR_INTERRUPTS();
		while (meeting.next < end)
			meet_some(&meeting, end);
		ExecClearTuple(finder->slot);
	}
	return meeting.kept;
}
