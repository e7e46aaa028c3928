/*
 * row_time.h - what the passing of time does to the atoms of one row.
 */
#ifndef SEGMENTS_ROW_TIME_H
#define SEGMENTS_ROW_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "evaluate/row.h"
#include "program/program.h"

extern bool AtomIsStill(Program *program, int id, TimestampTz from, TimestampTz to,
						TimestampTz *until);
extern int64 ClampedSum(int64 a, int64 b);
extern bool AtomMovesOnRow(Program *program, RowVersion *row, int id, TimestampTz from,
						   TimestampTz to);
extern bool AtomIsDue(Program *program, RowVersion *old_row, RowVersion *new_row, int id,
					  TimestampTz now);

#endif /* SEGMENTS_ROW_TIME_H */
