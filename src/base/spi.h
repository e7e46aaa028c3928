/*
 * spi.h - queries through SPI, by the latest snapshot.
 */
#ifndef SEGMENTS_SPI_H
#define SEGMENTS_SPI_H

#include "postgres.h"

#include "executor/spi.h"
#include "nodes/plannodes.h"

extern void SpiExecute(SPIPlanPtr plan, Datum *values, int expected);
extern void SpiExecuteNulls(SPIPlanPtr plan, Datum *values, const char *nulls, int expected);
extern void SpiRun(const char *sql, int nargs, Oid *types, Datum *values);
extern void SpiRunNulls(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls);
extern SPIPlanPtr SpiPrepare(const char *sql, int nargs, Oid *types);
extern Plan *SpiPlanTree(SPIPlanPtr plan);
extern void SpiSetText(Datum *values, char *nulls, int i, const char *text);

#endif /* SEGMENTS_SPI_H */
