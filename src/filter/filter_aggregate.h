/*
 * filter_aggregate.h - the words of aggregates.
 */
#ifndef SEGMENTS_FILTER_AGGREGATE_H
#define SEGMENTS_FILTER_AGGREGATE_H

#include "postgres.h"

#include "filter/filter.h"

extern const char *FilterAggregateWord(FilterAggregate aggregate);
extern FilterAggregate FilterAggregateLookup(const char *word);

#endif /* SEGMENTS_FILTER_AGGREGATE_H */
