/*
 * tree_probe.c - rows of a table by one column, wherever its rows are, without
 * a query.
 *
 * Of a table that holds all its rows itself this is an index probe.  Where
 * partitions or children hold them, each that may have rows with the value is
 * asked by an index of its own, and the rows come in the layout of the table.
 * A partitioned table tells by its bounds which partition that is, when the
 * value is that of its partition key.  What inherits need not have an index:
 * then all its rows are looked at.
 */
#include "postgres.h"

#include "base/tree_probe.h"

#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/index_choice.h"
#include "base/index_probe.h"
#include "base/table_tree.h"

/* A table that holds rows of the one that is asked. */
typedef struct ProbeLeaf
{
	Relation rel;
	AttrNumber column;
	TupleConversionMap *map; /* NULL: its rows are as those of the table */
	bool indexed;
	IndexProbe probe;     /* by an index, or */
	TableScanDesc scan;   /* from end to end */
	TupleTableSlot *slot; /* the scan's row */
	FmgrInfo equal;
} ProbeLeaf;

/* ----- leaves ----- */

static ProbeLeaf *
open_leaf(TreeProbe *probe, Oid relid)
{
	ProbeLeaf *leaf = palloc0(sizeof(ProbeLeaf));
	IndexChoice choice;

	leaf->rel = table_open(relid, probe->lock);
	leaf->column = TableTreeColumn(leaf->rel, probe->rel, probe->column);
	leaf->map = TableTreeMap(leaf->rel, probe->rel);
	leaf->indexed = IndexChoiceFind(leaf->rel, leaf->column, probe->value_type, &choice);
	if (leaf->indexed)
	{
		IndexProbeOpen(&leaf->probe, leaf->rel, choice.index, probe->snapshot);
		IndexProbeKey(&leaf->probe, choice.value_type, choice.equal);
	}
	else
	{
		fmgr_info(probe->equal, &leaf->equal);
		leaf->slot = table_slot_create(leaf->rel, NULL);
	}
	probe->leaves = lappend(probe->leaves, leaf);
	return leaf;
}

static ProbeLeaf *
leaf_of(TreeProbe *probe, Oid relid)
{
	ListCell *cell;

	foreach (cell, probe->leaves)
		if (RelationGetRelid(((ProbeLeaf *) lfirst(cell))->rel) == relid)
			return lfirst(cell);
	return open_leaf(probe, relid);
}

static void
end_scan(ProbeLeaf *leaf)
{
	if (leaf->scan)
		table_endscan(leaf->scan);
	leaf->scan = NULL;
}

static void
ask_leaf(TreeProbe *probe, ProbeLeaf *leaf)
{
	if (leaf->indexed)
		IndexProbeFind(&leaf->probe, &probe->value);
	else
		leaf->scan = TableBeginScan(leaf->rel, probe->snapshot);
	probe->leaf = leaf;
}

/* The next row of a leaf that has no index, or NULL. */
static TupleTableSlot *
next_scanned(TreeProbe *probe, ProbeLeaf *leaf)
{
	Oid collation = TupleDescAttr(RelationGetDescr(leaf->rel), leaf->column - 1)->attcollation;

	while (table_scan_getnextslot(leaf->scan, ForwardScanDirection, leaf->slot))
	{
		bool isnull;
		Datum value = slot_getattr(leaf->slot, leaf->column, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull &&
			DatumGetBool(FunctionCall2Coll(&leaf->equal, collation, value, probe->value)))
			return leaf->slot;
	}
	end_scan(leaf);
	return NULL;
}

static TupleTableSlot *
next_of_leaf(TreeProbe *probe, ProbeLeaf *leaf)
{
	TupleTableSlot *slot = leaf->indexed ? IndexProbeNext(&leaf->probe) : next_scanned(probe, leaf);

	if (slot == NULL || leaf->map == NULL)
		return slot;
	execute_attr_map_slot(leaf->map->attrMap, slot, probe->slot);
	probe->slot->tts_tid = slot->tts_tid;
	return probe->slot;
}

/* ----- the table ----- */

/*
 * Begin to look up rows of an open table by a column that an index of it was
 * chosen for.  Other tables that hold its rows are locked as they are asked.
 */
