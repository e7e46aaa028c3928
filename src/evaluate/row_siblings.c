/*
 * row_siblings.c - values of a related row that depend on the contact's other
 * rows, computed from all of these in memory.
 *
 * A visit begins a session unless another visit came before it: a subquery
 * over rows of the same table and the same contact.  Where it asks no more
 * than that (sibling_expr.c), it is answered from the rows that were read, at
 * the moment when the expression comes to it.
 */
#include "postgres.h"

#include "evaluate/row_siblings.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "nodes/params.h"
#include "nodes/pg_list.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/secure.h"
#include "base/sibling_expr.h"
#include "base/sql_expr.h"
#include "definition/contact_table.h"
#include "evaluate/field_context.h"
#include "evaluate/row.h"
#include "program/image.h"
#include "program/program.h"

typedef struct RowSiblings
{
	bool usable;
	ExprState *value;
	ExprState **subqueries; /* their conditions; NULL: any row will do */
	ParamListInfo answers;
	ExprContext *econtext; /* of the conditions */

	/* rows of the contact whose value is being computed */
	RowVersion *rows;
	int n;
	TupleTableSlot *slot; /* of the row that it is of */
} RowSiblings;

/* Does some row of the contact meet the conditions of a subquery? */
static bool
some_row_meets(RowSiblings *siblings, ExprState *conditions)
{
	ExprContext *econtext = siblings->econtext;
	bool found = false;
	int i;

	for (i = 0; i < siblings->n && !found; i++)
	{
		ResetExprContext(econtext);
		econtext->ecxt_scantuple = siblings->slot;
		econtext->ecxt_innertuple = siblings->rows[i].slot;
		found = ExecQual(conditions, econtext);
	}
	return found;
}

/* A ParamFetchHook. */
static ParamExternData *
answer_subquery(ParamListInfo params, int number, bool speculative, ParamExternData *answer)
{
	RowSiblings *siblings = params->paramFetchArg;

	answer->value = BoolGetDatum(some_row_meets(siblings, siblings->subqueries[number - 1]));
	answer->isnull = false;
	answer->pflags = 0;
	answer->ptype = BOOLOID;
	return answer;
}

static ExprState *
prepare_conditions(List *conditions)
{
	return ExecInitQual((List *) expression_planner((Expr *) conditions), NULL);
}

static void
prepare(Program *program, RowSiblings *siblings, const SiblingExpr *expr)
{
	ListCell *cell;
	int n = 0;

	siblings->value = ExecInitExpr(expression_planner((Expr *) expr->expr), NULL);
	siblings->subqueries = palloc(sizeof(ExprState *) * list_length(expr->subqueries));
	foreach (cell, expr->subqueries)
		siblings->subqueries[n++] = prepare_conditions(lfirst(cell));
	siblings->answers = makeParamList(n);
	siblings->answers->paramFetch = answer_subquery;
	siblings->answers->paramFetchArg = siblings;
	siblings->econtext = CreateExprContext(program->estate);
}

/* Do rows of the table belong to a contact by a column of their own? */
static AttrNumber
contact_column(const RowSource *source)
{
	const RelatedRows *rows = source->rows;

	if (rows == NULL || OidIsValid(rows->link_relid) || rows->contact_reference != NULL)
		return InvalidAttrNumber;
	return get_attnum(rows->relid, rows->contact_column);
}

static RowSiblings *
read_expression(Program *program, Facet *facet, AttrNumber column)
{
	RowSiblings *siblings = palloc0(sizeof(RowSiblings));
	Oid owner = program->table->owner;
	SiblingExpr taken;
	Node *expr =
		SqlExprParse(ImageString(program->image, facet->image->sql), facet->source->relid, "r");

	siblings->usable = SiblingExprRead(expr, facet->source->relid, column, owner, &taken);
	if (siblings->usable)
		prepare(program, siblings, &taken);
	return siblings;
}

/*
 * Can the facet, which holds a subquery, be computed from all rows of a contact?
 */
bool
RowSiblingsAnswer(Program *program, Facet *facet)
{
	AttrNumber column = contact_column(facet->source);
	SecureContext secure;
	MemoryContext context;
	MemoryContext old;

	if (facet->siblings != NULL)
		return facet->siblings->usable;
	if (column == InvalidAttrNumber)
		return false;
	context =
		AllocSetContextCreate(CurrentMemoryContext, "segments siblings", ALLOCSET_SMALL_SIZES);
	SecureEnter(&secure, program->table->owner);
	old = MemoryContextSwitchTo(context);
	facet->siblings = read_expression(program, facet, column);
	MemoryContextSwitchTo(old);
	SecureLeave(&secure);
	MemoryContextSetParent(context, program->context);
	return facet->siblings->usable;
}

/*
 * Its value on one of the contact's n rows, which are all.
 */
FacetState *
RowSiblingsFacet(Program *program, Facet *facet, RowVersion *rows, int n, int position)
{
	RowSiblings *siblings = facet->siblings;
	ExprContext *econtext = program->econtext;
	MemoryContext old;
	FieldContext context;
	Datum value;
	bool isnull;

	if (rows[position].facets[facet->id].known == rows[position].stamp)
		return &rows[position].facets[facet->id];
	siblings->rows = rows;
	siblings->n = n;
	siblings->slot = rows[position].slot;
	FieldContextOfFacet(&context, program, facet);
	econtext->ecxt_scantuple = siblings->slot;
	econtext->ecxt_param_list_info = siblings->answers;
	old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	value = ExecEvalExpr(siblings->value, econtext, &isnull);
	MemoryContextSwitchTo(old);
	econtext->ecxt_param_list_info = NULL;
	FieldContextEnd(&context);
	return RowFacetKeep(program, &rows[position], facet, value, isnull);
}
