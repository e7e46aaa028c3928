/*
 * index_probe.c - rows of a table by the leading columns of a btree index,
 * without a query.
 *
 * What is looked up for one contact is a handful of rows, and starting a query
 * for them costs many times the rows.  A probe keeps its index open, and is
 * asked for one value after the other.  It sees what an index scan under the
 * same snapshot sees, and takes the same predicate locks (at SERIALIZABLE).
 */
#include "postgres.h"

#include "base/index_probe.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "base/compat.h"

/*
 * Open a probe of an open table; IndexProbeKey then says what its columns are
 * compared with, one after the other.
 */
void
IndexProbeOpen(IndexProbe *probe, Relation rel, Oid index, Snapshot snapshot)
{
	probe->context = CurrentMemoryContext;
	probe->rel = rel;
	probe->index = index_open(index, AccessShareLock);
	probe->snapshot = snapshot;
	probe->scan = NULL;
	probe->slot = table_slot_create(rel, NULL);
	probe->nkeys = 0;
}

/*
 * The next column of the index is compared with values of this type.  The
 * collation is the index's own, which its order follows: any deterministic one
 * gives the same equality.
 */
void
IndexProbeKey(IndexProbe *probe, Oid value_type, RegProcedure equal)
{
	int column = probe->nkeys++;

	Assert(column < INDEX_PROBE_KEYS);
	ScanKeyEntryInitialize(&probe->keys[column], 0, column + 1, BTEqualStrategyNumber, value_type,
						   probe->index->rd_indcollation[column], equal, (Datum) 0);
}

/*
 * Look for other values, one for each key; IndexProbeNext gives the rows.
 */
void
IndexProbeFind(IndexProbe *probe, const Datum *values)
{
	MemoryContext caller = MemoryContextSwitchTo(probe->context);
	int i;

	for (i = 0; i < probe->nkeys; i++)
		probe->keys[i].sk_argument = values[i];
	if (probe->scan == NULL)
		probe->scan = IndexScanBegin(probe->rel, probe->index, probe->snapshot, probe->nkeys);
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	MemoryContextSwitchTo(caller);
}

/*
 * The next row, or NULL.  It stays until the next call.
 */
TupleTableSlot *
IndexProbeNext(IndexProbe *probe)
{
	MemoryContext caller = MemoryContextSwitchTo(probe->context);
	bool found = index_getnext_slot(probe->scan, ForwardScanDirection, probe->slot);

	MemoryContextSwitchTo(caller);
	return found ? probe->slot : NULL;
}

/*
 * How many entries the index has for other values, whatever has become of their
 * rows: at least as many as there are rows under any snapshot.  At most one more
 * than `most` are counted.
 */
int
IndexProbeCount(IndexProbe *probe, const Datum *values, int most)
{
	MemoryContext caller;
	int n = 0;

	IndexProbeFind(probe, values);
	caller = MemoryContextSwitchTo(probe->context);
	while (n <= most && index_getnext_tid(probe->scan, ForwardScanDirection) != NULL)
		n++;
	MemoryContextSwitchTo(caller);
	return n;
}

void
IndexProbeClose(IndexProbe *probe)
{
	ExecDropSingleTupleTableSlot(probe->slot);
	if (probe->scan)
		index_endscan(probe->scan);
	index_close(probe->index, NoLock);
}
