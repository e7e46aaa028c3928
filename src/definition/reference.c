/*
 * reference.c - the way from one segment to another through references.
 *
 * Breadth first and each segment once, so the shortest way is found, in a time
 * that follows the number of references.  Read as last committed.
 */
#include "postgres.h"

#include "definition/reference.h"

#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/rel.h"

#include "definition/contact_table.h"
#include "definition/segment.h"

PG_FUNCTION_INFO_V1(segments_reference_cycle);

/* segments.segment_reference */
#define Anum_reference_segment_id 1
#define Anum_reference_referenced_id 2

/* A segment on the way, and the one that it was reached from. */
typedef struct Step
{
	int64 id;
	struct Step *from;
} Step;

typedef struct ReferenceSearch
{
	HTAB *seen;
	List *steps; /* in the order in which they were reached */
} ReferenceSearch;

static void
begin_search(ReferenceSearch *search)
{
	HASHCTL info = {0};

	info.keysize = sizeof(int64);
	info.entrysize = sizeof(int64);
	info.hcxt = CurrentMemoryContext;
	search->seen =
		hash_create("segments references", 32, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	search->steps = NIL;
}

static void
add_step(ReferenceSearch *search, int64 id, Step *from)
{
	Step *step;
	bool found;

	(void) hash_search(search->seen, &id, HASH_ENTER, &found);
	if (found)
		return;
	step = palloc(sizeof(Step));
	step->id = id;
	step->from = from;
	search->steps = lappend(search->steps, step);
}

/* Add the segments that one refers to. */
static void
add_referenced(ReferenceSearch *search, Step *from)
{
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_reference_segment_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(from->id));
	CatalogScanByKey(&scan, "segment_reference", NULL, 1, &key);
	while (CatalogScanNext(&scan))
	{
		bool isnull;
		Datum id = heap_getattr(scan.tuple, Anum_reference_referenced_id,
								RelationGetDescr(scan.rel), &isnull);

		add_step(search, DatumGetInt64(id), from);
	}
	CatalogScanEnd(&scan);
}

/* The last step of the shortest way from a segment to another, or NULL. */
static Step *
find_way(int64 from, int64 to)
{
	ReferenceSearch search;
	Step *first = palloc0(sizeof(Step));
	int i;

	begin_search(&search);
	first->id = from;
	add_referenced(&search, first);
	for (i = 0; i < list_length(search.steps); i++)
	{
		Step *step = list_nth(search.steps, i);

		if (step->id == to)
			return step;
		add_referenced(&search, step);
		CHECK_FOR_INTERRUPTS();
	}
	return NULL;
}

static char *
alias_of(int64 id)
{
	SegmentRow *row = SegmentById(id);

	return row ? row->alias : "?";
}

/*
 * How one segment reaches another through references, as "a -> b -> c" of
 * aliases, or NULL when it does not.  A segment reaches itself.
 */
char *
ReferencePath(int64 from, int64 to)
{
	Step *step;
	char *path = alias_of(to);

	if (from == to)
		return path;
	step = find_way(from, to);
	if (step == NULL)
		return NULL;
	for (step = step->from; step != NULL; step = step->from)
		path = psprintf("%s -> %s", alias_of(step->id), path);
	return path;
}

/* The ids from the first step to this one. */
static ArrayType *
path_to(Step *step)
{
	List *ids = NIL;
	ListCell *cell;
	Datum *values;
	int i = 0;

	for (; step != NULL; step = step->from)
		ids = lcons(&step->id, ids);
	values = palloc(list_length(ids) * sizeof(Datum));
	foreach (cell, ids)
		values[i++] = Int64GetDatum(*(int64 *) lfirst(cell));
	return construct_array(values, i, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/*
 * segments.reference_cycle(segment_id): the shortest way from a segment through
 * references back to itself, or NULL.
 */
Datum
segments_reference_cycle(PG_FUNCTION_ARGS)
{
	Step *step = find_way(PG_GETARG_INT64(0), PG_GETARG_INT64(0));

	if (step == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(path_to(step));
}
