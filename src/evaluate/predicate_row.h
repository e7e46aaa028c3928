/*
 * predicate_row.h - predicates on a contact in memory.
 */
#ifndef SEGMENTS_PREDICATE_ROW_H
#define SEGMENTS_PREDICATE_ROW_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "evaluate/batch.h"
#include "evaluate/row.h"
#include "program/program.h"

extern bool PredicateOnRow(Program *program, RowVersion *row, const uint32 *code, TimestampTz now);
extern bool SegmentOnRow(Program *program, RowVersion *row, int segment, TimestampTz now);
extern bool BatchIsDecided(Batch *batch, int position, int segment);
extern bool SegmentOnRowAlone(Batch *batch, int position, int segment);

#endif /* SEGMENTS_PREDICATE_ROW_H */
