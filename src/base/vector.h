/*
 * vector.h - numbers and keys collected in a row.
 */
#ifndef SEGMENTS_VECTOR_H
#define SEGMENTS_VECTOR_H

#include "postgres.h"

static inline void *
VectorEnlarge(void *items, Size bytes)
{
	return items == NULL ? MemoryContextAllocHuge(CurrentMemoryContext, bytes)
						 : repalloc_huge(items, bytes);
}

/*
 * Make room for one more item in an array of n items that has room for size: NULL
 * and 0 at first, when it comes from the current memory context; grows by
 * doubling.  If that raises, the array is as it was.
 */
#define VectorMakeRoom(items, n, size, first)                                                      \
	do                                                                                             \
	{                                                                                              \
		if ((n) == (size))                                                                         \
		{                                                                                          \
			Size grown_ = Max((Size) (first), (Size) (size) *2);                                   \
                                                                                                   \
			(items) = VectorEnlarge((items), grown_ * sizeof(*(items)));                           \
			(size) = grown_;                                                                       \
		}                                                                                          \
	} while (0)

typedef struct IntVector
{
	int n;
	int size;
	int *items;
} IntVector;

/* Numbers to be asked for one: sorted when all are in. */
typedef struct Int64Vector
{
	int n;
	int size;
	int64 *items;
} Int64Vector;

/* Datums of one type, copied into a memory context. */
typedef struct DatumVector
{
	MemoryContext context;
	bool byval;
	int16 len;
	int n;
	int size;
	Datum *items;
} DatumVector;

extern void IntVectorAdd(IntVector *vector, int item);
extern void DatumVectorInit(DatumVector *vector, MemoryContext context, bool byval, int16 len);
extern void DatumVectorAdd(DatumVector *vector, Datum item);
extern int CompareInt64(const void *a, const void *b);
extern void Int64VectorAdd(Int64Vector *vector, int64 item);
extern void Int64VectorSort(Int64Vector *vector);
extern bool Int64VectorHolds(const Int64Vector *sorted, int64 item);
extern Datum Int64Array(const Datum *values, int n);
extern bool DatumVectorIsFull(const DatumVector *vector);

#endif /* SEGMENTS_VECTOR_H */
