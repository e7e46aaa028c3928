/*
 * clock_write.h - clocks are started by a build and brought forward by a
 * refresh.
 */
#ifndef SEGMENTS_CLOCK_WRITE_H
#define SEGMENTS_CLOCK_WRITE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "base/vector.h"

/* How far segments were brought, and where that leaves the next refresh. */
typedef struct ClockWindow
{
	TimestampTz from; /* covered_until */
	TimestampTz evaluated_at;
	TimestampTz pending_at;
	int64 pending_xmax; /* 0: none */
	TimestampTz next_covered;
	TimestampTz next_pending_at;
	int64 next_pending_xmax;
} ClockWindow;

/* The segments of a contact table that a refresh brings forward. */
typedef struct ClockMove
{
	Oid contact_table;
	TimestampTz now;
	bool any;
	bool together;         /* those that go by contact_clock; else they are ahead of us */
	ClockWindow window;    /* of all that move */
	DatumVector own_clock; /* ids of those with their own */
} ClockMove;

extern void ClockStart(Oid contact_table, int64 segment, bool moves, TimestampTz now,
					   TimestampTz next_move);
extern bool ClockBegin(ClockMove *move, Oid contact_table, TimestampTz now);
extern void ClockAdvance(const ClockMove *move);
extern List *ClockCovered(const ClockMove *move);
extern void ClockSetNextMoves(DatumVector *ids, DatumVector *next_moves);
extern List *ClockMoving(Oid contact_table);
extern void ClockReset(Oid contact_table, TimestampTz now);
extern void ClockFailed(Oid contact_table, const ErrorData *error);

#endif /* SEGMENTS_CLOCK_WRITE_H */
