/*
 * row_group.h - the row groups that a change of a related row can concern.
 */
#ifndef SEGMENTS_ROW_GROUP_H
#define SEGMENTS_ROW_GROUP_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "program/program.h"

extern bool RowGroupCounts(Program *program, RowVersion *row, int id, TimestampTz now);
extern void FlippedGroups(Program *program, RowVersion *old_row, RowVersion *new_row,
						  const bitmapword *changed, TimestampTz now, IntVector *out);

#endif /* SEGMENTS_ROW_GROUP_H */
