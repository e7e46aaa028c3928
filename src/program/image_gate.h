/*
 * image_gate.h - where a segment is looked for: its gates.
 */
#ifndef SEGMENTS_IMAGE_GATE_H
#define SEGMENTS_IMAGE_GATE_H

#include "postgres.h"

#include "program/draft.h"
#include "program/image.h"
#include "program/image_writer.h"

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

typedef struct ImageLayout
{
	const Draft *draft;
	Window *windows; /* of one segment, a facet of contacts each */
	ImageWriter writer;
	GatedStep *steps; /* of all gates, sorted */
	int nsteps;
	int steps_size;
} ImageLayout;

extern int ImageCellsOf(const DraftFacet *facet);
extern void ImageCollectSteps(ImageLayout *layout);
extern void ImagePutGate(ImageLayout *layout, int *at, ImageList *gated, ImageList *steps);

#endif /* SEGMENTS_IMAGE_GATE_H */
