/*
 * flips.h - the atoms whose truth differs between two versions of a related
 * row.
 */
#ifndef SEGMENTS_FLIPS_H
#define SEGMENTS_FLIPS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "program/image.h"
#include "program/program.h"

/*
 * What this may have done to a filter on a contact: turned it true, or false,
 * by rows related to the contact alone.
 */
#define CAN_RISE 1
#define CAN_FALL 2

/*
 * What rows that came, went or changed did to the atoms over them: ids of those
 * that may have become true, and of those that may have become false.
 */
typedef struct AtomFlips
{
	bool all; /* any of them may have become either */
	Bitmapset *rising;
	Bitmapset *falling;
	RowSource *source;   /* whose rows these are */
	Bitmapset *measures; /* values made of them that are not what they were before: */
	Bitmapset *grown;    /* of these, numbers that may be more, extremes that got a row */
	Bitmapset *shrunk;   /* and that may be less, that lost one */
	CommandId before;    /* as this command sees them, which changed them */
	bool whole;          /* all that it changed is looked at together */
	bool only_came;      /* rows came, none went or changed */
	DatumVector giving;  /* keys of contacts whose rows went to others, in their order */
} AtomFlips;

extern void FacetFlips(Program *program, const ImageFacet *facet, const FacetState *old_state,
					   const FacetState *new_state, IntVector *out);
extern void FlippedAtoms(Program *program, RowVersion *old_row, RowVersion *new_row,
						 const bitmapword *changed, TimestampTz now, IntVector *out,
						 IntVector *measures);

#endif /* SEGMENTS_FLIPS_H */
