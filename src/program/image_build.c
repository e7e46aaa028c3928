/*
 * image_build.c - a draft -> an image.
 *
 * Everything is laid out in one piece of memory.  What is asked for a changed
 * contact is put where it is found with the values that the contact has: under
 * each constant that lets segments in (their gate), the segments behind it, and
 * what each value of the other facets changes among them.  A segment that no
 * constant lets in but a window on a facet does is behind the cells of that
 * window.  So segments that the contact cannot match are not even looked at,
 * and a change costs a binary search and what it finds (after the access
 * predicates of Fabret et al., SIGMOD 2001, with OLD and NEW known).
 */
#include "postgres.h"

#include "program/image_build.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/draft_measure.h"
#include "program/image.h"
#include "text/pattern_index.h"
#include "time/phrase.h"

#define MAX_GATES 16            /* more values let a segment in: then it has no gate */
#define MAX_CELLS 64            /* that the ranks of a facet are cut into */
#define WIDE_CELLS(n) ((n) / 4) /* a window over more of them is no gate */

/* ----- memory ----- */

typedef struct Writer
{
	char *data;
	Size used;
	Size size;
} Writer;

static Size
reserve(Writer *writer, Size n)
{
	Size offset = writer->used;

	n = MAXALIGN(n);
	if (offset + n > writer->size)
	{
		writer->size = Max(Min(writer->size * 2, PG_UINT32_MAX), offset + n);
		if (writer->size > PG_UINT32_MAX)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("compiled segments exceed 4 GB")));
		writer->data = writer->data == NULL
						   ? MemoryContextAllocHuge(CurrentMemoryContext, writer->size)
						   : repalloc_huge(writer->data, writer->size);
	}
	memset(writer->data + offset, 0, n);
	writer->used += n;
	return offset;
}

static ImageOffset
put(Writer *writer, const void *data, Size n)
{
	Size offset;

	if (n == 0)
		return 0;
	offset = reserve(writer, n);
	memcpy(writer->data + offset, data, n);
	return (ImageOffset) offset;
}

static ImageOffset
put_string(Writer *writer, const char *string)
{
	return string == NULL ? 0 : put(writer, string, strlen(string) + 1);
}

static ImageList
put_ints(Writer *writer, const int32 *items, int n)
{
	ImageList list;

	list.n = n;
	list.offset = put(writer, items, sizeof(int32) * n);
	return list;
}

static ImageList
put_list(Writer *writer, const List *items)
{
	IntVector vector = {0};
	ImageList list;
	ListCell *cell;

	foreach (cell, items)
		IntVectorAdd(&vector, lfirst_int(cell));
	list = put_ints(writer, vector.items, vector.n);
	if (vector.items)
		pfree(vector.items);
	return list;
}

static ImageList
put_columns(Writer *writer, const Bitmapset *columns)
{
	IntVector vector = {0};
	int column = -1;

	while ((column = bms_next_member(columns, column)) >= 0)
		IntVectorAdd(&vector, column);
	return put_ints(writer, vector.items, vector.n);
}

/* The Datum, or where it was put. */
static Datum
put_value(Writer *writer, ValueType type, Datum value)
{
	if (ValueTypeIsWord(type))
		return value;
	return (Datum) put(writer, DatumGetPointer(value), VARSIZE_ANY(DatumGetPointer(value)));
}

/* ----- gates ----- */

#define CELL_FACET 1000000

/* What is behind the gate of one constant, or of one cell. */
typedef struct GatedStep
{
	int32 facet;    /* of the gate; -1: no gate; cells: CELL_FACET more */
	int32 constant; /* or cell */
	ImageStep step; /* step.facet -1: the segment itself */
} GatedStep;

/* Ranks of a facet that a segment needs: from lower, below upper. */
typedef struct Window
{
	int lower;
	int upper;
} Window;

typedef struct Layout
{
	const Draft *draft;
	Window *windows; /* of one segment, a facet of contacts each */
	Writer writer;
	GatedStep *steps; /* of all gates, sorted */
	int nsteps;
	int steps_size;
} Layout;

