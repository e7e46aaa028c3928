/*
 * filter_rows.h - row groups of a filter document.
 */
#ifndef SEGMENTS_FILTER_ROWS_H
#define SEGMENTS_FILTER_ROWS_H

#include "postgres.h"

#include <jansson.h>

#include "filter/filter.h"
#include "filter/filter_place.h"

extern bool FilterBuildRows(FilterInput *input, const FilterPlace *place, json_t *json,
							FilterNode *node);
extern bool FilterBuildComparison(FilterInput *input, const FilterPlace *place, json_t *json,
								  FilterNode *node);

#endif /* SEGMENTS_FILTER_ROWS_H */
