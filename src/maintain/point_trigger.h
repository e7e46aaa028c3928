/*
 * point_trigger.h - contacts that reach so many points change their segments.
 */
#ifndef SEGMENTS_POINT_TRIGGER_H
#define SEGMENTS_POINT_TRIGGER_H

#include "postgres.h"

#include "commands/trigger.h"

#include "program/program.h"

extern void PointTriggersFire(Program *program, TriggerData *data);
extern void PointTriggersForget(Program *program, Datum *keys, int nkeys);
extern void PointTriggersForgetAll(Program *program);
extern void PointTriggersForgetMissing(Program *program);
extern void PointTriggersMove(Program *program, Datum *from, Datum *to, int nkeys);

#endif /* SEGMENTS_POINT_TRIGGER_H */
