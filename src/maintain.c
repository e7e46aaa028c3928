/*
 * maintain.c - evaluate afresh for some contacts, write what differs, and
 * carry it to the segments that refer to what changed.
 *
 * Step 12a: the routine behind everything that is not a plain write of a
 * contact: related rows, companies, manual changes, time.  Contacts are locked
 * in key order before anything is read for them, so that two transactions
 * that change different inputs of one filter take turns (src/README.md, locks).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "maintain.h"

/*
 * The instant at which writes are evaluated.
 */
TimestampTz
MaintainNow(Program *program)
{
	return SegmentsNow();
}

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
	HeapTuple	tuple = palloc0(HEAPTUPLESIZE);
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
	bool		waited = false;
	int			i;

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
	Program    *program = batch->program;
	int			found;
	int			i;

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
	if (found < batch->nrows && program->unguarded && wait_for_missing(batch))
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
	ProgramSegment *segment;
	int			change;			/* CAN_RISE | CAN_FALL, or UNKNOWN */
} Candidate;

typedef struct Reconciliation
{
	Program    *program;
	Batch	   *batch;
	ChangeSet  *pending;
	Bitmapset  *todo;			/* indexes of segments still to evaluate */
	Bitmapset  *original;		/* those that the caller asked for */
	const char *cause;			/* of the original ones */
	const AtomFlips *flips;		/* by related rows alone; NULL when anything may have changed */
	Bitmapset  *disturbed;		/* segments that refer to some that changed on the way */
	bool		stale;			/* statements inside ours changed what we have read */
} Reconciliation;

/*
 * One contact and one segment: what is stored against what is so.  Where only
 * related rows changed, what is stored was right before.  It still is where the
 * contact's own row decides the filter, and where the rows can only have made
 * true what is a member already, or false what is none.
 */
static void
compare_member(Reconciliation *work, MemberProbe *members, Candidate *candidate, int position)
{
	Batch	   *batch = work->batch;
	RowVersion *row = &batch->rows[position];
	ProgramSegment *segment = candidate->segment;
	bool		stored;

	if (row->slot == NULL)
		return;
	BatchVisit(batch, position);
	if (candidate->change != UNKNOWN && BatchIsSettled(batch, position, segment->predicate))
		return;
	stored = MemberProbeAsk(members, segment->id, batch->keys[position]);
	if (!(candidate->change & (UNKNOWN | (stored ? CAN_FALL : CAN_RISE))))
		return;
	if (PredicateOnRow(work->program, row, segment->predicate, batch->now) != stored)
		ChangeSetAdd(work->program, work->pending, segment->id, segment->index, batch->keys[position], !stored);
}

/* Membership answers of a segment that changed are asked again. */
static void
forget_answers(Batch *batch, int64 segment)
{
	int			i;

	for (i = 0; batch->answers && i < batch->program->natoms; i++)
		if (batch->program->atoms[i].atom->scope == ATOM_MEMBER &&
			batch->program->atoms[i].atom->segment_id == segment)
			batch->answers[i] = NULL;
}

/* Write what is pending; the segments that refer to what changed are next. */
static void
flush_pending(Reconciliation *work, const char *cause)
{
	ChangeSet  *set = work->pending;
	uint64		before;
	int			written;
	int			i;

	if (set->n == 0)
		return;
	before = MaintainRuns();
	written = MemberWrite(work->program, set, cause);
	if (MaintainRuns() != before)
		work->stale = true;
	if (written > 0)
		for (i = 0; i < set->n; i++)
		{
			ProgramSegment *segment = &work->program->segments[set->changes[i].index];
			ListCell   *cell;

			if (segment->referencing == NIL || (i > 0 && set->changes[i - 1].index == segment->index))
				continue;
			forget_answers(work->batch, segment->id);
			foreach(cell, segment->referencing)
			{
				work->todo = bms_add_member(work->todo, lfirst_int(cell));
				work->disturbed = bms_add_member(work->disturbed, lfirst_int(cell));
			}
		}
	set->n = 0;
}

/* The segment to do next: one of lowest rank. */
static ProgramSegment *
next_segment(Program *program, Bitmapset *todo)
{
	ProgramSegment *best = NULL;
	int			index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		if (best == NULL || program->segments[index].rank < best->rank)
			best = &program->segments[index];
	return best;
}

static Bitmapset *
segments_of_rank(Program *program, Bitmapset *todo, int rank)
{
	Bitmapset  *result = NULL;
	int			index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		if (program->segments[index].rank == rank)
			result = bms_add_member(result, index);
	return result;
}

/* Answers that depend on now are asked again. */
static void
forget_moving_answers(Batch *batch)
{
	int			i;

	for (i = 0; batch->answers && i < batch->program->natoms; i++)
		if (batch->program->atoms[i].atom->moves)
			batch->answers[i] = NULL;
}

/*
 * A moving segment that was brought forward beyond our now is not taken back:
 * it is evaluated at its own instant (SEMANTICS §7.2).
 */
static bool
is_ahead(Reconciliation *work, ProgramSegment *segment, TimestampTz *evaluated_at)
{
	return segment->moves && ClockRead(segment->id, evaluated_at) && *evaluated_at > work->batch->now;
}

static void
evaluate_at(Reconciliation *work, MemberProbe *members, Candidate *candidate, TimestampTz at)
{
	Batch	   *batch = work->batch;
	TimestampTz now = batch->now;
	int			i;

	forget_moving_answers(batch);
	batch->now = at;
	for (i = 0; i < batch->nrows; i++)
		compare_member(work, members, candidate, i);
	batch->now = now;
	forget_moving_answers(batch);
}

