/*
 * expression_rights.c - may a role evaluate an SQL expression?
 *
 * What is declared for a contact table is evaluated as its owner.  Analysing an
 * expression asks for USAGE of schemas only; here is the rest, so that nobody
 * can declare, and by that hold on to, what they have no right to.  Nothing is
 * planned and nothing evaluated.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/sql_expr.h"

PG_FUNCTION_INFO_V1(segments_check_expression_rights);

/* A function that the expression calls, by name, operator or cast. */
static bool
check_function(Oid function, void *role)
{
	AclResult result = pg_proc_aclcheck(function, *(Oid *) role, ACL_EXECUTE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
	return false;
}

/* A table of a subquery: SELECT on it, or on some column. */
static void
check_relation(RangeTblEntry *rte, Oid role)
{
	if (rte->rtekind != RTE_RELATION ||
		pg_class_aclcheck(rte->relid, role, ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(rte->relid, role, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK)
		return;
	aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(rte->relid)),
				   get_rel_name(rte->relid));
}

static bool
check_node(Node *node, void *role)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell *cell;

		foreach (cell, castNode(Query, node)->rtable)
			check_relation(lfirst_node(RangeTblEntry, cell), *(Oid *) role);
		return query_tree_walker(castNode(Query, node), check_node, role, 0);
	}
	(void) check_functions_in_node(node, check_function, role);
	return expression_tree_walker(node, check_node, role);
}

/*
 * segments.check_expression_rights(expression, relation, role): an error when
 * the role may not call a function, or read a table, of the expression.
 */
Datum
segments_check_expression_rights(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(1);
	Oid role = PG_GETARG_OID(2);
	SecureContext secure;
	Node *expr;

	SecureEnter(&secure, InvalidOid);
	expr = SqlExprParse(text_to_cstring(PG_GETARG_TEXT_PP(0)), relid, get_rel_name(relid));
	(void) check_node(expr, &role);
	SecureLeave(&secure);
	PG_RETURN_VOID();
}
