/*
 * sibling_expr.c - can the subqueries of an expression be answered from the
 * rows that share a column's value with the row that it is computed from?
 *
 * EXISTS (SELECT FROM t AS s WHERE s.owner = t.owner AND ...) over rows of t:
 * whoever holds all rows of that owner need not ask the database.  Only what is
 * made of the server's own parts is taken apart so (plain_expr.c); the
 * conditions give what they give in a query.
 */
#include "postgres.h"

#include "base/sibling_expr.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/plain_expr.h"

typedef struct Taking
{
	Oid relid;
	AttrNumber column;
	Oid equal; /* operator by which values of the column are the same */
	List *subqueries;
	bool failed;
} Taking;

/* Does the query do no more than look for a row of this very table? */
static bool
looks_for_row(const Taking *taking, const Query *query)
{
	RangeTblEntry *rte;

	if (list_length(query->rtable) != 1 || list_length(query->jointree->fromlist) != 1 ||
		query->hasAggs || query->groupClause != NIL || query->havingQual != NULL ||
		query->limitCount != NULL || query->limitOffset != NULL || query->distinctClause != NIL)
		return false;
	rte = linitial_node(RangeTblEntry, query->rtable);
	return rte->rtekind == RTE_RELATION && rte->relid == taking->relid && rte->inh;
}

static bool
is_column(const Node *node, AttrNumber column, Index level)
{
	const Var *var = (const Var *) node;

	return IsA(node, Var) && var->varattno == column && var->varlevelsup == level;
}

/* Is it what all rows of the group meet? */
static bool
is_same_group(const Taking *taking, const Node *condition)
{
	const OpExpr *op = (const OpExpr *) condition;
	const Node *left;
	const Node *right;

	if (!IsA(condition, OpExpr) || op->opno != taking->equal)
		return false;
	left = linitial(op->args);
	right = lsecond(op->args);
	return (is_column(left, taking->column, 0) && is_column(right, taking->column, 1)) ||
		   (is_column(left, taking->column, 1) && is_column(right, taking->column, 0));
}

/* Columns of the subquery's row are the inner row's, those of the outer query the scanned row's. */
static Node *
place_columns(Node *node, Taking *taking)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var *var = copyObject((Var *) node);

		taking->failed |= var->varattno <= 0 || ColumnIsVirtual(taking->relid, var->varattno);
		if (var->varlevelsup == 0)
			var->varno = INNER_VAR;
		var->varlevelsup = 0;
		return (Node *) var;
	}
	if (IsA(node, SubLink))
	{
		taking->failed = true;
		return NULL;
	}
	return expression_tree_mutator(node, place_columns, taking);
}

static List *
conditions_of(Taking *taking, const Query *query)
{
	List *result = NIL;
	bool same_group = false;
	ListCell *cell;

	foreach (cell, make_ands_implicit((Expr *) query->jointree->quals))
	{
		Node *condition = lfirst(cell);

		if (is_same_group(taking, condition))
			same_group = true;
		else
			result = lappend(result, place_columns(condition, taking));
	}
	taking->failed |= !same_group;
	return result;
}

static Node *
take_subqueries(Node *node, Taking *taking)
{
	SubLink *link = (SubLink *) node;
	Param *param;

	if (node == NULL || taking->failed)
		return NULL;
	if (!IsA(node, SubLink))
		return expression_tree_mutator(node, take_subqueries, taking);
	if (link->subLinkType != EXISTS_SUBLINK ||
		!looks_for_row(taking, castNode(Query, link->subselect)))
	{
		taking->failed = true;
		return NULL;
	}
	taking->subqueries =
		lappend(taking->subqueries, conditions_of(taking, castNode(Query, link->subselect)));
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = list_length(taking->subqueries);
	param->paramtype = BOOLOID;
	param->paramtypmod = -1;
	param->location = -1;
	return (Node *) param;
}

/*
 * Take an analysed expression over a table of that owner apart.  Rows belong
 * together whose column has the same value.  False: a subquery asks for
 * something else.
 */
bool
SiblingExprRead(Node *expr, Oid relid, AttrNumber column, Oid owner, SiblingExpr *result)
{
	Oid type = get_atttype(relid, column);
	Taking taking = {relid, column};

	if (OidIsValid(get_typcollation(type)) || !SqlExprIsPlain(expr, owner))
		return false;
	taking.equal = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	result->expr = take_subqueries(expr, &taking);
	result->subqueries = taking.subqueries;
	return !taking.failed;
}
