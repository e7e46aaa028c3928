/*
 * measure.h - the atoms that a contact's value, made of its related rows, has
 * passed.
 */
#ifndef SEGMENTS_MEASURE_H
#define SEGMENTS_MEASURE_H

#include "postgres.h"

#include "base/vector.h"
#include "evaluate/batch.h"
#include "evaluate/flips.h"
#include "program/program.h"

extern void MeasureAtoms(Program *program, const RowSource *source, int measure, IntVector *out);
extern bool MeasurePassed(Batch *before, Batch *after, int position, const AtomFlips *flips,
						  int measure, IntVector *out);

#endif /* SEGMENTS_MEASURE_H */