static void
add_step(Layout *layout, int gate_facet, int gate_constant, int facet, int point, int segment)
{
	GatedStep *step;

	if (layout->nsteps == layout->steps_size)
	{
		layout->steps_size = Max(256, layout->steps_size * 2);
		layout->steps = layout->nsteps == 0
							? palloc(sizeof(GatedStep) * layout->steps_size)
							: repalloc_huge(layout->steps, sizeof(GatedStep) * layout->steps_size);
	}
	step = &layout->steps[layout->nsteps++];
	step->facet = gate_facet;
	step->constant = gate_constant;
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

/* Where one atom of a segment can flip while the gate's own value stays. */
static void
add_atom_steps(Layout *layout, int gate_facet, int gate_constant, const DraftAtom *datom,
			   int segment)
{
	int i;

	if (!datom->indexed || datom->atom->scope != ATOM_CONTACT)
		return;
	if (datom->facet->id == gate_facet && is_value(datom->facet, gate_constant))
		return;
	if (datom->atom->test == TEST_RANGE)
	{
		if (datom->lower > 0)
			add_step(layout, gate_facet, gate_constant, datom->facet->id * 2, datom->lower - 1,
					 segment);
		if (datom->upper < PG_INT32_MAX)
			add_step(layout, gate_facet, gate_constant, datom->facet->id * 2, datom->upper - 1,
					 segment);
		return;
	}
	for (i = 0; i < datom->nids; i++)
		add_step(layout, gate_facet, gate_constant, datom->facet->id * 2 + 1, datom->ids[i],
				 segment);
}

static void
add_segment_steps(Layout *layout, const DraftSegment *segment, int gate_facet, int gate_constant)
{
	ListCell *cell;

	add_step(layout, gate_facet, gate_constant, -1, 0, segment->index);
	foreach (cell, segment->atoms)
		add_atom_steps(layout, gate_facet, gate_constant, &layout->draft->atoms[lfirst_int(cell)],
					   segment->index);
}

/* Of a set that must have all of some elements, it must have the first. */
static int
gates_of_atom(const DraftAtom *datom)
{
	return datom->atom->test == TEST_CONTAINS ? Min(datom->nids, 1) : datom->nids;
}

static int
count_gates(const Draft *draft, const DraftSegment *segment)
{
	ListCell *cell;
	int n = 0;

	foreach (cell, segment->access)
	{
		int gates = gates_of_atom(&draft->atoms[lfirst_int(cell)]);

		/* equal to none of nothing: it never matches, but needs a place */
		if (gates == 0)
			return 0;
		n += gates;
	}
	return n > MAX_GATES ? 0 : n;
}

static int
cells_of(const DraftFacet *facet)
{
	return Min(MAX_CELLS, facet->nboundaries + 1);
}

static int
cell_of(const DraftFacet *facet, int rank)
{
	ImageFacet image = {0};

	image.ncells = cells_of(facet);
	image.nboundaries = facet->nboundaries;
	return ImageCellOf(&image, rank);
}

/* Ranges that must hold whenever the predicate does. */
static void
narrow_windows(Layout *layout, const Predicate *predicate)
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
 * A segment without gates may still need a range: put it behind the cells of
 * the facet where that is narrowest.  False when all are wide.
 */
static bool
add_cells(Layout *layout, const DraftSegment *segment)
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

		if (cells > WIDE_CELLS(cells_of(facet)) ||
			(best >= 0 && cells * cells_of(contacts->facets[best]) >= best_cells * cells_of(facet)))
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
add_gates(Layout *layout, const DraftSegment *segment)
{
	ListCell *cell;
	int i;

	if (count_gates(layout->draft, segment) == 0)
	{
		if (!add_cells(layout, segment))
			add_segment_steps(layout, segment, -1, 0);
		return;
	}
	foreach (cell, segment->access)
	{
		const DraftAtom *datom = &layout->draft->atoms[lfirst_int(cell)];

		for (i = 0; i < gates_of_atom(datom); i++)
			add_segment_steps(layout, segment, datom->facet->id, datom->ids[i]);
	}
}

static int
compare_steps(const void *a, const void *b)
{
	const int32 *left = a;
	const int32 *right = b;
	int i;

	for (i = 0; i < sizeof(GatedStep) / sizeof(int32); i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

static void
collect_steps(Layout *layout)
{
	const Draft *draft = layout->draft;
	int kept = 0;
	int i;

	layout->windows = palloc(sizeof(Window) * Max(draft->sources[0]->nfacets, 1));
	for (i = 0; i < draft->nsegments; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (draft->segments[i].predicate->kind != PREDICATE_FALSE)
			add_gates(layout, &draft->segments[i]);
	}
	if (layout->nsteps == 0)
		return;
	qsort(layout->steps, layout->nsteps, sizeof(GatedStep), compare_steps);
	for (i = 0; i < layout->nsteps; i++)
		if (kept == 0 || compare_steps(&layout->steps[kept - 1], &layout->steps[i]) != 0)
			layout->steps[kept++] = layout->steps[i];
	layout->nsteps = kept;
}

/* Write what is behind one gate; *at stands on its first step. */
static void
put_gate(Layout *layout, int *at, ImageList *gated, ImageList *steps)
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
	gated->n = i - start;
	gated->offset = reserve(&layout->writer, sizeof(int32) * gated->n);
	segments = (int32 *) (layout->writer.data + gated->offset);
	for (i = start; i < start + (int) gated->n; i++)
		segments[i - start] = layout->steps[i].step.segment;
	start = i;
	while (i < layout->nsteps && layout->steps[i].facet == facet &&
		   layout->steps[i].constant == constant)
		i++;
	steps->n = i - start;
	*at = i;
	if (steps->n == 0)
		return;
	steps->offset = reserve(&layout->writer, sizeof(ImageStep) * steps->n);
	out = (ImageStep *) (layout->writer.data + steps->offset);
	for (i = start; i < *at; i++)
		out[i - start] = layout->steps[i].step;
}

/* ----- facets ----- */

/* Atoms over related rows, without those of row groups, which ask for themselves. */
static ImageList
put_flipping(Layout *layout, List *atoms)
{
	IntVector ids = {0};
	ListCell *cell;

	foreach (cell, atoms)
		if (layout->draft->atoms[lfirst_int(cell)].atom->scope != ATOM_ROW)
			IntVectorAdd(&ids, lfirst_int(cell));
	return put_ints(&layout->writer, ids.items, ids.n);
}

static ImageOffset
put_constants(Layout *layout, const DraftFacet *facet, bool contacts, int *at, bool *gates)
{
	ImageConstant *constants = palloc0(sizeof(ImageConstant) * Max(facet->nconstants, 1));
	ImageOffset offset;
	int i;

	for (i = 0; i < facet->nconstants; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!facet->constants[i].whole)
			constants[i].value = put_value(&layout->writer, facet->type, facet->constants[i].value);
		constants[i].hash = facet->constants[i].hash;
		constants[i].test = facet->constants[i].test;
		constants[i].whole = facet->constants[i].whole;
		if (!contacts)
		{
			constants[i].atoms = put_flipping(layout, facet->constants[i].atoms);
			constants[i].gated = put_list(&layout->writer, facet->constants[i].groups);
			*gates |= facet->constants[i].groups != NIL;
		}
		else if (*at < layout->nsteps && layout->steps[*at].facet == facet->id &&
				 layout->steps[*at].constant == i)
		{
			put_gate(layout, at, &constants[i].gated, &constants[i].steps);
			*gates = true;
		}
	}
	offset = put(&layout->writer, constants, sizeof(ImageConstant) * facet->nconstants);
	pfree(constants);
	return offset;
}

/* The index of the literals of a facet's patterns. */
static ImageOffset
put_patterns(Layout *layout, const DraftFacet *facet)
{
	PatternLiteral *literals;
	PatternIndex *index;
	ImageOffset offset;
	Size size;
	int n = 0;
	int i;

	if (facet->npatterns == 0)
		return 0;
	literals =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PatternLiteral) * facet->npatterns);
	for (i = 0; i < facet->nconstants; i++)
		if (facet->constants[i].test != TEST_ANY)
			literals[n++] = facet->constants[i].literal;
	index = PatternIndexBuild(literals, n, &size);
	offset = put(&layout->writer, index, size);
	pfree(index);
	pfree(literals);
	return offset;
}

