/*
 * build_set.h - the segments that are built together: as ids, as indexes in the
 * program, in the order in which they refer to each other.
 */
#ifndef SEGMENTS_BUILD_SET_H
#define SEGMENTS_BUILD_SET_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/array.h"

#include "program/program.h"

extern List *BuildIds(ArrayType *array);
extern Bitmapset *BuildIndexes(Program *program, List *ids);
extern Datum BuildIdArray(List *ids);
extern List *BuildIdsOfLevel(Program *program, List *ids, int level);
extern Bitmapset *BuildReferringTo(Program *program, Bitmapset *segments);
extern List *BuildSplitReferring(Program *program, List *ids, Bitmapset *referring, List **others);
extern List *BuildPublished(List *ids);

#endif /* SEGMENTS_BUILD_SET_H */
