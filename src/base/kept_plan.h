/*
 * kept_plan.h - plans that a backend keeps by their text.
 */
#ifndef SEGMENTS_KEPT_PLAN_H
#define SEGMENTS_KEPT_PLAN_H

#include "postgres.h"

#include "executor/spi.h"

extern SPIPlanPtr KeptPlan(const char *sql, int nargs, Oid *types);

#endif /* SEGMENTS_KEPT_PLAN_H */
