/*
 * change_set.c - joins and leaves, collected and put in order.
 *
 * Takes single changes in the order in which they are found, gives them to
 * member_*.c by segment and contact, each once.  Two orders are needed, that of
 * the primary key of the member table and that of its other index; both come
 * from one comparison of the keys, of which there are far fewer than changes:
 * each key gets an ordinal, and changes are sorted by numbers, digit by digit
 * (LSD radix sort, Knuth vol. 3, 5.2.5).  Both sorts are stable, which netting
 * out needs.
 *
 * Invariant: changes of one contact that are added one after another share
 * their copy of the key, so a run of them is known without comparing keys.
 */
#include "postgres.h"

#include "member/change_set.h"

#include "miscadmin.h"
#include "storage/itemptr.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

#include "program/keys.h"
#include "program/program.h"

#define FEW_CHANGES 32 /* sorted by insertion */
#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)

/* Besides the change itself: its place while sorting, and what writing it needs. */
#define BYTES_PER_CHANGE                                                                           \
	(2 * sizeof(Change) + sizeof(ItemPointerData) + 2 * sizeof(int) + sizeof(bool))
#define MAX_CHANGES 50000000

/* ----- collecting ----- */

/*
 * An empty set, its contents in a context of their own.
 */
ChangeSet *
ChangeSetCreate(void)
{
	ChangeSet *set = palloc0(sizeof(ChangeSet));

	set->context =
		AllocSetContextCreate(CurrentMemoryContext, "segments changes", ALLOCSET_DEFAULT_SIZES);
	return set;
}

/*
 * Empty it, and give its memory back.
 */
void
ChangeSetReset(ChangeSet *set)
{
	MemoryContextReset(set->context);
	set->n = 0;
	set->size = 0;
	set->changes = NULL;
	set->key_bytes = 0;
}

/*
 * Should it be written before more is added?  work_mem bounds it, whatever
 * the size of the statement.
 */
bool
ChangeSetIsFull(const ChangeSet *set)
{
	return set->n * (Size) BYTES_PER_CHANGE + set->key_bytes >= work_mem * (Size) 1024 ||
		   set->n >= MAX_CHANGES;
}

static void
grow(ChangeSet *set)
{
	set->size = Max(64, set->size * 2);
	set->changes = set->changes == NULL
					   ? MemoryContextAlloc(set->context, sizeof(Change) * set->size)
					   : repalloc_huge(set->changes, sizeof(Change) * set->size);
}

/* A key that lives as long as the set. */
static Datum
keep_key(Program *program, ChangeSet *set, Datum key)
{
	MemoryContext old;

	if (program->key_byval)
		return key;
	if (set->n > 0 && datumIsEqual(set->changes[set->n - 1].key, key, false, program->key_len))
		return set->changes[set->n - 1].key;
	old = MemoryContextSwitchTo(set->context);
	key = datumCopy(key, false, program->key_len);
	MemoryContextSwitchTo(old);
	set->key_bytes += GetMemoryChunkSpace(DatumGetPointer(key));
	return key;
}

void
ChangeSetAdd(Program *program, ChangeSet *set, int64 segment, int index, Datum key, bool joined)
{
	Change *change;

	if (set->n == set->size)
		grow(set);
	key = keep_key(program, set, key);
	change = &set->changes[set->n++];
	change->segment = segment;
	change->index = index;
	change->key = key;
	change->joined = joined;
}

/* ----- ordinals of the keys ----- */

/* Changes of one contact, one after another. */
typedef struct KeyRun
{
	Datum key;
	int first;
	int n;
} KeyRun;

static bool
keys_are_integers(Program *program)
{
	Oid function = program->key_compare.fn_oid;

	return function == F_BTINT8CMP || function == F_BTINT4CMP || function == F_BTINT2CMP;
}

static int
compare_runs(const void *a, const void *b, void *arg)
{
	return ProgramCompareKeys(arg, ((const KeyRun *) a)->key, ((const KeyRun *) b)->key);
}

/* Datums of integers are as wide as a pointer, with their sign. */
static int
compare_integer_runs(const void *a, const void *b)
{
	int64 left = (int64) ((const KeyRun *) a)->key;
	int64 right = (int64) ((const KeyRun *) b)->key;

	return left < right ? -1 : left > right;
}

