/*
 * followed.c - does the value of an SQL expression change only with the row?
 *
 * Members follow the rows of the tables that are attached.  What an expression
 * takes from elsewhere changes without anybody noticing: the clock, settings of
 * the session, rows that a subquery or a function reads.
 *
 * A function says by its volatility what it takes.  Immutable is believed.  Of
 * the server's own stable ones those are listed that depend on settings which
 * are fixed where we evaluate (secure.c): zone, styles, the way of printing.
 * What is not listed is not followed, and what a later server adds is not listed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/secure.h"
#include "base/sql_expr.h"
#include "definition/contact_table.h"

PG_FUNCTION_INFO_V1(segments_unfollowed_part);

/* In order. */
static const char *const functions_of_fixed_settings[] = {
	"anyarray_out",
	"anycompatiblearray_out",
	"anycompatiblemultirange_out",
	"anycompatiblerange_out",
	"anymultirange_out",
	"anyrange_out",
	"anytextcat",
	"array_in",
	"array_out",
	"array_to_json",
	"array_to_string",
	"concat",
	"concat_ws",
	"convert",
	"convert_from",
	"convert_to",
	"date",
	"date_add",
	"date_bin",
	"date_cmp_timestamptz",
	"date_eq_timestamptz",
	"date_ge_timestamptz",
	"date_gt_timestamptz",
	"date_in",
	"date_le_timestamptz",
	"date_lt_timestamptz",
	"date_ne_timestamptz",
	"date_out",
	"date_part",
	"date_subtract",
	"date_trunc",
	"domain_in",
	"enum_in",
	"enum_out",
	"extract",
	"format",
	"in_range",
	"interval_in",
	"interval_out",
	"interval_pl_timestamptz",
	"json_agg_transfn",
	"json_build_array",
	"json_build_object",
	"json_object_agg_transfn",
	"json_populate_record",
	"json_populate_recordset",
	"json_to_record",
	"json_to_recordset",
	"jsonb_agg_finalfn",
	"jsonb_agg_transfn",
	"jsonb_build_array",
	"jsonb_build_object",
	"jsonb_object_agg_finalfn",
	"jsonb_object_agg_transfn",
	"jsonb_path_exists_tz",
	"jsonb_path_match_tz",
	"jsonb_path_query_array_tz",
	"jsonb_path_query_first_tz",
	"jsonb_path_query_tz",
	"jsonb_populate_record",
	"jsonb_populate_recordset",
	"jsonb_to_record",
	"jsonb_to_recordset",
	"length",
	"make_timestamptz",
	"multirange_in",
	"multirange_out",
	"overlaps",
	"quote_literal",
	"quote_nullable",
	"range_in",
	"range_out",
	"record_in",
	"record_out",
	"row_to_json",
	"textanycat",
	"time",
	"time_in",
	"timestamp",
	"timestamp_cmp_timestamptz",
	"timestamp_eq_timestamptz",
	"timestamp_ge_timestamptz",
	"timestamp_gt_timestamptz",
	"timestamp_in",
	"timestamp_le_timestamptz",
	"timestamp_lt_timestamptz",
	"timestamp_ne_timestamptz",
	"timestamp_out",
	"timestamptz",
	"timestamptz_cmp_date",
	"timestamptz_cmp_timestamp",
	"timestamptz_eq_date",
	"timestamptz_eq_timestamp",
	"timestamptz_ge_date",
	"timestamptz_ge_timestamp",
	"timestamptz_gt_date",
	"timestamptz_gt_timestamp",
	"timestamptz_in",
	"timestamptz_le_date",
	"timestamptz_le_timestamp",
	"timestamptz_lt_date",
	"timestamptz_lt_timestamp",
	"timestamptz_mi_interval",
	"timestamptz_ne_date",
	"timestamptz_ne_timestamp",
	"timestamptz_out",
	"timestamptz_pl_interval",
	"timetz",
	"timetz_in",
	"timezone",
	"to_char",
	"to_date",
	"to_json",
	"to_jsonb",
	"to_number",
	"to_timestamp",
	"xml_in",
};

static const char *const functions_of_the_clock[] = {
	"age",
	"now",
	"statement_timestamp",
	"transaction_timestamp",
};

/* What was found. */
typedef struct Unfollowed
{
	ContactTable *table;
	Oid relid;        /* table of the row */
	AttrNumber key;   /* its column with the contact's key; 0: none */
	int depth;        /* of the subquery that is looked at */
	const char *kind; /* clock, session, function, contacts, related or table; NULL: nothing */
	char *name;
} Unfollowed;

static int
compare_names(const void *name, const void *listed)
{
	return strcmp(name, *(const char *const *) listed);
}

static bool
is_listed(const char *name, const char *const *names, int n)
{
	return bsearch(name, names, n, sizeof(char *), compare_names) != NULL;
}

/* True, and all the walks end. */
static bool
found(Unfollowed *part, const char *kind, const char *name)
{
	part->kind = kind;
	part->name = pstrdup(name);
	return true;
}