static ImageOffset
put_boundaries(Layout *layout, const DraftFacet *facet, bool contacts)
{
	ImageBoundary *boundaries = palloc0(sizeof(ImageBoundary) * Max(facet->nboundaries, 1));
	ImageOffset offset;
	int i;

	for (i = 0; i < facet->nboundaries; i++)
	{
		boundaries[i].value = put_value(&layout->writer, facet->type, facet->boundaries[i].value);
		boundaries[i].after = facet->boundaries[i].after;
		if (!contacts)
			boundaries[i].atoms = put_flipping(layout, facet->boundaries[i].atoms);
	}
	offset = put(&layout->writer, boundaries, sizeof(ImageBoundary) * facet->nboundaries);
	pfree(boundaries);
	return offset;
}

/* The cells of a facet of contacts; *at stands on the first step of theirs. */
static ImageOffset
put_cells(Layout *layout, const DraftFacet *facet, int *at, uint32 *ncells)
{
	ImageCell *cells;
	ImageOffset offset;

	if (*at >= layout->nsteps || layout->steps[*at].facet != CELL_FACET + facet->id)
		return 0;
	*ncells = cells_of(facet);
	cells = palloc0(sizeof(ImageCell) * *ncells);
	while (*at < layout->nsteps && layout->steps[*at].facet == CELL_FACET + facet->id)
	{
		ImageCell *cell = &cells[layout->steps[*at].constant];

		put_gate(layout, at, &cell->gated, &cell->steps);
	}
	offset = put(&layout->writer, cells, sizeof(ImageCell) * *ncells);
	pfree(cells);
	return offset;
}

