/*
 * held_function.c - who declares an expression, and who replaces a function
 * that it calls, take turns; so do who brings columns of an enum, and who gives
 * its labels other names.
 *
 * The server locks no function that is replaced: neither would see what the
 * other is about to commit, and members would be what the former body makes of
 * them.  Only where who owns the function may act as the owner of the contact
 * table: nobody keeps others from replacing theirs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/secure.h"
#include "base/sql_expr.h"

PG_FUNCTION_INFO_V1(segments_hold_functions);
PG_FUNCTION_INFO_V1(segments_lock_functions);
PG_FUNCTION_INFO_V1(segments_hold_enum);

/* InvalidOid: it is gone. */
static Oid
owner_of(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* For check_functions_in_node: true stops the walk. */
static bool
hold(Oid function, void *role)
{
	if (function < FirstNormalObjectId || !has_privs_of_role(owner_of(function), *(Oid *) role))
		return false;
	LockDatabaseObject(ProcedureRelationId, function, 0, AccessShareLock);
	if (!OidIsValid(owner_of(function)))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("a function of the expression was dropped concurrently")));
	return false;
}

static bool
hold_in_node(Node *node, void *role)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, hold_in_node, role, 0);
	(void) check_functions_in_node(node, hold, role);
	return expression_tree_walker(node, hold_in_node, role);
}

/*
 * segments_internal.hold_functions(expression, relation, role): nobody replaces the
 * functions that an expression calls, as the role reads it, until the
 * transaction ends.
 */
Datum
segments_hold_functions(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(1);
	Oid role = PG_GETARG_OID(2);
	SecureContext secure;
	Node *expr;

	SecureEnter(&secure, role);
	expr = SqlExprParse(text_to_cstring(PG_GETARG_TEXT_PP(0)), relid, get_rel_name(relid));
	(void) hold_in_node(expr, &role);
	SecureLeave(&secure);
	PG_RETURN_VOID();
}

/*
 * segments_internal.lock_functions(functions): that were replaced; nobody is about to
 * declare what calls them.
 */
Datum
segments_lock_functions(PG_FUNCTION_ARGS)
{
	Datum *functions;
	int n;
	int i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), OIDOID, sizeof(Oid), true, TYPALIGN_INT, &functions,
					  NULL, &n);
	for (i = 0; i < n; i++)
		LockDatabaseObject(ProcedureRelationId, DatumGetObjectId(functions[i]), 0,
						   AccessExclusiveLock);
	PG_RETURN_VOID();
}

/*
 * segments_internal.hold_enum(type): nobody gives its labels other names until the
 * transaction ends; the server locks it for that.
 */
Datum
segments_hold_enum(PG_FUNCTION_ARGS)
{
	LockDatabaseObject(TypeRelationId, PG_GETARG_OID(0), 0, RowShareLock);
	PG_RETURN_VOID();
}
