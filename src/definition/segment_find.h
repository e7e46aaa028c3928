/*
 * segment_find.h - the segment that a word names, for those who see it.
 */
#ifndef SEGMENTS_SEGMENT_FIND_H
#define SEGMENTS_SEGMENT_FIND_H

#include "postgres.h"

#include "utils/array.h"

#include "base/vector.h"
#include "definition/access.h"

extern void SegmentFindVisible(const char *word, SegmentHandle *segment);
extern void SegmentFindVisibleId(int64 id, SegmentHandle *segment);
extern void SegmentCheckVisible(int64 id);
extern bool SegmentIsVisible(int64 id);
extern void SegmentsHidden(Oid contact_table, Int64Vector *hidden);
extern ArrayType *SegmentsHiddenArray(Oid contact_table);

#endif /* SEGMENTS_SEGMENT_FIND_H */