void
TreeProbeOpen(TreeProbe *probe, Relation rel, AttrNumber column, const IndexChoice *choice,
			  Snapshot snapshot, LOCKMODE lock)
{
	memset(probe, 0, sizeof(TreeProbe));
	probe->rel = rel;
	probe->snapshot = snapshot;
	probe->one = TableTreeIsOne(rel);
	if (probe->one)
	{
		IndexProbeOpen(&probe->own, rel, choice->index, snapshot);
		IndexProbeKey(&probe->own, choice->value_type, choice->equal);
		return;
	}
	probe->context = CurrentMemoryContext;
	probe->lock = lock;
	probe->column = column;
	probe->value_type = choice->value_type;
	probe->equal = choice->equal;
	probe->slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
}

/*
 * Look for another value, which must stay as long as it is looked for;
 * TreeProbeNext gives the rows.
 */
void
TreeProbeFind(TreeProbe *probe, Datum value)
{
	MemoryContext caller;

	if (probe->one)
	{
		IndexProbeFind(&probe->own, &value);
		return;
	}
	caller = MemoryContextSwitchTo(probe->context);
	if (probe->leaf && !probe->leaf->indexed)
		end_scan(probe->leaf);
	list_free(probe->waiting);
	probe->leaf = NULL;
	probe->value = value;
	probe->waiting =
		TableTreeLeavesFor(probe->rel, probe->column, probe->value_type, value, probe->lock);
	MemoryContextSwitchTo(caller);
}

/*
 * The next row, or NULL.  It stays until the next call.
 */
TupleTableSlot *
TreeProbeNext(TreeProbe *probe)
{
	MemoryContext caller;
	TupleTableSlot *slot = NULL;

	if (probe->one)
		return IndexProbeNext(&probe->own);
	caller = MemoryContextSwitchTo(probe->context);
	for (;;)
	{
		slot = probe->leaf ? next_of_leaf(probe, probe->leaf) : NULL;
		if (slot != NULL || probe->waiting == NIL)
			break;
		ask_leaf(probe, leaf_of(probe, linitial_oid(probe->waiting)));
		probe->waiting = list_delete_first(probe->waiting);
	}
	MemoryContextSwitchTo(caller);
	return slot;
}

/*
 * How many rows with another value there are at most (IndexProbeCount); -1: not
 * told, others hold rows too.
 */
int
TreeProbeCount(TreeProbe *probe, Datum value, int most)
{
	return probe->one ? IndexProbeCount(&probe->own, &value, most) : -1;
}

/*
 * The table that the present row is in.
 */
Relation
TreeProbeTable(TreeProbe *probe)
{
	return probe->one ? probe->rel : probe->leaf->rel;
}

/*
 * The column that rows are looked up by, as that table numbers it.
 */
AttrNumber
TreeProbeColumn(TreeProbe *probe)
{
	return probe->one ? probe->own.index->rd_index->indkey.values[0] : probe->leaf->column;
}

/*
 * A copy of a row of that table as a row of the table that is asked.
 */
HeapTuple
TreeProbeTuple(TreeProbe *probe, TupleTableSlot *slot)
{
	HeapTuple tuple = ExecCopySlotHeapTuple(slot);
	HeapTuple mapped;

	if (probe->one || probe->leaf->map == NULL)
		return tuple;
	mapped = execute_attr_map_tuple(tuple, probe->leaf->map);
	mapped->t_self = tuple->t_self;
	mapped->t_tableOid = tuple->t_tableOid;
	/* who wrote it is asked for; it is a row, not a value */
	mapped->t_data->t_choice.t_heap = tuple->t_data->t_choice.t_heap;
	mapped->t_data->t_ctid = tuple->t_data->t_ctid;
	mapped->t_data->t_infomask |= tuple->t_data->t_infomask & HEAP_XACT_MASK;
	heap_freetuple(tuple);
	return mapped;
}

void
TreeProbeClose(TreeProbe *probe)
{
	ListCell *cell;

	if (probe->one)
	{
		IndexProbeClose(&probe->own);
		return;
	}
	foreach (cell, probe->leaves)
	{
		ProbeLeaf *leaf = lfirst(cell);

		end_scan(leaf);
		if (leaf->indexed)
			IndexProbeClose(&leaf->probe);
		else
			ExecDropSingleTupleTableSlot(leaf->slot);
		table_close(leaf->rel, NoLock);
	}
	ExecDropSingleTupleTableSlot(probe->slot);
}
