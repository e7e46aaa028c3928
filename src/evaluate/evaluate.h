/*
 * evaluate.h - atoms and predicates on rows in memory, and on batches of
 * contacts for what has to be looked up.
 */
#ifndef SEGMENTS_EVALUATE_H
#define SEGMENTS_EVALUATE_H

#include "postgres.h"

#include "program/program.h"
#include "base/vector.h"

#define BATCH_ROWS 1024

/* Words of a bit map of columns, from 0. */
#define COLUMN_WORDS(natts) ((natts) / BITS_PER_BITMAPWORD + 1)

/* What is known of one facet of one row. */
typedef struct FacetState
{
	uint64 known;     /* the row's stamp when it was computed */
	uint64 looked_up; /* the same for what follows `value` */
	bool isnull;
	Datum value;  /* normalised */
	int constant; /* id, or -1 */
	int rank;
	int nelements; /* of a set: ids, and how many there are in all */
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

/* Contacts that are evaluated together. */
typedef struct Batch
{
	Program *program;
	TimestampTz now;
	Snapshot snapshot; /* what is looked up is read by; NULL: the latest */
	int nrows;
	Datum *keys; /* in key order */
	RowVersion *rows;
	HeapTuple *tuples;    /* of locked contacts; NULL: each row has its own slot */
	TupleTableSlot *slot; /* of the contact that is looked at, whose tuple it holds */
	int visited;          /* its position */
	bool **answers;       /* of queries, per query atom (ImageAtom.query): NULL until asked */
	bool **has_rows;      /* per source: NULL until asked */
	struct MemberProbe *members; /* when open: answers memberships */
	struct RowsReader *reader;   /* related rows of one contact at a time */
	bool is_dry;                 /* don't answer, only note that somebody asked */
	bool was_asked;
} Batch;

/* facet.c */
extern Datum FacetWiden(Oid type, Datum value);
extern Datum FacetNormalise(const ImageFacet *facet, Datum value);
extern int FacetCompare(ValueType type, Datum a, Datum b);
extern uint32 FacetHash(ValueType type, Datum value);
extern int FacetFindConstant(const Image *image, const ImageFacet *facet, Datum value);
extern int FacetRank(const Image *image, const ImageFacet *facet, Datum value);

/* regexp.c */

/* evaluate.c */
extern void RowVersionInit(RowVersion *row, RowSource *source, TupleTableSlot *slot);
extern void RowVersionReset(RowVersion *row, TupleTableSlot *slot);
extern FacetState *RowFacet(Program *program, RowVersion *row, Facet *facet);
extern FacetState *RowFacetLookedUp(Program *program, RowVersion *row, Facet *facet);
extern bool FacetStateHasElement(const FacetState *state, int id);
extern bool RowCounts(Program *program, RowVersion *row, const ProgramAtom *patom);
extern int64 ClampedSum(int64 a, int64 b);
extern bool AtomOnRow(Program *program, RowVersion *row, int atom, TimestampTz now);
extern bool PredicateOnRow(Program *program, RowVersion *row, const uint32 *code, TimestampTz now);
extern bool SegmentOnRow(Program *program, RowVersion *row, int segment, TimestampTz now);
extern bool AtomMovesOnRow(Program *program, RowVersion *row, int atom, TimestampTz from,
						   TimestampTz to);
extern bool AtomIsStill(Program *program, int id, TimestampTz from, TimestampTz to,
						TimestampTz *until);
extern bool AtomIsDue(Program *program, RowVersion *old_row, RowVersion *new_row, int id,
					  TimestampTz now);
extern void FlippedAtoms(Program *program, RowVersion *old_row, RowVersion *new_row,
						 TimestampTz now, IntVector *out);

extern bool RowColumnsChanged(RowVersion *old_row, RowVersion *new_row, bitmapword *changed);
extern bool FacetChanged(const Facet *facet, const bitmapword *changed);
extern bool FacetEqual(Program *program, RowVersion *old_row, RowVersion *new_row, Facet *facet);
extern bool RowChanged(RowVersion *old_row, RowVersion *new_row);

/* row_group.c */
extern void FlippedGroups(Program *program, RowVersion *old_row, RowVersion *new_row,
						  TimestampTz now, IntVector *out);

/* field_context.c */
typedef struct FieldContext
{
	ErrorContextCallback callback;
	Program *program;
	const Facet *facet; /* NULL: it is about the atom */
	int source;         /* of the facet */
	int atom;
	const char *name; /* of the field */
} FieldContext;

extern void FieldContextOfFacet(FieldContext *context, Program *program, const Facet *facet);
extern void FieldContextOfAtom(FieldContext *context, Program *program, int atom);
extern void FieldContextEnd(FieldContext *context);

/* segments.c */
extern bool PlainEvaluation(void);

/* candidates.c */
typedef struct Candidates
{
	IntVector segments;  /* each once */
	IntVector steps;     /* threes: twice the facet (plus one: constants), from, up to */
	bitmapword *changed; /* columns */
} Candidates;

extern void CandidatesInit(Candidates *found, Program *program);
extern void CandidatesNewRow(Candidates *found, Program *program);
extern void CandidatesAdd(Candidates *found, Program *program, ImageList segments);
extern void CandidatesAll(Candidates *found, Program *program);
extern void CandidatesOfInsert(Candidates *found, Program *program, RowVersion *row);
extern void CandidatesOfTime(Candidates *found, Program *program, RowVersion *row, TimestampTz now);
extern void CandidatesOfUpdate(Candidates *found, Program *program, RowVersion *old_row,
							   RowVersion *new_row, TimestampTz now);

/* batch.c */
extern Batch *BatchCreate(Program *program, TimestampTz now, int nrows, Datum *keys);
extern void BatchVisit(Batch *batch, int position);
extern bool BatchAnswer(Batch *batch, int position, int atom);
extern bool BatchIsSettled(Batch *batch, int position, int segment);
extern Datum BatchKeyArray(Program *program, Datum *keys, int nkeys);
extern int BatchFindKey(Batch *batch, Datum key);
extern void ProgramSortKeys(Program *program, Datum *keys, int *nkeys);
extern int ProgramCompareKeys(Program *program, Datum a, Datum b);

/* related_rows.c */
typedef enum RowsAnswer
{
	ROWS_FALSE = 0,
	ROWS_TRUE,
	ROWS_TOO_MANY,  /* too many rows to read: ask for this contact */
	ROWS_UNREADABLE /* not readable without a query at all */
} RowsAnswer;

extern RowsAnswer RelatedRowsAnswer(Batch *batch, int position, int atom);
extern bool RelatedRowsReadable(Program *program, int atom);
extern void RelatedRowsClose(Batch *batch);

#endif /* SEGMENTS_EVALUATE_H */
