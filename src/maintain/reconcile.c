/*
 * reconcile.c - what is stored of some contacts against what is so.
 */
#include "postgres.h"

#include "maintain/reconcile.h"

#include "miscadmin.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "clock/segment_clock.h"
#include "definition/aside.h"
#include "evaluate/batch.h"
#include "evaluate/flips.h"
#include "evaluate/member_probe.h"
#include "evaluate/predicate_row.h"
#include "evaluate/related_rows.h"
#include "maintain/passed_atoms.h"
#include "maintain/set_aside.h"
#include "maintain/stored_members.h"
#include "member/change_set.h"
#include "program/image.h"
#include "program/program.h"

/* Nothing is known of what may have happened to the filter: beside CAN_RISE, CAN_FALL. */
#define UNKNOWN 4

/* Contacts beyond which members are looked up for all of them together, and answers kept. */
#define FEW_CONTACTS 32
#define MANY_ANSWERS (64 * BATCH_ROWS)

/* A segment to be evaluated, and what may have happened to it. */
typedef struct Candidate
{
	int segment;         /* its index */
	int change;          /* CAN_RISE | CAN_FALL, or UNKNOWN */
	StoredMember *asked; /* contacts that it is open for; NULL: not asked together */
	int nasked;
	int next; /* of them to be compared */
} Candidate;

/* Is the segment left alone, with the members it has? */
static bool
is_aside(Program *program, int segment)
{
	return (program->segments[segment].flags & IMAGE_SEGMENT_ASIDE) != 0 ||
		   AsideContains(program->segments[segment].id);
}

/*
 * May the truth on a contact differ from what is stored?  Where only related
 * rows changed, what is stored was right before.  It still is where the
 * contact's own row decides the filter.
 */
static bool
is_open(Reconciliation *work, const Candidate *candidate, int position)
{
	if (work->batch->rows[position].slot == NULL || is_aside(work->program, candidate->segment))
		return false;
	BatchVisit(work->batch, position);
	return candidate->change == UNKNOWN ||
		   !BatchIsDecided(work->batch, position, candidate->segment);
}

/*
 * One contact and one segment: what is stored against what is so.  The same
 * where rows can only have made true what is a member already, or false what is
 * none.
 */
static void
compare_stored(Reconciliation *work, const Candidate *candidate, int position, bool stored)
{
	Batch *batch = work->batch;
	int segment = candidate->segment;
	int64 id = work->program->segments[segment].id;
	bool matches;

	if (!(candidate->change & (UNKNOWN | (stored ? CAN_FALL : CAN_RISE))) ||
		is_aside(work->program, segment))
		return;
	BatchVisit(batch, position);
	matches = SegmentOnRow(work->program, &batch->rows[position], segment, batch->now);
	/* it may just have turned out that it can't be evaluated */
	if (matches != stored && !AsideContains(id))
		ChangeSetAdd(work->program, work->pending, id, segment, batch->keys[position], !stored);
}

static void
compare_member(Reconciliation *work, MemberProbe *members, const Candidate *candidate, int position)
{
	if (is_open(work, candidate, position))
		compare_stored(work, candidate, position,
					   MemberProbeAsk(members, work->program->segments[candidate->segment].id,
									  work->batch->keys[position]));
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
	TimestampTz now = BatchMoveTo(work->batch, at);
	int i;

	for (i = 0; i < work->batch->nrows; i++)
		compare_member(work, members, candidate, i);
	(void) BatchMoveTo(work->batch, now);
}

/* What flipped atoms can do to a filter that holds them; `code` is its predicate (IMAGE_OP). */
static int
flipped_code(const uint32 *code, const AtomFlips *flips, const PassedAtoms *passed)
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
	Candidate candidate = {segment, UNKNOWN, NULL, 0, 0};

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

/* Look up the members among many contacts, of each segment in one pass. */
static void
ask_together(Reconciliation *work, Candidate *candidates, int n)
{
	Batch *batch = work->batch;
	int i;
	int j;

	if (batch->nrows <= FEW_CONTACTS || n > MANY_ANSWERS / batch->nrows)
		return;
	for (j = 0; j < n; j++)
		candidates[j].asked = palloc(sizeof(StoredMember) * batch->nrows);
	for (i = 0; i < batch->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < n; j++)
			if (is_open(work, &candidates[j], i))
				candidates[j].asked[candidates[j].nasked++] =
					(StoredMember){batch->keys[i], i, false};
	}
	for (j = 0; j < n; j++)
		StoredMembersFind(work->program, work->program->segments[candidates[j].segment].id,
						  candidates[j].asked, candidates[j].nasked);
}

static void
compare_asked(Reconciliation *work, Candidate *candidate, int position)
{
	const StoredMember *asked = &candidate->asked[candidate->next];

	if (candidate->next == candidate->nasked || asked->position != position)
		return;
	candidate->next++;
	compare_stored(work, candidate, position, asked->stored);
}

/* Contact by contact, so that what is read for one serves all segments. */
static void
evaluate_present(Reconciliation *work, MemberProbe *members, Candidate *candidates, int n,
				 const Singly *singly)
{
	int i;
	int j;

	ask_together(work, candidates, n);
	for (i = 0; i < work->batch->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < n; j++)
			if (candidates[j].asked != NULL)
				compare_asked(work, &candidates[j], i);
			else
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

/*
 * Evaluate segments for the contacts of the batch that exist; what differs from
 * what is stored is pending then.  asked: the caller asked for them; else they
 * refer to some that changed.
 */
void
ReconcileSegments(Reconciliation *work, Bitmapset *segments, bool asked)
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
