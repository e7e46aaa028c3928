/*
 * reference.c - which segments reach which through the filters that name them.
 *
 * Takes ids of segments, gives the shortest way from one to another.  Breadth
 * first, each segment once, so the cost is linear in the references that are
 * met.  Reads segments.segment_reference as last committed or written by
 * ourselves, never through the transaction's snapshot: of two transactions
 * that store one half of a cycle each, the second one sees the first one's.
 */
#include "postgres.h"

#include "definition/reference.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/rel.h"

#include "base/vector.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/segment.h"

PG_FUNCTION_INFO_V1(segments_reference_cycle);

/* segments.segment_reference */
#define Anum_reference_segment_id 1
#define Anum_reference_referenced_id 2

/* A segment on the way, and the one it was reached from. */
typedef struct Visit
{
	int64 id;
	const struct Visit *from;
} Visit;

typedef struct Search
{
	Relation references;
	Oid index;
	HTAB *visited; /* ids */
	List *visits;  /* in the order in which they were reached */
} Search;

static void
begin_search(Search *search)
{
	HASHCTL info = {0};

	info.keysize = sizeof(int64);
	info.entrysize = sizeof(int64);
	info.hcxt = CurrentMemoryContext;
	search->visited =
		hash_create("segments references", 64, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	search->references = table_open(CatalogRelid("segment_reference"), AccessShareLock);
	search->index = CatalogRelid("segment_reference_pkey");
	search->visits = NIL;
}

static void
end_search(Search *search)
{
	table_close(search->references, AccessShareLock);
	hash_destroy(search->visited);
}

static void
add_visit(Search *search, int64 id, const Visit *from)
{
	bool found;
	Visit *visit;

	(void) hash_search(search->visited, &id, HASH_ENTER, &found);
	if (found)
		return;
	visit = palloc(sizeof(Visit));
	visit->id = id;
	visit->from = from;
	search->visits = lappend(search->visits, visit);
}

/* Append the segments that this one refers to and that were not reached before. */
static void
add_referenced(Search *search, const Visit *from)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_reference_segment_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(from->id));
	scan = systable_beginscan(search->references, search->index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		Datum id = heap_getattr(tuple, Anum_reference_referenced_id,
								RelationGetDescr(search->references), &isnull);

		add_visit(search, DatumGetInt64(id), from);
	}
	systable_endscan(scan);
}

/* The ids from the first visit to this one. */
static List *
path_to(const Visit *visit)
{
	List *ids = NIL;

	for (; visit != NULL; visit = visit->from)
	{
		int64 *id = palloc(sizeof(int64));

		*id = visit->id;
		ids = lcons(id, ids);
	}
	return ids;
}

/*
 * The shortest way from one segment through one reference or more to another,
 * as a list of int64 *, both ends included; NIL when there is none.
 */
static List *
reference_path(int64 from, int64 to)
{
	Search search;
	Visit first = {from, NULL};
	List *path = NIL;
	int i;

	begin_search(&search);
	add_referenced(&search, &first);
	for (i = 0; i < list_length(search.visits) && path == NIL; i++)
	{
		const Visit *visit = list_nth(search.visits, i);

		CHECK_FOR_INTERRUPTS();
		if (visit->id == to)
			path = path_to(visit);
		else
			add_referenced(&search, visit);
	}
	end_search(&search);
	return path;
}

/* Its alias, unless that is none of the business of whoever asks. */
static const char *
shown_alias(int64 id)
{
	SegmentRow *row = SegmentById(id);

	return row && AccessMaySeeAs(GetOuterUserId(), &row->handle) ? row->alias : "...";
}

/*
 * The same as "a -> b -> c" of aliases, which may be no more than one segment;
 * NULL when there is no way.
 */
char *
ReferencePathText(int64 from, int64 to)
{
	List *path = from == to ? list_make1(&from) : reference_path(from, to);
	StringInfoData out;
	ListCell *cell;

	if (path == NIL)
		return NULL;
	initStringInfo(&out);
	foreach (cell, path)
	{
		appendStringInfo(&out, "%s%s", out.len > 0 ? " -> " : "",
						 shown_alias(*(int64 *) lfirst(cell)));
	}
	return out.data;
}

/*
 * segments_internal.reference_cycle(segment_id): the shortest way from a segment through
 * references back to itself, or NULL.
 */
Datum
segments_reference_cycle(PG_FUNCTION_ARGS)
{
	int64 start = PG_GETARG_INT64(0);
	List *path = reference_path(start, start);
	Datum *values;
	ListCell *cell;
	int n = 0;

	if (path == NIL)
		PG_RETURN_NULL();
	values = palloc(sizeof(Datum) * list_length(path));
	foreach (cell, path)
		values[n++] = Int64GetDatum(*(int64 *) lfirst(cell));
	PG_RETURN_DATUM(Int64Array(values, n));
}