static int
compare_ranges(const void *a, const void *b)
{
	const ImageRange *left = a;
	const ImageRange *right = b;

	if (left->lower != right->lower)
		return left->lower < right->lower ? -1 : 1;
	return left->atom < right->atom ? -1 : left->atom > right->atom;
}

/* Note the highest upper end below each range of a tree. */
static int32
note_highest(ImageRange *ranges, int start, int end)
{
	int middle = start + (end - start) / 2;
	int32 left;
	int32 right;

	if (start == end)
		return PG_INT32_MIN;
	left = note_highest(ranges, start, middle);
	right = note_highest(ranges, middle + 1, end);
	ranges[middle].highest = Max(ranges[middle].upper, Max(left, right));
	return ranges[middle].highest;
}

/* The range atoms of a facet of related rows, to be found by a rank (FacetFindRanges). */
static ImageList
put_ranges(Layout *layout, const DraftFacet *facet)
{
	ImageList list = {0};
	ImageRange *ranges;
	ListCell *cell;

	if (facet->ranges == NIL)
		return list;
	ranges = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(ImageRange) * list_length(facet->ranges));
	foreach (cell, facet->ranges)
	{
		const DraftAtom *datom = &layout->draft->atoms[lfirst_int(cell)];
		ImageRange *range = &ranges[list.n];

		/* those of row groups ask for themselves */
		if (datom->atom->scope == ATOM_ROW)
			continue;
		range->lower = datom->lower;
		range->upper = datom->upper;
		range->atom = lfirst_int(cell);
		list.n++;
	}
	qsort(ranges, list.n, sizeof(ImageRange), compare_ranges);
	(void) note_highest(ranges, 0, list.n);
	list.offset = put(&layout->writer, ranges, sizeof(ImageRange) * list.n);
	pfree(ranges);
	return list;
}

/* What a facet's atoms are found by. */
static void
put_index(Layout *layout, ImageFacet *image, const DraftFacet *facet, bool contacts, int *at)
{
	Writer *writer = &layout->writer;

	image->type = facet->type;
	image->nconstants = facet->nconstants;
	image->npatterns = facet->npatterns;
	image->nbuckets = facet->nconstants > facet->npatterns ? facet->nbuckets : 0;
	image->nboundaries = facet->nboundaries;
	image->constants = put_constants(layout, facet, contacts, at, &image->gates);
	image->buckets = put(writer, facet->buckets, sizeof(int) * image->nbuckets);
	image->boundaries = put_boundaries(layout, facet, contacts);
	image->patterns = put_patterns(layout, facet);
	image->others = put_list(writer, facet->others);
	if (!contacts)
		image->ranges = put_ranges(layout, facet);
}

