/*
 * segment_find.c - the segment that a word names, for those who see it.
 *
 * Read by unique index in the snapshot of the query that asks.
 *
 * Invariant: nobody learns of a segment that row security hides from them.
 */
#include "postgres.h"

#include "definition/segment_find.h"

#include "access/attnum.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#include "base/vector.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/segment.h"

PG_FUNCTION_INFO_V1(segments_hidden_segments);

/* Column numbers of segments.segment; sql/30_segment.sql keeps them. */
#define Anum_segment_id 1
#define Anum_segment_contact_table 2
#define Anum_segment_alias 5
#define Anum_segment_is_global 10
#define Anum_segment_created_by 13
#define Anum_segment_created_by_user 14

static void
fill_handle(SegmentHandle *segment, HeapTuple tuple, TupleDesc desc)
{
	bool isnull;
	Datum value;

	segment->id = DatumGetInt64(heap_getattr(tuple, Anum_segment_id, desc, &isnull));
	segment->contact_table =
		DatumGetObjectId(heap_getattr(tuple, Anum_segment_contact_table, desc, &isnull));
	segment->is_global = DatumGetBool(heap_getattr(tuple, Anum_segment_is_global, desc, &isnull));
	value = heap_getattr(tuple, Anum_segment_created_by, desc, &isnull);
	segment->has_creator = !isnull;
	segment->created_by = isnull ? 0 : DatumGetInt64(value);
	value = heap_getattr(tuple, Anum_segment_created_by_user, desc, &isnull);
	segment->created_by_user = isnull ? NULL : TextDatumGetCString(value);
}

/* Find a segment by one column, through its unique index. */
static bool
find_by(AttrNumber column, RegProcedure equal, Datum value, const char *index,
		SegmentHandle *segment)
{
	Relation rel = table_open(CatalogRelid("segment"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, equal, value);
	scan = systable_beginscan(rel, CatalogRelid(index), true, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		fill_handle(segment, tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/*
 * Find a segment by its id in digits, or by its alias.
 */
static bool
find_segment(const char *word, SegmentHandle *segment)
{
	int64 id;

	if (SegmentWordIsId(word, &id))
		return find_by(Anum_segment_id, F_INT8EQ, Int64GetDatum(id), "segment_pkey", segment);
	return find_by(Anum_segment_alias, F_TEXTEQ, CStringGetTextDatum(word), "segment_alias_key",
				   segment);
}

static void
no_such_segment(const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("segment \"%s\" does not exist", word)));
}

/*
 * Find a segment that the current role sees; an error when there is none.
 */
void
SegmentFindVisible(const char *word, SegmentHandle *segment)
{
	if (!find_segment(word, segment) || !AccessMaySee(segment))
		no_such_segment(word);
}

/* Find the segment with this id; false when the current role does not see it. */
static bool
find_visible(int64 id, SegmentHandle *segment)
{
	return find_by(Anum_segment_id, F_INT8EQ, Int64GetDatum(id), "segment_pkey", segment) &&
		   AccessMaySee(segment);
}

/* The segment with this id, if the current role sees it; else an error. */
void
SegmentFindVisibleId(int64 id, SegmentHandle *segment)
{
	if (!find_visible(id, segment))
		no_such_segment(psprintf(INT64_FORMAT, id));
}

/*
 * Is there a segment with this id that the current role sees?
 */
bool
SegmentIsVisible(int64 id)
{
	SegmentHandle segment;

	return find_visible(id, &segment);
}

/*
 * Raise an error unless there is a segment with this id that the current role
 * sees.
 */
void
SegmentCheckVisible(int64 id)
{
	SegmentHandle segment;

	SegmentFindVisibleId(id, &segment);
}

/*
 * The segments of a contact table that the current role, which may read it,
 * does not see, sorted: for most there are none.
 */
void
SegmentsHidden(Oid contact_table, Int64Vector *hidden)
{
	ScanKeyData key;
	CatalogScan scan;
	SegmentHandle segment;

	memset(hidden, 0, sizeof(Int64Vector));
	if (AccessSeesAll(contact_table))
		return;
	ScanKeyInit(&key, Anum_segment_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, "segment", CatalogRelid("segment_private_idx"), GetActiveSnapshot(), 1,
					 &key);
	while (CatalogScanNext(&scan))
	{
		fill_handle(&segment, scan.tuple, RelationGetDescr(scan.rel));
		if (!AccessMaySee(&segment))
			Int64VectorAdd(hidden, segment.id);
	}
	CatalogScanEnd(&scan);
	Int64VectorSort(hidden);
}

/*
 * The same as an array of bigint.
 */
ArrayType *
SegmentsHiddenArray(Oid contact_table)
{
	Int64Vector hidden;
	Datum *ids;
	int i;

	SegmentsHidden(contact_table, &hidden);
	ids = palloc(sizeof(Datum) * Max(hidden.n, 1));
	for (i = 0; i < hidden.n; i++)
		ids[i] = Int64GetDatum(hidden.items[i]);
	return construct_array(ids, hidden.n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/*
 * segments_internal.hidden_segments(contact_table) -> bigint[], null for those who may not read
 * the contact table
 */
Datum
segments_hidden_segments(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);

	if (!AccessMayRead(contact_table))
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(SegmentsHiddenArray(contact_table));
}
