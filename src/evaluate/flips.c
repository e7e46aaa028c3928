/*
 * flips.c - the atoms whose truth differs between two versions of a related row.
 *
 * The indexes of the facets lead to them: the cost follows the columns that
 * changed and what flipped, not how many atoms there are.
 */
#include "postgres.h"

#include "evaluate/flips.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "evaluate/row_time.h"
#include "predicate/predicate.h"
#include "program/facet.h"
#include "program/image.h"
#include "program/program.h"

static void
add_atoms(Program *program, IntVector *out, ImageList atoms)
{
	const int32 *items = ProgramItems(program, atoms);
	uint32 i;

	for (i = 0; i < atoms.n; i++)
		IntVectorAdd(out, items[i]);
}

static void
add_elements_not_in(Program *program, const ImageConstant *constants, const FacetState *state,
					const FacetState *other, IntVector *out)
{
	int i;

	for (i = 0; state && i < state->nelements; i++)
		if (!FacetStateHasElement(other, state->elements[i]))
			add_atoms(program, out, constants[state->elements[i]].atoms);
}

static void
add_ranges(Program *program, const ImageFacet *facet, const FacetState *old_state,
		   const FacetState *new_state, IntVector *out)
{
	const ImageBoundary *boundaries = IMAGE_AT(program->image, facet->boundaries, ImageBoundary);
	int i;

	if (facet->nboundaries == 0)
		return;
	/* where the value comes or goes no boundary is crossed */
	if (old_state == NULL || old_state->isnull)
	{
		if (new_state && !new_state->isnull)
			FacetFindRanges(program->image, facet, new_state->rank, out);
	}
	else if (new_state == NULL || new_state->isnull)
		FacetFindRanges(program->image, facet, old_state->rank, out);
	else
		for (i = Min(old_state->rank, new_state->rank); i < Max(old_state->rank, new_state->rank);
			 i++)
			add_atoms(program, out, boundaries[i].atoms);
}

static void
add_constants(Program *program, const ImageFacet *facet, const FacetState *old_state,
			  const FacetState *new_state, IntVector *out)
{
	const ImageConstant *constants = IMAGE_AT(program->image, facet->constants, ImageConstant);
	int old_id = (old_state && !old_state->isnull) ? old_state->constant : -1;
	int new_id = (new_state && !new_state->isnull) ? new_state->constant : -1;

	/* of sets; and patterns of texts */
	add_elements_not_in(program, constants, old_state, new_state, out);
	add_elements_not_in(program, constants, new_state, old_state, out);
	if (old_id == new_id)
		return;
	if (old_id >= 0)
		add_atoms(program, out, constants[old_id].atoms);
	if (new_id >= 0)
		add_atoms(program, out, constants[new_id].atoms);
}

/*
 * Atoms of a facet's index whose truth differs between two values of it; NULL:
 * there is no row.
 */
void
FacetFlips(Program *program, const ImageFacet *facet, const FacetState *old_state,
		   const FacetState *new_state, IntVector *out)
{
	add_constants(program, facet, old_state, new_state, out);
	add_ranges(program, facet, old_state, new_state, out);
}

static void
add_others(Program *program, Facet *facet, RowVersion *old_row, RowVersion *new_row,
		   TimestampTz now, IntVector *out)
{
	const int32 *others = ProgramItems(program, facet->image->others);
	uint32 i;

	for (i = 0; i < facet->image->others.n; i++)
	{
		int id = others[i];

		if (facet->image->opaque || AtomIsDue(program, old_row, new_row, id, now) ||
			AtomOnRow(program, old_row, id, now) != AtomOnRow(program, new_row, id, now))
			IntVectorAdd(out, id);
	}
}

static void
add_facet_flips(Program *program, Facet *facet, RowVersion *old_row, RowVersion *new_row,
				TimestampTz now, IntVector *out)
{
	FacetState *old_state = NULL;
	FacetState *new_state = NULL;

	if (facet->image->nconstants > 0 || facet->image->nboundaries > 0)
	{
		if (old_row->slot)
			old_state = RowFacetLookedUp(program, old_row, facet);
		if (new_row->slot)
			new_state = RowFacetLookedUp(program, new_row, facet);
		FacetFlips(program, facet->image, old_state, new_state, out);
	}
	add_others(program, facet, old_row, new_row, now, out);
}

static bool
facet_changed(const Facet *facet, const bitmapword *changed, bool both)
{
	return facet != NULL && (!both || FacetChanged(facet, changed));
}

static bool
condition_truth(Program *program, RowVersion *row, const ProgramAtom *patom)
{
	return row->slot != NULL && RowCounts(program, row, patom);
}

/*
 * Aggregates, row counts, and conditions: an atom is touched when a row that
 * counts comes, goes, or changes in what is aggregated.
 */
