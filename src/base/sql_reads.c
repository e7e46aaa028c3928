/*
 * sql_reads.c - what an expression depends on beside its row.
 *
 * The clock, other tables, functions that may read either.  A reader of rows
 * sees none of these change.
 */
#include "postgres.h"

#include "base/sql_reads.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* CURRENT_DATE and its kin; other such values depend on the session, not on time. */
static bool
is_clock_value(const SQLValueFunction *value)
{
	return value->op <= SVFOP_LOCALTIMESTAMP_N;
}

/*
 * Callers of check_functions_in_node stop at true, and we never do.
 */
static bool
note_function(Oid function, void *context)
{
	SqlReads *reads = context;

	switch (function)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
		case F_AGE_TIMESTAMP:
		case F_AGE_TIMESTAMPTZ:
			reads->clock = true;
			break;
		default:
			if (function >= FirstNormalObjectId && func_volatile(function) == PROVOLATILE_STABLE)
				reads->functions = list_append_unique_oid(reads->functions, function);
	}
	return false;
}

static bool
note(Node *node, SqlReads *reads)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction))
		reads->clock = reads->clock || is_clock_value(castNode(SQLValueFunction, node));
	else if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *entry = castNode(RangeTblEntry, node);

		if (entry->rtekind == RTE_RELATION)
			reads->tables = list_append_unique_oid(reads->tables, entry->relid);
		return false;
	}
	else if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), note, reads, QTW_EXAMINE_RTES_BEFORE);
	else
		(void) check_functions_in_node(node, note_function, reads);
	return expression_tree_walker(node, note, reads);
}

/*
 * Add what an analysed expression depends on.
 */
void
SqlReadsOf(Node *expr, SqlReads *reads)
{
	(void) note(expr, reads);
}
