/*
 * maintain.c - evaluate afresh for some contacts, write what differs, and
 * carry it to the segments that refer to what changed.
 *
 * The routine behind everything that is not a plain write of a contact: related
 * rows, companies, manual changes, time.  Contacts are locked in key order
 * before anything is read for them, so that two transactions that change
 * different inputs of one filter take turns (maintain/README.md).
 */
#include "postgres.h"

#include "maintain/maintain.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

#include "base/vector.h"
#include "clock/segment_clock.h"
#include "definition/aside.h"
#include "definition/field.h"
#include "evaluate/batch.h"
#include "evaluate/measure.h"
#include "evaluate/member_probe.h"
#include "evaluate/predicate_row.h"
#include "evaluate/related_rows.h"
#include "evaluate/row.h"
#include "log/change_log.h"
#include "maintain/company_lock.h"
#include "maintain/contact_lock.h"
#include "maintain/set_aside.h"
#include "maintain/uncommitted.h"
#include "member/change_set.h"
#include "member/member_write.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "time/clock.h"

#define BATCH_MEMORY (512 * 1024)

/* ----- reading contacts ----- */

/*
 * A slot over a contact that a query gave as one composite value, which must
 * outlive it.
 */
TupleTableSlot *
MaintainContactSlot(Program *program, Datum composite)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(composite);
	HeapTuple tuple = palloc0(HEAPTUPLESIZE);
	TupleTableSlot *slot;

	tuple->t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple->t_self);
	tuple->t_tableOid = program->relid;
	tuple->t_data = header;
	slot = MakeSingleTupleTableSlot(program->sources[0]->desc, &TTSOpsHeapTuple);
	ExecStoreHeapTuple(tuple, slot, false);
	return slot;
}

/* Did we wait for somebody who is inserting a contact that we miss? */
static bool
wait_for_missing(Batch *batch)
{
	bool waited = false;
	int i;

	for (i = 0; i < batch->nrows; i++)
		if (batch->rows[i].slot == NULL)
			waited |= UncommittedWaitForContact(batch->program, batch->keys[i]);
	return waited;
}

/*
 * Lock and read all that is to be evaluated; contacts that don't exist keep an
 * absent row.  Returns how many exist.
 */
static int
lock_contacts(Batch *batch)
{
	Program *program = batch->program;
	int found;
	int i;

	/* contacts are looked at one after the other, and share what is known of one */
	RowVersionInit(&batch->rows[0], program->sources[0], NULL);
	for (i = 0; i < batch->nrows; i++)
	{
		batch->rows[i] = batch->rows[0];
		batch->rows[i].stamp = i + 1;
		batch->rows[i].batch = batch;
		batch->rows[i].position = i;
	}
	found = ContactsLock(batch);
	if (found < batch->nrows && ProgramIsUnguarded(program) && wait_for_missing(batch))
		found = ContactsLock(batch);
	if (found > 0)
		CompanyHoldReferenced(batch);
	return found;
}

/* ----- one batch ----- */

/*
 * What changed may have turned the filter on a contact true, or false, and that
 * by rows related to it alone; or nothing is known of it.
 */
#define CAN_RISE 1
#define CAN_FALL 2
#define UNKNOWN 4

/* A segment to be evaluated, and what may have happened to it. */
typedef struct Candidate
{
	int segment; /* its index */
	int change;  /* CAN_RISE | CAN_FALL, or UNKNOWN */
} Candidate;

/* What values made of related rows have passed, contact by contact. */
typedef struct Passed
{
	IntVector *segments; /* per contact, some more than once; NULL: nothing was read */
	Bitmapset *rising;   /* atoms, of any contact */
	Bitmapset *falling;
	Bitmapset *everywhere; /* segments that are evaluated for all contacts */
} Passed;

