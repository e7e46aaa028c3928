/*
 * flips.h - the atoms whose truth differs between two versions of a related
 * row.
 */
#ifndef SEGMENTS_FLIPS_H
#define SEGMENTS_FLIPS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "program/image.h"
#include "program/program.h"

extern void FacetFlips(Program *program, const ImageFacet *facet, const FacetState *old_state,
					   const FacetState *new_state, IntVector *out);
extern void FlippedAtoms(Program *program, RowVersion *old_row, RowVersion *new_row,
						 const bitmapword *changed, TimestampTz now, IntVector *out,
						 IntVector *measures);

#endif /* SEGMENTS_FLIPS_H */
