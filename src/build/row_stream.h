/*
 * row_stream.h - rows of a query, one at a time.
 */
#ifndef SEGMENTS_ROW_STREAM_H
#define SEGMENTS_ROW_STREAM_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/portal.h"
#include "utils/snapshot.h"

typedef struct RowStream
{
	Portal portal;
	SPITupleTable *tuples;
	uint64 n;
	uint64 next;
} RowStream;

extern void RowStreamOpen(RowStream *stream, SPIPlanPtr plan, Datum *values, Snapshot snapshot);
extern void RowStreamQuery(RowStream *stream, const char *sql, int nargs, Oid *types, Datum *values,
						   Snapshot snapshot);
extern bool RowStreamNext(RowStream *stream);
extern Datum RowStreamColumn(RowStream *stream, int column, Oid type, bool *isnull);
extern void RowStreamClose(RowStream *stream);

#endif /* SEGMENTS_ROW_STREAM_H */
