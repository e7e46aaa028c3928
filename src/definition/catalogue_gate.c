/*
 * catalogue_gate.c - who may write the catalogue: the owner of the contact
 * table, through functions, and who restores a dump; and who may delete rows
 * that are a caller's own.
 *
 * Nobody but the extension's owner holds INSERT, UPDATE or DELETE on the
 * catalogue.  What owners of contact tables change goes through functions that
 * are declared twice: the outer one, which everybody may call, is
 * segments_as_owner(); it asks whether the caller owns the contact table, which
 * only a function with the caller's rights can, and calls the inner one of the
 * same name and `_checked`, SECURITY DEFINER, which nobody else may call.
 *
 * Rows that are a role's own, as consumers are, are deleted likewise: DELETE on
 * a table lets its holder lock that in any mode, and so hold up everybody whose
 * writes read it.  Their outer functions are segments_as_permitted().
 *
 * What an event trigger does with the rights of whoever gives the command, it
 * finds with those of the extension's owner: segments_as_commander().  Commands
 * that need nothing of the extension need no right on it.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "definition/access.h"
#include "definition/contact_table.h"

PG_FUNCTION_INFO_V1(segments_as_commander);
PG_FUNCTION_INFO_V1(segments_as_owner);
PG_FUNCTION_INFO_V1(segments_as_permitted);
PG_FUNCTION_INFO_V1(segments_is_restoring);
PG_FUNCTION_INFO_V1(segments_is_restore_session);
PG_FUNCTION_INFO_V1(segments_is_said_to_restore);

/* The contact table that a call is about: its first argument, or in that row. */
static Oid
contact_table_of(FunctionCallInfo fcinfo, Oid type)
{
	Datum value = PG_GETARG_DATUM(0);
	bool isnull = PG_ARGISNULL(0);

	if (!isnull && type_is_rowtype(type))
		value = GetAttributeByName(DatumGetHeapTupleHeader(value), "contact_table", &isnull);
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("contact table must not be null")));
	return DatumGetObjectId(value);
}

static void
check_owner(Oid relid)
{
	char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid)));
	if (!AccessOwns(GetUserId(), relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name);
}

/*
 * Call the function whose name is the present one's and `suffix`, with the same
 * arguments; it is internal.  Nobody is asked for rights on it or its schema.
 */
static Datum
call_inner(FunctionCallInfo fcinfo, const char *suffix, bool *isnull)
{
	LOCAL_FCINFO(inner, FUNC_MAX_ARGS);
	FmgrInfo function;
	Oid *types;
	int ntypes;
	char *name = psprintf("%s%s", get_func_name(fcinfo->flinfo->fn_oid), suffix);
	Datum result;
	Oid oid;

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &ntypes);
	oid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						  PointerGetDatum(buildoidvector(types, ntypes)),
						  ObjectIdGetDatum(get_namespace_oid("segments_internal", false)));
	if (!OidIsValid(oid))
		elog(ERROR, "function %s does not exist", name);
	fmgr_info(oid, &function);
	InitFunctionCallInfoData(*inner, &function, ntypes, fcinfo->fncollation, NULL, NULL);
	memcpy(inner->args, fcinfo->args, sizeof(NullableDatum) * ntypes);
	result = FunctionCallInvoke(inner);
	*isnull = inner->isnull;
	return result;
}

/*
 * Every function that writes the catalogue for the owner of a contact table:
 * check that the caller is that, and let the inner function do it.
 */
Datum
segments_as_owner(PG_FUNCTION_ARGS)
{
	Oid *types;
	int ntypes;

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &ntypes);
	check_owner(contact_table_of(fcinfo, types[0]));
	return call_inner(fcinfo, "_checked", &fcinfo->isnull);
}

/*
 * Every function that deletes a row of its caller: ask `_permitted`, which has
 * the caller's rights, and let the inner function do it.  Gives whether there
 * was one.
 */
Datum
segments_as_permitted(PG_FUNCTION_ARGS)
{
	bool isnull;

	if (!DatumGetBool(call_inner(fcinfo, "_permitted", &isnull)) || isnull)
		PG_RETURN_BOOL(false);
	return call_inner(fcinfo, "_checked", &fcinfo->isnull);
}

