/*
 * sibling_expr.h - an expression on one row of a group, with subqueries over
 * the rows of the same group.
 */
#ifndef SEGMENTS_SIBLING_EXPR_H
#define SEGMENTS_SIBLING_EXPR_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"

/*
 * The n-th subquery is parameter n of the expression.  It is true when its
 * conditions, a list to be met by all of them, hold for some row of the group,
 * the inner one, beside the row itself, the scanned one.
 */
typedef struct SiblingExpr
{
	Node *expr;
	List *subqueries; /* of lists of conditions */
} SiblingExpr;

extern bool SiblingExprRead(Node *expr, Oid relid, AttrNumber column, Oid owner,
							SiblingExpr *result);

#endif /* SEGMENTS_SIBLING_EXPR_H */