static ImageOffset
put_facets(Layout *layout, const DraftSource *source, bool contacts, int *at)
{
	ImageFacet *facets = palloc0(sizeof(ImageFacet) * Max(source->nfacets, 1));
	Writer *writer = &layout->writer;
	int i;

	for (i = 0; i < source->nfacets; i++)
	{
		const DraftFacet *facet = source->facets[i];

		facets[i].sql = put_string(writer, facet->sql);
		if (facet->attnum == 0)
			facets[i].field = put_string(writer, facet->field);
		facets[i].sql_type = facet->sql_type;
		facets[i].attnum = facet->attnum;
		facets[i].opaque = facet->opaque;
		facets[i].columns = put_columns(writer, facet->columns);
		put_index(layout, &facets[i], facet, contacts, at);
	}
	for (i = 0; contacts && i < source->nfacets; i++)
		facets[i].cells = put_cells(layout, source->facets[i], at, &facets[i].ncells);
	return put(writer, facets, sizeof(ImageFacet) * source->nfacets);
}

static ImageOffset
put_measures(Layout *layout, const DraftSource *source)
{
	int n = list_length(source->measures);
	ImageFacet *measures = palloc0(sizeof(ImageFacet) * Max(n, 1));
	ImageOffset offset;
	int i;

	for (i = 0; i < n; i++)
	{
		const DraftFacet *measure = list_nth(source->measures, i);

		measures[i].sql_type = measure->sql_type;
		measures[i].first = linitial_int(measure->atoms);
		put_index(layout, &measures[i], measure, false, NULL);
	}
	offset = put(&layout->writer, measures, sizeof(ImageFacet) * n);
	pfree(measures);
	return offset;
}

/* ----- sources ----- */

static int
facet_id(const DraftFacet *facet)
{
	return facet == NULL ? -1 : facet->id;
}

static void
put_rows(Writer *writer, ImageSource *image, const RelatedRows *rows)
{
	image->related = true;
	image->link_relid = rows->link_relid;
	image->only_primary = rows->only_primary;
	image->name = put_string(writer, rows->name);
	image->contact_column = put_string(writer, rows->contact_column);
	image->key_column = put_string(writer, rows->key_column);
	image->link_column = put_string(writer, rows->link_column);
	image->primary_column = put_string(writer, rows->primary_column);
	image->contact_reference = put_string(writer, rows->contact_reference);
	image->condition = put_string(writer, rows->condition);
}

/*
 * Atoms over related rows that have to be looked at whenever a row changes, or
 * when one does that stays: whose fixed condition can change while the value
 * that they test does not.
 */
static void
put_unindexed(Layout *layout, ImageSource *image, const DraftSource *source)
{
	IntVector loose = {0};
	IntVector conditional = {0};
	ListCell *cell;

	foreach (cell, source->atoms)
	{
		const DraftAtom *datom = &layout->draft->atoms[lfirst_int(cell)];
		bool tests_row =
			datom->atom->scope == ATOM_ROWS && datom->facet != NULL && !datom->facet->opaque;

		if (datom->atom->scope == ATOM_GROUP || datom->atom->scope == ATOM_ROW || datom->measure)
			continue;
		if (!tests_row || datom->atom->moves || (datom->condition && datom->condition->opaque))
			IntVectorAdd(&loose, lfirst_int(cell));
		else if (datom->condition)
			IntVectorAdd(&conditional, lfirst_int(cell));
	}
	image->loose = put_ints(&layout->writer, loose.items, loose.n);
	image->conditional = put_ints(&layout->writer, conditional.items, conditional.n);
	image->groups = put_list(&layout->writer, source->groups);
	image->open_groups = put_list(&layout->writer, source->open_groups);
}

static void
put_source(Layout *layout, ImageSource *image, const DraftSource *source, bool contacts, int *at)
{
	Writer *writer = &layout->writer;

	image->relid = source->relid;
	image->columns_hash = source->columns_hash;
	if (source->rows)
		put_rows(writer, image, source->rows);
	image->nfacets = source->nfacets;
	image->facets = put_facets(layout, source, contacts, at);
	image->contact = facet_id(source->contact);
	image->key = facet_id(source->key);
	image->reference = facet_id(source->reference);
	image->link = source->link == NULL ? -1 : layout->draft->nsources + source->link->index;
	image->columns = put_columns(writer, source->columns);
	image->atoms = put_list(writer, source->atoms);
	image->nmeasures = list_length(source->measures);
	image->measures = put_measures(layout, source);
	if (!contacts)
		put_unindexed(layout, image, source);
}

