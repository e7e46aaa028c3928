/*
 * expression_rights.c - has an SQL expression a meaning, and may a role
 * evaluate it?
 *
 * What is declared for a contact table is evaluated as its owner.  Analyzing an
 * expression asks for USAGE of schemas only; the rest (sql_rights.c) is asked here, so that nobody
 * can declare, and by that hold on to, what they have no right to.
 *
 * Invariant: everything here is done as that owner, never with the rights of who
 * asks.  Analysis evaluates the input functions of literals, and by these the
 * conditions of domains inside arrays and rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/secure.h"
#include "base/sql_expr.h"
#include "base/sql_rights.h"

PG_FUNCTION_INFO_V1(segments_check_expression);

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
	SqlExprCheckRights(expr, role);
	SecureLeave(&secure);
	PG_RETURN_VOID();
}
