/*
 * build_repair.h - rows that a fresh evaluation of filters does not mend.
 */
#ifndef SEGMENTS_BUILD_REPAIR_H
#define SEGMENTS_BUILD_REPAIR_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "program/program.h"

extern void BuildHandChanges(Program *program, List *ids, const char *cause);
extern void BuildForgetGone(Program *program, Datum *keys, int nkeys);
extern void BuildForgetMissing(Program *program);
extern void BuildCheckKeys(Program *program);

#endif /* SEGMENTS_BUILD_REPAIR_H */
