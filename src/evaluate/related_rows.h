/*
 * related_rows.h - atoms over related rows, answered by reading the rows of one
 * contact.
 */
#ifndef SEGMENTS_RELATED_ROWS_H
#define SEGMENTS_RELATED_ROWS_H

#include "postgres.h"

#include "evaluate/batch.h"
#include "evaluate/row.h"
#include "program/program.h"

typedef enum RowsAnswer
{
	ROWS_FALSE = 0,
	ROWS_TRUE,
	ROWS_TOO_MANY,  /* too many rows to read: ask for this contact */
	ROWS_UNREADABLE /* not readable without a query at all */
} RowsAnswer;

extern bool RelatedRowsReadable(Program *program, int id);
extern void RelatedRowsClose(Batch *batch);
extern bool RelatedRowsRead(Batch *batch, int position, RowSource *source, RowVersion **rows,
							int *n);
extern int RelatedRowsAtMost(Batch *batch, int position, RowSource *source);
extern int RelatedRowsOlder(Batch *batch, int position, RowSource *source, CommandId command);
extern RowsAnswer RelatedRowsAnswer(Batch *batch, int position, int id);

#endif /* SEGMENTS_RELATED_ROWS_H */
