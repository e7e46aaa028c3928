/*
 * tree_delta.c - what a statement on a partition changed, as rows of the table
 * that is attached.
 *
 * A statement fires the triggers of the table that it names, with rows laid
 * out as that table's.  From here on they are rows of the attached table, and
 * nothing behind knows partitions.
 */
#include "postgres.h"

#include "maintain/tree_delta.h"

#include "access/tupconvert.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "base/table_tree.h"

static Tuplestorestate *
map_rows(Tuplestorestate *rows, TriggerData *data, Relation attached, TupleConversionMap *map)
{
	Tuplestorestate *mapped;
	TupleTableSlot *from;
	TupleTableSlot *to;

	if (rows == NULL || map == NULL)
		return rows;
	mapped = tuplestore_begin_heap(false, false, work_mem);
	from = MakeSingleTupleTableSlot(RelationGetDescr(data->tg_relation), &TTSOpsMinimalTuple);
	to = MakeSingleTupleTableSlot(RelationGetDescr(attached), &TTSOpsVirtual);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, from))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(mapped, execute_attr_map_slot(map->attrMap, from, to));
	}
	ExecDropSingleTupleTableSlot(from);
	ExecDropSingleTupleTableSlot(to);
	return mapped;
}

/*
 * A statement's trigger data as that of the open attached table.
 */
TriggerData *
TreeDeltaBegin(TriggerData *data, Relation attached)
{
	TriggerData *mapped = palloc(sizeof(TriggerData));
	TupleConversionMap *map = TableTreeMap(data->tg_relation, attached);

	*mapped = *data;
	mapped->tg_relation = attached;
	mapped->tg_oldtable = map_rows(data->tg_oldtable, data, attached, map);
	mapped->tg_newtable = map_rows(data->tg_newtable, data, attached, map);
	return mapped;
}

/*
 * Its rows are not needed any more.
 */
void
TreeDeltaEnd(TriggerData *mapped, TriggerData *data)
{
	if (mapped->tg_oldtable != data->tg_oldtable)
		tuplestore_end(mapped->tg_oldtable);
	if (mapped->tg_newtable != data->tg_newtable)
		tuplestore_end(mapped->tg_newtable);
}
