/*
 * tree_probe.h - rows of a table by one column, wherever its rows are, without
 * a query.
 */
#ifndef SEGMENTS_TREE_PROBE_H
#define SEGMENTS_TREE_PROBE_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/htup.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "base/index_choice.h"
#include "base/index_probe.h"

/* An open table that is asked again and again. */
typedef struct TreeProbe
{
	Relation rel;
	Snapshot snapshot;
	bool one;       /* all rows are the table's own: */
	IndexProbe own; /* found by this */
	/* where others hold rows too */
	MemoryContext context;
	LOCKMODE lock;
	AttrNumber column;
	Oid value_type;
	RegProcedure equal;
	Datum value;
	List *leaves;           /* of struct ProbeLeaf, that were opened */
	List *waiting;          /* OIDs of those that are still to be asked */
	struct ProbeLeaf *leaf; /* that is being asked */
	TupleTableSlot *slot;   /* the present row, as one of the table */
} TreeProbe;

extern void TreeProbeOpen(TreeProbe *probe, Relation rel, AttrNumber column,
						  const IndexChoice *choice, Snapshot snapshot, LOCKMODE lock);
extern void TreeProbeFind(TreeProbe *probe, Datum value);
extern TupleTableSlot *TreeProbeNext(TreeProbe *probe);
extern int TreeProbeCount(TreeProbe *probe, Datum value, int most);
extern Relation TreeProbeTable(TreeProbe *probe);
extern AttrNumber TreeProbeColumn(TreeProbe *probe);
extern HeapTuple TreeProbeTuple(TreeProbe *probe, TupleTableSlot *slot);
extern void TreeProbeClose(TreeProbe *probe);

#endif /* SEGMENTS_TREE_PROBE_H */
