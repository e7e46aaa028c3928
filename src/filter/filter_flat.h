/*
 * filter_flat.h - tree to stored value, and back.
 */
#ifndef SEGMENTS_FILTER_FLAT_H
#define SEGMENTS_FILTER_FLAT_H

#include "postgres.h"

#include "filter/filter.h"

extern Filter *FilterFlatten(const FilterNode *root);
extern FilterNode *FilterUnflatten(const Filter *filter);

/* the document [] */
extern bool FilterIsStatic(const Filter *filter);

#endif /* SEGMENTS_FILTER_FLAT_H */
