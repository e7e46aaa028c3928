/*
 * matches.c - segments.matches(contact, filter) and its planner support.
 *
 * In a plan, a call over a contact's row and a constant filter is replaced by
 * the bound expression, so that it is planned like the condition written by
 * hand.  Where it can't be, the function evaluates the same SQL over the row it
 * is given.  Correctness never depends on the replacement.
 *
 * A plan is made and run with the rights of whoever asks, and kept ones by
 * others than they were made for.  So it gets only what is the same for all and
 * runs nobody's code (plain_expr.c): an expression that calls a function of the
 * owner's, or whose subqueries read a view or a table of somebody else, stays
 * in the function, which evaluates it as the owner.  So does what names a
 * segment that not everybody sees.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/pg_list.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/plain_expr.h"
#include "base/relation_cache.h"
#include "base/secure.h"
#include "base/sql_expr.h"
#include "base/subtransaction.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/owner_message.h"
#include "definition/segment.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "predicate/atom_sql.h"
#include "predicate/bind.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"

/* The contact table whose row type this is, or InvalidOid. */
static Oid
table_of_row_type(Oid type)
{
	type = getBaseType(type);
	return OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
}

static Predicate *
bind_filter(Filter *filter, ContactTable *table, Oid viewer)
{
	BindOptions options = {false};

	options.viewer = viewer;
	return BindFilter(FilterUnflatten(filter), table, &options);
}

static char *
predicate_text(const Predicate *predicate, ContactTable *table)
{
	SqlContext context = {0};
	StringInfoData sql;

	context.table = table;
	initStringInfo(&sql);
	PredicateSql(&sql, predicate, &context);
	return sql.data;
}

/* ----- the planner's side ----- */

typedef struct MoveVarsContext
{
	Var *row; /* the whole-row Var of the contact */
	Oid owner;
	int depth;
	bool sublinks;
} MoveVarsContext;

/*
 * Point the expression's Vars (varno 1) at the row of the query it goes into.
 * Related tables are read with the rights of the contact table's owner.
 */
static bool
move_vars_walker(Node *node, MoveVarsContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var *var = (Var *) node;

		if (var->varno == 1 && var->varlevelsup == context->depth)
		{
			var->varno = context->row->varno;
			var->varlevelsup += context->row->varlevelsup;
			VarCopyOuter(var, context->row);
		}
		return false;
	}
	if (IsA(node, SubLink))
		context->sublinks = true;
	if (IsA(node, Query))
	{
		bool result;

		QueryReadAs((Query *) node, context->owner);
		context->depth++;
		result = query_tree_walker((Query *) node, move_vars_walker, context, 0);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, move_vars_walker, context);
}

/*
 * On the nullable side of an outer join the row can be missing, and the
 * function, which is strict, does not match it: ask for the key.
 */
static Node *
require_row(Node *expr, const Var *row, const ContactTable *table)
{
	Oid type;
	int32 typmod;
	Oid collation;
	Var *key;
	NullTest *test = makeNode(NullTest);

	get_atttypetypmodcoll(table->relid, table->key_attnum, &type, &typmod, &collation);
	key = makeVar(row->varno, table->key_attnum, type, typmod, collation, row->varlevelsup);
	VarCopyOuter(key, row);
	test->arg = (Expr *) key;
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	return (Node *) make_andclause(list_make2(test, expr));
}

static bool
has_outer_join(const Query *query)
{
	ListCell *cell;

	foreach (cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_JOIN && IS_OUTER_JOIN(rte->jointype))
			return true;
	}
	return false;
}

static bool
is_private(int64 segment)
{
	SegmentRow *row = SegmentById(segment);

	return row == NULL || !row->handle.is_global;
}

/* Does it name a segment that is not for everybody who may read the contacts? */
static bool
is_private_member(Atom *atom, void *arg)
{
	ListCell *cell;

	if (atom->scope == ATOM_MEMBER)
		return is_private(atom->segment_id);
	if (atom->scope == ATOM_GROUP)
		foreach (cell, RowGroupSegments(atom->group, NIL))
			if (is_private(*(int64 *) lfirst(cell)))
				return true;
	return false;
}

