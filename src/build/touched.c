/*
 * touched.c - contacts that others' changes since a snapshot concern.
 *
 * A segment is evaluated by a snapshot while everybody writes; then writers are
 * shut out, and what they did meanwhile is found by looking at the rows
 * themselves: a row version was touched when the transaction that made it, or
 * the one that ended it, has committed and is not in the snapshot. Contacts of
 * touched rows are evaluated again; for all others nothing that their
 * membership depends on has changed.
 *
 * Nothing escapes: as long as the snapshot is registered no vacuum and no
 * pruning removes a version that was ended by a transaction it does not see
 * (whence no snapshots that expire), and the tables are locked against whatever
 * rewrites or truncates them from before the snapshot on.  Pages that the
 * visibility map calls all-visible hold no such version and are not read. What
 * was done by hand, by time, or to the segments that these refer to shows in
 * the log of joins and leaves, which is looked through in the same way.
 */
#include "postgres.h"

#include "build/touched.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/tupconvert.h"
#include "access/visibilitymap.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/table_tree.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/table_beside.h"
#include "evaluate/row.h"
#include "maintain/related_contacts.h"
#include "program/program.h"
#include "program/program_cache.h"

/* The log of joins and leaves. */
#define Anum_change_segment_id 3
#define Anum_change_contact_id 4

typedef struct TouchedWork
{
	Program *program;
	Snapshot snapshot;
	DatumVector *keys;  /* of contacts, in the end */
	DatumVector *found; /* what add_value() adds to */
	RowVersion row;
	TupleConversionMap *map; /* of rows that are laid out otherwise than the table's, or NULL */
	TupleTableSlot *mapped;
	Facet *facet;    /* of related rows: what to keep of them */
	Int64Vector ids; /* of segments whose log entries count, sorted */
} TouchedWork;

typedef void (*TouchedRow)(TouchedWork *work, TupleTableSlot *slot);

/* ----- row versions ----- */

/* Has a transaction of others committed that the snapshot does not see? */
static bool
is_news(TransactionId xid, Snapshot snapshot)
{
	return TransactionIdIsNormal(xid) && XidInMVCCSnapshot(xid, snapshot) &&
		   !TransactionIdIsCurrentTransactionId(xid) && TransactionIdDidCommit(xid);
}

static bool
is_touched(HeapTupleHeader tuple, Snapshot snapshot)
{
	if (!HeapTupleHeaderXminFrozen(tuple) && !HeapTupleHeaderXminInvalid(tuple) &&
		is_news(HeapTupleHeaderGetRawXmin(tuple), snapshot))
		return true;
	if ((tuple->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask))
		return false;
	return is_news(HeapTupleHeaderGetUpdateXid(tuple), snapshot);
}

/* Copies of the touched versions of a page: nothing else is done under its lock. */
static List *
touched_on_page(Relation rel, BlockNumber block, Snapshot snapshot, BufferAccessStrategy strategy)
{
	Buffer buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	List *tuples = NIL;
	Page page;
	OffsetNumber offset;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	for (offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page); offset++)
	{
		ItemId item = PageGetItemId(page, offset);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(rel);
		ItemPointerSet(&tuple.t_self, block, offset);
		if (is_touched(tuple.t_data, snapshot))
			tuples = lappend(tuples, heap_copytuple(&tuple));
	}
	UnlockReleaseBuffer(buffer);
	return tuples;
}

static void
show_touched(TouchedWork *work, TupleTableSlot *slot, List *tuples, TouchedRow show)
{
	ListCell *cell;

	foreach (cell, tuples)
	{
		ExecStoreHeapTuple(lfirst(cell), slot, false);
		show(work,
			 work->map ? execute_attr_map_slot(work->map->attrMap, slot, work->mapped) : slot);
		ExecClearTuple(slot);
		ResetExprContext(work->program->econtext);
	}
}

/* Every page of one table that may hold touched versions. */
static void
walk_pages(TouchedWork *work, Relation rel, TupleTableSlot *slot, TouchedRow show)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "segments touched rows",
												  ALLOCSET_DEFAULT_SIZES);
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	BlockNumber block;
	Buffer map = InvalidBuffer;

	for (block = 0; block < nblocks; block++)
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (VM_ALL_VISIBLE(rel, block, &map))
			continue;
		old = MemoryContextSwitchTo(scratch);
		show_touched(work, slot, touched_on_page(rel, block, work->snapshot, strategy), show);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	FreeAccessStrategy(strategy);
	MemoryContextDelete(scratch);
}

/* A table that holds rows of another, shown as rows of that. */
static void
walk_leaf(TouchedWork *work, Oid relid, Relation rel, TouchedRow show)
{
	Relation leaf = table_open(relid, AccessShareLock);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(leaf), &TTSOpsHeapTuple);

	work->map = TableTreeMap(leaf, rel);
	if (work->map)
		work->mapped = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	walk_pages(work, leaf, slot, show);
	if (work->map)
		ExecDropSingleTupleTableSlot(work->mapped);
	work->map = NULL;
	ExecDropSingleTupleTableSlot(slot);
	table_close(leaf, NoLock);
}

