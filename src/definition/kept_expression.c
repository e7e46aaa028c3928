/*
 * kept_expression.c - what declared SQL meant before a command, so that it goes
 * on meaning that when something gets another name.
 *
 * Expressions are stored as text.  When a command that may rename something
 * begins, they are analyzed; when it ends, those whose analyzed form now reads
 * otherwise are stored anew, as the server does for views.  Nothing is read by
 * name in between.
 *
 * Commands that a command runs itself keep what that one kept.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/secure.h"
#include "base/sql_expr.h"
#include "base/subtransaction.h"

PG_FUNCTION_INFO_V1(segments_begin_command);
PG_FUNCTION_INFO_V1(segments_end_command);
PG_FUNCTION_INFO_V1(segments_keep_expression);
PG_FUNCTION_INFO_V1(segments_followed_expression);
PG_FUNCTION_INFO_V1(segments_used_function);
PG_FUNCTION_INFO_V1(segments_keeps_meaning);
PG_FUNCTION_INFO_V1(segments_lost_column);

typedef struct KeptExpression
{
	Oid relid; /* table of the row */
	Oid role;  /* that reads it */
	char *sql; /* as it is stored */
	Node *expr;
	char *text; /* as it read when the command began */
} KeptExpression;

static MemoryContext context = NULL;
static List *kept = NIL;
static bool keeping = false; /* the command may rename something */
static List *running = NIL;  /* subtransactions of commands that may, and have not ended */

/* ----- commands ----- */

static void
at_end(XactEvent event, void *arg)
{
	running = NIL;
}

/* A command that failed and was caught has no end. */
static void
at_rollback(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *arg)
{
	while (event == SUBXACT_EVENT_ABORT_SUB && running != NIL &&
		   (SubTransactionId) llast_int(running) >= own)
		running = list_delete_last(running);
}

static void
start_anew(void)
{
	if (context == NULL)
	{
		context = AllocSetContextCreate(TopMemoryContext, "segments kept expressions",
										ALLOCSET_SMALL_SIZES);
		RegisterXactCallback(at_end, NULL);
		RegisterSubXactCallback(at_rollback, NULL);
	}
	kept = NIL;
	running = NIL;
	MemoryContextReset(context);
}

/*
 * segments_internal.begin_command(renames) -> boolean: true, and nothing is kept; false
 * for a command that runs inside of another one.
 */
Datum
segments_begin_command(PG_FUNCTION_ARGS)
{
	bool renames = PG_GETARG_BOOL(0);
	bool is_first = (running == NIL);
	MemoryContext old;

	if (is_first)
	{
		start_anew();
		keeping = renames;
	}
	old = MemoryContextSwitchTo(context);
	if (renames)
		running = lappend_int(running, (int) GetCurrentSubTransactionId());
	MemoryContextSwitchTo(old);
	PG_RETURN_BOOL(is_first);
}

/*
 * segments_internal.end_command(): one that may rename something has ended.
 */
Datum
segments_end_command(PG_FUNCTION_ARGS)
{
	if (running != NIL)
		running = list_delete_last(running);
	PG_RETURN_VOID();
}

/* ----- expressions ----- */

static const KeptExpression *
find_kept(const char *sql, Oid relid)
{
	ListCell *cell;

	foreach (cell, kept)
	{
		const KeptExpression *expression = lfirst(cell);

		if (expression->relid == relid && strcmp(expression->sql, sql) == 0)
			return expression;
	}
	return NULL;
}

static void
keep(const char *sql, Oid relid, Oid role)
{
	KeptExpression *expression;
	Node *expr = SqlExprAnalyze(sql, relid, get_rel_name(relid));
	char *text = SqlExprText(expr, relid);
	MemoryContext old = MemoryContextSwitchTo(context);

	expression = palloc(sizeof(KeptExpression));
	expression->relid = relid;
	expression->role = role;
	expression->sql = pstrdup(sql);
	expression->expr = copyObject(expr);
	expression->text = pstrdup(text);
	kept = lappend(kept, expression);
	MemoryContextSwitchTo(old);
}

/*
 * segments_internal.keep_expression(expression, relation, role): what it means now, as
 * that role reads it, unless it is kept already.
 */
Datum
segments_keep_expression(PG_FUNCTION_ARGS)
{
	SecureContext secure;

	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (!keeping || find_kept(sql, PG_GETARG_OID(1)) != NULL)
		PG_RETURN_VOID();
	SecureEnter(&secure, PG_GETARG_OID(2));
	keep(sql, PG_GETARG_OID(1), PG_GETARG_OID(2));
	SecureLeave(&secure);
	PG_RETURN_VOID();
}