static int
find_runs(const ChangeSet *set, KeyRun *runs)
{
	int nruns = 0;
	int i;

	for (i = 0; i < set->n; i++)
	{
		if (nruns == 0 || runs[nruns - 1].key != set->changes[i].key)
		{
			runs[nruns].key = set->changes[i].key;
			runs[nruns].first = i;
			runs[nruns++].n = 0;
		}
		runs[nruns - 1].n++;
	}
	return nruns;
}

static void
sort_runs(Program *program, KeyRun *runs, int nruns)
{
	if (nruns > 1 && keys_are_integers(program))
		qsort(runs, nruns, sizeof(KeyRun), compare_integer_runs);
	else if (nruns > 1)
		qsort_arg(runs, nruns, sizeof(KeyRun), compare_runs, program);
}

/*
 * Number the keys in their order, equal ones alike.  Returns how many there
 * are.
 */
static int
number_keys(Program *program, ChangeSet *set)
{
	KeyRun *runs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(KeyRun) * set->n);
	int nruns = find_runs(set, runs);
	int ordinal = 0;
	int i;
	int j;

	sort_runs(program, runs, nruns);
	for (i = 0; i < nruns; i++)
	{
		if (i > 0 && runs[i].key != runs[i - 1].key &&
			compare_runs(&runs[i - 1], &runs[i], program) != 0)
			ordinal++;
		for (j = 0; j < runs[i].n; j++)
			set->changes[runs[i].first + j].ordinal = ordinal;
	}
	pfree(runs);
	return ordinal + 1;
}

/* ----- sorting by numbers ----- */

static bool
comes_before(const Change *left, const Change *right)
{
	return left->segment != right->segment ? left->segment < right->segment
										   : left->ordinal < right->ordinal;
}

static void
sort_by_insertion(Change *changes, int n)
{
	int i;

	for (i = 1; i < n; i++)
	{
		Change change = changes[i];
		int j = i;

		for (; j > 0 && comes_before(&change, &changes[j - 1]); j--)
			changes[j] = changes[j - 1];
		changes[j] = change;
	}
}

/* From counts to where each digit begins. */
static void
counts_to_starts(int *counts)
{
	int start = 0;
	int digit;

	for (digit = 0; digit < DIGITS; digit++)
	{
		int count = counts[digit];

		counts[digit] = start;
		start += count;
	}
}

static void
sort_by_ordinal_digit(const Change *from, Change *to, int n, int shift)
{
	int starts[DIGITS] = {0};
	int i;

	for (i = 0; i < n; i++)
		starts[(from[i].ordinal >> shift) & (DIGITS - 1)]++;
	counts_to_starts(starts);
	for (i = 0; i < n; i++)
		to[starts[(from[i].ordinal >> shift) & (DIGITS - 1)]++] = from[i];
}

static void
sort_by_segment_digit(const Change *from, Change *to, int n, int64 lowest, int shift)
{
	int starts[DIGITS] = {0};
	int i;

	for (i = 0; i < n; i++)
		starts[(((uint64) from[i].segment - (uint64) lowest) >> shift) & (DIGITS - 1)]++;
	counts_to_starts(starts);
	for (i = 0; i < n; i++)
		to[starts[(((uint64) from[i].segment - (uint64) lowest) >> shift) & (DIGITS - 1)]++] =
			from[i];
}

static void
swap(Change **a, Change **b)
{
	Change *other = *a;

	*a = *b;
	*b = other;
}

static bool
is_in_ordinal_order(const ChangeSet *set)
{
	int i;

	for (i = 1; i < set->n; i++)
		if (set->changes[i].ordinal < set->changes[i - 1].ordinal)
			return false;
	return true;
}

/* By segment, then ordinal.  Passes alternate between the set's array and another. */
static void
sort_by_digits(ChangeSet *set, int nordinals)
{
	Change *other = MemoryContextAllocHuge(set->context, sizeof(Change) * set->size);
	int64 lowest = PG_INT64_MAX;
	int64 highest = PG_INT64_MIN;
	uint64 range;
	int shift;
	int i;

	for (i = 0; i < set->n; i++)
	{
		lowest = Min(lowest, set->changes[i].segment);
		highest = Max(highest, set->changes[i].segment);
	}
	range = (uint64) highest - (uint64) lowest;
	if (!is_in_ordinal_order(set))
		for (shift = 0; ((nordinals - 1) >> shift) > 0; shift += DIGIT_BITS)
		{
			sort_by_ordinal_digit(set->changes, other, set->n, shift);
			swap(&set->changes, &other);
		}
	for (shift = 0; shift < 64 && (range >> shift) > 0; shift += DIGIT_BITS)
	{
		sort_by_segment_digit(set->changes, other, set->n, lowest, shift);
		swap(&set->changes, &other);
	}
	pfree(other);
}

