/*
 * ask.c - one value of a query.
 */
#include "postgres.h"

#include "query/ask.h"

#include "executor/spi.h"

/*
 * One value of a query as text, or NULL.
 */
char *
QueryAsk(const char *sql)
{
	char *value = NULL;

	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", sql);
	if (SPI_processed > 0)
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	return value;
}