/*
 * What the call is replaced by, or NULL where that is not for everybody.  As the
 * table's owner; the viewer is who asked.
 */
static Node *
bound_expression(PlannerInfo *root, Var *row, Filter *filter, ContactTable *table, Oid viewer)
{
	MoveVarsContext context = {row, table->owner, 0, false};
	Predicate *predicate = bind_filter(filter, table, viewer);
	Node *expr;

	if (PredicateWalk(predicate, is_private_member, NULL))
		return NULL;
	expr = SqlExprParse(predicate_text(predicate, table), table->relid, "c");
	if (!SqlExprIsPlain(expr, table->owner))
		return NULL;
	(void) move_vars_walker(expr, &context);
	if (context.sublinks)
		root->parse->hasSubLinks = true;
	if (has_outer_join(root->parse))
		expr = require_row(expr, row, table);
	return expr;
}

typedef struct Simplification
{
	SupportRequestSimplify *request;
	ContactTable *table;
	Oid viewer;
	Node *result;
} Simplification;

static void
simplify(void *arg)
{
	Simplification *work = arg;
	Node *row = linitial(work->request->fcall->args);
	Const *filter = lsecond_node(Const, work->request->fcall->args);

	work->result = bound_expression(work->request->root, (Var *) row,
									DatumGetFilterP(filter->constvalue), work->table, work->viewer);
}

/* Bad filters; everything else (cancel, out of memory) goes on. */
static bool
is_bad_filter(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION;
}

/*
 * Is this the row of a contact table that the query reads itself, and so may
 * read?  Rows that are made up are nobody's contacts.
 */
static ContactTable *
table_of_row(PlannerInfo *root, const Node *node)
{
	const Var *row = (const Var *) node;
	RangeTblEntry *rte;

	if (root == NULL || !IsA(node, Var) || row->varattno != 0 || row->varlevelsup != 0)
		return NULL;
	rte = rt_fetch(row->varno, root->parse->rtable);
	return rte->rtekind == RTE_RELATION ? CatalogContactTable(rte->relid, true) : NULL;
}

/*
 * Replace the call, or NULL to leave it.  Never raises for a filter that can't
 * be bound: that error belongs to execution.
 */
static Node *
simplify_matches(SupportRequestSimplify *request)
{
	Node *row = linitial(request->fcall->args);
	Node *filter = lsecond(request->fcall->args);
	Simplification work = {request};
	SecureContext secure;

	if (!IsA(filter, Const) || ((Const *) filter)->constisnull)
		return NULL;
	/* a parallel operation can't catch what is wrong with the filter */
	if (!SubtransactionPossible())
		return NULL;
	work.table = table_of_row(request->root, row);
	if (work.table == NULL)
		return NULL;
	/* outside, so that what is caught leaves nobody with the owner's rights */
	SecureEnter(&secure, work.table->owner);
	work.viewer = secure.userid;
	if (InSubtransaction(simplify, &work, is_bad_filter) != NULL)
		work.result = NULL;
	SecureLeave(&secure);
	return work.result ? eval_const_expressions(request->root, work.result) : NULL;
}

PG_FUNCTION_INFO_V1(segments_matches_support);
Datum
segments_matches_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(simplify_matches((SupportRequestSimplify *) request));
	PG_RETURN_POINTER(NULL);
}

/* ----- the executor's side ----- */

/*
 * How often this backend was told that a contact table, or what is declared for
 * it, has changed.  A call site lives as long as a transaction does, in which
 * that can happen, and the role can become another.
 */
typedef struct TableChanges
{
	Oid relid;
	bool valid; /* the latest is counted */
	uint64 count;
} TableChanges;

static RelationCache changes_of_tables = {"segments matches", sizeof(TableChanges)};

/* What one call site keeps between calls. */
typedef struct MatchesCall
{
	MemoryContext context; /* of what follows; emptied with every other filter */
	Filter *filter;        /* copy of the last one */
	Oid type;
	SPIPlanPtr plan;
	Oid relid; /* the contact table */
	Oid owner;
	TableChanges *changes; /* of the contact table */
	uint64 count;          /* of them, before the filter was bound */
	Oid viewer;            /* who asked */
	char *user;            /* of the application, where it matters who that is, else NULL */
} MatchesCall;

