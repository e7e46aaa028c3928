/*
 * build_set.c - the segments that are built together: as ids, as indexes in
 * the program, in the order in which they refer to each other.
 *
 * Beside build.c.  ids are int64 pointers in a list: they mean the same in
 * every program, indexes in one only.
 */
#include "postgres.h"

#include "build/build_set.h"

#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "utils/array.h"

#include "base/vector.h"
#include "definition/segment.h"
#include "program/program.h"

/*
 * A List of int64 pointers.
 */
List *
BuildIds(ArrayType *array)
{
	Datum *values;
	List *ids = NIL;
	int n;
	int i;

	deconstruct_array(array, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, NULL, &n);
	for (i = 0; i < n; i++)
	{
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(values[i]);
		ids = lappend(ids, id);
	}
	return ids;
}

/*
 * Indexes of those that the program has.
 */
Bitmapset *
BuildIndexes(Program *program, List *ids)
{
	Bitmapset *indexes = NULL;
	ListCell *cell;

	foreach (cell, ids)
	{
		int index = ProgramSegmentById(program, *(int64 *) lfirst(cell));

		if (index >= 0)
			indexes = bms_add_member(indexes, index);
	}
	return indexes;
}

/*
 * Ids as an array Datum, for a query's parameter.
 */
Datum
BuildIdArray(List *ids)
{
	Datum *values = palloc(sizeof(Datum) * Max(list_length(ids), 1));
	ListCell *cell;
	int n = 0;

	foreach (cell, ids)
		values[n++] = Int64GetDatum(*(int64 *) lfirst(cell));
	return Int64Array(values, n);
}

/*
 * Those of the ids that the program has at this level.
 */
List *
BuildIdsOfLevel(Program *program, List *ids, int level)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, ids)
	{
		int index = ProgramSegmentById(program, *(int64 *) lfirst(cell));

		if (index >= 0 && program->segments[index].level == level)
			result = lappend(result, lfirst(cell));
	}
	return result;
}

/*
 * All that refer to some of these, through any chain.
 */
Bitmapset *
BuildReferringTo(Program *program, Bitmapset *segments)
{
	Bitmapset *result = NULL;
	Bitmapset *fresh = bms_copy(segments);
	int index;

	while ((index = bms_next_member(fresh, -1)) >= 0)
	{
		Bitmapset *reached = bms_difference(ProgramAddReferencing(program, NULL, index), result);

		fresh = bms_add_members(bms_del_member(fresh, index), reached);
		result = bms_add_members(result, reached);
	}
	return result;
}

/*
 * Ids that refer to none of the others can be built at once; the others wait
 * for what they look at.
 */
List *
BuildSplitReferring(Program *program, List *ids, Bitmapset *referring, List **others)
{
	List *first = NIL;
	ListCell *cell;

	foreach (cell, ids)
	{
		int index = ProgramSegmentById(program, *(int64 *) lfirst(cell));

		if (index >= 0 && bms_is_member(index, referring))
			*others = lappend(*others, lfirst(cell));
		else
			first = lappend(first, lfirst(cell));
	}
	return first;
}

/*
 * Those that are published, and not set aside.
 */
List *
BuildPublished(List *ids)
{
	List *result = NIL;
	List *rest;
	ListCell *cell;

	(void) SegmentsFailed(ids, &rest);
	foreach (cell, rest)
	{
		SegmentRow *row = SegmentById(*(int64 *) lfirst(cell));

		if (row != NULL && row->is_published)
			result = lappend(result, lfirst(cell));
	}
	return result;
}
