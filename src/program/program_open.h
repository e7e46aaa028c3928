/*
 * program_open.h - an image -> a program that this backend can run.
 */
#ifndef SEGMENTS_PROGRAM_OPEN_H
#define SEGMENTS_PROGRAM_OPEN_H

#include "postgres.h"

#include "program/image_use.h"
#include "program/program.h"

extern Program *ProgramOpen(Oid relid, ImageUse *use, MemoryContext context);

#endif /* SEGMENTS_PROGRAM_OPEN_H */
