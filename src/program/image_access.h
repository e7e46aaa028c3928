/*
 * image_access.h - where a segment is looked for: its access predicate.
 */
#ifndef SEGMENTS_IMAGE_ACCESS_H
#define SEGMENTS_IMAGE_ACCESS_H

#include "postgres.h"

#include "program/draft.h"
#include "program/image.h"
#include "program/image_writer.h"

#define CELL_FACET 1000000

/* What is behind one constant, or one cell. */
typedef struct AccessStep
{
	int32 facet;    /* that lets in; -1: none; cells: CELL_FACET more */
	int32 constant; /* or cell */
	ImageStep step; /* step.facet -1: the segment itself */
} AccessStep;

/* Ranks of a facet that a segment needs: from lower, below upper. */
typedef struct Window
{
	int lower;
	int upper;
} Window;

typedef struct ImageLayout
{
	const Draft *draft;
	Window *windows; /* of one segment, a facet of contacts each */
	ImageWriter writer;
	AccessStep *steps; /* behind all constants and cells, sorted */
	int nsteps;
	int steps_size;
} ImageLayout;

extern int ImageCellsOf(const DraftFacet *facet);
extern void ImageCollectSteps(ImageLayout *layout);
extern void ImagePutBehind(ImageLayout *layout, int *at, ImageList *behind, ImageList *steps);

#endif /* SEGMENTS_IMAGE_ACCESS_H */