static ImageOffset
put_sources(Layout *layout, int *at)
{
	const Draft *draft = layout->draft;
	int n = draft->nsources + draft->nlinks;
	ImageSource *sources = palloc0(sizeof(ImageSource) * n);
	int i;

	for (i = 0; i < draft->nsources; i++)
		put_source(layout, &sources[i], draft->sources[i], i == 0, at);
	for (i = 0; i < draft->nlinks; i++)
		put_source(layout, &sources[draft->nsources + i], draft->links[i], false, at);
	return put(&layout->writer, sources, sizeof(ImageSource) * n);
}

/* ----- atoms ----- */

static ImageOffset
put_phrase(Writer *writer, const Phrase *phrase)
{
	return phrase == NULL ? 0 : put(writer, phrase, sizeof(Phrase));
}

static ImageOffset
put_moment(Writer *writer, ValueType type, const Boundary *boundary)
{
	ImageMoment moment;

	if (!boundary->given)
		return 0;
	memset(&moment, 0, sizeof(moment));
	moment.boundary = *boundary;
	moment.boundary.phrase = NULL;
	moment.boundary.text = NULL;
	moment.phrase = put_phrase(writer, boundary->phrase);
	if (boundary->kind == MOMENT_CONSTANT)
		moment.boundary.constant = put_value(writer, type, boundary->constant);
	return put(writer, &moment, sizeof(moment));
}

static const uint32 op_of_kind[] = {
	[PREDICATE_FALSE] = IMAGE_OP_FALSE, [PREDICATE_TRUE] = IMAGE_OP_TRUE,
	[PREDICATE_ATOM] = IMAGE_OP_ATOM,   [PREDICATE_NOT] = IMAGE_OP_NOT,
	[PREDICATE_AND] = IMAGE_OP_AND,     [PREDICATE_OR] = IMAGE_OP_OR};

static void
add_code(IntVector *code, const Predicate *predicate)
{
	int start = code->n;
	uint32 operand = 0;
	int i;

	check_stack_depth();
	IntVectorAdd(code, 0);
	if (predicate->kind == PREDICATE_ATOM)
		operand = predicate->atom->id;
	for (i = 0; i < predicate->nargs; i++)
		add_code(code, predicate->args[i]);
	if (predicate->nargs > 0)
		operand = code->n - start - 1;
	code->items[start] = (int) (op_of_kind[predicate->kind] << IMAGE_OP_SHIFT | operand);
}

static ImageList
put_facet_ids(Writer *writer, List *facets)
{
	IntVector ids = {0};
	ListCell *cell;

	foreach (cell, facets)
		IntVectorAdd(&ids, ((DraftFacet *) lfirst(cell))->id);
	return put_ints(writer, ids.items, ids.n);
}

/* The moving atoms of a predicate on one row; not those of inner groups. */
static void
add_moving(IntVector *moving, const Predicate *predicate)
{
	int i;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		add_moving(moving, predicate->args[i]);
	if (predicate->kind == PREDICATE_ATOM && predicate->atom->scope == ATOM_ROW &&
		predicate->atom->moves)
		IntVectorAdd(moving, predicate->atom->id);
}

static ImageList
put_segment_ids(Writer *writer, List *ids)
{
	IntVector halves = {0};
	ListCell *cell;

	foreach (cell, ids)
	{
		uint64 id = (uint64) * (int64 *) lfirst(cell);

		IntVectorAdd(&halves, (int) (uint32) (id >> 32));
		IntVectorAdd(&halves, (int) (uint32) id);
	}
	return put_ints(writer, halves.items, halves.n);
}

static ImageOffset
put_group(Layout *layout, const DraftAtom *datom)
{
	Writer *writer = &layout->writer;
	IntVector code = {0};
	IntVector moving = {0};
	ImageGroup group;

	memset(&group, 0, sizeof(group));
	add_code(&code, datom->row_predicate);
	add_moving(&moving, datom->row_predicate);
	group.code = put(writer, code.items, sizeof(uint32) * code.n);
	group.outermost = datom->outermost;
	group.plain = DraftGroupIsPlain(layout->draft, datom);
	group.grows = RowGroupGrows(datom->atom->group);
	group.moving = put_ints(writer, moving.items, moving.n);
	group.row_facets = put_facet_ids(writer, datom->row_facets);
	group.value_facets = put_facet_ids(writer, datom->value_facets);
	group.segments = put_segment_ids(writer, RowGroupSegments(datom->atom->group, NIL));
	return put(writer, &group, sizeof(group));
}