typedef struct Reconciliation
{
	Program *program;
	Batch *batch;
	ChangeSet *pending;
	Bitmapset *todo;        /* indexes of segments still to evaluate */
	Bitmapset *original;    /* those that the caller asked for */
	const char *cause;      /* of the original ones */
	const AtomFlips *flips; /* by related rows alone; NULL when anything may have changed */
	Passed passed;          /* by values made of these */
	Bitmapset *disturbed;   /* segments that refer to some that changed on the way */
	bool stale;             /* statements inside ours changed what we have read */
	bool clock_read;        /* is `ahead` known? */
	bool ahead;             /* some segment may be ahead of the batch */
} Reconciliation;

/* Is the segment left alone, with the members it has? */
static bool
is_aside(Program *program, int segment)
{
	return (program->segments[segment].flags & IMAGE_SEGMENT_ASIDE) != 0 ||
		   AsideContains(program->segments[segment].id);
}

/*
 * One contact and one segment: what is stored against what is so.  Where only
 * related rows changed, what is stored was right before.  It still is where the
 * contact's own row decides the filter, and where the rows can only have made
 * true what is a member already, or false what is none.
 */
static void
compare_member(Reconciliation *work, MemberProbe *members, Candidate *candidate, int position)
{
	Batch *batch = work->batch;
	RowVersion *row = &batch->rows[position];
	int segment = candidate->segment;
	int64 id = work->program->segments[segment].id;
	bool stored;
	bool matches;

	if (row->slot == NULL || is_aside(work->program, segment))
		return;
	BatchVisit(batch, position);
	if (candidate->change != UNKNOWN && BatchIsSettled(batch, position, segment))
		return;
	stored = MemberProbeAsk(members, id, batch->keys[position]);
	if (!(candidate->change & (UNKNOWN | (stored ? CAN_FALL : CAN_RISE))))
		return;
	matches = SegmentOnRow(work->program, row, segment, batch->now);
	/* it may just have turned out that it can't be evaluated */
	if (matches != stored && !AsideContains(id))
		ChangeSetAdd(work->program, work->pending, id, segment, batch->keys[position], !stored);
}

/* Answers of the atoms that a property holds for are asked again. */
static void
forget_answers(Batch *batch, bool (*changed)(Program *program, int atom, int64 segment),
			   int64 segment)
{
	Program *program = batch->program;
	int i;

	for (i = 0; batch->answers && i < program->natoms; i++)
	{
		int query = program->atoms[i].query;

		if (query >= 0 && batch->answers[query] != NULL && changed(program, i, segment))
			batch->answers[query] = NULL;
	}
}

static bool
asks_for_member(Program *program, int atom, int64 segment)
{
	if (program->atoms[atom].flags & IMAGE_ATOM_MEMBERSHIPS)
		return true;
	return program->atoms[atom].scope == ATOM_MEMBER &&
		   ProgramAtomGet(program, atom)->atom->segment_id == segment;
}

static bool
depends_on_now(Program *program, int atom, int64 segment)
{
	return (program->atoms[atom].flags & IMAGE_ATOM_MOVES) != 0;
}

/* Write what is pending; the segments that refer to what changed are next. */
static void
flush_pending(Reconciliation *work, const char *cause)
{
	ChangeSet *set = work->pending;
	MemberWritten result;
	int i;

	if (set->n == 0)
		return;
	result = MaintainWrite(work->program, set, cause);
	work->stale |= result.disturbed;
	if (result.written > 0)
		for (i = 0; i < set->n; i++)
		{
			const ImageSegment *segment = &work->program->segments[set->changes[i].index];

			if (segment->referencing.n == 0 ||
				(i > 0 && set->changes[i - 1].index == set->changes[i].index))
				continue;
			forget_answers(work->batch, asks_for_member, segment->id);
			work->todo = ProgramAddReferencing(work->program, work->todo, set->changes[i].index);
			work->disturbed =
				ProgramAddReferencing(work->program, work->disturbed, set->changes[i].index);
		}
	set->n = 0;
}

/* The lowest rank of those to do. */
static int
next_rank(Program *program, Bitmapset *todo)
{
	int best = PG_INT32_MAX;
	int index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		best = Min(best, (int) program->segments[index].rank);
	return best;
}

static Bitmapset *
segments_of_rank(Program *program, Bitmapset *todo, int rank)
{
	Bitmapset *result = NULL;
	int index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		if (program->segments[index].rank == rank)
			result = bms_add_member(result, index);
	return result;
}

