/*
 * image_facet.c - facets of an image.
 */
#include "postgres.h"

#include "program/image_facet.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "base/vector.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/image.h"
#include "program/image_access.h"
#include "program/image_writer.h"
#include "text/pattern_index.h"

/* Atoms over related rows, without those of row groups, which ask for themselves. */
static ImageList
put_flipping(ImageLayout *layout, List *atoms)
{
	IntVector ids = {0};
	ListCell *cell;

	foreach (cell, atoms)
		if (layout->draft->atoms[lfirst_int(cell)].atom->scope != ATOM_ROW)
			IntVectorAdd(&ids, lfirst_int(cell));
	return ImagePutInts(&layout->writer, ids.items, ids.n);
}

static ImageOffset
put_constants(ImageLayout *layout, const DraftFacet *facet, bool contacts, int *at, bool *lets_in)
{
	ImageConstant *constants = palloc0(sizeof(ImageConstant) * Max(facet->nconstants, 1));
	ImageOffset offset;
	int i;

	for (i = 0; i < facet->nconstants; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!facet->constants[i].whole)
			constants[i].value =
				ImagePutValue(&layout->writer, facet->type, facet->constants[i].value);
		constants[i].hash = facet->constants[i].hash;
		constants[i].test = facet->constants[i].test;
		constants[i].whole = facet->constants[i].whole;
		if (!contacts)
		{
			constants[i].atoms = put_flipping(layout, facet->constants[i].atoms);
			constants[i].behind = ImagePutList(&layout->writer, facet->constants[i].groups);
			*lets_in |= facet->constants[i].groups != NIL;
		}
		else if (*at < layout->nsteps && layout->steps[*at].facet == facet->id &&
				 layout->steps[*at].constant == i)
		{
			ImagePutBehind(layout, at, &constants[i].behind, &constants[i].steps);
			*lets_in = true;
		}
	}
	offset = ImagePut(&layout->writer, constants, sizeof(ImageConstant) * facet->nconstants);
	pfree(constants);
	return offset;
}

/* The index of the literals of a facet's patterns. */
static ImageOffset
put_patterns(ImageLayout *layout, const DraftFacet *facet)
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
	offset = ImagePut(&layout->writer, index, size);
	pfree(index);
	pfree(literals);
	return offset;
}

static ImageOffset
put_boundaries(ImageLayout *layout, const DraftFacet *facet, bool contacts)
{
	ImageBoundary *boundaries = palloc0(sizeof(ImageBoundary) * Max(facet->nboundaries, 1));
	ImageOffset offset;
	int i;

	for (i = 0; i < facet->nboundaries; i++)
	{
		boundaries[i].value =
			ImagePutValue(&layout->writer, facet->type, facet->boundaries[i].value);
		boundaries[i].after = facet->boundaries[i].after;
		if (!contacts)
			boundaries[i].atoms = put_flipping(layout, facet->boundaries[i].atoms);
	}
	offset = ImagePut(&layout->writer, boundaries, sizeof(ImageBoundary) * facet->nboundaries);
	pfree(boundaries);
	return offset;
}

/* The cells of a facet of contacts; *at stands on the first step of theirs. */
static ImageOffset
put_cells(ImageLayout *layout, const DraftFacet *facet, int *at, uint32 *ncells)
{
	ImageCell *cells;
	ImageOffset offset;

	if (*at >= layout->nsteps || layout->steps[*at].facet != CELL_FACET + facet->id)
		return 0;
	*ncells = ImageCellsOf(facet);
	cells = palloc0(sizeof(ImageCell) * *ncells);
	while (*at < layout->nsteps && layout->steps[*at].facet == CELL_FACET + facet->id)
	{
		ImageCell *cell = &cells[layout->steps[*at].constant];

		ImagePutBehind(layout, at, &cell->behind, &cell->steps);
	}
	offset = ImagePut(&layout->writer, cells, sizeof(ImageCell) * *ncells);
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
put_ranges(ImageLayout *layout, const DraftFacet *facet)
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
	list.offset = ImagePut(&layout->writer, ranges, sizeof(ImageRange) * list.n);
	pfree(ranges);
	return list;
}

/* What a facet's atoms are found by. */
static void
put_index(ImageLayout *layout, ImageFacet *image, const DraftFacet *facet, bool contacts, int *at)
{
	ImageWriter *writer = &layout->writer;

	image->type = facet->type;
	image->nconstants = facet->nconstants;
	image->npatterns = facet->npatterns;
	image->nbuckets = facet->nconstants > facet->npatterns ? facet->nbuckets : 0;
	image->nboundaries = facet->nboundaries;
	image->constants = put_constants(layout, facet, contacts, at, &image->lets_in);
	image->buckets = ImagePut(writer, facet->buckets, sizeof(int) * image->nbuckets);
	image->boundaries = put_boundaries(layout, facet, contacts);
	image->patterns = put_patterns(layout, facet);
	image->others = ImagePutList(writer, facet->others);
	if (!contacts)
		image->ranges = put_ranges(layout, facet);
}

ImageOffset
ImagePutFacets(ImageLayout *layout, const DraftSource *source, bool contacts, int *at)
{
	ImageFacet *facets = palloc0(sizeof(ImageFacet) * Max(source->nfacets, 1));
	ImageWriter *writer = &layout->writer;
	int i;

	for (i = 0; i < source->nfacets; i++)
	{
		const DraftFacet *facet = source->facets[i];

		facets[i].sql = ImagePutString(writer, facet->sql);
		if (facet->attnum == 0)
			facets[i].field = ImagePutString(writer, facet->field);
		facets[i].sql_type = facet->sql_type;
		facets[i].attnum = facet->attnum;
		facets[i].opaque = facet->opaque;
		facets[i].columns = ImagePutColumns(writer, facet->columns);
		put_index(layout, &facets[i], facet, contacts, at);
	}
	for (i = 0; contacts && i < source->nfacets; i++)
		facets[i].cells = put_cells(layout, source->facets[i], at, &facets[i].ncells);
	return ImagePut(writer, facets, sizeof(ImageFacet) * source->nfacets);
}

ImageOffset
ImagePutMeasures(ImageLayout *layout, const DraftSource *source)
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
	offset = ImagePut(&layout->writer, measures, sizeof(ImageFacet) * n);
	pfree(measures);
	return offset;
}
