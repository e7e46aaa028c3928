/*
 * plain_expr.c - is an expression made of nothing but the server's own parts?
 *
 * A plain expression may be planned and evaluated by anybody, with whatever
 * settings: it runs no code of a user's, asks for nobody's rights, and gives
 * the same value to all.  Every other one is for the owner of the contact
 * table alone, in a security-restricted context (secure.c).
 *
 * Invariant: this is a list of what may stand in such an expression.  What is
 * not listed is not plain, and what a later server adds is not listed.
 *
 * Functions are the server's own, by their OIDs, and immutable; or our own, in
 * C.  So casts that call a user's function, and input and output functions
 * that run one (domains, composite types), fall out: these are at most stable.
 * Coercion to a domain is a node of its own and is not listed.  The few
 * functions of the server that are called immutable and read settings all the
 * same are not plain (reads_settings).
 */
#include "postgres.h"

#include "base/plain_expr.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

typedef struct PlainContext
{
	Oid owner; /* of tables that subqueries may read; InvalidOid: no subqueries */
} PlainContext;

/* Of our own functions only now() depends on more than its arguments. */
static bool
is_our_own(Form_pg_proc proc)
{
	return proc->prolang == ClanguageId &&
		   (proc->pronamespace == get_namespace_oid("segments", true) ||
			proc->pronamespace == get_namespace_oid("segments_internal", true)) &&
		   (proc->provolatile == PROVOLATILE_IMMUTABLE ||
			(proc->provolatile == PROVOLATILE_STABLE &&
			 strcmp(NameStr(proc->proname), "now") == 0));
}

/*
 * The server's functions that read a setting although they are called
 * immutable: floats and what is made of them are printed in
 * extra_float_digits, bytes in bytea_output, names in quote_all_identifiers;
 * abbreviations of zones are in timezone_abbreviations, and age counts the
 * months of the session's zone.
 */
static bool
reads_settings(Oid function)
{
	switch (function)
	{
		case F_FLOAT4OUT:
		case F_FLOAT8OUT:
		case F_POINT_OUT:
		case F_LSEG_OUT:
		case F_PATH_OUT:
		case F_BOX_OUT:
		case F_POLY_OUT:
		case F_LINE_OUT:
		case F_CIRCLE_OUT:
		case F_XPATH_TEXT_XML:
		case F_XPATH_TEXT_XML__TEXT:
		case F_BYTEAOUT:
		case F_QUOTE_IDENT:
		case F_TIMEZONE_TEXT_TIMESTAMP:
		case F_TIMEZONE_TEXT_TIMESTAMPTZ:
		case F_AGE_TIMESTAMPTZ_TIMESTAMPTZ:
			return true;
		default:
			return false;
	}
}

static bool
is_of_the_server(Form_pg_proc proc)
{
	return proc->oid < FirstGenbkiObjectId && proc->provolatile == PROVOLATILE_IMMUTABLE &&
		   !reads_settings(proc->oid);
}

/*
 * AT TIME ZONE with a name that is no abbreviation: Area/City, or UTC, which is
 * the same in every list of abbreviations.
 */
static bool
is_in_named_zone(const Node *node)
{
	const FuncExpr *call = (const FuncExpr *) node;
	const Const *zone;
	char *name;

	if (!IsA(node, FuncExpr) ||
		(call->funcid != F_TIMEZONE_TEXT_TIMESTAMP && call->funcid != F_TIMEZONE_TEXT_TIMESTAMPTZ))
		return false;
	zone = linitial(call->args);
	if (!IsA(zone, Const) || zone->constisnull)
		return false;
	name = TextDatumGetCString(zone->constvalue);
	return strcmp(name, "UTC") == 0 || strchr(name, '/') != NULL;
}

/* For check_functions_in_node: true stops the walk. */
static bool
is_foreign(Oid function, void *context)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool plain;

	if (!HeapTupleIsValid(tuple))
		return true;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	plain = !proc->proretset && (is_of_the_server(proc) || is_our_own(proc));
	ReleaseSysCache(tuple);
	return !plain;
}

/*
 * A table of the same owner: then its indexes and statistics, which planning
 * evaluates, are by whom the caller trusts with the contact table as well; and
 * row security is not for its owner.  A view would have to be expanded.
 */
static bool
is_plain_relation(const RangeTblEntry *rte, Oid owner)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(rte->relid));
	Form_pg_class class;
	bool plain;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	plain = (class->relkind == RELKIND_RELATION || class->relkind == RELKIND_PARTITIONED_TABLE) &&
			class->relowner == owner && rte->tablesample == NULL && rte->securityQuals == NIL;
	ReleaseSysCache(tuple);
	return plain;
}

static bool
reads_plain_relations(const Query *query, Oid owner)
{
	ListCell *cell;

	foreach (cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind != RTE_JOIN &&
			(rte->rtekind != RTE_RELATION || !is_plain_relation(rte, owner)))
			return false;
	}
	return true;
}

/* A SELECT without anything that the rewriter or a lock would have to see. */
static bool
is_plain_query(const Query *query, Oid owner)
{
	return OidIsValid(owner) && query->commandType == CMD_SELECT && query->cteList == NIL &&
		   query->rowMarks == NIL && query->setOperations == NULL && !query->hasWindowFuncs &&
		   !query->hasTargetSRFs && !query->hasModifyingCTE && !query->hasForUpdate &&
		   query->groupingSets == NIL && reads_plain_relations(query, owner);
}

static bool
is_listed(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_FuncExpr:
		case T_NamedArgExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_CollateExpr:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_Aggref:
		case T_SubLink:
		case T_Query:
		case T_TargetEntry:
		case T_FromExpr:
		case T_JoinExpr:
		case T_RangeTblRef:
		case T_SortGroupClause:
		case T_List:
			return true;
		default:
			return false;
	}
}

/* True where something is not plain. */
static bool
foreign_walker(Node *node, PlainContext *context)
{
	if (node == NULL)
		return false;
	if (!is_listed(node))
		return true;
	if (!is_in_named_zone(node) && check_functions_in_node(node, is_foreign, NULL))
		return true;
	if (IsA(node, OpExpr) && ((OpExpr *) node)->opno >= FirstGenbkiObjectId)
		return true;
	if (IsA(node, Query))
		return !is_plain_query((Query *) node, context->owner) ||
			   query_tree_walker((Query *) node, foreign_walker, context, 0);
	return expression_tree_walker(node, foreign_walker, context);
}

/*
 * Is the expression plain?  Subqueries may be in it where an owner is given,
 * over ordinary tables of that role.
 */
bool
SqlExprIsPlain(Node *expr, Oid owner)
{
	PlainContext context = {owner};

	return !foreign_walker(expr, &context);
}
