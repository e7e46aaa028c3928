/*
 * filter_json.h - tree to canonical JSON.
 */
#ifndef SEGMENTS_FILTER_JSON_H
#define SEGMENTS_FILTER_JSON_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "filter/filter.h"

extern void FilterToJson(const FilterNode *root, StringInfo out);

#endif /* SEGMENTS_FILTER_JSON_H */
