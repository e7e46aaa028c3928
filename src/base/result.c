/*
 * result.c - values of a query's result, of the types that are expected.
 *
 * A query over a table that somebody may alter gives values of the types that
 * its columns have when it is run.  Whoever takes them for something else reads
 * memory that isn't theirs.
 */
#include "postgres.h"

#include "base/result.h"

#include "utils/lsyscache.h"

/*
 * A column (from 1) of a row (from 0), which must be of a type, or of one with
 * the same base type.
 */
Datum
ResultValue(SPITupleTable *table, uint64 row, int column, Oid type, bool *isnull)
{
	Oid found = SPI_gettypeid(table->tupdesc, column);

	if (found != type && getBaseType(found) != getBaseType(type))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("a table that segments read was altered concurrently"),
						errhint("Try again.")));
	return SPI_getbinval(table->vals[row], table->tupdesc, column, isnull);
}
