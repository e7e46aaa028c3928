/*
 * ddl_command.c - what a command that an event trigger is told of does, beyond
 * what the catalogs show: which name a column had, whether values are computed
 * anew, whether a function is another one now.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "tcop/deparse_utility.h"
#include "utils/builtins.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(segments_former_name);
PG_FUNCTION_INFO_V1(segments_recomputes);
PG_FUNCTION_INFO_V1(segments_redefines);

static Node *
simple_statement(FunctionCallInfo fcinfo)
{
	CollectedCommand *command = (CollectedCommand *) PG_GETARG_POINTER(0);

	return command->type == SCT_Simple ? command->parsetree : NULL;
}

/*
 * segments_internal.former_name(command) -> name that a column had before it was renamed.
 */
Datum
segments_former_name(PG_FUNCTION_ARGS)
{
	RenameStmt *rename = (RenameStmt *) simple_statement(fcinfo);

	if (rename == NULL || !IsA(rename, RenameStmt) || rename->subname == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(DirectFunctionCall1(namein, CStringGetDatum(rename->subname)));
}

/*
 * segments_internal.redefines(command) -> boolean: does it change how a function is
 * called, and perhaps its values?
 */
Datum
segments_redefines(PG_FUNCTION_ARGS)
{
	Node *statement = simple_statement(fcinfo);

	PG_RETURN_BOOL(statement != NULL && IsA(statement, AlterFunctionStmt));
}

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* The column itself, cast to what holds the same values. */
static bool
is_same_value(Node *expr, AttrNumber column)
{
	for (;;)
	{
		if (expr == NULL)
			return false;
		if (IsA(expr, Var))
			return ((Var *) expr)->varattno == column;
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else if (IsA(expr, FuncExpr) && is_integer(exprType(expr)) &&
				 ((FuncExpr *) expr)->funcformat != COERCE_EXPLICIT_CALL &&
				 is_integer(exprType(linitial(((FuncExpr *) expr)->args))))
			expr = linitial(((FuncExpr *) expr)->args);
		else
			return false;
	}
}

static bool
computes(const AlterTableCmd *part, AttrNumber column)
{
	const ColumnDef *given = (const ColumnDef *) part->def;

	return AltersExpression(part) ||
		   (part->subtype == AT_AlterColumnType && given->raw_default != NULL &&
			!is_same_value(given->cooked_default, column));
}

/*
 * segments_internal.recomputes(command, relation, column_number) -> boolean: does it
 * compute the values of a column by an expression that is more than the column?
 */
Datum
segments_recomputes(PG_FUNCTION_ARGS)
{
	CollectedCommand *command = (CollectedCommand *) PG_GETARG_POINTER(0);
	ListCell *cell;

	if (command->type != SCT_AlterTable)
		PG_RETURN_BOOL(false);
	foreach (cell, command->d.alterTable.subcmds)
	{
		CollectedATSubcmd *part = lfirst(cell);

		if (part->address.classId == RelationRelationId &&
			part->address.objectId == PG_GETARG_OID(1) &&
			part->address.objectSubId == PG_GETARG_INT16(2) &&
			computes((AlterTableCmd *) part->parsetree, PG_GETARG_INT16(2)))
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}
