/*
 * sql_rights.c - may a role evaluate an expression?
 *
 * Analyzing an expression asks for USAGE of schemas only; the server asks for the
 * rest when it is evaluated, which is too late for who writes a row.
 */
#include "postgres.h"

#include "base/sql_rights.h"

#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "base/compat.h"

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
 * An error when the role may not call a function, or read a table, of an
 * analyzed expression.
 */
void
SqlExprCheckRights(Node *expr, Oid role)
{
	(void) check_node(expr, &role);
}