typedef struct Reading
{
	const KeptExpression *expression;
	MemoryContext context;
	char *text;
} Reading;

static void
read_again(void *arg)
{
	Reading *reading = arg;
	Oid relid = reading->expression->relid;
	char *text = SqlExprText(reading->expression->expr, relid);
	SecureContext secure;

	/* what is gone has a name that can't be read */
	SecureEnter(&secure, reading->expression->role);
	(void) SqlExprAnalyze(text, relid, get_rel_name(relid));
	SecureLeave(&secure);
	reading->text = MemoryContextStrdup(reading->context, text);
}

/* NULL: it reads as before, or what it needs is gone, which others refuse. */
static char *
text_now(const KeptExpression *expression)
{
	Reading reading = {expression, CurrentMemoryContext, NULL};

	if (get_rel_name(expression->relid) == NULL ||
		InSubtransaction(read_again, &reading, NULL) != NULL)
		return NULL;
	return strcmp(reading.text, expression->text) == 0 ? NULL : reading.text;
}

/*
 * segments_internal.followed_expression(expression, relation) -> text: how it is written
 * now; null: it need not be.
 */
Datum
segments_followed_expression(PG_FUNCTION_ARGS)
{
	const KeptExpression *expression =
		find_kept(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1));
	char *text = expression == NULL ? NULL : text_now(expression);

	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

/* For check_functions_in_node: true stops the walk. */
static bool
is_function(Oid function, void *wanted)
{
	return function == *(Oid *) wanted;
}

static bool
calls_function(Node *node, void *wanted)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_function, wanted, 0);
	return check_functions_in_node(node, is_function, wanted) ||
		   expression_tree_walker(node, calls_function, wanted);
}

/*
 * segments_internal.used_function(expression, relation, function): did what was kept
 * call it?
 */
Datum
segments_used_function(PG_FUNCTION_ARGS)
{
	const KeptExpression *expression =
		find_kept(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1));
	Oid function = PG_GETARG_OID(2);

	PG_RETURN_BOOL(expression != NULL && calls_function(expression->expr, &function));
}

typedef struct Meaning
{
	const KeptExpression *expression;
	Oid role;
	bool same;
} Meaning;

/* Read as it is written now.  Trees that differ in how casts are written are equal. */
static void
compare_meaning(void *arg)
{
	Meaning *meaning = arg;
	const KeptExpression *kept_one = meaning->expression;
	Oid relid = kept_one->relid;
	SecureContext secure;

	SecureEnter(&secure, meaning->role);
	meaning->same =
		equal(SqlExprAnalyze(SqlExprText(kept_one->expr, relid), relid, get_rel_name(relid)),
			  kept_one->expr);
	SecureLeave(&secure);
}

/*
 * segments_internal.keeps_meaning(expression, relation, role): does what was kept call
 * the same functions when it is read anew?  What can't be read is refused by others.
 */
Datum
segments_keeps_meaning(PG_FUNCTION_ARGS)
{
	Meaning meaning = {find_kept(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1)),
					   PG_GETARG_OID(2), true};

	if (meaning.expression != NULL && get_rel_name(meaning.expression->relid) != NULL &&
		InSubtransaction(compare_meaning, &meaning, NULL) != NULL)
		meaning.same = true;
	PG_RETURN_BOOL(meaning.same);
}

typedef struct RowColumns
{
	Oid relid;
	int depth; /* of the subquery that is looked at */
} RowColumns;

/* A column of the row has no name any more.  True ends the walk. */
static bool
names_dropped(Node *node, void *arg)
{
	RowColumns *row = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return (int) ((Var *) node)->varlevelsup == row->depth && ((Var *) node)->varattno > 0 &&
			   !OidIsValid(get_atttype(row->relid, ((Var *) node)->varattno));
	if (IsA(node, Query))
	{
		RowColumns inner = {row->relid, row->depth + 1};

		return query_tree_walker((Query *) node, names_dropped, &inner, 0);
	}
	return expression_tree_walker(node, names_dropped, arg);
}

/*
 * segments_internal.lost_column(expression, relation): did what was kept name a column that is
 * dropped by now?
 */
Datum
segments_lost_column(PG_FUNCTION_ARGS)
{
	RowColumns row = {PG_GETARG_OID(1), 0};
	const KeptExpression *expression = find_kept(text_to_cstring(PG_GETARG_TEXT_PP(0)), row.relid);

	PG_RETURN_BOOL(expression != NULL && names_dropped(expression->expr, &row));
}
