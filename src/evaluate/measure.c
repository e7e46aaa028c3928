/*
 * measure.c - the atoms that a contact's value, made of its related rows, has
 * passed.
 *
 * The value is made of the rows as they were before a statement and as they are
 * after it; what lies between is read off the measure's index.  What is stored
 * agrees with the value before: so the other atoms need not be looked at, however
 * many compare it.  Where the value is not to be had, all are concerned.
 */
#include "postgres.h"

#include "evaluate/measure.h"

#include "datatype/timestamp.h"

#include "base/vector.h"
#include "definition/field.h"
#include "evaluate/batch.h"
#include "evaluate/flips.h"
#include "evaluate/related_rows.h"
#include "evaluate/row.h"
#include "evaluate/row_aggregate.h"
#include "evaluate/row_time.h"
#include "predicate/predicate.h"
#include "program/facet.h"
#include "program/image.h"
#include "program/program.h"

static const ImageFacet *
measure_of(Program *program, const RowSource *source, int measure)
{
	return &IMAGE_AT(program->image, source->image->measures, ImageFacet)[measure];
}

static void
add_list(Program *program, ImageList atoms, IntVector *out)
{
	uint32 i;

	for (i = 0; i < atoms.n; i++)
		IntVectorAdd(out, ProgramItems(program, atoms)[i]);
}

/*
 * Append all atoms over a measure, some more than once.
 */
void
MeasureAtoms(Program *program, const RowSource *source, int measure, IntVector *out)
{
	const ImageFacet *facet = measure_of(program, source, measure);
	const ImageConstant *constants = IMAGE_AT(program->image, facet->constants, ImageConstant);
	const ImageRange *ranges = IMAGE_AT(program->image, facet->ranges.offset, ImageRange);
	uint32 i;

	for (i = 0; i < facet->nconstants; i++)
		add_list(program, constants[i].atoms, out);
	for (i = 0; i < facet->ranges.n; i++)
		IntVectorAdd(out, ranges[i].atom);
	add_list(program, facet->others, out);
}

/*
 * May time alone have changed which rows count since segments were last brought
 * forward?  Then what is stored may be of any instant between.
 */
static bool
rows_move(Program *program, int id, RowVersion *rows, int n, TimestampTz now)
{
	ImageList moving;
	uint32 i;
	int j;

	if (program->atoms[id].scope != ATOM_GROUP)
		return false;
	moving = ProgramGroup(program, id)->moving;
	if (moving.n > 0 && (program->moved_to > now || program->moved_from > now))
		return true;
	for (i = 0; i < moving.n; i++)
		for (j = 0; j < n; j++)
			if (AtomMovesOnRow(program, &rows[j], ProgramItems(program, moving)[i],
							   program->moved_from, now))
				return true;
	return false;
}

/* The value of these rows; false: it is not to be had. */
static bool
make_value(Batch *batch, const ImageFacet *facet, RowVersion *rows, int n, FacetState *state)
{
	Program *program = batch->program;

	memset(state, 0, sizeof(FacetState));
	if (rows_move(program, facet->first, rows, n, batch->now) ||
		!RowAggregate(program, facet->first, rows, n, batch->now, &state->value, &state->isnull))
		return false;
	state->constant = state->rank = -1;
	if (state->isnull)
		return true;
	state->constant = FacetFindConstant(program->image, facet, state->value);
	if (facet->nboundaries > 0)
		state->rank = FacetRank(program->image, facet, state->value);
	return true;
}

/*
 * The contact's value after, and before.  Where rows only came, those that were
 * there before are read off those that are there now.
 */
static bool
read_values(Batch *before, Batch *after, int position, const AtomFlips *flips,
			const ImageFacet *facet, FacetState *old_state, FacetState *new_state)
{
	RowSource *source = flips->source;
	RowVersion *rows;
	int n;

	if (!RelatedRowsReadable(after->program, facet->first) ||
		!RelatedRowsRead(after, position, source, &rows, &n) ||
		!make_value(after, facet, rows, n, new_state))
		return false;
	n = flips->only_came ? RelatedRowsOlder(after, position, source, flips->before) : -1;
	if (n < 0 && !RelatedRowsRead(before, position, source, &rows, &n))
		return false;
	return make_value(before, facet, rows, n, old_state);
}

/* Do all atoms over a number tell 0 and every other value up to this one alike? */
static bool
are_alike(const Image *image, const ImageFacet *facet, int highest)
{
	int i;

	for (i = 0; facet->nconstants > 0 && i <= highest; i++)
		if (FacetFindConstant(image, facet, Int64GetDatum(i)) >= 0)
			return false;
	return facet->nboundaries == 0 || FacetRank(image, facet, Int64GetDatum(0)) ==
										  FacetRank(image, facet, Int64GetDatum(highest));
}

/*
 * Has the contact too few rows for a number of them to pass anything, whichever
 * of them count, and did at any time since segments were brought forward?
 */
static bool
has_too_few(Batch *batch, int position, RowSource *source, const ImageFacet *facet)
{
	Program *program = batch->program;
	int most;

	if (ProgramAtomGet(program, facet->first)->aggregate != AGGREGATE_COUNT ||
		facet->others.n > 0 || !RelatedRowsReadable(program, facet->first))
		return false;
	/* the row that brought us here is one already: not worth counting */
	if (!are_alike(program->image, facet, 1))
		return false;
	most = RelatedRowsAtMost(batch, position, source);
	return most >= 0 && are_alike(program->image, facet, most);
}

/*
 * Append the atoms over a measure that can differ for a contact between two
 * batches of the same contacts, which read rows as of before and after.  False:
 * nothing is known, these are all.
 */
bool
MeasurePassed(Batch *before, Batch *after, int position, const AtomFlips *flips, int measure,
			  IntVector *out)
{
	Program *program = after->program;
	const ImageFacet *facet = measure_of(program, flips->source, measure);
	FacetState old_state;
	FacetState new_state;

	if (has_too_few(after, position, flips->source, facet))
		return true;
	if (!read_values(before, after, position, flips, facet, &old_state, &new_state))
	{
		MeasureAtoms(program, flips->source, measure, out);
		return false;
	}
	FacetFlips(program, facet, &old_state, &new_state, out);
	add_list(program, facet->others, out);
	return true;
}
