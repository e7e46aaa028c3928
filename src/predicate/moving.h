/*
 * moving.h - the segments that a predicate reaches through references and that
 * change with time.
 */
#ifndef SEGMENTS_MOVING_H
#define SEGMENTS_MOVING_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"

/* One of them, with its filter. */
typedef struct MovingSegment
{
	int64 id;
	Predicate *predicate;
} MovingSegment;

/* All of them. */
typedef struct MovingSegments
{
	HTAB *met;      /* ids of segments that were looked at */
	List *segments; /* MovingSegment *; each after those that it refers to */
} MovingSegments;

extern MovingSegments *MovingSegmentsOf(const Predicate *predicate, ContactTable *table);
extern bool MovingHas(const MovingSegments *moving, int64 segment);

#endif /* SEGMENTS_MOVING_H */