static bool
moves(Program *program, int segment)
{
	return (program->segments[segment].flags & IMAGE_SEGMENT_MOVES) != 0;
}

/* Asked once for all segments, with the contacts locked. */
static bool
may_be_ahead(Reconciliation *work)
{
	if (!work->clock_read)
		work->ahead = ClockIsAhead(work->program->relid, work->batch->now);
	work->clock_read = true;
	return work->ahead;
}

/*
 * A moving segment that was brought forward beyond our now is not taken back:
 * it is evaluated at its own instant (SEMANTICS §7.2).
 */
static bool
is_ahead(Reconciliation *work, int segment, TimestampTz *evaluated_at)
{
	return moves(work->program, segment) && may_be_ahead(work) &&
		   ClockRead(work->program->segments[segment].id, evaluated_at) &&
		   *evaluated_at > work->batch->now;
}

static void
evaluate_at(Reconciliation *work, MemberProbe *members, Candidate *candidate, TimestampTz at)
{
	Batch *batch = work->batch;
	TimestampTz now = batch->now;
	int i;

	forget_answers(batch, depends_on_now, 0);
	batch->now = at;
	for (i = 0; i < batch->nrows; i++)
		compare_member(work, members, candidate, i);
	batch->now = now;
	forget_answers(batch, depends_on_now, 0);
}

/* What flipped atoms can do to a filter that holds them; `code` is its predicate (IMAGE_OP). */
static int
flipped_code(const uint32 *code, const AtomFlips *flips, const Passed *passed)
{
	uint32 operand = IMAGE_OPERAND(code);
	const uint32 *end = code + 1 + operand;
	const uint32 *arg;
	int result = 0;

	switch (IMAGE_OP(code))
	{
		case IMAGE_OP_FALSE:
		case IMAGE_OP_TRUE:
			return 0;
		case IMAGE_OP_ATOM:
			if (bms_is_member(operand, flips->rising) || bms_is_member(operand, passed->rising))
				result |= CAN_RISE;
			if (bms_is_member(operand, flips->falling) || bms_is_member(operand, passed->falling))
				result |= CAN_FALL;
			return result;
		case IMAGE_OP_NOT:
			result = flipped_code(code + 1, flips, passed);
			return (result == CAN_RISE || result == CAN_FALL) ? result ^ (CAN_RISE | CAN_FALL)
															  : result;
		case IMAGE_OP_AND:
		case IMAGE_OP_OR:
			for (arg = code + 1; arg < end; arg = IMAGE_NEXT(arg))
				result |= flipped_code(arg, flips, passed);
			return result;
	}
	return CAN_RISE | CAN_FALL;
}

static Candidate
candidate_of(Reconciliation *work, int segment, bool asked)
{
	Candidate candidate = {segment, UNKNOWN};

	if (!asked || work->flips == NULL || moves(work->program, segment) ||
		bms_is_member(segment, work->disturbed))
		return candidate;
	candidate.change = work->flips->all ? (CAN_RISE | CAN_FALL)
										: flipped_code(ProgramCode(work->program, segment),
													   work->flips, &work->passed);
	return candidate;
}

/* Segments of a set that only some contacts are concerned by. */
typedef struct Singly
{
	Bitmapset *segments;
	bool asked;
} Singly;

/* The same for the segments that a contact's own values have passed an atom of. */
static void
evaluate_passed(Reconciliation *work, MemberProbe *members, const Singly *singly, int position)
{
	IntVector *passed = &work->passed.segments[position];
	int i;

	for (i = 0; i < passed->n; i++)
	{
		Candidate candidate;

		if ((i > 0 && passed->items[i] == passed->items[i - 1]) ||
			!bms_is_member(passed->items[i], singly->segments))
			continue;
		candidate = candidate_of(work, passed->items[i], singly->asked);
		compare_member(work, members, &candidate, position);
	}
}

