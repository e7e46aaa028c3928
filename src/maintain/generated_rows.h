/*
 * generated_rows.h - rows inserted through a partitioned table, with their
 * generated columns.
 */
#ifndef SEGMENTS_GENERATED_ROWS_H
#define SEGMENTS_GENERATED_ROWS_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/tuplestore.h"

extern bool GeneratedRowsMissing(const TriggerData *data);
extern Tuplestorestate *GeneratedRowsComplete(const TriggerData *data);

#endif /* SEGMENTS_GENERATED_ROWS_H */
