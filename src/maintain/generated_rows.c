/*
 * generated_rows.c - rows written through a partitioned table, with their
 * generated columns.
 *
 * Where a partition is laid out otherwise than the table that is named, the
 * server keeps for triggers a row that was inserted there as it was before it
 * was routed, and so before the partition computed its stored generated
 * columns: they are null, or, where an update moved the row, what the partition
 * that it comes from has made of it.  Each partition may compute them by an
 * expression of its own, so such rows are routed again, to be completed as
 * they were stored.
 */
#include "postgres.h"

#include "maintain/generated_rows.h"

#include "access/tupconvert.h"
#include "access/tupdesc.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "base/compat.h"

/* What it takes to find a row's partition. */
typedef struct Router
{
	EState *estate;
	ModifyTableState *insertion;
	PartitionTupleRouting *routing;
	TupleTableSlot *whole; /* a completed row, laid out as the table */
} Router;

/*
 * Can rows of a statement lack generated columns, where some partition is laid
 * out otherwise?
 */
bool
GeneratedRowsMissing(const TriggerData *data)
{
	Relation rel = data->tg_relation;
	TupleConstr *constraints = RelationGetDescr(rel)->constr;

	return rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		   (TRIGGER_FIRED_BY_INSERT(data->tg_event) || TRIGGER_FIRED_BY_UPDATE(data->tg_event)) &&
		   constraints != NULL && constraints->has_generated_stored;
}

static Router
router_begin(Relation rel)
{
	Router router;
	ModifyTableState *insertion = makeNode(ModifyTableState);

	router.estate = CreateExecutorState();
	router.routing = ExecSetupPartitionTupleRouting(router.estate, rel);
	router.whole = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	router.insertion = insertion;
	insertion->ps.state = router.estate;
	insertion->operation = CMD_INSERT;
	insertion->mt_nrels = 1;
	insertion->resultRelInfo = makeNode(ResultRelInfo);
	insertion->rootResultRelInfo = insertion->resultRelInfo;
	InitResultRelInfo(insertion->resultRelInfo, rel, 0, NULL, 0);
	return router;
}

static void
router_end(Router *router)
{
	ExecCleanupTupleRouting(router->insertion, router->routing);
	ExecResetTupleTable(router->estate->es_tupleTable, false);
	ExecDropSingleTupleTableSlot(router->whole);
	FreeExecutorState(router->estate);
}

/* A row, with what its partition computes; it lives until the next. */
static TupleTableSlot *
complete(Router *router, TupleTableSlot *row)
{
	ResultRelInfo *leaf;
	TupleConversionMap *map;
	TupleTableSlot *stored;

	ResetPerTupleExprContext(router->estate);
	leaf = ExecFindPartition(router->insertion, router->insertion->resultRelInfo, router->routing,
							 row, router->estate);
	map = RootToLeafMap(leaf, router->estate);
	if (map == NULL)
		return row;
	stored = execute_attr_map_slot(map->attrMap, row, leaf->ri_PartitionTupleSlot);
	stored->tts_tableOid = RelationGetRelid(leaf->ri_RelationDesc);
	ExecComputeStoredGenerated(leaf, router->estate, stored, CMD_INSERT);
	map = ExecGetChildToRootMap(leaf);
	return map ? execute_attr_map_slot(map->attrMap, stored, router->whole) : stored;
}

/* May it be that the row wasn't completed? */
static bool
lacks_columns(TupleTableSlot *row, bool inserted)
{
	TupleDesc desc = row->tts_tupleDescriptor;
	int i;

	if (!inserted)
		return true;
	for (i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attgenerated == ATTRIBUTE_GENERATED_STORED &&
			slot_attisnull(row, i + 1))
			return true;
	return false;
}

/*
 * The new rows of a statement, complete; as whoever writes them, as the server does.
 */
Tuplestorestate *
GeneratedRowsComplete(const TriggerData *data)
{
	bool inserted = TRIGGER_FIRED_BY_INSERT(data->tg_event);
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleTableSlot *row =
		MakeSingleTupleTableSlot(RelationGetDescr(data->tg_relation), &TTSOpsMinimalTuple);
	Router router = router_begin(data->tg_relation);

	tuplestore_rescan(data->tg_newtable);
	while (tuplestore_gettupleslot(data->tg_newtable, true, false, row))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows, lacks_columns(row, inserted) ? complete(&router, row) : row);
	}
	router_end(&router);
	ExecDropSingleTupleTableSlot(row);
	return rows;
}
