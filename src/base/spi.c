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
#include "nodes/plannodes.h"
#include "utils/builtins.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

/*
 * Run a kept plan on the latest committed state plus our own changes, whatever
 * the isolation level: the contacts concerned are locked (maintain/README.md).
 */
void
SpiExecuteNulls(SPIPlanPtr plan, Datum *values, const char *nulls, int expected)
{
	MemoryContext caller = CurrentMemoryContext;
	int result = SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot,
									  false, true, 0);

	/* SPI leaves us in its own */
	MemoryContextSwitchTo(caller);
	if (result != expected)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
}

/*
 * The same, no parameter being null.
 */
void
SpiExecute(SPIPlanPtr plan, Datum *values, int expected)
{
	SpiExecuteNulls(plan, values, NULL, expected);
}

/*
 * Run a query once; parameters are null where `nulls` has an n.
 */
void
SpiRunNulls(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr plan = SpiPrepare(sql, nargs, types);
	int result;

	result = SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot, false,
								  true, 0);
	MemoryContextSwitchTo(caller);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
	SPI_freeplan(plan);
}

/*
 * The same, no parameter being null.
 */
void
SpiRun(const char *sql, int nargs, Oid *types, Datum *values)
{
	SpiRunNulls(sql, nargs, types, values, NULL);
}

/*
 * A text that may be missing, as a parameter.
 */
void
SpiSetText(Datum *values, char *nulls, int i, const char *text)
{
	values[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
	nulls[i] = text ? ' ' : 'n';
}

/*
 * What the planner makes of a query without parameters, which is not a kept
 * one; stays until that is freed, or SPI_finish.  Needs an active snapshot.
 */
Plan *
SpiPlanTree(SPIPlanPtr plan)
{
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	Plan *tree;

	if (cached == NULL)
		elog(ERROR, "a query was not planned");
	tree = linitial_node(PlannedStmt, cached->stmt_list)->planTree;
	ReleaseCachedPlan(cached, NULL);
	return tree;
}

/*
 * Prepare a query.
 */
SPIPlanPtr
SpiPrepare(const char *sql, int nargs, Oid *types)
{
	SPIPlanPtr plan = SPI_prepare(sql, nargs, types);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}
