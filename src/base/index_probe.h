/*
 * index_probe.h - rows of a table by the leading columns of a btree index,
 * without a query.
 */
#ifndef SEGMENTS_INDEX_PROBE_H
#define SEGMENTS_INDEX_PROBE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define INDEX_PROBE_KEYS 2

/* An index that is open to be asked again and again. */
typedef struct IndexProbe
{
	MemoryContext context; /* what the scan keeps is in here */
	Relation rel;
	Relation index;
	Snapshot snapshot;
	IndexScanDesc scan;
	TupleTableSlot *slot; /* the present row */
	int nkeys;
	ScanKeyData keys[INDEX_PROBE_KEYS];
} IndexProbe;

extern void IndexProbeOpen(IndexProbe *probe, Relation rel, Oid index, Snapshot snapshot);
extern void IndexProbeKey(IndexProbe *probe, Oid value_type, RegProcedure equal);
extern void IndexProbeFind(IndexProbe *probe, const Datum *values);
extern TupleTableSlot *IndexProbeNext(IndexProbe *probe);
extern int IndexProbeCount(IndexProbe *probe, const Datum *values, int most);
extern void IndexProbeClose(IndexProbe *probe);

#endif /* SEGMENTS_INDEX_PROBE_H */
