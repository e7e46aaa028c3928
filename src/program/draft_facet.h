/*
 * draft_facet.h - values computed from a row, and the index over what is asked
 * of them, while it is being put together.
 */
#ifndef SEGMENTS_DRAFT_FACET_H
#define SEGMENTS_DRAFT_FACET_H

#include "postgres.h"

#include "predicate/predicate.h"
#include "program/draft.h"

extern DraftFacet *DraftFacetGet(DraftSource *source, const char *sql, ValueType type);
extern void DraftFacetIndexAtom(DraftFacet *facet, DraftAtom *draft, int id);
extern bool DraftFacetLetsIn(const DraftAtom *draft);
extern void DraftFacetFinish(Draft *draft, DraftFacet *facet);

#endif /* SEGMENTS_DRAFT_FACET_H */
