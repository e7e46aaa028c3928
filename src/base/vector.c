/*
 * vector.c - numbers and keys collected in a row; duplicates possible.
 */
#include "postgres.h"

#include "base/vector.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/datum.h"

/*
 * Append, in the current memory context (that of the first call).
 */
void
IntVectorAdd(IntVector *vector, int item)
{
	VectorMakeRoom(vector->items, vector->n, vector->size, 16);
	vector->items[vector->n++] = item;
}

void
DatumVectorInit(DatumVector *vector, MemoryContext context, bool byval, int16 len)
{
	memset(vector, 0, sizeof(DatumVector));
	vector->context = context;
	vector->byval = byval;
	vector->len = len;
}

/*
 * Append a copy.
 */
void
DatumVectorAdd(DatumVector *vector, Datum item)
{
	MemoryContext old = MemoryContextSwitchTo(vector->context);

	VectorMakeRoom(vector->items, vector->n, vector->size, 64);
	vector->items[vector->n] = datumCopy(item, vector->byval, vector->len);
	vector->n++;
	MemoryContextSwitchTo(old);
}

/*
 * Does it hold as much as a statement should keep (work_mem)?
 */
bool
DatumVectorIsFull(const DatumVector *vector)
{
	Size each = sizeof(Datum) * 2 + (vector->byval ? 0 : Max(vector->len, 32));

	return vector->n * each >= work_mem * (Size) 1024;
}

/*
 * For qsort and bsearch of int64.
 */
int
CompareInt64(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

/*
 * Append, in the current memory context (that of the first call).
 */
void
Int64VectorAdd(Int64Vector *vector, int64 item)
{
	VectorMakeRoom(vector->items, vector->n, vector->size, 8);
	vector->items[vector->n++] = item;
}

void
Int64VectorSort(Int64Vector *vector)
{
	if (vector->n > 1)
		qsort(vector->items, vector->n, sizeof(int64), CompareInt64);
}

/*
 * Is a number in it?
 */
bool
Int64VectorHolds(const Int64Vector *sorted, int64 item)
{
	return sorted->n > 0 &&
		   bsearch(&item, sorted->items, sorted->n, sizeof(int64), CompareInt64) != NULL;
}

/*
 * As bigint[].
 */
Datum
Int64Array(const Datum *values, int n)
{
	return PointerGetDatum(construct_array(unconstify(Datum *, values), n, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