static bool
row_touches(Program *program, ProgramAtom *patom, RowVersion *old_row, RowVersion *new_row,
			const bitmapword *changed, bool both)
{
	bool old_counts;
	bool new_counts;

	/* a subquery sees rows that don't count themselves */
	if ((patom->condition && patom->condition->image->opaque) ||
		(patom->argument && patom->argument->image->opaque))
		return true;
	old_counts = condition_truth(program, old_row, patom);
	new_counts = condition_truth(program, new_row, patom);
	if (!old_counts && !new_counts)
		return false;
	if (old_counts != new_counts)
		return true;
	if (patom->atom->scope == ATOM_AGGREGATE)
		return facet_changed(patom->argument, changed, both) ||
			   facet_changed(patom->order, changed, both);
	return patom->facet != NULL && facet_changed(patom->facet, changed, both);
}

/* Atoms that no facet's index finds. */
static void
add_source_flips(Program *program, RowVersion *old_row, RowVersion *new_row,
				 const bitmapword *changed, bool both, TimestampTz now, IntVector *out)
{
	ImageList loose = old_row->source->image->loose;
	ImageList conditional = old_row->source->image->conditional;
	uint32 i;

	for (i = 0; i < loose.n; i++)
	{
		int id = ProgramItems(program, loose)[i];
		const ImageAtom *atom = &program->atoms[id];
		bool single = (atom->facet >= 0 && atom->condition < 0 && atom->scope == ATOM_ROWS);

		if (AtomIsDue(program, old_row, new_row, id, now) ||
			(!single &&
			 row_touches(program, ProgramAtomGet(program, id), old_row, new_row, changed, both)))
			IntVectorAdd(out, id);
	}
	/* a row that comes or goes brings its value, by which they are found */
	for (i = 0; both && i < conditional.n; i++)
	{
		int id = ProgramItems(program, conditional)[i];
		const Facet *condition = &old_row->source->facets[program->atoms[id].condition];

		if (FacetChanged(condition, changed) &&
			row_touches(program, ProgramAtomGet(program, id), old_row, new_row, changed, both))
			IntVectorAdd(out, id);
	}
}

/* Values made of the contact's rows that the change of this one touches. */
static void
add_measures(Program *program, RowVersion *old_row, RowVersion *new_row, const bitmapword *changed,
			 bool both, IntVector *out)
{
	const ImageSource *source = old_row->source->image;
	const ImageFacet *measures = IMAGE_AT(program->image, source->measures, ImageFacet);
	int i;

	for (i = 0; i < source->nmeasures; i++)
	{
		int first = measures[i].first;

		/* of row groups see row_group.c */
		if (program->atoms[first].scope == ATOM_AGGREGATE &&
			row_touches(program, ProgramAtomGet(program, first), old_row, new_row, changed, both))
			IntVectorAdd(out, i);
	}
}

/* Leave out atoms whose fixed condition says that nothing changed. */
static void
drop_uncounted(Program *program, RowVersion *old_row, RowVersion *new_row, TimestampTz now,
			   IntVector *out)
{
	int kept = 0;
	int i;

	for (i = 0; i < out->n; i++)
	{
		int id = out->items[i];
		const ImageAtom *atom = &program->atoms[id];
		bool exact =
			atom->scope == ATOM_ROWS && atom->facet >= 0 && !(atom->flags & IMAGE_ATOM_OPAQUE) &&
			!(atom->condition >= 0 && old_row->source->facets[atom->condition].image->opaque);

		if (!exact || AtomIsDue(program, old_row, new_row, id, now) ||
			AtomOnRow(program, old_row, id, now) != AtomOnRow(program, new_row, id, now))
			out->items[kept++] = id;
	}
	out->n = kept;
}

/*
 * Atoms whose truth on a related row can differ between two versions of it
 * (either may be absent): all that flipped, and few that did not; and the
 * measures of fields that it touches, whose atoms are not among them.  The
 * versions must belong to the same contact.  changed: columns of a row that
 * stays; NULL for one that came or went.
 */
void
FlippedAtoms(Program *program, RowVersion *old_row, RowVersion *new_row, const bitmapword *changed,
			 TimestampTz now, IntVector *out, IntVector *measures)
{
	RowSource *source = old_row->source;
	bool both = (changed != NULL);
	int i;

	for (i = 0; i < source->nfacets; i++)
		if (facet_changed(&source->facets[i], changed, both))
			add_facet_flips(program, &source->facets[i], old_row, new_row, now, out);
	add_source_flips(program, old_row, new_row, changed, both, now, out);
	add_measures(program, old_row, new_row, changed, both, measures);
	drop_uncounted(program, old_row, new_row, now, out);
}