/* Contact by contact, so that what is read for one serves all segments. */
static void
evaluate_present(Reconciliation *work, MemberProbe *members, Candidate *candidates, int n,
				 const Singly *singly)
{
	int i;
	int j;

	for (i = 0; i < work->batch->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < n; j++)
			compare_member(work, members, &candidates[j], i);
		if (singly->segments != NULL)
			evaluate_passed(work, members, singly, i);
	}
}

/* Is a segment of no concern to contacts whose values have passed none of its atoms? */
static bool
is_passed_singly(Reconciliation *work, int segment, bool asked)
{
	return asked && work->passed.segments != NULL &&
		   !bms_is_member(segment, work->passed.everywhere) &&
		   !bms_is_member(segment, work->disturbed);
}

static void
evaluate_segments(Reconciliation *work, Bitmapset *segments, bool asked)
{
	Candidate *present = palloc(sizeof(Candidate) * Max(bms_num_members(segments), 1));
	Singly singly = {NULL, asked};
	int npresent = 0;
	int index = -1;
	MemberProbe members;

	MemberProbeBegin(&members, work->program);
	work->batch->members = &members;
	while ((index = bms_next_member(segments, index)) >= 0)
	{
		Candidate candidate = candidate_of(work, index, asked);
		TimestampTz at;

		if (is_ahead(work, candidate.segment, &at))
			evaluate_at(work, &members, &candidate, at);
		else if (is_passed_singly(work, index, asked))
			singly.segments = bms_add_member(singly.segments, index);
		else
			present[npresent++] = candidate;
	}
	evaluate_present(work, &members, present, npresent, &singly);
	if (work->batch->reader)
		RelatedRowsClose(work->batch);
	work->batch->members = NULL;
	MemberProbeEnd(&members);
	SetAsideStore(work->program->relid);
	pfree(present);
}

/* ----- values made of related rows ----- */

/* The same contacts, with related rows as they were before the statement. */
static Batch *
batch_before(Reconciliation *work)
{
	Batch *batch = work->batch;
	Batch *before = BatchCreate(work->program, batch->now, batch->nrows, batch->keys);

	before->rows = batch->rows;
	before->snapshot = RegisterSnapshot(GetLatestSnapshot());
	/* a registered snapshot is a copy of our own */
	before->snapshot->curcid = work->flips->before;
	before->keeps_open = true;
	return before;
}

static int
compare_ints(const void *a, const void *b)
{
	int left = *(const int *) a;
	int right = *(const int *) b;

	return left < right ? -1 : left > right;
}

/* What a value that went some way, unknown how far, can do to an atom that compares it. */
static int
change_of(Reconciliation *work, int measure, int id)
{
	const ImageAtom *atom = &work->program->atoms[id];
	bool lower = atom->lower > 0;
	bool upper = atom->upper < PG_INT32_MAX;
	bool grown = bms_is_member(measure, work->flips->grown);
	bool shrunk = bms_is_member(measure, work->flips->shrunk);

	if (atom->test != TEST_RANGE || lower == upper)
		return CAN_RISE | CAN_FALL;
	switch (ProgramAtomGet(work->program, id)->aggregate)
	{
		case AGGREGATE_COUNT:
		case AGGREGATE_SUM:
			return ((lower ? grown : shrunk) ? CAN_RISE : 0) |
				   ((lower ? shrunk : grown) ? CAN_FALL : 0);
		case AGGREGATE_MIN:
		case AGGREGATE_MAX:
			/* from no value too, which no end lets pass */
			if (lower != (ProgramAtomGet(work->program, id)->aggregate == AGGREGATE_MAX))
				return CAN_RISE | CAN_FALL;
			return (grown ? CAN_RISE : 0) | (shrunk ? CAN_FALL : 0);
		default:
			return CAN_RISE | CAN_FALL;
	}
}

static void
pass_atom(Reconciliation *work, int position, int id, int change)
{
	ImageList segments = work->program->atoms[id].segments;
	uint32 i;

	if (change & CAN_RISE)
		work->passed.rising = bms_add_member(work->passed.rising, id);
	if (change & CAN_FALL)
		work->passed.falling = bms_add_member(work->passed.falling, id);
	for (i = 0; i < segments.n; i++)
	{
		int segment = ProgramItems(work->program, segments)[i];

		IntVectorAdd(&work->passed.segments[position], segment);
		work->todo = bms_add_member(work->todo, segment);
	}
}

