/*
 * row_stream.c - rows of a query, one at a time.
 *
 * Read through a cursor, so that memory holds a thousand of them however many
 * there are.
 */
#include "postgres.h"

#include "build/row_stream.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "base/result.h"

#define FETCH_ROWS 1000

/*
 * The rows of a prepared query, by a snapshot.
 */
void
RowStreamOpen(RowStream *stream, SPIPlanPtr plan, Datum *values, Snapshot snapshot)
{
	memset(stream, 0, sizeof(RowStream));
	PushActiveSnapshot(snapshot);
	stream->portal = SPI_cursor_open(NULL, plan, values, NULL, true);
	PopActiveSnapshot();
}

/*
 * The rows of a query that is asked once.
 */
void
RowStreamQuery(RowStream *stream, const char *sql, int nargs, Oid *types, Datum *values,
			   Snapshot snapshot)
{
	SPIPlanPtr plan = SPI_prepare(sql, nargs, types);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	RowStreamOpen(stream, plan, values, snapshot);
}

/*
 * On to the next row, or to the first; false when there is none.
 */
bool
RowStreamNext(RowStream *stream)
{
	if (++stream->next < stream->n)
		return true;
	if (stream->tuples)
		SPI_freetuptable(stream->tuples);
	CHECK_FOR_INTERRUPTS();
	SPI_cursor_fetch(stream->portal, true, FETCH_ROWS);
	stream->tuples = SPI_tuptable;
	stream->n = SPI_processed;
	stream->next = 0;
	return stream->n > 0;
}

/*
 * A column, from 1, of this row, which must be of the type.
 */
Datum
RowStreamColumn(RowStream *stream, int column, Oid type, bool *isnull)
{
	return ResultValue(stream->tuples, stream->next, column, type, isnull);
}

void
RowStreamClose(RowStream *stream)
{
	if (stream->tuples)
		SPI_freetuptable(stream->tuples);
	SPI_cursor_close(stream->portal);
}
