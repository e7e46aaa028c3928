/*
 * statement_delta.h - what a statement changed: the rows as they were and as
 * they are.
 */
#ifndef SEGMENTS_STATEMENT_DELTA_H
#define SEGMENTS_STATEMENT_DELTA_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/tuplestore.h"

/* What a statement changed. */
typedef struct StatementDelta
{
	Oid relid;
	Tuplestorestate *old_rows; /* NULL when there are none */
	Tuplestorestate *new_rows;
	bool truncated;
	bool holds_definitions; /* definitions stand still until the transaction ends */
	bool others_fire;       /* there are AFTER triggers that are not ours */
	bool alone;             /* no statement within this one was maintained before it, and */
	CommandId command;      /* rows as they were before it are those that this command sees */
} StatementDelta;

extern bool StatementDeltaIsPaired(const StatementDelta *delta);
extern void StatementDeltaRewind(StatementDelta *delta);
extern bool StatementDeltaNext(StatementDelta *delta, TupleTableSlot *old_slot,
							   TupleTableSlot *new_slot);

#endif /* SEGMENTS_STATEMENT_DELTA_H */
