/*
 * spi.h - queries through SPI, by the latest snapshot.
 */
#ifndef SEGMENTS_SPI_H
#define SEGMENTS_SPI_H

#include "postgres.h"

#include "executor/spi.h"

extern void SpiExecute(SPIPlanPtr plan, Datum *values, int expected);
extern void SpiRun(const char *sql, int nargs, Oid *types, Datum *values);

#endif /* SEGMENTS_SPI_H */
