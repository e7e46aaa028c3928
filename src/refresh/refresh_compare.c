/*
 * refresh_compare.c - contacts with a value that a boundary passed: which
 * members differ, without a lock; then those are evaluated under one.
 *
 * Of the contacts found most don't change (another condition of the filter
 * fails), and locking them would cost more than all the rest and make writers
 * wait.  So each contact meets the segments whose boundary passed it in memory,
 * as committed.  Where the filter is decided whatever the atoms that were
 * passed say, its stored membership is right as it was.  The rest is compared
 * with the stored members, and only differences go to maintain.c, which
 * decides, contact by contact under its lock.
 *
 * Why a look without a lock misses nobody: whoever changes such a contact
 * meanwhile evaluates it itself, at covered_until or later, and is not covered
 * before it has ended (segment_clock.c); so the windows of the next refresh
 * begin before its instant.
 */
#include "postgres.h"

#include "refresh/refresh_compare.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/kept_plan.h"
#include "base/result.h"
#include "base/spi.h"
#include "base/vector.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "evaluate/batch.h"
#include "evaluate/member_probe.h"
#include "evaluate/predicate_row.h"
#include "evaluate/row.h"
#include "log/change_log.h"
#include "maintain/contact_lock.h"
#include "maintain/maintain.h"
#include "maintain/set_aside.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "refresh/passed_contacts.h"
#include "refresh/refresh_window.h"

#define FEW_SEGMENTS 16 /* so many members are looked up one by one */
#define FEW_PAIRS 64    /* so many evaluations too many don't matter */
#define MAX_ENTRIES 10000

/* A contact (position in the batch) and a segment to be compared. */
typedef struct Pair
{
	int segment; /* index */
	int position;
	bool stored;
} Pair;

typedef struct PairVector
{
	int n;
	int size;
	Pair *items;
} PairVector;

typedef struct Comparison
{
	Program *program;
	TimestampTz now;
	Batch *batch;
	RowVersion *row;   /* of the present contact */
	int *seen;         /* per segment: position it was last met at */
	int *passed;       /* per atom: the same */
	IntVector met;     /* segments of the present contact */
	PairVector others; /* pairs whose segment looks things up */
	PairVector different;
} Comparison;

static void
add_pair(PairVector *vector, int segment, int position, bool stored)
{
	VectorMakeRoom(vector->items, vector->n, vector->size, 64);
	vector->items[vector->n].segment = segment;
	vector->items[vector->n].position = position;
	vector->items[vector->n++].stored = stored;
}

/* By level, then segment, then contact: referenced segments come first. */
static int
compare_pairs(const void *a, const void *b, void *arg)
{
	const Pair *left = a;
	const Pair *right = b;
	const Program *program = arg;
	int left_level = program->segments[left->segment].level;
	int right_level = program->segments[right->segment].level;

	if (left_level != right_level)
		return left_level - right_level;
	if (left->segment != right->segment)
		return left->segment - right->segment;
	return left->position - right->position;
}

static void
sort_pairs(Program *program, PairVector *vector)
{
	if (vector->n > 1)
		qsort_arg(vector->items, vector->n, sizeof(Pair), compare_pairs, program);
}

/* ----- what of the program this asks ----- */

typedef enum Verdict
{
	DECIDED_FALSE,
	DECIDED_TRUE,
	OPEN_ON_ROW, /* the row alone can tell */
	OPEN         /* something has to be looked up */
} Verdict;

static Verdict
negation(Verdict verdict)
{
	return verdict == DECIDED_FALSE  ? DECIDED_TRUE
		   : verdict == DECIDED_TRUE ? DECIDED_FALSE
									 : verdict;
}

/*
 * What the filter says of the contact at this position whatever the atoms say
 * that were passed or have to be looked up.
 */
