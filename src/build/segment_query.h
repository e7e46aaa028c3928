/*
 * segment_query.h - the differences of one segment, by a query.
 */
#ifndef SEGMENTS_SEGMENT_QUERY_H
#define SEGMENTS_SEGMENT_QUERY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"

#include "build/difference.h"
#include "definition/contact_table.h"

typedef struct SegmentQuery
{
	int64 id;
	ContactTable *table;
	SPIPlanPtr plan;
	double cost;       /* as the planner counts */
	double plain_cost; /* with related rows looked up contact by contact */
} SegmentQuery;

extern TimestampTz SegmentQueryInstant(const DifferenceSearch *search, int64 segment);
extern bool SegmentQueryPrepare(SegmentQuery *query, DifferenceSearch *search, int64 id);
extern void SegmentQueryForget(SegmentQuery *query);
extern void SegmentQueryRun(SegmentQuery *query, DifferenceSearch *search);

#endif /* SEGMENTS_SEGMENT_QUERY_H */