/* The segments with an atom that one contact's values have passed. */
static void
pass_contact(Reconciliation *work, Batch *before, int position, IntVector *atoms)
{
	IntVector *segments = &work->passed.segments[position];
	int measure = -1;
	int i;

	BatchVisit(work->batch, position);
	while ((measure = bms_next_member(work->flips->measures, measure)) >= 0)
	{
		bool known;

		atoms->n = 0;
		known = MeasurePassed(before, work->batch, position, work->flips->source, measure, atoms);
		for (i = 0; i < atoms->n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			pass_atom(work, position, atoms->items[i],
					  known ? CAN_RISE | CAN_FALL : change_of(work, measure, atoms->items[i]));
		}
	}
	if (segments->n > 1)
		qsort(segments->items, segments->n, sizeof(int), compare_ints);
}

/*
 * Values made of related rows were touched: read what they were and what they
 * are, contact by contact.  What is stored agrees with what they were, so only
 * segments with an atom between need be looked at.
 */
static void
find_passed(Reconciliation *work)
{
	Batch *batch = work->batch;
	IntVector atoms = {0};
	Batch *before = batch_before(work);
	int i;

	work->passed.everywhere = bms_copy(work->todo);
	work->passed.segments = palloc0(sizeof(IntVector) * batch->nrows);
	batch->keeps_open = true;
	for (i = 0; i < batch->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (batch->rows[i].slot != NULL)
			pass_contact(work, before, i, &atoms);
	}
	batch->keeps_open = false;
	if (before->reader)
		RelatedRowsClose(before);
	if (batch->reader && (batch->nrows > 1 || bms_is_empty(work->todo)))
		RelatedRowsClose(batch);
	UnregisterSnapshot(before->snapshot);
	work->original = bms_union(work->original, work->todo);
}

/*
 * Rank by rank: what a rank changes is written before the next one, which may
 * refer to it, is evaluated.
 */
static void
reconcile_batch(Reconciliation *work)
{
	if (lock_contacts(work->batch) == 0)
		return;
	if (work->flips != NULL && !bms_is_empty(work->flips->measures))
		find_passed(work);
	while (!bms_is_empty(work->todo) && !work->stale)
	{
		int rank = next_rank(work->program, work->todo);
		Bitmapset *segments = segments_of_rank(work->program, work->todo, rank);
		Bitmapset *asked = bms_intersect(segments, work->original);
		Bitmapset *reached = bms_difference(segments, work->original);

		work->todo = bms_del_members(work->todo, segments);
		if (!bms_is_empty(asked))
		{
			evaluate_segments(work, asked, true);
			flush_pending(work, work->cause);
		}
		if (!bms_is_empty(reached))
		{
			evaluate_segments(work, reached, false);
			flush_pending(work, CAUSE_SEGMENT);
		}
	}
}

/*
 * asked: segments that the cause is for; reached: others, that refer to some
 * that changed already.
 */
static void
reconcile_keys(Program *program, Datum *keys, int nkeys, Bitmapset *asked, Bitmapset *reached,
			   const char *cause, const AtomFlips *flips, TimestampTz now)
{
	Reconciliation work = {0};

	work.program = program;
	work.batch = BatchCreate(program, now, nkeys, keys);
	work.pending = ChangeSetCreate();
	work.todo = bms_union(asked, reached);
	work.original = asked;
	work.cause = cause;
	work.flips = flips;
	reconcile_batch(&work);
	/* triggers of the member table changed contacts: read them again */
	if (work.stale && !bms_is_empty(work.todo))
		reconcile_keys(program, keys, nkeys, bms_intersect(work.todo, work.original),
					   bms_difference(work.todo, work.original), cause, NULL, now);
}