static Verdict
verdict(Comparison *work, const uint32 *code, int position)
{
	uint32 operand = IMAGE_OPERAND(code);
	ImageOp op = IMAGE_OP(code);
	Verdict decides = (op == IMAGE_OP_OR) ? DECIDED_TRUE : DECIDED_FALSE;
	Verdict result = negation(decides);
	const uint32 *end = code + 1 + operand;
	const uint32 *arg;

	check_stack_depth();
	if (op == IMAGE_OP_ATOM && work->program->atoms[operand].query >= 0)
		return OPEN;
	if (op == IMAGE_OP_ATOM && work->passed[operand] == position)
		return OPEN_ON_ROW;
	if (op == IMAGE_OP_NOT)
		return negation(verdict(work, code + 1, position));
	if (op != IMAGE_OP_AND && op != IMAGE_OP_OR)
		return PredicateOnRow(work->program, work->row, code, work->now) ? DECIDED_TRUE
																		 : DECIDED_FALSE;
	for (arg = code + 1; arg < end; arg = IMAGE_NEXT(arg))
	{
		Verdict answer = verdict(work, arg, position);

		if (answer == decides)
			return answer;
		if (answer == OPEN || (answer == OPEN_ON_ROW && result != OPEN))
			result = answer;
	}
	return result;
}

/* The segments with an atom, met at a contact. */
static void
meet_atom(Comparison *work, int atom, int position)
{
	ImageList segments = work->program->atoms[atom].segments;
	uint32 i;

	if (work->passed[atom] == position)
		return;
	work->passed[atom] = position;
	for (i = 0; i < segments.n; i++)
	{
		int segment = ProgramItems(work->program, segments)[i];

		if (work->seen[segment] == position)
			continue;
		work->seen[segment] = position;
		IntVectorAdd(&work->met, segment);
	}
}

/* ----- contacts and their stored members ----- */

/*
 * Few contacts are looked at again: their rows are kept, and their keys as they
 * themselves have them.
 */
static void
keep_contact(Comparison *work, TupleTableSlot *slot, int position)
{
	Program *program = work->program;
	TupleTableSlot *copy = MakeSingleTupleTableSlot(program->sources[0]->desc, &TTSOpsHeapTuple);
	RowVersion row;
	bool isnull;

	ExecStoreHeapTuple(ExecCopySlotHeapTuple(slot), copy, false);
	RowVersionInit(&row, program->sources[0], copy);
	work->row = BatchSetRow(work->batch, position, &row);
	work->batch->keys[position] = slot_getattr(copy, program->table->key_attnum, &isnull);
}

/* Which of the segments met have the contact as a member, among all it has? */
static void
read_members(Comparison *work, int position, bool *stored)
{
	Program *program = work->program;
	bool *has = palloc0(sizeof(bool) * program->nsegments);
	Datum value = work->batch->keys[position];
	uint64 row;
	int i;

	SpiExecute(KeptPlan(psprintf("SELECT m.segment_id FROM %s m WHERE m.contact_id = $1",
								 CatalogRelationName(program->table->member_table)),
						1, &program->table->key_type),
			   &value, SPI_OK_SELECT);
	for (row = 0; row < SPI_processed; row++)
	{
		bool isnull;
		int64 id = DatumGetInt64(ResultValue(SPI_tuptable, row, 1, INT8OID, &isnull));
		int segment = ProgramSegmentById(program, id);

		if (segment >= 0)
			has[segment] = true;
	}
	SPI_freetuptable(SPI_tuptable);
	for (i = 0; i < work->met.n; i++)
		stored[i] = has[work->met.items[i]];
	pfree(has);
}

static void
look_up_members(Comparison *work, int position, bool *stored)
{
	MemberProbe members;
	int i;

	if (work->met.n > FEW_SEGMENTS)
	{
		read_members(work, position, stored);
		return;
	}
	MemberProbeBegin(&members, work->program);
	for (i = 0; i < work->met.n; i++)
		stored[i] = MemberProbeAsk(&members, work->program->segments[work->met.items[i]].id,
								   work->batch->keys[position]);
	MemberProbeEnd(&members);
}

/* ----- comparing ----- */

/* Of the segments met at a contact, keep those that are not decided. */
static void
keep_open(Comparison *work, int position, bool *looks_up)
{
	int kept = 0;
	int i;

	for (i = 0; i < work->met.n; i++)
	{
		int segment = work->met.items[i];
		Verdict answer = verdict(work, ProgramCode(work->program, segment), position);

		if (answer != OPEN_ON_ROW && answer != OPEN)
			continue;
		looks_up[kept] = (answer == OPEN);
		work->met.items[kept++] = segment;
	}
	work->met.n = kept;
}

/*
 * The segments met at a contact, whose row is as committed: those that it
 * answers, at once.
 */
