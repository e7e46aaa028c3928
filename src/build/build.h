/*
 * build.h - members of whole segments: new ones, and ones whose definition
 * changed.
 */
#ifndef SEGMENTS_BUILD_H
#define SEGMENTS_BUILD_H

#include "postgres.h"

#include "program/program.h"

extern void BuildSegmentsReading(Program *program, Oid relid, const char *cause);

#endif /* SEGMENTS_BUILD_H */
