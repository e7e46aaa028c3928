/*
 * expression_rights.c - has an SQL expression a meaning, and may a role
 * evaluate it?
 *
 * What is declared for a contact table is evaluated as its owner.  Analyzing an
 * expression asks for USAGE of schemas only; here is the rest, so that nobody
 * can declare, and by that hold on to, what they have no right to.
 *
 * Invariant: everything here is done as that owner, never with the rights of who
 * asks.  Analysis evaluates the input functions of literals, and by these the
 * conditions of domains inside arrays and rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/secure.h"
#include "base/sql_expr.h"

PG_FUNCTION_INFO_V1(segments_check_expression);

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

/* Errors of an expression that has a meaning, but not the one it needs. */
static void
check_meaning(Node *expr, const char *sql, bool is_condition)
{
	if (contain_volatile_functions(expr))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("expression \"%s\" uses a volatile function", sql)));
	if (is_condition && exprType(expr) != BOOLOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("condition must be of type boolean, not type %s",
							   format_type_be(exprType(expr))),
						errdetail("The condition is %s.", sql)));
}

/*
 * segments_internal.check_expression(expression, relation, role, is_condition): an error
 * when the expression has no meaning for the role, or the role may not call a
 * function, or read a table, of it.
 */
Datum
segments_check_expression(PG_FUNCTION_ARGS)
{
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid relid = PG_GETARG_OID(1);
	Oid role = PG_GETARG_OID(2);
	char *name = get_rel_name(relid);
	SecureContext secure;
	Node *expr;

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid)));
	SecureEnter(&secure, role);
	expr = SqlExprParse(sql, relid, name);
	check_meaning(expr, sql, PG_GETARG_BOOL(3));
	(void) check_node(expr, &role);
	SecureLeave(&secure);
	PG_RETURN_VOID();
}
