/*
 * segment.c - reads segments.segment.
 *
 * Stored rows -> SegmentRow.  Like the catalogue, always as last committed, and
 * past row security: the engine maintains every segment, whoever writes.
 */
#include "postgres.h"

#include "definition/segment.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/vector.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"

/* segments.segment_failure */
#define Anum_failure_segment_id 1

typedef struct SegmentColumns
{
	AttrNumber id;
	AttrNumber alias;
	AttrNumber filters;
	AttrNumber is_published;
	AttrNumber contact_table;
	AttrNumber state;
	AttrNumber is_global;
	AttrNumber created_by;
	AttrNumber created_by_user;
} SegmentColumns;

static void
find_columns(Oid relid, SegmentColumns *columns)
{
	columns->id = get_attnum(relid, "id");
	columns->alias = get_attnum(relid, "alias");
	columns->filters = get_attnum(relid, "filters");
	columns->is_published = get_attnum(relid, "is_published");
	columns->contact_table = get_attnum(relid, "contact_table");
	columns->state = get_attnum(relid, "state");
	columns->is_global = get_attnum(relid, "is_global");
	columns->created_by = get_attnum(relid, "created_by");
	columns->created_by_user = get_attnum(relid, "created_by_user");
}

static void
fill_handle(SegmentHandle *handle, HeapTuple tuple, TupleDesc desc, const SegmentColumns *columns)
{
	bool isnull;
	Datum value;

	handle->is_global = DatumGetBool(heap_getattr(tuple, columns->is_global, desc, &isnull));
	value = heap_getattr(tuple, columns->created_by, desc, &isnull);
	handle->has_creator = !isnull;
	handle->created_by = isnull ? 0 : DatumGetInt64(value);
	value = heap_getattr(tuple, columns->created_by_user, desc, &isnull);
	handle->created_by_user = isnull ? NULL : TextDatumGetCString(value);
}

static SegmentRow *
row_from_tuple(HeapTuple tuple, TupleDesc desc, const SegmentColumns *columns)
{
	SegmentRow *row = palloc0(sizeof(SegmentRow));
	bool isnull;
	Datum value;

	row->id = DatumGetInt64(heap_getattr(tuple, columns->id, desc, &isnull));
	value = heap_getattr(tuple, columns->alias, desc, &isnull);
	row->alias = isnull ? pstrdup("") : TextDatumGetCString(value);
	value = heap_getattr(tuple, columns->filters, desc, &isnull);
	row->filters = (Filter *) PG_DETOAST_DATUM_COPY(value);
	row->is_static = FilterIsStatic(row->filters);
	row->is_published = DatumGetBool(heap_getattr(tuple, columns->is_published, desc, &isnull));
	row->contact_table =
		DatumGetObjectId(heap_getattr(tuple, columns->contact_table, desc, &isnull));
	value = heap_getattr(tuple, columns->state, desc, &isnull);
	row->state = TextDatumGetCString(value);
	row->is_aside = (strcmp(row->state, "failed") == 0);
	row->handle.id = row->id;
	row->handle.contact_table = row->contact_table;
	fill_handle(&row->handle, tuple, desc, columns);
	return row;
}