static void
reconcile_all(Program *program, Datum *keys, int nkeys, Bitmapset *asked, Bitmapset *reached,
			  const char *cause, const AtomFlips *flips, TimestampTz now)
{
	/* what the first of many batches takes, the next ones find */
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "segments reconciliation",
							  nkeys > BATCH_ROWS ? BATCH_MEMORY : ALLOCSET_DEFAULT_MINSIZE,
							  ALLOCSET_DEFAULT_INITSIZE, ALLOCSET_DEFAULT_MAXSIZE);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	int start;

	ProgramSortKeys(program, keys, &nkeys);
	for (start = 0; start < nkeys; start += BATCH_ROWS)
	{
		int n = Min(BATCH_ROWS, nkeys - start);

		reconcile_keys(program, keys + start, n, asked, reached, cause, flips, now);
		MemoryContextReset(scratch);
		ResetExprContext(program->econtext);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/*
 * Bring the stored members among these contacts in line with these segments
 * (indexes in the program), and with the segments that refer to what changes;
 * `reached` are such already.
 * keys is sorted in place.
 */
void
MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
				   Bitmapset *reached, const char *cause, TimestampTz now)
{
	if (nkeys > 0 && !(bms_is_empty(segments) && bms_is_empty(reached)))
		reconcile_all(program, keys, nkeys, segments, reached, cause, NULL, now);
}

/*
 * The same at this transaction's now.
 */
void
MaintainContacts(Program *program, Datum *keys, int nkeys, Bitmapset *segments, const char *cause)
{
	MaintainContactsAt(program, keys, nkeys, segments, NULL, cause, SegmentsNow());
}

/*
 * Rows of these contacts came, went or changed, and did this to the atoms over
 * them; segments are those that hold such an atom.
 *
 * What is stored was right before, as every change brings its own segments in
 * line under the contact's lock.  A statement that changes several tables comes
 * here once for each, in some order, and each time the argument holds for the
 * rows of that table: what is stored then is the truth before these changes,
 * or the truth after all of them.
 */
void
MaintainRelated(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
				const AtomFlips *flips)
{
	if (nkeys > 0 && !(bms_is_empty(segments) && bms_is_empty(flips->measures)))
		reconcile_all(program, keys, nkeys, segments, NULL, CAUSE_FILTER, flips, SegmentsNow());
}

/*
 * The segments that refer to what changed, and the contacts that changed in
 * them, to be evaluated by the caller.
 */
Bitmapset *
MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys)
{
	Bitmapset *referencing = NULL;
	int i;

	for (i = 0; i < set->n; i++)
	{
		if (set->changes[i].index < 0 ||
			program->segments[set->changes[i].index].referencing.n == 0)
			continue;
		DatumVectorAdd(keys, set->changes[i].key);
		referencing = ProgramAddReferencing(program, referencing, set->changes[i].index);
	}
	return referencing;
}

/*
 * Changes were written: evaluate the segments that refer to what changed.
 */
void
MaintainPropagate(Program *program, ChangeSet *set)
{
	DatumVector keys;
	Bitmapset *referencing;

	DatumVectorInit(&keys, CurrentMemoryContext, program->key_byval, program->key_len);
	referencing = MaintainReferencing(program, set, &keys);
	MaintainContactsAt(program, keys.items, keys.n, NULL, referencing, CAUSE_SEGMENT,
					   SegmentsNow());
}

/* Evaluate what was written, but may be out of date. */
static void
evaluate_again(Program *program, ChangeSet *set)
{
	Datum *keys = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * set->n);
	Bitmapset *segments = NULL;
	int i;

	for (i = 0; i < set->n; i++)
	{
		keys[i] = set->changes[i].key;
		if (set->changes[i].index >= 0)
			segments = bms_add_member(segments, set->changes[i].index);
	}
	MaintainContacts(program, keys, set->n, segments, CAUSE_FILTER);
}

/*
 * Write changes (MemberWrite), and bring in line what triggers of the member
 * table have disturbed.  The set is sorted and kept, for MaintainPropagate.
 */
MemberWritten
MaintainWrite(Program *program, ChangeSet *set, const char *cause)
{
	MemberWritten result = MemberWrite(program, set, cause);

	if (result.disturbed)
		evaluate_again(program, set);
	return result;
}
