/*
 * related_delta.h - what a statement changed in a table of related rows,
 * companies or links -> the contacts and segments concerned.
 */
#ifndef SEGMENTS_RELATED_DELTA_H
#define SEGMENTS_RELATED_DELTA_H

#include "postgres.h"

#include "maintain/statement_delta.h"
#include "program/program.h"

extern bool RelatedDelta(Program *program, StatementDelta *delta);

#endif /* SEGMENTS_RELATED_DELTA_H */
