/*
 * vector.h - numbers and keys collected in a row.
 */
#ifndef SEGMENTS_VECTOR_H
#define SEGMENTS_VECTOR_H

#include "postgres.h"

typedef struct IntVector
{
	int n;
	int size;
	int *items;
} IntVector;

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
extern bool DatumVectorIsFull(const DatumVector *vector);

#endif /* SEGMENTS_VECTOR_H */