/*
 * Event trigger functions: where `_due`, with the rights of the extension's
 * owner, says that there is something to do, do it by `_as_user`.
 */
Datum
segments_as_commander(PG_FUNCTION_ARGS)
{
	bool isnull;

	if (DatumGetBool(call_inner(fcinfo, "_due", &isnull)) && !isnull)
		(void) call_inner(fcinfo, "_as_user", &isnull);
	PG_RETURN_NULL();
}

/*
 * pg_dump and pg_restore say so by both settings, which scripts for other purposes
 * hardly make together.  But everybody can: it proves nothing.
 */
static bool
is_said_to_restore(void)
{
	return strcmp(GetConfigOption("check_function_bodies", false, false), "off") == 0 &&
		   strcmp(GetConfigOption("client_min_messages", false, false), "warning") == 0;
}

/*
 * segments_internal.is_said_to_restore(), for what a role does to tables of its own.
 */
Datum
segments_is_said_to_restore(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_said_to_restore());
}

/*
 * segments_internal.is_restoring(): does the current statement come from a dump?  Only
 * of whoever owns the extension, and directly: never in a function with another's
 * rights, which its caller's settings reach.  For conditions of triggers, that
 * are evaluated as whoever runs the statement.
 */
Datum
segments_is_restoring(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_said_to_restore() && !InLocalUserIdChange() &&
				   has_privs_of_role(GetUserId(), CatalogOwner()));
}

/*
 * segments_internal.is_restore_session(): the same of the session, for what a restore
 * only postpones.  pg_restore --use-set-session-authorization makes each thing as its
 * owner: so whoever logged in counts too, but for SET ROLE.
 */
Datum
segments_is_restore_session(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_said_to_restore() &&
				   (has_privs_of_role(GetOuterUserId(), CatalogOwner()) ||
					(GetOuterUserId() == GetSessionUserId() &&
					 has_privs_of_role(GetAuthenticatedUserId(), CatalogOwner()))));
}

/* ----- contact tables that don't count for a command ----- */

typedef struct TableSet
{
	Oid *tables;
	int n;
} TableSet;

static TableSet broken = {NULL, 0};
static TableSet busy = {NULL, 0}; /* a lock kept them from being looked at */

PG_FUNCTION_INFO_V1(segments_remember_broken);
PG_FUNCTION_INFO_V1(segments_is_broken);
PG_FUNCTION_INFO_V1(segments_is_busy);

/* In place of those before. */
static void
remember(TableSet *set, ArrayType *tables)
{
	Datum *values;
	int n;
	int i;

	deconstruct_array(tables, OIDOID, sizeof(Oid), true, TYPALIGN_INT, &values, NULL, &n);
	set->n = 0;
	if (set->tables != NULL)
		pfree(set->tables);
	set->tables = NULL;
	set->tables = MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * Max(n, 1));
	for (i = 0; i < n; i++)
		set->tables[i] = DatumGetObjectId(values[i]);
	set->n = n;
}

static bool
holds(const TableSet *set, Oid table)
{
	int i;

	for (i = 0; i < set->n; i++)
		if (set->tables[i] == table)
			return true;
	return false;
}

/* segments_internal.remember_broken(contact_tables, busy) */
Datum
segments_remember_broken(PG_FUNCTION_ARGS)
{
	remember(&broken, PG_GETARG_ARRAYTYPE_P(0));
	remember(&busy, PG_GETARG_ARRAYTYPE_P(1));
	PG_RETURN_VOID();
}

/*
 * segments_internal.is_broken(contact_table).  Whoever gives a command waits for locks on
 * tables of their own, and for no others.
 */
Datum
segments_is_broken(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);

	PG_RETURN_BOOL(holds(&broken, table) ||
				   (holds(&busy, table) && !AccessOwns(GetOuterUserId(), table)));
}

/* segments_internal.is_busy(contact_table) */
Datum
segments_is_busy(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(holds(&busy, PG_GETARG_OID(0)));
}
