/*
 * image_access.c - where a segment is looked for: its access predicate.
 *
 * Everything is laid out in one piece of memory.  What is asked for a changed
 * contact is put where it is found with the values that the contact has: under
 * each constant that lets segments in, the segments behind it, and
 * what each value of the other facets changes among them.  A segment that no
 * constant lets in but a window on a facet does is behind the cells of that
 * window.  So segments that the contact cannot match are not even looked at,
 * and a change costs a binary search and what it finds (after the access
 * predicates of Fabret et al., SIGMOD 2001, with OLD and NEW known).
 */
#include "postgres.h"

#include "program/image_access.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "base/vector.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/image.h"
#include "program/image_writer.h"

#define MAX_ACCESS 16           /* more constants let a segment in: then none is asked for */
#define MAX_CELLS 64            /* that the ranks of a facet are cut into */
#define WIDE_CELLS(n) ((n) / 4) /* a window over more of them lets too much in */

static void
add_step(ImageLayout *layout, int access_facet, int access_constant, int facet, int point,
		 int segment)
{
	AccessStep *step;

	VectorMakeRoom(layout->steps, layout->nsteps, layout->steps_size, 256);
	step = &layout->steps[layout->nsteps++];
	step->facet = access_facet;
	step->constant = access_constant;
	step->step.facet = facet;
	step->step.point = point;
	step->step.segment = segment;
}

/*
 * Is the constant all of the facet's value?  A set can have an element, and a
 * text match a pattern, while others come and go.
 */
static bool
is_value(const DraftFacet *facet, int constant)
{
	return facet->type != VALUE_SET && facet->constants[constant].test == TEST_ANY;
}

/* Where one atom of a segment can flip while the value that lets it in stays. */
static void
add_atom_steps(ImageLayout *layout, int access_facet, int access_constant, const DraftAtom *datom,
			   int segment)
{
	int i;

	if (!datom->indexed || datom->atom->scope != ATOM_CONTACT)
		return;
	if (datom->facet->id == access_facet && is_value(datom->facet, access_constant))
		return;
	if (datom->atom->test == TEST_RANGE)
	{
		if (datom->lower > 0)
			add_step(layout, access_facet, access_constant, datom->facet->id * 2, datom->lower - 1,
					 segment);
		if (datom->upper < PG_INT32_MAX)
			add_step(layout, access_facet, access_constant, datom->facet->id * 2, datom->upper - 1,
					 segment);
		return;
	}
	for (i = 0; i < datom->nids; i++)
		add_step(layout, access_facet, access_constant, datom->facet->id * 2 + 1, datom->ids[i],
				 segment);
}

static void
add_segment_steps(ImageLayout *layout, const DraftSegment *segment, int access_facet,
				  int access_constant)
{
	ListCell *cell;

	add_step(layout, access_facet, access_constant, -1, 0, segment->index);
	foreach (cell, segment->atoms)
		add_atom_steps(layout, access_facet, access_constant,
					   &layout->draft->atoms[lfirst_int(cell)], segment->index);
}

/* Of a set that must have all of some elements, it must have the first. */
static int
constants_of_atom(const DraftAtom *datom)
{
	return datom->atom->test == TEST_CONTAINS ? Min(datom->nids, 1) : datom->nids;
}

static int
count_access(const Draft *draft, const DraftSegment *segment)
{
	ListCell *cell;
	int n = 0;

	foreach (cell, segment->access)
	{
		int constants = constants_of_atom(&draft->atoms[lfirst_int(cell)]);

		/* equal to none of nothing: it never matches, but needs a place */
		if (constants == 0)
			return 0;
		n += constants;
	}
	return n > MAX_ACCESS ? 0 : n;
}

int
ImageCellsOf(const DraftFacet *facet)
{
	return Min(MAX_CELLS, facet->nboundaries + 1);
}

static int
cell_of(const DraftFacet *facet, int rank)
{
	ImageFacet image = {0};

	image.ncells = ImageCellsOf(facet);
	image.nboundaries = facet->nboundaries;
	return ImageCellOf(&image, rank);
}

/* Ranges that must hold whenever the predicate does. */
static void
narrow_windows(ImageLayout *layout, const Predicate *predicate)
{
	const DraftAtom *datom;
	Window *window;
	int i;

	if (predicate->kind == PREDICATE_AND)
		for (i = 0; i < predicate->nargs; i++)
			narrow_windows(layout, predicate->args[i]);
	if (predicate->kind != PREDICATE_ATOM)
		return;
	datom = &layout->draft->atoms[predicate->atom->id];
	if (!datom->indexed || datom->atom->scope != ATOM_CONTACT || datom->atom->test != TEST_RANGE)
		return;
	window = &layout->windows[datom->facet->id];
	window->lower = Max(window->lower, datom->lower);
	window->upper = Min(window->upper, datom->upper);
}

