/*
 * row.h - atoms and predicates on one row in memory.
 */
#ifndef SEGMENTS_ROW_H
#define SEGMENTS_ROW_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"

#include "program/program.h"

/* Words of a bit map of columns, from 0. */
#define COLUMN_WORDS(natts) ((natts) / BITS_PER_BITMAPWORD + 1)

/* What is known of one facet of one row. */
typedef struct FacetState
{
	uint64 known;     /* the row's stamp when it was computed */
	uint64 looked_up; /* the same for what follows `value` */
	bool isnull;
	Datum value;  /* normalized */
	int constant; /* id, or -1 */
	int rank;
	int nelements; /* of a set: ids, and how many there are in all; of a text, patterns */
	int *elements;
	int cardinality;
} FacetState;

/* One version of a row: OLD, NEW or as read; absent when slot is NULL. */
typedef struct RowVersion
{
	RowSource *source;
	TupleTableSlot *slot; /* NULL: there is no row, everything is false */
	FacetState *facets;
	uint64 stamp;        /* changes with the row */
	struct Batch *batch; /* contacts: for query atoms; else NULL */
	int position;        /* in the batch */
} RowVersion;

extern void RowVersionInit(RowVersion *row, RowSource *source, TupleTableSlot *slot);
extern void RowVersionReset(RowVersion *row, TupleTableSlot *slot);
extern FacetState *RowFacet(Program *program, RowVersion *row, Facet *facet);
extern FacetState *RowFacetKeep(Program *program, RowVersion *row, Facet *facet, Datum value,
								bool isnull);
extern FacetState *RowFacetLookedUp(Program *program, RowVersion *row, Facet *facet);
extern bool FacetStateHasElement(const FacetState *state, int id);
extern bool RowCounts(Program *program, RowVersion *row, const ProgramAtom *patom);
extern bool AtomOnRow(Program *program, RowVersion *row, int id, TimestampTz now);
extern bool RowColumnsChanged(RowVersion *old_row, RowVersion *new_row, bitmapword *changed);
extern bool RowChanged(RowVersion *old_row, RowVersion *new_row);
extern bool FacetChanged(const Facet *facet, const bitmapword *changed);
extern bool FacetEqual(Program *program, RowVersion *old_row, RowVersion *new_row, Facet *facet);

#endif /* SEGMENTS_ROW_H */