static void
walk_table(TouchedWork *work, Relation rel, TouchedRow show)
{
	ListCell *cell;

	foreach (cell, TableTreeLeaves(rel, AccessShareLock))
		walk_leaf(work, lfirst_oid(cell), rel, show);
	table_close(rel, NoLock);
}

/* ----- what of a row leads to its contact ----- */

static void
show_contact(TouchedWork *work, TupleTableSlot *slot)
{
	bool isnull;

	DatumVectorAdd(work->keys, slot_getattr(slot, work->program->table->key_attnum, &isnull));
}

static void
show_related(TouchedWork *work, TupleTableSlot *slot)
{
	FacetState *state;

	RowVersionReset(&work->row, slot);
	state = RowFacet(work->program, &work->row, work->facet);
	if (!state->isnull)
		DatumVectorAdd(work->found, state->value);
}

static void
show_log_entry(TouchedWork *work, TupleTableSlot *slot)
{
	bool isnull;
	int64 segment = DatumGetInt64(slot_getattr(slot, Anum_change_segment_id, &isnull));

	if (Int64VectorHolds(&work->ids, segment))
		DatumVectorAdd(work->keys, slot_getattr(slot, Anum_change_contact_id, &isnull));
}

static void
walk_related(TouchedWork *work, RowSource *source, Facet *facet, DatumVector *found)
{
	RowVersionInit(&work->row, source, NULL);
	work->facet = facet;
	work->found = found;
	walk_table(work, ProgramTableOpen(work->program, source->relid, AccessShareLock), show_related);
}

/* Rows that don't hold their contact: companies, found by their own keys. */
static void
walk_companies(TouchedWork *work, RowSource *source)
{
	DatumVector keys;
	int16 len;
	bool byval;

	get_typlenbyval(source->key->image->sql_type, &len, &byval);
	DatumVectorInit(&keys, CurrentMemoryContext, byval, len);
	walk_related(work, source, source->key, &keys);
	if (keys.n > 0)
		RelatedContacts(work->program, source, keys.items, keys.n, work->keys);
}

static void
walk_source(TouchedWork *work, RowSource *source)
{
	if (source->contact != NULL)
		walk_related(work, source, source->contact, work->keys);
	else
		walk_companies(work, source);
	if (source->link != NULL)
		walk_related(work, source->link, source->link->contact, work->keys);
}

/* Those that segments refer to; and they themselves, unless nobody else knows them. */
static void
set_logged_segments(TouchedWork *work, Bitmapset *segments, bool fresh)
{
	Program *program = work->program;
	Bitmapset *logged = fresh ? NULL : bms_copy(segments);
	int index = -1;

	while ((index = bms_next_member(segments, index)) >= 0)
		logged = bms_add_members(logged, ProgramReferences(program, index));
	for (index = -1; (index = bms_next_member(logged, index)) >= 0;)
		Int64VectorAdd(&work->ids, program->segments[index].id);
	Int64VectorSort(&work->ids);
}

/*
 * Add the keys of contacts whose rows, related rows or memberships in these
 * segments (indexes), and in those that they refer to, were touched since the
 * snapshot; some may not exist, and some come several times.  fresh: nobody
 * else knows the segments.  Writers are shut out.  Needs SPI, and the owner's
 * rights.
 */
void
TouchedContacts(Program *program, Bitmapset *segments, bool fresh, Snapshot snapshot,
				DatumVector *keys)
{
	TouchedWork work = {program, snapshot, keys};
	int i;

	walk_table(&work, ProgramTableOpen(program, program->relid, AccessShareLock), show_contact);
	for (i = 1; i < program->nsources; i++)
		if (bms_overlap(ProgramSegmentsReading(program, program->sources[i]), segments))
			walk_source(&work, program->sources[i]);
	set_logged_segments(&work, segments, fresh);
	if (work.ids.n > 0)
		walk_table(&work, BesideOpenOf(program->table, BESIDE_CHANGE, AccessShareLock),
				   show_log_entry);
}

/* ----- can it be done? ----- */

static bool
is_heap(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	bool heap = rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relam == HEAP_TABLE_AM_OID;

	table_close(rel, AccessShareLock);
	return heap;
}

static bool
is_all_heap(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	bool heap = true;
	ListCell *cell;

	foreach (cell, TableTreeLeaves(rel, AccessShareLock))
		heap = heap && is_heap(lfirst_oid(cell));
	table_close(rel, AccessShareLock);
	return heap;
}

/*
 * Are all tables plain ones, whose pages we can read?
 */
bool
TouchedCanBeFound(Oid contact_table, List *relids)
{
	ListCell *cell;

	if (SnapshotsExpire() || !is_all_heap(contact_table) ||
		!is_heap(CatalogContactTable(contact_table, false)->change_table))
		return false;
	foreach (cell, relids)
		if (!is_all_heap(lfirst_oid(cell)))
			return false;
	return true;
}
