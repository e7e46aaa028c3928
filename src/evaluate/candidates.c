/*
 * candidates.c - which segments can a change of a contact's row concern?
 *
 * All whose truth differs between OLD and NEW are found, and few others.
 * Segments lie behind the constants of their access predicates, which let them
 * in (image_access.c).  A contact that comes meets what is behind its own
 * values.  Of one that changes, the columns that differ are looked up; each
 * boundary that was passed and each constant that was left or reached is a
 * step; the segments concerned are found behind the constants that this contact
 * has, by binary search.  Where it leaves a constant or comes to one,
 * everything behind that is a candidate.  Segments that no constant lets in but
 * a range does are behind cells of it, with the steps of all facets.
 */
#include "postgres.h"

#include "evaluate/candidates.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "evaluate/row_time.h"
#include "program/image.h"
#include "program/program.h"

static bool plain_evaluation = false;

void
CandidatesDefineSettings(void)
{
	DefineCustomBoolVariable("segments.plain_evaluation",
							 "Evaluates every segment for each changed contact, without the index.",
							 "For tests: members must not depend on it.", &plain_evaluation, false,
							 PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
}

/*
 * segments.plain_evaluation: is the index of segments left aside?
 */
bool
PlainEvaluation(void)
{
	return plain_evaluation;
}

/* ----- segments seen for this row ----- */

static uint64
seen_entry(const SeenSegments *seen, int segment)
{
	return (uint64) seen->stamp << 32 | (uint32) segment;
}

static uint64 *
seen_slot(const SeenSegments *seen, uint64 entry)
{
	uint32 mask = seen->size - 1;
	uint32 at = ((uint32) entry * 2654435761u) & mask;

	/* what is of earlier rows is free */
	while ((seen->slots[at] >> 32) == seen->stamp && seen->slots[at] != entry)
		at = (at + 1) & mask;
	return &seen->slots[at];
}

static void
grow_seen(Program *program)
{
	SeenSegments old = program->seen;
	SeenSegments *seen = &program->seen;
	uint32 size = Max(64, old.size * 2);
	uint32 i;

	/* both or none, as it outlives an error */
	seen->slots = MemoryContextAllocZero(program->context, sizeof(uint64) * size);
	seen->size = size;
	for (i = 0; i < old.size; i++)
		if ((old.slots[i] >> 32) == seen->stamp)
			*seen_slot(seen, old.slots[i]) = old.slots[i];
	if (old.slots)
		pfree(old.slots);
}

/* False when it has been seen for this row. */
static bool
see(Program *program, int segment)
{
	SeenSegments *seen = &program->seen;
	uint64 entry = seen_entry(seen, segment);
	uint64 *slot;

	if ((uint32) seen->n * 2 >= seen->size)
		grow_seen(program);
	slot = seen_slot(seen, entry);
	if (*slot == entry)
		return false;
	*slot = entry;
	seen->n++;
	return true;
}

/* ----- collecting ----- */

/*
 * For rows of the contact table, in the current memory context.
 */
void
CandidatesInit(Candidates *found, Program *program)
{
	memset(found, 0, sizeof(Candidates));
	/* they grow where they begin, whoever adds to them */
	IntVectorAdd(&found->segments, 0);
	IntVectorAdd(&found->steps, 0);
	found->segments.n = found->steps.n = 0;
	found->changed = palloc(sizeof(bitmapword) * COLUMN_WORDS(program->sources[0]->desc->natts));
}

/*
 * Forget the row before.
 */
void
CandidatesNewRow(Candidates *found, Program *program)
{
	found->segments.n = 0;
	found->steps.n = 0;
	program->seen.n = 0;
	if (++program->seen.stamp == 0)
	{
		program->seen.stamp = 1;
		if (program->seen.slots)
			memset(program->seen.slots, 0, sizeof(uint64) * program->seen.size);
	}
}

/*
 * Add segments that are not among them yet.
 */
void
CandidatesAdd(Candidates *found, Program *program, ImageList segments)
{
	const int32 *items = ProgramItems(program, segments);
	uint32 i;

	for (i = 0; i < segments.n; i++)
		if (see(program, items[i]))
			IntVectorAdd(&found->segments, items[i]);
}

/*
 * All segments.
 */
void
CandidatesAll(Candidates *found, Program *program)
{
	int i;

	for (i = 0; i < program->nsegments; i++)
		if (see(program, i))
			IntVectorAdd(&found->segments, i);
}

static const ImageConstant *
constants_of(Program *program, const Facet *facet)
{
	return IMAGE_AT(program->image, facet->image->constants, ImageConstant);
}

/* The cell that a facet's value is in, or NULL. */
static const ImageCell *
cell_of(Program *program, const Facet *facet, const FacetState *state)
{
	if (facet->image->ncells == 0 || state->isnull)
		return NULL;
	return &IMAGE_AT(program->image, facet->image->cells,
					 ImageCell)[ImageCellOf(facet->image, state->rank)];
}

/* ----- a contact that comes ----- */

/*
 * Segments that a contact can match.
 */
void
CandidatesOfInsert(Candidates *found, Program *program, RowVersion *row)
{
	int i;
	int j;

	CandidatesAdd(found, program, program->image->unrestricted);
	for (i = 0; i < program->naccess; i++)
	{
		FacetState *state = RowFacetLookedUp(program, row, program->access[i]);
		const ImageConstant *constants = constants_of(program, program->access[i]);
		const ImageCell *cell = cell_of(program, program->access[i], state);

		if (cell)
			CandidatesAdd(found, program, cell->behind);
		if (state->constant >= 0)
			CandidatesAdd(found, program, constants[state->constant].behind);
		for (j = 0; j < state->nelements; j++)
			CandidatesAdd(found, program, constants[state->elements[j]].behind);
	}
}

/* ----- a contact that changes ----- */

static void
add_step(Candidates *found, int facet, int from, int to)
{
	IntVectorAdd(&found->steps, facet);
	IntVectorAdd(&found->steps, from);
	IntVectorAdd(&found->steps, to);
}

/* A constant that the contact came to, or left. */
static void
pass_constant(Candidates *found, Program *program, Facet *facet, int constant)
{
	if (facet->image->lets_in)
		CandidatesAdd(found, program, constants_of(program, facet)[constant].behind);
	add_step(found, facet->id * 2 + 1, constant, constant + 1);
}

static void
pass_elements(Candidates *found, Program *program, Facet *facet, const FacetState *state,
			  const FacetState *other)
{
	int i;

	for (i = 0; i < state->nelements; i++)
		if (!FacetStateHasElement(other, state->elements[i]))
			pass_constant(found, program, facet, state->elements[i]);
}

static void
pass_boundaries(Candidates *found, const Facet *facet, const FacetState *before,
				const FacetState *after)
{
	if (facet->image->nboundaries == 0 || (before->isnull && after->isnull))
		return;
	/* from or to NULL: any range may have been left or reached */
	if (before->isnull || after->isnull)
		add_step(found, facet->id * 2, 0, facet->image->nboundaries);
	else if (before->rank != after->rank)
		add_step(found, facet->id * 2, Min(before->rank, after->rank),
				 Max(before->rank, after->rank));
}

/* Atoms without an index are tested on both rows. */
static void
test_others(Candidates *found, Program *program, Facet *facet, RowVersion *old_row,
			RowVersion *new_row, TimestampTz now)
{
	const int32 *others = ProgramItems(program, facet->image->others);
	uint32 i;

	for (i = 0; i < facet->image->others.n; i++)
		if (facet->image->opaque || AtomOnRow(program, old_row, others[i], now) !=
										AtomOnRow(program, new_row, others[i], now))
			CandidatesAdd(found, program, program->atoms[others[i]].segments);
}

static void
compare_facet(Candidates *found, Program *program, Facet *facet, RowVersion *old_row,
			  RowVersion *new_row, TimestampTz now)
{
	test_others(found, program, facet, old_row, new_row, now);
	if (facet->image->nconstants > 0 || facet->image->nboundaries > 0)
	{
		FacetState *before = RowFacetLookedUp(program, old_row, facet);
		FacetState *after = RowFacetLookedUp(program, new_row, facet);

		pass_elements(found, program, facet, before, after);
		pass_elements(found, program, facet, after, before);
		if (before->constant != after->constant && before->constant >= 0)
			pass_constant(found, program, facet, before->constant);
		if (before->constant != after->constant && after->constant >= 0)
			pass_constant(found, program, facet, after->constant);
		pass_boundaries(found, facet, before, after);
	}
}

/* The first step of a facet at or after a point. */
static uint32
first_step(const ImageStep *steps, uint32 n, int facet, int point)
{
	uint32 low = 0;
	uint32 high = n;

	while (low < high)
	{
		uint32 middle = low + (high - low) / 2;

		if (steps[middle].facet < facet ||
			(steps[middle].facet == facet && steps[middle].point < point))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Segments behind one constant or cell that the steps of this row concern. */
static void
take_steps(Candidates *found, Program *program, ImageList behind)
{
	const ImageStep *steps = IMAGE_AT(program->image, behind.offset, ImageStep);
	int i;

	if (behind.n == 0)
		return;
	for (i = 0; i < found->steps.n; i += 3)
	{
		int facet = found->steps.items[i];
		int end = found->steps.items[i + 2];
		uint32 at = first_step(steps, behind.n, facet, found->steps.items[i + 1]);

		for (; at < behind.n && steps[at].facet == facet && steps[at].point < end; at++)
			if (see(program, steps[at].segment))
				IntVectorAdd(&found->segments, steps[at].segment);
	}
}

/* A segment that holds on either row is behind the cell of that row. */
static void
take_cells(Candidates *found, Program *program, Facet *access, RowVersion *old_row,
		   const FacetState *after)
{
	const ImageCell *new_cell = cell_of(program, access, after);
	const ImageCell *old_cell;

	if (access->image->ncells == 0)
		return;
	old_cell = cell_of(program, access, RowFacetLookedUp(program, old_row, access));
	if (new_cell)
		take_steps(found, program, new_cell->steps);
	if (old_cell && old_cell != new_cell)
		take_steps(found, program, old_cell->steps);
}

/*
 * Segments that a change of a contact's row can concern, its key and its time
 * being the same.
 */
void
CandidatesOfUpdate(Candidates *found, Program *program, RowVersion *old_row, RowVersion *new_row,
				   TimestampTz now)
{
	RowSource *source = program->sources[0];
	int i;
	int j;

	if (!RowColumnsChanged(old_row, new_row, found->changed))
		return;
	for (i = 0; i < source->nfacets; i++)
		if (FacetChanged(&source->facets[i], found->changed))
			compare_facet(found, program, &source->facets[i], old_row, new_row, now);
	if (found->steps.n == 0)
		return;
	take_steps(found, program, program->image->steps);
	for (i = 0; i < program->naccess; i++)
	{
		FacetState *state = RowFacetLookedUp(program, new_row, program->access[i]);
		const ImageConstant *constants = constants_of(program, program->access[i]);

		take_cells(found, program, program->access[i], old_row, state);
		if (state->constant >= 0)
			take_steps(found, program, constants[state->constant].steps);
		for (j = 0; j < state->nelements; j++)
			take_steps(found, program, constants[state->elements[j]].steps);
	}
}

/* ----- time ----- */

/* Most phrases move once a day or less: those that have not are left aside until they can. */
static void
wake_atoms(Program *program, TimestampTz now)
{
	ImageList atoms = program->image->moving_atoms;
	MemoryContext old = MemoryContextSwitchTo(program->context);
	TimestampTz awake_until = DT_NOEND;
	uint32 i;

	program->awake.n = 0;
	program->awake_from = program->moved_from;
	program->awake_until = DT_NOBEGIN; /* until it is whole: an error leaves the program */
	for (i = 0; i < atoms.n; i++)
	{
		int id = ProgramItems(program, atoms)[i];
		TimestampTz until;

		if (AtomIsStill(program, id, program->moved_from, now, &until))
			awake_until = Min(awake_until, until);
		else
			IntVectorAdd(&program->awake, id);
	}
	program->awake_until = awake_until;
	MemoryContextSwitchTo(old);
}

/*
 * Segments whose phrases have moved over this contact's values since they were
 * last brought forward.
 */
void
CandidatesOfTime(Candidates *found, Program *program, RowVersion *row, TimestampTz now)
{
	int i;

	/* a segment that is ahead of us is judged at its own instant */
	if (program->moved_to > now)
		CandidatesAdd(found, program, program->image->moving);
	if (program->awake_from != program->moved_from || now >= program->awake_until)
		wake_atoms(program, now);
	for (i = 0; i < program->awake.n; i++)
	{
		int id = program->awake.items[i];

		if (AtomMovesOnRow(program, row, id, program->moved_from, now))
			CandidatesAdd(found, program, program->atoms[id].segments);
	}
}