/* What flipped atoms can do to a filter that holds them. */
static int
flipped_predicate(const Predicate *predicate, const AtomFlips *flips)
{
	int			result = 0;
	int			i;

	if (predicate->kind == PREDICATE_ATOM)
	{
		if (bms_is_member(predicate->atom->id, flips->rising))
			result |= CAN_RISE;
		if (bms_is_member(predicate->atom->id, flips->falling))
			result |= CAN_FALL;
		return result;
	}
	for (i = 0; i < predicate->nargs; i++)
		result |= flipped_predicate(predicate->args[i], flips);
	if (predicate->kind == PREDICATE_NOT && (result == CAN_RISE || result == CAN_FALL))
		result ^= CAN_RISE | CAN_FALL;
	return result;
}

static Candidate
candidate_of(Reconciliation *work, ProgramSegment *segment, bool asked)
{
	Candidate	candidate = {segment, UNKNOWN};

	if (!asked || work->flips == NULL || segment->moves || bms_is_member(segment->index, work->disturbed))
		return candidate;
	candidate.change = work->flips->all ? (CAN_RISE | CAN_FALL) : flipped_predicate(segment->predicate, work->flips);
	return candidate;
}

/* Contact by contact, so that what is read for one serves all segments. */
static void
evaluate_present(Reconciliation *work, MemberProbe *members, Candidate *candidates, int n)
{
	int			i;
	int			j;

	for (i = 0; i < work->batch->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < n; j++)
			compare_member(work, members, &candidates[j], i);
	}
}

static void
evaluate_segments(Reconciliation *work, Bitmapset *segments, bool asked)
{
	Candidate  *present = palloc(sizeof(Candidate) * Max(bms_num_members(segments), 1));
	int			npresent = 0;
	int			index = -1;
	MemberProbe members;

	MemberProbeBegin(&members, work->program);
	work->batch->members = &members;
	while ((index = bms_next_member(segments, index)) >= 0)
	{
		Candidate	candidate = candidate_of(work, &work->program->segments[index], asked);
		TimestampTz at;

		if (is_ahead(work, candidate.segment, &at))
			evaluate_at(work, &members, &candidate, at);
		else
			present[npresent++] = candidate;
	}
	evaluate_present(work, &members, present, npresent);
	if (work->batch->reader)
		RelatedRowsClose(work->batch);
	work->batch->members = NULL;
	MemberProbeEnd(&members);
	pfree(present);
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
	while (!bms_is_empty(work->todo) && !work->stale)
	{
		int			rank = next_segment(work->program, work->todo)->rank;
		Bitmapset  *segments = segments_of_rank(work->program, work->todo, rank);
		Bitmapset  *asked = bms_intersect(segments, work->original);
		Bitmapset  *reached = bms_difference(segments, work->original);

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
reconcile_keys(Program *program, Datum *keys, int nkeys, Bitmapset *asked, Bitmapset *reached, const char *cause,
			   const AtomFlips *flips, TimestampTz now)
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
		reconcile_keys(program, keys, nkeys, bms_intersect(work.todo, asked), bms_difference(work.todo, asked),
					   cause, NULL, now);
}

static void
reconcile_all(Program *program, Datum *keys, int nkeys, Bitmapset *asked, Bitmapset *reached, const char *cause,
			  const AtomFlips *flips, TimestampTz now)
{
	/* what the first of many batches takes, the next ones find */
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "segments reconciliation",
												  nkeys > BATCH_ROWS ? BATCH_MEMORY : ALLOCSET_DEFAULT_MINSIZE,
												  ALLOCSET_DEFAULT_INITSIZE, ALLOCSET_DEFAULT_MAXSIZE);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	int			start;

	ProgramSortKeys(program, keys, &nkeys);
	for (start = 0; start < nkeys; start += BATCH_ROWS)
	{
		int			n = Min(BATCH_ROWS, nkeys - start);

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
MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments, Bitmapset *reached,
				   const char *cause, TimestampTz now)
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
	MaintainContactsAt(program, keys, nkeys, segments, NULL, cause, MaintainNow(program));
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
MaintainRelated(Program *program, Datum *keys, int nkeys, Bitmapset *segments, const AtomFlips *flips)
{
	if (nkeys > 0 && !bms_is_empty(segments))
		reconcile_all(program, keys, nkeys, segments, NULL, CAUSE_FILTER, flips, MaintainNow(program));
}

/*
 * The segments that refer to what changed, and the contacts that changed in
 * them, to be evaluated by the caller.
 */
Bitmapset *
MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys)
{
	Bitmapset  *referencing = NULL;
	int			i;

	for (i = 0; i < set->n; i++)
	{
		ListCell   *cell;

		if (set->changes[i].index < 0 || program->segments[set->changes[i].index].referencing == NIL)
			continue;
		DatumVectorAdd(keys, set->changes[i].key);
		foreach(cell, program->segments[set->changes[i].index].referencing)
			referencing = bms_add_member(referencing, lfirst_int(cell));
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
	Bitmapset  *referencing;

	DatumVectorInit(&keys, CurrentMemoryContext, program->key_byval, program->key_len);
	referencing = MaintainReferencing(program, set, &keys);
	MaintainContactsAt(program, keys.items, keys.n, NULL, referencing, CAUSE_SEGMENT, MaintainNow(program));
}
