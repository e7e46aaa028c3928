/*
 * filter_aggregate.c - the words of aggregates.
 */
#include "postgres.h"

#include "filter/filter_aggregate.h"

#include "filter/filter.h"

static const char *const words[] = {NULL,  "exists", "count", "sum",
									"min", "max",    "avg",   "distinct"};

const char *
FilterAggregateWord(FilterAggregate aggregate)
{
	Assert(aggregate >= 1 && aggregate <= FILTER_AGGREGATE_LAST);
	return words[aggregate];
}

/*
 * The aggregate that a word names; 0 when there is none.
 */
FilterAggregate
FilterAggregateLookup(const char *word)
{
	int i;

	for (i = 1; i <= FILTER_AGGREGATE_LAST; i++)
		if (strcmp(words[i], word) == 0)
			return (FilterAggregate) i;
	return 0;
}