/* ----- netting out ----- */

static bool
is_same_member(const Change *left, const Change *right)
{
	return left->segment == right->segment && left->ordinal == right->ordinal;
}

/*
 * A contact can change twice in one statement (a referential action on its own
 * table): there and back again is no change, and there, back and there is one.
 */
static void
net_out(ChangeSet *set)
{
	int kept = 0;
	int start = 0;

	while (start < set->n)
	{
		int end = start + 1;

		while (end < set->n && is_same_member(&set->changes[start], &set->changes[end]))
			end++;
		if (set->changes[start].joined == set->changes[end - 1].joined)
			set->changes[kept++] = set->changes[start];
		start = end;
	}
	set->n = kept;
}

/* Leaves first, each part in the order it is in. */
static void
leaves_first(ChangeSet *set)
{
	Change *joins;
	int njoins = 0;
	int kept = 0;
	int i;

	for (i = 0; i < set->n; i++)
		njoins += set->changes[i].joined;
	if (njoins == 0 || njoins == set->n)
		return;
	joins = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Change) * njoins);
	njoins = 0;
	for (i = 0; i < set->n; i++)
	{
		if (set->changes[i].joined)
			joins[njoins++] = set->changes[i];
		else
			set->changes[kept++] = set->changes[i];
	}
	memcpy(set->changes + kept, joins, sizeof(Change) * njoins);
	pfree(joins);
}

/*
 * Bring a set into the order in which it is written: leaves first, then by
 * segment and contact; and net out what is there twice.
 */
void
ChangeSetSort(Program *program, ChangeSet *set)
{
	int nordinals;

	if (set->n == 0)
		return;
	nordinals = number_keys(program, set);
	if (set->n <= FEW_CHANGES)
		sort_by_insertion(set->changes, set->n);
	else
		sort_by_digits(set, nordinals);
	net_out(set);
	leaves_first(set);
}

/* ----- the other order ----- */

static void
sort_few_by_contact(const Change *changes, int *order, int n)
{
	int i;

	for (i = 1; i < n; i++)
	{
		int position = order[i];
		int j = i;

		for (; j > 0 && changes[position].ordinal < changes[order[j - 1]].ordinal; j--)
			order[j] = order[j - 1];
		order[j] = position;
	}
}

static void
sort_by_contact_digit(const Change *changes, const int *from, int *to, int n, int shift)
{
	int starts[DIGITS] = {0};
	int i;

	for (i = 0; i < n; i++)
		starts[(changes[from[i]].ordinal >> shift) & (DIGITS - 1)]++;
	counts_to_starts(starts);
	for (i = 0; i < n; i++)
		to[starts[(changes[from[i]].ordinal >> shift) & (DIGITS - 1)]++] = from[i];
}

/*
 * Positions of sorted changes by contact, then segment.
 */
int *
ChangesByContact(const Change *changes, int n)
{
	int *order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * n);
	int *other;
	uint32 highest = 0;
	int shift;
	int i;

	for (i = 0; i < n; i++)
	{
		order[i] = i;
		highest = Max(highest, changes[i].ordinal);
	}
	if (n <= FEW_CHANGES)
	{
		sort_few_by_contact(changes, order, n);
		return order;
	}
	other = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * n);
	for (shift = 0; shift < 32 && (highest >> shift) > 0; shift += DIGIT_BITS)
	{
		int *sorted = other;

		sort_by_contact_digit(changes, order, other, n, shift);
		other = order;
		order = sorted;
	}
	pfree(other);
	return order;
}

/*
 * Put a few sorted changes in this order, if there are fewer contacts among
 * them than segments; else leave them alone and return false.
 */
bool
ChangesPutByContact(Change *changes, int n)
{
	Change *sorted;
	int *order;
	int segments = 1;
	int contacts = 1;
	int i;

	for (i = 1; i < n; i++)
		segments += changes[i].segment != changes[i - 1].segment;
	if (segments == 1)
		return false;
	order = ChangesByContact(changes, n);
	for (i = 1; i < n; i++)
		contacts += changes[order[i]].ordinal != changes[order[i - 1]].ordinal;
	if (contacts < segments)
	{
		sorted = palloc(sizeof(Change) * n);
		for (i = 0; i < n; i++)
			sorted[i] = changes[order[i]];
		memcpy(changes, sorted, sizeof(Change) * n);
		pfree(sorted);
	}
	pfree(order);
	return contacts < segments;
}
