/*
 * generated_rows.c - rows inserted through a partitioned table, with their
 * generated columns.
 *
 * Where a partition is laid out otherwise than the table that is named, the
 * server keeps for triggers the row as it was before it was routed, and so
 * before stored generated columns were computed: they are null there.
 */
#include "postgres.h"

#include "maintain/generated_rows.h"

#include "access/attnum.h"
#include "access/tupdesc.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "utils/rel.h"

/*
 * Can rows of a statement lack generated columns?
 */
bool
GeneratedRowsMissing(const TriggerData *data)
{
	Relation rel = data->tg_relation;
	TupleConstr *constraints = RelationGetDescr(rel)->constr;

	return rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		   TRIGGER_FIRED_BY_INSERT(data->tg_event) && constraints != NULL &&
		   constraints->has_generated_stored;
}

/* How each column is computed; NULL: it isn't. */
static ExprState **
prepare(Relation rel, EState *estate)
{
	TupleDesc desc = RelationGetDescr(rel);
	ExprState **computed = palloc0(sizeof(ExprState *) * desc->natts);
	int i;

	for (i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attgenerated == ATTRIBUTE_GENERATED_STORED)
			computed[i] = ExecPrepareExpr((Expr *) build_column_default(rel, i + 1), estate);
	return computed;
}

/* The row in a slot, with values computed from it, in another. */
static void
compute(ExprState **computed, ExprContext *context, TupleTableSlot *from, TupleTableSlot *to)
{
	int i;

	ResetExprContext(context);
	slot_getallattrs(from);
	context->ecxt_scantuple = from;
	ExecClearTuple(to);
	for (i = 0; i < to->tts_tupleDescriptor->natts; i++)
		if (computed[i] != NULL)
			to->tts_values[i] = ExecEvalExprSwitchContext(computed[i], context, &to->tts_isnull[i]);
		else
		{
			to->tts_values[i] = from->tts_values[i];
			to->tts_isnull[i] = from->tts_isnull[i];
		}
	ExecStoreVirtualTuple(to);
}

/*
 * The new rows of a statement, complete; as whoever writes them, as the server does.
 */
Tuplestorestate *
GeneratedRowsComplete(const TriggerData *data)
{
	TupleDesc desc = RelationGetDescr(data->tg_relation);
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleTableSlot *from = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	TupleTableSlot *to = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	EState *estate = CreateExecutorState();
	ExprState **computed = prepare(data->tg_relation, estate);
	ExprContext *context = GetPerTupleExprContext(estate);

	tuplestore_rescan(data->tg_newtable);
	while (tuplestore_gettupleslot(data->tg_newtable, true, false, from))
	{
		CHECK_FOR_INTERRUPTS();
		compute(computed, context, from, to);
		tuplestore_puttupleslot(rows, to);
	}
	ExecDropSingleTupleTableSlot(from);
	ExecDropSingleTupleTableSlot(to);
	FreeExecutorState(estate);
	return rows;
}
