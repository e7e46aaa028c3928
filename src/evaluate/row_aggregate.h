/*
 * row_aggregate.h - what is made of a contact's related rows, in memory.
 */
#ifndef SEGMENTS_ROW_AGGREGATE_H
#define SEGMENTS_ROW_AGGREGATE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "evaluate/row.h"
#include "program/program.h"

extern bool RowAggregateIsPlain(Program *program, int id);
extern bool RowAggregate(Program *program, int id, RowVersion *rows, int n, TimestampTz now,
						 Datum *value, bool *isnull);
extern bool RowAggregateSatisfies(Program *program, int id, Datum value, TimestampTz now);
extern bool RowAggregateIsDecided(Program *program, int id, Datum value);

#endif /* SEGMENTS_ROW_AGGREGATE_H */