/* What is made of the rows, as far as it is done in memory (row_aggregate.c). */
static FieldAggregate
aggregate_of(const Atom *atom)
{
	if (atom->group == NULL)
		return atom->field ? atom->field->aggregate : AGGREGATE_NONE;
	if (atom->test != TEST_EXISTS && strcmp(atom->value, "a.v") != 0)
		return AGGREGATE_NONE;
	return RowGroupAggregate(atom->group);
}

static ImageOffset
put_detail(Layout *layout, const DraftAtom *datom)
{
	Writer *writer = &layout->writer;
	const Atom *atom = datom->atom;
	ImageDetail detail;

	/* the facet's index says all of a test on one row */
	if (datom->indexed && (atom->scope == ATOM_ROWS || atom->scope == ATOM_ROW))
		return 0;
	memset(&detail, 0, sizeof(detail));
	detail.segment_id = atom->segment_id;
	if (atom->group != NULL)
		detail.group = put_group(layout, datom);
	detail.sql_type = atom->sql_type;
	detail.aggregate = aggregate_of(atom);
	detail.pattern = put_string(writer, atom->pattern);
	detail.day = put_phrase(writer, atom->anniversary);
	detail.lower = put_moment(writer, atom->value_type, &atom->lower);
	detail.upper = put_moment(writer, atom->value_type, &atom->upper);
	return put(writer, &detail, sizeof(detail));
}

static bool
is_query(const DraftAtom *datom)
{
	return datom->atom->scope != ATOM_CONTACT || datom->facet->opaque;
}

/* Is it part of a row group, and not asked by itself? */
static bool
is_inner(const DraftAtom *datom)
{
	return datom->atom->scope == ATOM_ROW ||
		   (datom->atom->scope == ATOM_GROUP && datom->atom->group->inner);
}

static bool
reads_memberships(const Atom *atom)
{
	return atom->scope == ATOM_GROUP && RowGroupReadsMemberships(atom->group);
}

static void
put_atom(Layout *layout, ImageAtom *image, const DraftAtom *datom, int *nqueries)
{
	Writer *writer = &layout->writer;
	bool steps = datom->indexed && datom->atom->scope == ATOM_CONTACT;

	image->scope = datom->atom->scope;
	image->test = datom->atom->test;
	image->type = datom->atom->value_type;
	image->flags = (datom->indexed ? IMAGE_ATOM_INDEXED : 0) |
				   (datom->atom->moves ? IMAGE_ATOM_MOVES : 0) |
				   (datom->facet && datom->facet->opaque ? IMAGE_ATOM_OPAQUE : 0) |
				   (reads_memberships(datom->atom) ? IMAGE_ATOM_MEMBERSHIPS : 0);
	image->source = datom->source == NULL ? -1 : datom->source->index;
	image->facet = facet_id(datom->facet);
	image->condition = facet_id(datom->condition);
	image->argument = facet_id(datom->argument);
	image->order = facet_id(datom->order);
	image->measure = facet_id(datom->measure);
	image->ordinal = datom->ordinal;
	image->query = is_query(datom) && !is_inner(datom) ? (*nqueries)++ : -1;
	image->lower = datom->lower;
	image->upper = datom->upper;
	image->ids = put_ints(writer, datom->ids, datom->nids);
	image->origin = datom->origin;
	if (!steps)
	{
		image->segments = put_list(writer, datom->segments);
		image->detail = put_detail(layout, datom);
	}
}

