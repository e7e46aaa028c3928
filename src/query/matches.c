/*
 * matches.c - segments.matches(contact, filter) and its planner support.
 *
 * Step 7b: in a plan, a call over a contact's row and a constant filter is
 * replaced by the bound expression, so that it is planned like the condition
 * written by hand.  Where it can't be, the function evaluates the same SQL
 * over the row it is given.  Correctness never depends on the replacement.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "predicate/bind.h"
#include "base/compat.h"
#include "base/sql_expr.h"
#include "base/subtransaction.h"

/* The contact table whose row type this is, or InvalidOid. */
static Oid
table_of_row_type(Oid type)
{
	type = getBaseType(type);
	return OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
}

static char *
predicate_text(Filter *filter, ContactTable *table, Oid viewer)
{
	BindOptions options = {false};
	Predicate *predicate;
	SqlContext context = {0};
	StringInfoData sql;

	options.viewer = viewer;
	predicate = BindFilter(FilterUnflatten(filter), table, &options);
	context.table = table;
	initStringInfo(&sql);
	PredicateSql(&sql, predicate, &context);
	return sql.data;
}

/* ----- the planner's side ----- */

typedef struct MoveVarsContext
{
	Var *row; /* the whole-row Var of the contact */
	Oid owner;
	int depth;
	bool sublinks;
} MoveVarsContext;

/*
 * Point the expression's Vars (varno 1) at the row of the query it goes into.
 * Related tables are read with the rights of the contact table's owner.
 */
static bool
move_vars_walker(Node *node, MoveVarsContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var *var = (Var *) node;

		if (var->varno == 1 && var->varlevelsup == context->depth)
		{
			var->varno = context->row->varno;
			var->varlevelsup += context->row->varlevelsup;
			VarCopyOuter(var, context->row);
		}
		return false;
	}
	if (IsA(node, SubLink))
		context->sublinks = true;
	if (IsA(node, Query))
	{
		bool result;

		QueryReadAs((Query *) node, context->owner);
		context->depth++;
		result = query_tree_walker((Query *) node, move_vars_walker, context, 0);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, move_vars_walker, context);
}

/*
 * On the nullable side of an outer join the row can be missing, and the
 * function, which is strict, does not match it: ask for the key.
 */
static Node *
require_row(Node *expr, const Var *row, const ContactTable *table)
{
	Oid type;
	int32 typmod;
	Oid collation;
	Var *key;
	NullTest *test = makeNode(NullTest);

	get_atttypetypmodcoll(table->relid, table->key_attnum, &type, &typmod, &collation);
	key = makeVar(row->varno, table->key_attnum, type, typmod, collation, row->varlevelsup);
	VarCopyOuter(key, row);
	test->arg = (Expr *) key;
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	return (Node *) make_andclause(list_make2(test, expr));
}

static bool
has_outer_join(const Query *query)
{
	ListCell *cell;

	foreach (cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_JOIN && IS_OUTER_JOIN(rte->jointype))
			return true;
	}
	return false;
}

/* As the table's owner; the viewer is who asked. */
static Node *
bound_expression(PlannerInfo *root, Var *row, Filter *filter, ContactTable *table, Oid viewer)
{
	MoveVarsContext context = {row, table->owner, 0, false};
	Node *expr;

	expr = SqlExprParse(predicate_text(filter, table, viewer), table->relid, "c");
	(void) move_vars_walker(expr, &context);
	if (context.sublinks)
		root->parse->hasSubLinks = true;
	if (has_outer_join(root->parse))
		expr = require_row(expr, row, table);
	return expr;
}

typedef struct Simplification
{
	SupportRequestSimplify *request;
	ContactTable *table;
	Oid viewer;
	Node *result;
} Simplification;

static void
simplify(void *arg)
{
	Simplification *work = arg;
	Node *row = linitial(work->request->fcall->args);
	Const *filter = lsecond_node(Const, work->request->fcall->args);

	work->result = bound_expression(work->request->root, (Var *) row,
									DatumGetFilterP(filter->constvalue), work->table, work->viewer);
}

/* Bad filters; everything else (cancel, out of memory) goes on. */
static bool
is_bad_filter(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION;
}

