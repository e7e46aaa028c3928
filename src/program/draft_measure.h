/*
 * draft_measure.h - values made of a contact's related rows, that many atoms
 * compare.
 */
#ifndef SEGMENTS_DRAFT_MEASURE_H
#define SEGMENTS_DRAFT_MEASURE_H

#include "postgres.h"

#include "program/draft.h"

extern bool DraftGroupIsPlain(const Draft *draft, const DraftAtom *datom);
extern void DraftMeasures(Draft *draft);

#endif /* SEGMENTS_DRAFT_MEASURE_H */