static void
compare_contact(Comparison *work, TupleTableSlot *slot, int position)
{
	Program *program = work->program;
	bool *looks_up = palloc(sizeof(bool) * Max(work->met.n, 1));
	bool *stored;
	int i;

	RowVersionReset(work->row, slot);
	keep_open(work, position, looks_up);
	if (work->met.n == 0)
		return;
	keep_contact(work, slot, position);
	stored = palloc(sizeof(bool) * work->met.n);
	look_up_members(work, position, stored);
	for (i = 0; i < work->met.n; i++)
	{
		int segment = work->met.items[i];

		if (AsideContains(program->segments[segment].id))
			continue;
		if (looks_up[i])
			add_pair(&work->others, segment, position, stored[i]);
		else if (SegmentOnRowAlone(work->batch, position, segment) != stored[i])
			add_pair(&work->different, segment, position, stored[i]);
	}
}

/*
 * One segment that looks things up, and its contacts, which alone are asked
 * about.
 */
static void
compare_others(Comparison *work, const Pair *pairs, int n)
{
	Program *program = work->program;
	Datum *keys = palloc(sizeof(Datum) * n);
	Batch *batch;
	int i;

	for (i = 0; i < n; i++)
		keys[i] = work->batch->keys[pairs[i].position];
	batch = BatchCreate(program, work->now, n, keys);
	for (i = 0; i < n; i++)
	{
		RowVersion *row = BatchSetRow(batch, i, &work->batch->rows[pairs[i].position]);
		bool matches;

		matches = SegmentOnRow(program, row, pairs[i].segment, work->now);
		/* it may just have turned out that it can't be evaluated */
		if (matches != pairs[i].stored && !AsideContains(program->segments[pairs[i].segment].id))
			add_pair(&work->different, pairs[i].segment, pairs[i].position, pairs[i].stored);
	}
}

static int
same_segment(const PairVector *vector, int start)
{
	int end = start;

	while (end < vector->n && vector->items[end].segment == vector->items[start].segment)
		end++;
	return end - start;
}

/* ----- writing ----- */

/* Hand some pairs over, all contacts with all segments of them. */
static void
maintain_pairs(Comparison *work, const Pair *pairs, int n)
{
	Datum *keys = palloc(sizeof(Datum) * n);
	Bitmapset *segments = NULL;
	int i;

	for (i = 0; i < n; i++)
	{
		keys[i] = work->batch->keys[pairs[i].position];
		segments = bms_add_member(segments, pairs[i].segment);
	}
	MaintainContactsAt(work->program, keys, n, segments, NULL, CAUSE_TIME, work->now);
}

/*
 * Contacts are locked in the order of their keys first, whichever segment they
 * are for.
 */
static void
lock_different(Comparison *work, const bool *differs)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "segments contact lock",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Datum *keys = palloc(sizeof(Datum) * work->batch->nrows);
	int n = 0;
	int i;

	for (i = 0; i < work->batch->nrows; i++)
		if (differs[i])
			keys[n++] = work->batch->keys[i];
	(void) ContactsLock(BatchCreate(work->program, work->now, n, keys));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static void
maintain_different(Comparison *work)
{
	PairVector *pairs = &work->different;
	bool *differs = palloc0(sizeof(bool) * work->batch->nrows);
	int ncontacts = 0;
	int nsegments = 0;
	int start;
	int i;

	if (pairs->n == 0)
		return;
	sort_pairs(work->program, pairs);
	for (i = 0; i < pairs->n; i++)
	{
		ncontacts += !differs[pairs->items[i].position];
		differs[pairs->items[i].position] = true;
		nsegments += i == 0 || pairs->items[i].segment != pairs->items[i - 1].segment;
	}
	if ((int64) ncontacts * nsegments <= Max(FEW_PAIRS, 2 * (int64) pairs->n))
	{
		maintain_pairs(work, pairs->items, pairs->n);
		return;
	}
	lock_different(work, differs);
	for (start = 0; start < pairs->n; start += same_segment(pairs, start))
		maintain_pairs(work, pairs->items + start, same_segment(pairs, start));
}

/* ----- all ----- */

