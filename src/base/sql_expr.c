/*
 * sql_expr.c - SQL text of one expression over one relation -> analyzed tree.
 *
 * Used for what the catalogue declares as SQL (computed fields, conditions)
 * and for the predicates that predicate_sql.c writes.  Callers fix the search
 * path first (SecureEnter), except SqlExprQualify, which reads what a user
 * wrote in the user's own path and gives it back qualified.
 */
#include "postgres.h"

#include "base/sql_expr.h"

#include <ctype.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/nodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_param.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "base/compat.h"
#include "base/secure.h"
#include "base/sql_rights.h"

/*
 * The raw expression, which must be nothing else: no FROM, no second column.
 */
static Node *
raw_expression(const char *sql)
{
	List *statements = raw_parser(sql, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select = castNode(SelectStmt, linitial_node(RawStmt, statements)->stmt);

	if (list_length(select->targetList) != 1 || select->distinctClause || select->fromClause ||
		select->whereClause || select->groupClause || select->havingClause ||
		select->windowClause || select->sortClause || select->limitOffset || select->limitCount ||
		select->lockingClause || select->withClause || select->op != SETOP_NONE)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("\"%s\" is not a single SQL expression", sql)));
	return linitial_node(ResTarget, select->targetList)->val;
}

/* $1: the number in the name of a field that stands for every number. */
static const Oid parameter_types[] = {INT4OID};

/*
 * Analyze `sql` over the columns of an open relation, addressed as `alias` or
 * bare; its Vars have varno 1.
 */
static Node *
analyze(const char *sql, Relation rel, const char *alias)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item;
	Node *expr;

	setup_parse_fixed_parameters(pstate, parameter_types, lengthof(parameter_types));
	item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock, makeAlias(alias, NIL), false,
										 true);
	addNSItemToQuery(pstate, item, false, true, true);
	expr = transformExpr(pstate, raw_expression(sql), EXPR_KIND_WHERE);
	assign_expr_collations(pstate, expr);
	free_parsestate(pstate);
	return expr;
}

/*
 * The same of a relation that is not open.
 */
Node *
SqlExprAnalyze(const char *sql, Oid relid, const char *alias)
{
	Relation rel = table_open(relid, AccessShareLock);
	Node *expr = analyze(sql, rel, alias);

	table_close(rel, NoLock);
	return expr;
}

/*
 * The same, ready to be computed from a row:
 * a column that is not stored stands as what it is computed from.
 */
Node *
SqlExprParse(const char *sql, Oid relid, const char *alias)
{
	Relation rel = table_open(relid, AccessShareLock);
	Node *expr = ExpandVirtualColumns(analyze(sql, rel, alias), rel);

	table_close(rel, NoLock);
	return expr;
}

static char *
deparse(Node *expr, Oid relid, const char *alias, bool qualified)
{
	SecureContext secure;
	char *text;

	SecureEnter(&secure, InvalidOid);
	text = deparse_expression(expr, deparse_context_for(alias, relid), qualified, false);
	SecureLeave(&secure);
	return text;
}

/*
 * An analyzed expression over a relation, which goes by its own name, with all
 * names as they are now, qualified.
 */
char *
SqlExprText(Node *expr, Oid relid)
{
	return deparse(expr, relid, get_rel_name(relid), false);
}

static bool
reads_table(const Query *query)
{
	ListCell *cell;

	foreach (cell, query->rtable)
		if (lfirst_node(RangeTblEntry, cell)->rtekind == RTE_RELATION)
			return true;
	return false;
}

/*
 * True ends the walk.  A subquery that reads a table is asked of the tables, where
 * a row has a place.
 */
static bool
reads_system_column(Node *node, void *depth)
{
	int levels = *(int *) depth;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno < 0 && (int) ((Var *) node)->varlevelsup == levels;
	if (IsA(node, Query))
	{
		levels++;
		return !reads_table((Query *) node) &&
			   query_tree_walker((Query *) node, reads_system_column, &levels, 0);
	}
	return expression_tree_walker(node, reads_system_column, depth);
}

/* What has the same value for the same row, wherever the row is. */
static void
check_expression(const char *sql, Node *expr)
{
	int depth = 0;

	if (contain_volatile_functions(expr))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("expression \"%s\" uses a volatile function", sql),
						errhint("Use only functions that give the same answer for the same row.")));
	if (reads_system_column(expr, &depth))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("expression \"%s\" uses a system column", sql),
						errhint("Use only columns that hold what is written into the row.")));
}

/* How many literals begin with a word that dates and times read by the clock? */
static int
count_clock_words(const char *sql)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};
	const char *p = sql;
	int n = 0;
	int i;

	while ((p = strchr(p, '\'')) != NULL)
	{
		p += 1 + strspn(p + 1, " {[(");
		for (i = 0; i < lengthof(words); i++)
			if (pg_strncasecmp(p, words[i], strlen(words[i])) == 0 &&
				!isalnum((unsigned char) p[strlen(words[i])]))
				n++;
	}
	return n;
}

/*
 * A text keeps its word.  A date that was made of one is another literal by
 * now: that of the day on which it was read.
 */
static void
check_literals(const char *sql, const char *written)
{
	if (count_clock_words(sql) > count_clock_words(written))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("expression \"%s\" uses the clock", sql),
			 errdetail(
				 "A literal such as 'today' would stand for the day on which it is declared."),
			 errhint(
				 "Compare with a date phrase in the filter, or, of related rows, in a row group.")));
}

/*
 * Read an expression in the present search path and write it with every name
 * qualified and `new_alias` for the relation (NULL: columns stay bare where
 * they can).  $1 is an integer.  Gives its type, and whether its
 * collation compares bytes for equality.  An error when the role, if there is
 * one, may not evaluate it.
 */
char *
SqlExprQualify(const char *sql, Oid relid, const char *alias, const char *new_alias, Oid role,
			   Oid *type, bool *deterministic)
{
	Relation rel = table_open(relid, AccessShareLock);
	Node *expr = analyze(sql, rel, alias);
	Oid collation = exprCollation(expr);
	char *text;

	table_close(rel, NoLock);

	if (exprType(expr) == UNKNOWNOID)
		expr = coerce_to_common_type(NULL, expr, TEXTOID, "field");
	check_expression(sql, expr);
	if (OidIsValid(role))
		SqlExprCheckRights(expr, role);
	if (type)
		*type = exprType(expr);
	if (deterministic)
		*deterministic = !OidIsValid(collation) || get_collation_isdeterministic(collation);
	text = deparse(expr, relid, new_alias ? new_alias : alias, new_alias != NULL);
	check_literals(sql, text);
	return text;
}