/*
 * Replace the call, or NULL to leave it.  Never raises for a filter that can't
 * be bound: that error belongs to execution.
 */
static Node *
simplify_matches(SupportRequestSimplify *request)
{
	Node *row = linitial(request->fcall->args);
	Node *filter = lsecond(request->fcall->args);
	Simplification work = {request};
	SecureContext secure;

	if (request->root == NULL || !IsA(row, Var) || ((Var *) row)->varattno != 0 ||
		((Var *) row)->varlevelsup != 0 || !IsA(filter, Const) || ((Const *) filter)->constisnull)
		return NULL;
	/* a parallel operation can't catch what is wrong with the filter */
	if (!SubtransactionPossible())
		return NULL;
	work.table = CatalogContactTable(table_of_row_type(exprType(row)), true);
	if (work.table == NULL)
		return NULL;
	/* outside, so that what is caught leaves nobody with the owner's rights */
	SecureEnter(&secure, work.table->owner);
	work.viewer = secure.userid;
	if (InSubtransaction(simplify, &work, is_bad_filter) != NULL)
		work.result = NULL;
	SecureLeave(&secure);
	return work.result ? eval_const_expressions(request->root, work.result) : NULL;
}

PG_FUNCTION_INFO_V1(segments_matches_support);
Datum
segments_matches_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(simplify_matches((SupportRequestSimplify *) request));
	PG_RETURN_POINTER(NULL);
}

/* ----- the executor's side ----- */

/* What one call site keeps between calls. */
typedef struct MatchesCall
{
	Filter *filter; /* copy of the last one */
	Oid type;
	SPIPlanPtr plan;
	Oid owner;
} MatchesCall;

static void
prepare_call(MatchesCall *call, Filter *filter, Oid type, MemoryContext context)
{
	ContactTable *table = CatalogContactTable(table_of_row_type(type), false);
	SecureContext secure;
	StringInfoData sql;
	MemoryContext old;

	if (call->plan)
		SPI_freeplan(call->plan);
	call->plan = NULL;
	if (call->filter)
		pfree(call->filter);
	call->filter = NULL;
	SecureEnter(&secure, table->owner);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM (SELECT ($1).*) c",
					 predicate_text(filter, table, secure.userid));
	call->plan = SPI_prepare(sql.data, 1, &type);
	if (call->plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(call->plan);
	SecureLeave(&secure);
	old = MemoryContextSwitchTo(context);
	call->filter = (Filter *) DatumGetPointer(datumCopy(PointerGetDatum(filter), false, -1));
	MemoryContextSwitchTo(old);
	call->type = type;
	call->owner = table->owner;
}

static void
free_call_plan(void *arg)
{
	MatchesCall *call = arg;

	if (call->plan)
		SPI_freeplan(call->plan);
}

static MatchesCall *
call_state(FunctionCallInfo fcinfo)
{
	MatchesCall *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		MemoryContextCallback *callback;

		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MatchesCall));
		callback = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MemoryContextCallback));
		callback->func = free_call_plan;
		callback->arg = call;
		MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, callback);
		fcinfo->flinfo->fn_extra = call;
	}
	return call;
}

/*
 * segments.matches(contact anyelement, filter) -> boolean
 */
PG_FUNCTION_INFO_V1(segments_matches);
Datum
segments_matches(PG_FUNCTION_ARGS)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Filter *filter = PG_GETARG_FILTER_P(1);
	Datum row = PG_GETARG_DATUM(0);
	MatchesCall *call = call_state(fcinfo);
	SecureContext secure;
	bool isnull;
	bool result;

	if (!OidIsValid(table_of_row_type(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("first argument of segments.matches must be a row of a contact table")));
	SPI_connect();
	if (call->plan == NULL || call->type != type || VARSIZE(filter) != VARSIZE(call->filter) ||
		memcmp(filter, call->filter, VARSIZE(filter)) != 0)
		prepare_call(call, filter, type, fcinfo->flinfo->fn_mcxt);
	SecureEnter(&secure, call->owner);
	if (SPI_execute_plan(call->plan, &row, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "evaluation of a filter gave no row");
	result =
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) &&
		!isnull;
	SecureLeave(&secure);
	SPI_finish();
	PG_RETURN_BOOL(result);
}
