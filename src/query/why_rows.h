/*
 * why_rows.h - one row group of a filter, explained for one contact.
 */
#ifndef SEGMENTS_WHY_ROWS_H
#define SEGMENTS_WHY_ROWS_H

#include "postgres.h"

#include "filter/filter.h"
#include "query/why_leaf.h"

extern bool WhyAppendRows(Why *why, const FilterNode *node);

#endif /* SEGMENTS_WHY_ROWS_H */