static ImageOffset
put_atoms(Layout *layout, int *nqueries)
{
	const Draft *draft = layout->draft;
	ImageAtom *atoms =
		MemoryContextAllocExtended(CurrentMemoryContext, sizeof(ImageAtom) * Max(draft->natoms, 1),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ImageOffset offset;
	int i;

	for (i = 0; i < draft->natoms; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_atom(layout, &atoms[i], &draft->atoms[i], nqueries);
	}
	offset = put(&layout->writer, atoms, sizeof(ImageAtom) * draft->natoms);
	pfree(atoms);
	return offset;
}

/* ----- segments ----- */

/* A segment that only one value of one facet lets in. */
static void
set_gate(const Draft *draft, ImageSegment *image, const DraftSegment *segment)
{
	const DraftAtom *datom;

	image->gate_facet = -1;
	if (list_length(segment->access) != 1)
		return;
	datom = &draft->atoms[linitial_int(segment->access)];
	if (datom->atom->test != TEST_ANY || datom->nids != 1)
		return;
	image->gate_facet = datom->facet->id;
	image->gate_constant = datom->ids[0];
}

static ImageOffset
put_segments(Layout *layout)
{
	const Draft *draft = layout->draft;
	ImageSegment *segments = MemoryContextAllocExtended(
		CurrentMemoryContext, sizeof(ImageSegment) * Max(draft->nsegments, 1),
		MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	IntVector code = {0};
	ImageOffset offset;
	int i;

	for (i = 0; i < draft->nsegments; i++)
	{
		const DraftSegment *segment = &draft->segments[i];
		ImageSegment *image = &segments[i];

		CHECK_FOR_INTERRUPTS();
		code.n = 0;
		add_code(&code, segment->predicate);
		image->id = segment->id;
		image->code = put(&layout->writer, code.items, sizeof(uint32) * code.n);
		image->rank = segment->rank;
		image->flags = (segment->pure ? IMAGE_SEGMENT_PURE : 0) |
					   (segment->moves ? IMAGE_SEGMENT_MOVES : 0) |
					   (segment->predicate->kind == PREDICATE_FALSE ? IMAGE_SEGMENT_NEVER : 0) |
					   (segment->aside ? IMAGE_SEGMENT_ASIDE : 0);
		image->referencing = put_list(&layout->writer, segment->referencing);
		image->references = (segment->references != NIL);
		set_gate(draft, image, segment);
	}
	offset = put(&layout->writer, segments, sizeof(ImageSegment) * draft->nsegments);
	pfree(segments);
	return offset;
}

/* ----- the image ----- */

static ImageList
put_moving(Layout *layout)
{
	const Draft *draft = layout->draft;
	IntVector moving = {0};
	int i;

	for (i = 0; i < draft->nsegments; i++)
		if (draft->segments[i].moves)
			IntVectorAdd(&moving, i);
	return put_ints(&layout->writer, moving.items, moving.n);
}

static ImageList
put_moving_atoms(Layout *layout)
{
	const Draft *draft = layout->draft;
	IntVector moving = {0};
	int i;

	for (i = 0; i < draft->natoms; i++)
		if (draft->atoms[i].atom->moves && !is_query(&draft->atoms[i]))
			IntVectorAdd(&moving, i);
	return put_ints(&layout->writer, moving.items, moving.n);
}

static bool
any_source(const Draft *draft, bool (*has)(const DraftSource *))
{
	int i;

	for (i = 0; i < draft->nsources; i++)
		if (has(draft->sources[i]))
			return true;
	for (i = 0; i < draft->nlinks; i++)
		if (has(draft->links[i]))
			return true;
	return false;
}

static bool
has_foreign_functions(const DraftSource *source)
{
	int i;

	for (i = 0; i < source->nfacets; i++)
		if (source->facets[i]->foreign)
			return true;
	return false;
}

/*
 * The image of a draft, in the current memory context.
 */
Image *
ImageBuild(const Draft *draft)
{
	Layout layout = {0};
	Image image = {0};
	int at = 0;

	layout.draft = draft;
	(void) reserve(&layout.writer, sizeof(Image));
	collect_steps(&layout);
	image.magic = IMAGE_MAGIC;
	image.version = draft->version;
	image.database = MyDatabaseId;
	image.relid = draft->relid;
	image.natoms = draft->natoms;
	image.nsegments = draft->nsegments;
	image.nsources = draft->nsources;
	image.nlinks = draft->nlinks;
	image.nunbound = draft->nunbound;
	image.foreign_functions = any_source(draft, has_foreign_functions);
	if (layout.nsteps > 0 && layout.steps[0].facet < 0)
		put_gate(&layout, &at, &image.ungated, &image.steps);
	image.sources = put_sources(&layout, &at);
	Assert(at == layout.nsteps);
	image.atoms = put_atoms(&layout, &image.nqueries);
	image.segments = put_segments(&layout);
	image.moving = put_moving(&layout);
	image.moving_atoms = put_moving_atoms(&layout);
	image.size = (uint32) layout.writer.used;
	memcpy(layout.writer.data, &image, sizeof(Image));
	if (layout.steps)
		pfree(layout.steps);
	return repalloc_huge(layout.writer.data, image.size);
}
