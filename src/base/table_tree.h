/*
 * table_tree.h - which tables hold the rows of a table: itself, its partitions,
 * what inherits from it.
 */
#ifndef SEGMENTS_TABLE_TREE_H
#define SEGMENTS_TABLE_TREE_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/tupconvert.h"
#include "nodes/pg_list.h"
#include "storage/block.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

extern bool TableTreeIsOne(Relation rel);
extern bool TableTreeMayInherit(Relation rel);
extern List *TableTreeLeaves(Relation rel, LOCKMODE lock);
extern List *TableTreeLeavesFor(Relation rel, AttrNumber column, Oid type, Datum value,
								LOCKMODE lock);
extern List *TableTreeBelow(Oid relid);
extern List *TableTreeAbove(Oid relid);
extern void TableTreeLock(Oid relid, LOCKMODE mode, void (*lock)(Oid, LOCKMODE));
extern AttrNumber TableTreeColumn(Relation leaf, Relation rel, AttrNumber column);
extern TupleConversionMap *TableTreeMap(Relation leaf, Relation rel);
extern BlockNumber TableTreeSize(Relation rel, double *rows);

#endif /* SEGMENTS_TABLE_TREE_H */
