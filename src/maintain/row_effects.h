/*
 * row_effects.h - what related rows that came, went or changed do to the atoms
 * over them, and to the values made of them.
 */
#ifndef SEGMENTS_ROW_EFFECTS_H
#define SEGMENTS_ROW_EFFECTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "evaluate/flips.h"
#include "evaluate/row.h"
#include "program/program.h"

typedef struct RowEffects
{
	Program *program;
	RowSource *source; /* whose rows these are */
	TimestampTz now;
	AtomFlips flips;
	Bitmapset *segments; /* that hold an atom that flipped */
	/* of the present row */
	IntVector flipped;
	IntVector groups;
	IntVector measures;
} RowEffects;

extern void RowEffectsInit(RowEffects *effects, Program *program, RowSource *source,
						   TimestampTz now);
extern bool RowEffectsAdd(RowEffects *effects, RowVersion *old_row, RowVersion *new_row);
extern void RowEffectsExpand(RowEffects *effects);
extern void RowEffectsClear(RowEffects *effects);

#endif /* SEGMENTS_ROW_EFFECTS_H */