static bool
check_stable(Form_pg_proc proc, Unfollowed *part)
{
	const char *name = NameStr(proc->proname);
	bool is_clock = is_listed(name, functions_of_the_clock, lengthof(functions_of_the_clock));

	if (proc->oid >= FirstGenbkiObjectId)
		return found(part, is_clock && proc->pronargs == 0 ? "clock" : "function", name);
	if (is_listed(name, functions_of_fixed_settings, lengthof(functions_of_fixed_settings)))
		return false;
	return found(part, is_clock ? "clock" : "session", name);
}

/* For check_functions_in_node: true stops the walk. */
static bool
check_function(Oid function, void *context)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool stop;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	stop = proc->provolatile != PROVOLATILE_IMMUTABLE && check_stable(proc, context);
	ReleaseSysCache(tuple);
	return stop;
}

static bool
is_related(ContactTable *table, Oid relid)
{
	ListCell *cell;

	foreach (cell, CatalogRelations(table->relid))
	{
		RelatedRows *rows = lfirst(cell);

		if (rows->relid == relid || rows->link_relid == relid)
			return true;
	}
	return false;
}

static const Var *
as_column(const Node *node)
{
	while (IsA(node, RelabelType))
		node = (const Node *) ((const RelabelType *) node)->arg;
	return IsA(node, Var) ? (const Var *) node : NULL;
}

/* The contact of a row in the subquery is that of the row we are at. */
static bool
compares_contacts(const OpExpr *test, int rte, const Unfollowed *part)
{
	const Var *inner;
	const Var *outer;

	if (list_length(test->args) != 2 ||
		!op_mergejoinable(test->opno, exprType(linitial(test->args))))
		return false;
	inner = as_column(linitial(test->args));
	outer = as_column(lsecond(test->args));
	if (inner == NULL || outer == NULL)
		return false;
	if (inner->varlevelsup > 0)
	{
		const Var *other = inner;

		inner = outer;
		outer = other;
	}
	return inner->varlevelsup == 0 && inner->varno == rte && outer->varlevelsup == part->depth &&
		   outer->varno == 1 && inner->varattno == outer->varattno &&
		   part->key != InvalidAttrNumber && inner->varattno == part->key;
}

static bool
is_of_one_contact(Node *condition, int rte, const Unfollowed *part)
{
	ListCell *cell;

	if (condition == NULL)
		return false;
	if (IsA(condition, OpExpr))
		return compares_contacts((OpExpr *) condition, rte, part);
	if (!IsA(condition, BoolExpr) || ((BoolExpr *) condition)->boolop != AND_EXPR)
		return false;
	foreach (cell, ((BoolExpr *) condition)->args)
		if (is_of_one_contact(lfirst(cell), rte, part))
			return true;
	return false;
}

/*
 * A subquery over the related rows of the contact whose row we are at is
 * followed: all rows of a contact are looked at when one changes.
 */
static bool
check_tables(const Query *query, Unfollowed *part)
{
	int i;

	for (i = 1; i <= list_length(query->rtable); i++)
	{
		RangeTblEntry *rte = list_nth_node(RangeTblEntry, query->rtable, i - 1);

		if (rte->rtekind != RTE_RELATION ||
			(rte->relid == part->relid && rte->relid != part->table->relid &&
			 query->setOperations == NULL && is_of_one_contact(query->jointree->quals, i, part)))
			continue;
		return found(part,
					 rte->relid == part->table->relid      ? "contacts"
					 : is_related(part->table, rte->relid) ? "related"
														   : "table",
					 get_rel_name(rte->relid));
	}
	return false;
}

static bool walk(Node *node, Unfollowed *part);

static bool
check_query(Query *query, Unfollowed *part)
{
	bool stop;

	part->depth++;
	stop = check_tables(query, part) || query_tree_walker(query, walk, part, 0);
	part->depth--;
	return stop;
}

static bool
check_value_function(const SQLValueFunction *node, Unfollowed *part)
{
	bool is_clock = node->op <= SVFOP_LOCALTIMESTAMP_N;

	return found(part, is_clock ? "clock" : "session",
				 is_clock ? "current_date or a like" : "current_user or a like");
}

static bool
walk(Node *node, Unfollowed *part)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return check_query((Query *) node, part);
	if (IsA(node, SQLValueFunction))
		return check_value_function((SQLValueFunction *) node, part);
	return check_functions_in_node(node, check_function, part) ||
		   expression_tree_walker(node, walk, part);
}

/*
 * segments_internal.unfollowed_part(expression, relation, contact_table, contact_column) ->
 * (kind, name) of something that it takes from elsewhere, or nulls.
 */
Datum
segments_unfollowed_part(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(1);
	Unfollowed part = {CatalogContactTable(PG_GETARG_OID(2), false),
					   relid,
					   get_attnum(relid, NameStr(*PG_GETARG_NAME(3))),
					   0,
					   NULL,
					   NULL};
	SecureContext secure;
	TupleDesc desc;
	Datum values[2] = {0};
	bool nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	SecureEnter(&secure, part.table->owner);
	(void) walk(SqlExprParse(text_to_cstring(PG_GETARG_TEXT_PP(0)), relid, get_rel_name(relid)),
				&part);
	SecureLeave(&secure);
	if (part.kind != NULL)
	{
		values[0] = CStringGetTextDatum(part.kind);
		values[1] = CStringGetTextDatum(part.name);
		nulls[0] = nulls[1] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
