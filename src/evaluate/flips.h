/*
 * flips.h - the atoms whose truth differs between two versions of a related
 * row.
 */
#ifndef SEGMENTS_FLIPS_H
#define SEGMENTS_FLIPS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "program/program.h"

extern void FlippedAtoms(Program *program, RowVersion *old_row, RowVersion *new_row,
						 TimestampTz now, IntVector *out);

#endif /* SEGMENTS_FLIPS_H */
