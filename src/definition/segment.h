/*
 * segment.h - vocabulary of the state half: stored segments.
 */
#ifndef SEGMENTS_SEGMENT_H
#define SEGMENTS_SEGMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "definition/access.h"
#include "filter/filter.h"

/* What the engine needs of a row of segments.segment. */
typedef struct SegmentRow
{
	int64 id;
	char *alias;
	Filter *filters;
	bool is_static;
	bool is_published;
	Oid contact_table;
	char *state;
	bool is_aside;        /* it could not be evaluated, and is not */
	SegmentHandle handle; /* who may see it */
} SegmentRow;

extern List *SegmentsOfContactTable(Oid contact_table);
extern SegmentRow *SegmentById(int64 id);
extern int64 SegmentResolvePublished(Oid contact_table, const char *word, Oid viewer,
									 const char **why);
extern bool SegmentWordIsId(const char *word, int64 *id);
extern bool SegmentHasFailed(int64 id);
extern List *SegmentsFailed(List *ids, List **others);

#endif /* SEGMENTS_SEGMENT_H */
