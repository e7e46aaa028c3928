/*
 * segment_cost.h - how often each segment was evaluated, and how long that took.
 */
#ifndef SEGMENTS_SEGMENT_COST_H
#define SEGMENTS_SEGMENT_COST_H

#include "postgres.h"

#include "portability/instr_time.h"

#include "program/program.h"

extern void SegmentCostInit(void);
extern bool SegmentCostCount(Program *program, int segment);
extern void SegmentCostTimed(Program *program, int segment, instr_time start);

#endif /* SEGMENTS_SEGMENT_COST_H */
