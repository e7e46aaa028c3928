/*
 * result.h - values of a query's result, of the types that are expected.
 */
#ifndef SEGMENTS_RESULT_H
#define SEGMENTS_RESULT_H

#include "postgres.h"

#include "executor/spi.h"

extern Datum ResultValue(SPITupleTable *table, uint64 row, int column, Oid type, bool *isnull);

#endif /* SEGMENTS_RESULT_H */