/* How many cells of a facet a window overlaps. */
static int
cells_in_window(const DraftFacet *facet, const Window *window, int *first)
{
	if (window->lower >= window->upper)
		return 0;
	*first = cell_of(facet, window->lower);
	return cell_of(facet, Min(window->upper - 1, facet->nboundaries)) - *first + 1;
}

/*
 * A segment that no constant lets in may still need a range: put it behind the
 * cells of the facet where that is narrowest.  False when all are wide.
 */
static bool
add_cells(ImageLayout *layout, const DraftSegment *segment)
{
	const DraftSource *contacts = layout->draft->sources[0];
	int best = -1;
	int best_cells = 0;
	int best_first = 0;
	int i;

	for (i = 0; i < contacts->nfacets; i++)
	{
		layout->windows[i].lower = 0;
		layout->windows[i].upper = PG_INT32_MAX;
	}
	narrow_windows(layout, segment->predicate);
	for (i = 0; i < contacts->nfacets; i++)
	{
		const DraftFacet *facet = contacts->facets[i];
		int first = 0;
		int cells = cells_in_window(facet, &layout->windows[i], &first);

		if (cells > WIDE_CELLS(ImageCellsOf(facet)) ||
			(best >= 0 &&
			 cells * ImageCellsOf(contacts->facets[best]) >= best_cells * ImageCellsOf(facet)))
			continue;
		best = i;
		best_cells = cells;
		best_first = first;
	}
	for (i = 0; best >= 0 && i < best_cells; i++)
		add_segment_steps(layout, segment, CELL_FACET + best, best_first + i);
	return best >= 0;
}

static void
add_access(ImageLayout *layout, const DraftSegment *segment)
{
	ListCell *cell;
	int i;

	if (count_access(layout->draft, segment) == 0)
	{
		if (!add_cells(layout, segment))
			add_segment_steps(layout, segment, -1, 0);
		return;
	}
	foreach (cell, segment->access)
	{
		const DraftAtom *datom = &layout->draft->atoms[lfirst_int(cell)];

		for (i = 0; i < constants_of_atom(datom); i++)
			add_segment_steps(layout, segment, datom->facet->id, datom->ids[i]);
	}
}

static int
compare_steps(const void *a, const void *b)
{
	const int32 *left = a;
	const int32 *right = b;
	int i;

	for (i = 0; i < sizeof(AccessStep) / sizeof(int32); i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

void
ImageCollectSteps(ImageLayout *layout)
{
	const Draft *draft = layout->draft;
	int kept = 0;
	int i;

	layout->windows = palloc(sizeof(Window) * Max(draft->sources[0]->nfacets, 1));
	for (i = 0; i < draft->nsegments; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (draft->segments[i].predicate->kind != PREDICATE_FALSE)
			add_access(layout, &draft->segments[i]);
	}
	if (layout->nsteps == 0)
		return;
	qsort(layout->steps, layout->nsteps, sizeof(AccessStep), compare_steps);
	for (i = 0; i < layout->nsteps; i++)
		if (kept == 0 || compare_steps(&layout->steps[kept - 1], &layout->steps[i]) != 0)
			layout->steps[kept++] = layout->steps[i];
	layout->nsteps = kept;
}

/* Write what is behind one constant or cell; *at stands on its first step. */
void
ImagePutBehind(ImageLayout *layout, int *at, ImageList *behind, ImageList *steps)
{
	int start = *at;
	int facet = layout->steps[start].facet;
	int constant = layout->steps[start].constant;
	int i = start;
	int32 *segments;
	ImageStep *out;

	while (i < layout->nsteps && layout->steps[i].facet == facet &&
		   layout->steps[i].constant == constant && layout->steps[i].step.facet < 0)
		i++;
	behind->n = i - start;
	behind->offset = ImageReserve(&layout->writer, sizeof(int32) * behind->n);
	segments = (int32 *) (layout->writer.data + behind->offset);
	for (i = start; i < start + (int) behind->n; i++)
		segments[i - start] = layout->steps[i].step.segment;
	start = i;
	while (i < layout->nsteps && layout->steps[i].facet == facet &&
		   layout->steps[i].constant == constant)
		i++;
	steps->n = i - start;
	*at = i;
	if (steps->n == 0)
		return;
	steps->offset = ImageReserve(&layout->writer, sizeof(ImageStep) * steps->n);
	out = (ImageStep *) (layout->writer.data + steps->offset);
	for (i = start; i < *at; i++)
		out[i - start] = layout->steps[i].step;
}
