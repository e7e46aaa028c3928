/*
 * segment_find.h - the segment that a word names, for those who see it.
 */
#ifndef SEGMENTS_SEGMENT_FIND_H
#define SEGMENTS_SEGMENT_FIND_H

#include "postgres.h"

#include "utils/array.h"

#include "definition/access.h"

/* Segments of a contact table that a role does not see. */
typedef struct HiddenSegments
{
	int64 *ids; /* ascending */
	int n;
	int size;
} HiddenSegments;

extern void SegmentFindVisible(const char *word, SegmentHandle *segment);
extern void SegmentFindVisibleId(int64 id, SegmentHandle *segment);
extern void SegmentCheckVisible(int64 id);
extern bool SegmentIsVisible(int64 id);
extern void SegmentsHidden(Oid contact_table, HiddenSegments *hidden);
extern bool SegmentIsHidden(const HiddenSegments *hidden, int64 id);
extern ArrayType *SegmentsHiddenArray(Oid contact_table);

#endif /* SEGMENTS_SEGMENT_FIND_H */
