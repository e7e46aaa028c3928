/*
 * value_index.c - is there an index in the order of a value?
 *
 * A refresh finds the contacts that a date phrase has passed by the index of
 * the value; without one it reads the whole table.  An index serves when its
 * first column is the value, as a column or as the same expression.
 */
#include "postgres.h"

#include "refresh/value_index.h"

#include "access/table.h"
#include "catalog/pg_am.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"

#include "base/index_find.h"
#include "base/sql_expr.h"
#include "definition/contact_table.h"

static bool
is_first_column(Relation index, Node *expr)
{
	AttrNumber column = index->rd_index->indkey.values[0];

	if (column == 0)
		return equal(linitial(RelationGetIndexExpressions(index)), expr);
	return IsA(expr, Var) && ((Var *) expr)->varattno == column;
}

static bool
serves(Relation index, void *purpose)
{
	return index->rd_rel->relam == BTREE_AM_OID && is_first_column(index, purpose);
}

static bool
is_indexed(Node *expr, Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	bool result = OidIsValid(IndexFind(rel, serves, expr));

	table_close(rel, AccessShareLock);
	return result;
}

static Node *
read_value(const char *value, Oid relid, const char *alias)
{
	return eval_const_expressions(NULL, SqlExprParse(value, relid, alias));
}

/*
 * value: SQL over the relation, addressed by its alias, that gives this type.
 * Says no where it cannot tell.
 */
bool
ValueIsIndexed(const char *value, Oid relid, const char *alias, Oid type)
{
	Node *expr = read_value(value, relid, alias);

	return exprType(expr) == type && is_indexed(expr, relid);
}

/*
 * The index that is missing, as a command, or NULL.
 */
char *
ValueIndexAdvice(const char *value, Oid relid, const char *alias, Oid type)
{
	Node *expr = read_value(value, relid, alias);
	char *text;

	/* no index is over a subquery, or over what is not immutable */
	if (exprType(expr) != type || contain_subplans(expr) || contain_mutable_functions(expr) ||
		is_indexed(expr, relid))
		return NULL;
	text = deparse_expression(expr, deparse_context_for(alias, relid), false, false);
	return psprintf(IsA(expr, Var) ? "CREATE INDEX ON %s (%s)" : "CREATE INDEX ON %s ((%s))",
					CatalogRelationName(relid), text);
}