/* The segments whose boundaries passed a contact's value. */
static void
meet_passed(Comparison *work, const PassedContact *contact, int position)
{
	const PassedRange *range = &contact->value->ranges[contact->range];
	int i;

	for (i = range->first; i <= range->last; i++)
	{
		const PassedWindow *window = &contact->value->windows[i];

		if (window->low > contact->at)
			break;
		if (window->high >= contact->at)
			meet_atom(work, window->atom, position);
	}
}

/*
 * Contacts of a batch: entries in key order, `starts` says where each begins.
 * Some may be gone.
 */
static void
compare_contacts(Comparison *work, const PassedContact *contacts, const int *starts, int n)
{
	ContactProbe probe;
	RowVersion row;
	int position;

	CommandCounterIncrement();
	ContactProbeBegin(&probe, work->program, RegisterSnapshot(GetLatestSnapshot()));
	RowVersionInit(&row, work->program->sources[0], NULL);
	for (position = 0; position < n; position++)
	{
		TupleTableSlot *slot = ContactProbeAsk(&probe, work->batch->keys[position]);
		int i;

		CHECK_FOR_INTERRUPTS();
		if (slot == NULL)
			continue;
		work->met.n = 0;
		for (i = starts[position]; i < starts[position + 1]; i++)
			meet_passed(work, &contacts[i], position);
		work->row = &row;
		compare_contact(work, slot, position);
	}
	ContactProbeEnd(&probe);
}

static void
compare_batch(Comparison *work, const PassedContact *contacts, const int *starts, int n)
{
	int start;

	compare_contacts(work, contacts, starts, n);
	sort_pairs(work->program, &work->others);
	for (start = 0; start < work->others.n; start += same_segment(&work->others, start))
		compare_others(work, work->others.items + start, same_segment(&work->others, start));
}

static int *
no_positions(int n)
{
	int *positions = palloc(sizeof(int) * Max(n, 1));

	memset(positions, -1, sizeof(int) * n);
	return positions;
}

/* Entries of some contacts, in key order; `starts` says where each one's begin. */
typedef struct Entries
{
	PassedContact *items;
	int n;
	int size;
	int ncontacts;
	int starts[BATCH_ROWS + 1];
} Entries;

static void
reconcile_entries(Program *program, const Entries *entries, TimestampTz now)
{
	Comparison work = {0};
	int n = entries->ncontacts;
	Datum *keys = palloc(sizeof(Datum) * n);
	int i;

	for (i = 0; i < n; i++)
		keys[i] = entries->items[entries->starts[i]].key;
	work.program = program;
	work.now = now;
	work.batch = BatchCreate(program, now, n, keys);
	work.seen = no_positions(program->nsegments);
	work.passed = no_positions(program->natoms);
	compare_batch(&work, entries->items, entries->starts, n);
	ResetExprContext(program->econtext);
	maintain_different(&work);
	SetAsideStore(program->relid);
}

/*
 * The next ones, into the current memory context; false: there are none.  A
 * contact with very many goes on in the ones after.
 */
static bool
read_entries(Program *program, PassedContacts *contacts, Entries *entries)
{
	PassedContact next;

	memset(entries, 0, offsetof(Entries, starts));
	while (entries->n < MAX_ENTRIES && PassedContactsPeek(contacts, &next))
	{
		PassedContact *last = entries->n > 0 ? &entries->items[entries->n - 1] : NULL;

		if (last != NULL && ProgramCompareKeys(program, next.key, last->key) == 0)
			next.key = last->key;
		else if (entries->ncontacts == BATCH_ROWS)
			break;
		else
		{
			next.key = datumCopy(next.key, program->key_byval, program->key_len);
			entries->starts[entries->ncontacts++] = entries->n;
		}
		VectorMakeRoom(entries->items, entries->n, entries->size, 256);
		entries->items[entries->n++] = next;
		PassedContactsAdvance(contacts);
	}
	entries->starts[entries->ncontacts] = entries->n;
	return entries->n > 0;
}

/*
 * Bring members in line for contacts that were passed, in the segments
 * concerned.  Needs SPI, and the owner's rights.
 */
void
PassedReconcile(Program *program, PassedContacts *contacts, TimestampTz now)
{
	Entries *entries = palloc(sizeof(Entries));
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "segments passed contacts",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	PassedContactsSort(contacts);
	while (read_entries(program, contacts, entries))
	{
		reconcile_entries(program, entries, now);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	pfree(entries);
}