static uint64
count_changes(TableChanges *changes)
{
	if (!changes->valid)
		changes->count++;
	changes->valid = true;
	return changes->count;
}

static void
forget_plan(MatchesCall *call)
{
	SPIPlanPtr plan = call->plan;

	call->plan = NULL;
	if (plan)
		SPI_freeplan(plan);
	MemoryContextReset(call->context);
}

/* With `private` the filter names segments that not everybody sees. */
static void
keep_filter(MatchesCall *call, Filter *filter, Oid type, bool private)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);

	call->filter = (Filter *) DatumGetPointer(datumCopy(PointerGetDatum(filter), false, -1));
	call->type = type;
	call->user = private ? AccessUserKey() : NULL;
	MemoryContextSwitchTo(old);
}

static void
prepare_call(MatchesCall *call, Filter *filter, Oid type)
{
	ContactTable *table = AccessContactTable(table_of_row_type(type));
	SecureContext secure;
	Predicate *predicate;
	StringInfoData sql;
	SPIPlanPtr plan;
	bool private;

	forget_plan(call);
	call->changes = RelationCacheFind(&changes_of_tables, table->relid);
	call->count = count_changes(call->changes);
	SecureEnter(&secure, table->owner);
	predicate = bind_filter(filter, table, secure.userid);
	private = PredicateWalk(predicate, is_private_member, NULL);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM (SELECT ($1).*) c", predicate_text(predicate, table));
	plan = SPI_prepare(sql.data, 1, &type);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	call->plan = plan;
	SecureLeave(&secure);
	keep_filter(call, filter, type, private);
	call->owner = table->owner;
	call->relid = table->relid;
	call->viewer = secure.userid;
}

static void
free_call_plan(void *arg)
{
	MatchesCall *call = arg;

	if (call->plan)
		SPI_freeplan(call->plan);
}

static MatchesCall *
call_state(FunctionCallInfo fcinfo)
{
	MatchesCall *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		MemoryContextCallback *callback;
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		call = MemoryContextAllocZero(context, sizeof(MatchesCall));
		call->context = AllocSetContextCreate(context, "segments matches", ALLOCSET_SMALL_SIZES);
		callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
		callback->func = free_call_plan;
		callback->arg = call;
		MemoryContextRegisterResetCallback(context, callback);
		fcinfo->flinfo->fn_extra = call;
	}
	return call;
}

/* Would whoever asks now, with what is declared now, get the same plan? */
static bool
is_as_prepared(const MatchesCall *call)
{
	AcceptInvalidationMessages();
	return call->viewer == GetUserId() && call->count == count_changes(call->changes) &&
		   (call->user == NULL || strcmp(call->user, AccessUserKey()) == 0);
}

/* Is it prepared for this filter on rows of this type? */
static bool
is_prepared(const MatchesCall *call, const Filter *filter, Oid type)
{
	return call->plan != NULL && call->type == type && call->filter != NULL &&
		   VARSIZE(filter) == VARSIZE(call->filter) &&
		   memcmp(filter, call->filter, VARSIZE(filter)) == 0 && is_as_prepared(call);
}

/*
 * segments.matches(contact anyelement, filter) -> boolean
 */
PG_FUNCTION_INFO_V1(segments_matches);
Datum
segments_matches(PG_FUNCTION_ARGS)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Filter *filter = PG_GETARG_FILTER_P(1);
	Datum row = PG_GETARG_DATUM(0);
	MatchesCall *call = call_state(fcinfo);
	SecureContext secure;
	OwnerMessage message;
	bool isnull;
	bool result;

	if (!OidIsValid(table_of_row_type(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("first argument of segments.matches must be a row of a contact table")));
	SPI_connect();
	if (!is_prepared(call, filter, type))
		prepare_call(call, filter, type);
	SecureEnter(&secure, call->owner);
	OwnerMessageBegin(&message, call->relid);
	if (SPI_execute_plan(call->plan, &row, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "evaluation of a filter gave no row");
	result =
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) &&
		!isnull;
	OwnerMessageEnd(&message);
	SecureLeave(&secure);
	SPI_finish();
	PG_RETURN_BOOL(result);
}
