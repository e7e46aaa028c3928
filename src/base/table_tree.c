/*
 * table_tree.c - which tables hold the rows of a table: itself, its partitions,
 * what inherits from it.
 *
 * A query over a table reads them all, and so do we where we read rows without
 * a query.  Those with storage are called leaves here, the table itself may be
 * one.  Partitions that are being detached concurrently are left out from the
 * moment that queries leave them out.
 */
#include "postgres.h"

#include "base/table_tree.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/indexing.h"
#include "nodes/pg_list.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

/*
 * Are all of the table's rows its own?
 */
bool
TableTreeIsOne(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relhassubclass;
}

/*
 * May the table's rows be rows of one above it?  What inherits has inherited
 * columns, of all tables above it that have any.
 */
bool
TableTreeMayInherit(Relation rel)
{
	TupleDesc desc = RelationGetDescr(rel);
	int i;

	for (i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attinhcount > 0)
			return true;
	return false;
}

static bool
is_leaf(Oid relid)
{
	char kind = get_rel_relkind(relid);

	return kind == RELKIND_RELATION || kind == RELKIND_FOREIGN_TABLE;
}

/*
 * OIDs of the tables that hold the rows of an open one, each locked.
 */
List *
TableTreeLeaves(Relation rel, LOCKMODE lock)
{
	List *leaves = NIL;
	ListCell *cell;

	if (TableTreeIsOne(rel))
		return list_make1_oid(RelationGetRelid(rel));
	foreach (cell, find_all_inheritors(RelationGetRelid(rel), lock, NULL))
		if (is_leaf(lfirst_oid(cell)))
			leaves = lappend_oid(leaves, lfirst_oid(cell));
	return leaves;
}

/* ----- the leaf of one value ----- */

/*
 * The partition that rows with a value in the column are in, by its place in
 * the descriptor; -1: in none; -2: not told by the column alone, or by other
 * than the server's own functions.
 */
static int
route(Relation rel, PartitionDesc partitions, AttrNumber column, Oid type, Datum value)
{
	PartitionKey key = RelationGetPartitionKey(rel);
	PartitionBoundInfo bounds = partitions->boundinfo;
	bool isnull = false;
	bool equal;
	int found;

	if (key->partnatts != 1 || key->partattrs[0] != column || key->partopcintype[0] != type ||
		key->partopfamily[0] >= FirstNormalObjectId)
		return -2;
	if (partitions->nparts == 0)
		return -1;
	switch (key->strategy)
	{
		case PARTITION_STRATEGY_HASH:
			found = bounds->indexes[compute_partition_hash_value(
										1, key->partsupfunc, key->partcollation, &value, &isnull) %
									bounds->nindexes];
			break;
		case PARTITION_STRATEGY_LIST:
			found =
				partition_list_bsearch(key->partsupfunc, key->partcollation, bounds, value, &equal);
			found = (found >= 0 && equal) ? bounds->indexes[found] : -1;
			break;
		default:
			found = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, bounds, 1,
												  &value, &equal);
			found = bounds->indexes[found + 1];
	}
	return found >= 0 ? found : bounds->default_index;
}

/*
 * The same, of those that may hold rows with this value in a column: of a
 * partitioned table often a single one, and no other is locked.
 */
List *
TableTreeLeavesFor(Relation rel, AttrNumber column, Oid type, Datum value, LOCKMODE lock)
{
	PartitionDesc partitions;
	List *leaves;
	Relation part;
	int found;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return TableTreeLeaves(rel, lock);
	partitions = RelationGetPartitionDesc(rel, true);
	found = route(rel, partitions, column, type, value);
	if (found == -1)
		return NIL;
	if (found == -2)
		return TableTreeLeaves(rel, lock);
	part = table_open(partitions->oids[found], lock);
	leaves = TableTreeLeavesFor(part, TableTreeColumn(part, rel, column), type, value, lock);
	table_close(part, NoLock);
	return leaves;
}

/* ----- up and down ----- */

/*
 * OIDs of all tables under this one, which is locked, or gone; they need not be
 * there still.
 */
List *
TableTreeBelow(Oid relid)
{
	if (get_rel_relkind(relid) == '\0')
		return NIL;
	return list_delete_first(find_all_inheritors(relid, NoLock, NULL));
}

/*
 * Lock a table and all under it.  Whoever puts another under one of them waits
 * for our lock on that one; who did so before we had it is found in the end.
 */
void
TableTreeLock(Oid relid, LOCKMODE mode, void (*lock)(Oid, LOCKMODE))
{
	List *locked = list_make1_oid(relid);
	List *below;

	lock(relid, mode);
	while ((below = list_difference_oid(TableTreeBelow(relid), locked)) != NIL)
	{
		ListCell *cell;

		foreach (cell, below)
			lock(lfirst_oid(cell), mode);
		locked = list_concat(locked, below);
	}
}

/* The tables that one is a partition of, or inherits from, itself. */
static List *
parents_of(Oid relid)
{
	Relation inherits = table_open(InheritsRelationId, AccessShareLock);
	List *parents = NIL;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);

		if (!form->inhdetachpending)
			parents = lappend_oid(parents, form->inhparent);
	}
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return parents;
}

/*
 * OIDs of all tables above this one, the nearest first.
 */
List *
TableTreeAbove(Oid relid)
{
	List *above = parents_of(relid);
	int i;

	for (i = 0; i < list_length(above); i++)
		above = list_concat_unique_oid(above, parents_of(list_nth_oid(above, i)));
	return above;
}

/* ----- rows ----- */

/*
 * A column of the table as it is numbered in a leaf.
 */
AttrNumber
TableTreeColumn(Relation leaf, Relation rel, AttrNumber column)
{
	if (RelationGetRelid(leaf) == RelationGetRelid(rel))
		return column;
	return get_attnum(RelationGetRelid(leaf), get_attname(RelationGetRelid(rel), column, false));
}

/*
 * How rows of a leaf become rows of the table; NULL where they are.
 */
TupleConversionMap *
TableTreeMap(Relation leaf, Relation rel)
{
	return convert_tuples_by_name(RelationGetDescr(leaf), RelationGetDescr(rel));
}

/* ----- size ----- */

/*
 * Blocks that the table's rows take, wherever they are, and how many rows
 * statistics say there are.
 */
BlockNumber
TableTreeSize(Relation rel, double *rows)
{
	BlockNumber blocks = 0;
	ListCell *cell;

	*rows = 0;
	foreach (cell, TableTreeLeaves(rel, AccessShareLock))
	{
		Relation leaf = table_open(lfirst_oid(cell), NoLock);

		*rows += Max(leaf->rd_rel->reltuples, 0);
		if (leaf->rd_rel->relkind == RELKIND_RELATION)
			blocks += RelationGetNumberOfBlocks(leaf);
		table_close(leaf, NoLock);
	}
	return blocks;
}
