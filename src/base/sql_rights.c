/*
 * sql_rights.c - may a role evaluate an expression?
 *
 * Analyzing an expression asks for USAGE of schemas only; the server asks for the
 * rest when it is evaluated, which is too late for who writes a row.  What is
 * declared outlives the session, so nothing of a temporary schema will do.
 */
#include "postgres.h"

#include "base/sql_rights.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"

/* What is declared outlives the session: an error if this is of a temporary schema. */
static void
check_permanent(Oid schema, const char *kind, const char *name)
{
	if (isAnyTempNamespace(schema))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("expression uses temporary %s \"%s\"", kind, name),
						errdetail("Segments outlive the session.")));
}

static void
check_type(Oid type)
{
	HeapTuple tuple;
	Form_pg_type form;

	if (OidIsValid(get_element_type(type)))
		type = get_element_type(type);
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	form = (Form_pg_type) GETSTRUCT(tuple);
	check_permanent(form->typnamespace, "type", NameStr(form->typname));
	ReleaseSysCache(tuple);
}

/* A function that the expression calls, by name, operator or cast. */
static bool
check_function(Oid function, void *role)
{
	AclResult result = pg_proc_aclcheck(function, *(Oid *) role, ACL_EXECUTE);

	check_permanent(get_func_namespace(function), "function", get_func_name(function));
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
	return false;
}

/* A table of a subquery: SELECT on it, or on some column. */
static void
check_relation(RangeTblEntry *rte, Oid role)
{
	if (rte->rtekind != RTE_RELATION)
		return;
	check_permanent(get_rel_namespace(rte->relid), "table", get_rel_name(rte->relid));
	if (pg_class_aclcheck(rte->relid, role, ACL_SELECT) == ACLCHECK_OK ||
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
	if (IsA(node, Const) || IsA(node, RelabelType) || IsA(node, CoerceToDomain) ||
		IsA(node, CoerceViaIO) || IsA(node, ArrayCoerceExpr) || IsA(node, RowExpr))
		check_type(exprType(node));
	(void) check_functions_in_node(node, check_function, role);
	return expression_tree_walker(node, check_node, role);
}

/*
 * An error when the role may not call a function, or read a table, of an
 * analyzed expression, or something of it is temporary.
 */
void
SqlExprCheckRights(Node *expr, Oid role)
{
	(void) check_node(expr, &role);
}