static List *
scan_segments(ScanKey key, Oid index)
{
	Oid relid = CatalogRelid("segment");
	Relation rel = table_open(relid, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, index, OidIsValid(index), NULL, key ? 1 : 0, key);
	SegmentColumns columns;
	List *result = NIL;
	HeapTuple tuple;

	find_columns(relid, &columns);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend(result, row_from_tuple(tuple, RelationGetDescr(rel), &columns));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

static void
key_on(ScanKey key, const char *column, RegProcedure equal, Datum value)
{
	ScanKeyInit(key, get_attnum(CatalogRelid("segment"), column), BTEqualStrategyNumber, equal,
				value);
}

/* The ids that rows of a table have in a column, of the rows that a key finds. */
static void
collect_ids(Int64Vector *ids, const char *table, AttrNumber column, int nkeys, ScanKey key)
{
	CatalogScan scan;
	bool isnull;

	CatalogScanBegin(&scan, table, InvalidOid, NULL, nkeys, key);
	while (CatalogScanNext(&scan))
		Int64VectorAdd(ids, DatumGetInt64(heap_getattr(scan.tuple, column,
													   RelationGetDescr(scan.rel), &isnull)));
	CatalogScanEnd(&scan);
}

/*
 * Have segments failed that their own rows don't tell of yet?  Normally there
 * are no failures at all, and otherwise few.
 */
static void
mark_failures(List *rows)
{
	Int64Vector failed = {0};
	ListCell *cell;

	collect_ids(&failed, "segment_failure", Anum_failure_segment_id, 0, NULL);
	Int64VectorSort(&failed);
	foreach (cell, rows)
	{
		SegmentRow *row = lfirst(cell);

		row->is_aside |= Int64VectorHolds(&failed, row->id);
	}
}

/* All that are set aside, as their own rows or failures tell, sorted. */
static void
all_failed(Int64Vector *ids)
{
	ScanKeyData key;

	key_on(&key, "state", F_TEXTEQ, CStringGetTextDatum("failed"));
	collect_ids(ids, "segment", get_attnum(CatalogRelid("segment"), "id"), 1, &key);
	collect_ids(ids, "segment_failure", Anum_failure_segment_id, 0, NULL);
	Int64VectorSort(ids);
}

/*
 * Is a segment set aside, as its own row or a failure tells?
 */
bool
SegmentHasFailed(int64 id)
{
	ScanKeyData key;
	CatalogScan scan;
	bool found;
	SegmentRow *row;

	ScanKeyInit(&key, Anum_failure_segment_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	CatalogScanByKey(&scan, "segment_failure", NULL, 1, &key);
	found = CatalogScanNext(&scan);
	CatalogScanEnd(&scan);
	if (found)
		return true;
	row = SegmentById(id);
	return row != NULL && row->is_aside;
}

#define FEW_IDS 64 /* are asked one by one */

/*
 * Those of some segments that are set aside, in the same order; *others: the
 * others.  Many are looked for at once.
 */
List *
SegmentsFailed(List *ids, List **others)
{
	bool is_few = list_length(ids) <= FEW_IDS;
	Int64Vector set = {0};
	List *result = NIL;
	ListCell *cell;

	*others = NIL;
	if (!is_few)
		all_failed(&set);
	foreach (cell, ids)
	{
		int64 *id = lfirst(cell);

		if (is_few ? SegmentHasFailed(*id) : Int64VectorHolds(&set, *id))
			result = lappend(result, id);
		else
			*others = lappend(*others, id);
	}
	return result;
}

/* segments_internal.has_failed(segment_id) */
PG_FUNCTION_INFO_V1(segments_has_failed);
Datum
segments_has_failed(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(SegmentHasFailed(PG_GETARG_INT64(0)));
}

/*
 * All segments of a contact table, unpublished and static ones too.
 */
List *
SegmentsOfContactTable(Oid contact_table)
{
	ScanKeyData key;
	List *rows;

	key_on(&key, "contact_table", F_OIDEQ, ObjectIdGetDatum(contact_table));
	rows = scan_segments(&key, InvalidOid);
	mark_failures(rows);
	return rows;
}

/*
 * One segment by id, or NULL.
 */
SegmentRow *
SegmentById(int64 id)
{
	ScanKeyData key;
	List *rows;

	key_on(&key, "id", F_INT8EQ, Int64GetDatum(id));
	rows = scan_segments(&key, CatalogRelid("segment_pkey"));
	return rows == NIL ? NULL : linitial(rows);
}

static SegmentRow *
segment_by_alias(const char *alias)
{
	ScanKeyData key;
	List *rows;

	key_on(&key, "alias", F_TEXTEQ, CStringGetTextDatum(alias));
	rows = scan_segments(&key, CatalogRelid("segment_alias_key"));
	return rows == NIL ? NULL : linitial(rows);
}

/*
 * Is this an id?  A text of digits is, and never an alias: no alias is all
 * digits.  One that no segment can have is read as 0, which isn't given.
 */
bool
SegmentWordIsId(const char *word, int64 *id)
{
	if (*word == '\0' || strspn(word, "0123456789") != strlen(word))
		return false;
	errno = 0;
	*id = strtoll(word, NULL, 10);
	if (errno != 0)
		*id = 0;
	return true;
}

/*
 * The id of the segment that a filter names by id in digits or by alias.  0
 * when it can't be referenced; *why completes the sentence "segment ... ".
 * One that the viewer, where there is one, does not see does not exist.
 */
int64
SegmentResolvePublished(Oid contact_table, const char *word, Oid viewer, const char **why)
{
	int64 id;
	SegmentRow *row = SegmentWordIsId(word, &id) ? SegmentById(id) : segment_by_alias(word);

	if (row == NULL || (OidIsValid(viewer) && !AccessMaySeeAs(viewer, &row->handle)))
		*why = "does not exist";
	else if (row->contact_table != contact_table)
		*why = "is of another contact table";
	else if (!row->is_published)
		*why = "is not published";
	else
		return row->id;
	return 0;
}
