/*
 * spi.c - queries through SPI, by the latest snapshot.
 *
 * SPI leaves its own memory context behind; here the current one stays what it
 * was, and a result that was not expected is an error.
 */
#include "postgres.h"

#include "base/spi.h"

#include "executor/spi.h"
#include "nodes/pg_list.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

/*
 * Run a kept plan on the latest committed state plus our own changes, whatever
 * the isolation level: the contacts concerned are locked (maintain/README.md).
 */
void
SpiExecute(SPIPlanPtr plan, Datum *values, int expected)
{
	MemoryContext caller = CurrentMemoryContext;
	int result = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot,
									  false, true, 0);

	/* SPI leaves us in its own */
	MemoryContextSwitchTo(caller);
	if (result != expected)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
}

/*
 * Run a query once.
 */
void
SpiRun(const char *sql, int nargs, Oid *types, Datum *values)
{
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr plan = SPI_prepare(sql, nargs, types);
	int result;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	result = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot, false,
								  true, 0);
	MemoryContextSwitchTo(caller);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
	SPI_freeplan(plan);
}
