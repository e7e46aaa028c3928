/*
 * facet.h - values computed from a row, looked up among what is asked of them.
 */
#ifndef SEGMENTS_FACET_H
#define SEGMENTS_FACET_H

#include "postgres.h"

#include "nodes/execnodes.h"

#include "base/vector.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "program/program.h"

extern Datum FacetWiden(Oid type, Datum value);
extern Datum FacetNormalize(const ImageFacet *facet, Datum value);
extern int FacetCompare(ValueType type, Datum a, Datum b);
extern uint32 FacetHash(ValueType type, Datum value);
extern int FacetFindConstant(const Image *image, const ImageFacet *facet, Datum value);
extern void FacetFindPatterns(Program *program, Facet *facet, Datum value, IntVector *found);
extern int FacetRank(const Image *image, const ImageFacet *facet, Datum value);
extern void FacetFindRanges(const Image *image, const ImageFacet *facet, int rank,
							IntVector *found);
extern ExprState *FacetPrepare(Program *program, Facet *facet);

#endif /* SEGMENTS_FACET_H */
