/*
 * batch.h - atoms that are not on the contact's own row, for many contacts at a
 * time.
 */
#ifndef SEGMENTS_BATCH_H
#define SEGMENTS_BATCH_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "utils/snapshot.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "program/program.h"

#define BATCH_ROWS 1024

/* Contacts that are evaluated together. */
typedef struct Batch
{
	Program *program;
	TimestampTz now;
	Snapshot snapshot; /* what is looked up is read by; NULL: the latest */
	int nrows;
	Datum *keys;               /* in key order */
	const DatumVector *giving; /* those that gave rows to others, in key order; or NULL */
	RowVersion *rows;
	HeapTuple *tuples;    /* of locked contacts; NULL: each row has its own slot */
	TupleTableSlot *slot; /* of the contact that is looked at, whose tuple it holds */
	int visited;          /* its position */
	bool **answers;       /* of queries, per query atom (ImageAtom.query): NULL until asked */
	bool **has_rows;      /* per source: NULL until asked */
	struct MemberProbe *members; /* when open: answers memberships */
	struct RowsReader *reader;   /* related rows of one contact at a time */
	bool keeps_open;             /* until RelatedRowsClose, as with members */
	bool is_dry;                 /* don't answer, only note that somebody asked */
	bool was_asked;
} Batch;

extern Batch *BatchCreate(Program *program, TimestampTz now, int nrows, Datum *keys);
extern RowVersion *BatchSetRow(Batch *batch, int position, const RowVersion *row);
extern void BatchVisit(Batch *batch, int position);
extern bool BatchAnswer(Batch *batch, int position, int id);
extern void BatchForgetMembers(Batch *batch, int64 segment);
extern TimestampTz BatchMoveTo(Batch *batch, TimestampTz now);

#endif /* SEGMENTS_BATCH_H */
