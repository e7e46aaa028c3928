/*
 * program_cache.h - keeps the programs of this backend.
 */
#ifndef SEGMENTS_PROGRAM_CACHE_H
#define SEGMENTS_PROGRAM_CACHE_H

#include "postgres.h"

#include "utils/relcache.h"

#include "program/program.h"

extern uint64 ProgramClockGeneration(void);
extern void ProgramInvalidate(Oid contact_table);
extern Program *ProgramGet(Oid contact_table);
extern Program *ProgramGetFor(Oid contact_table, Relation changed);
extern bool ProgramIsCurrent(Program *program);
extern Program *ProgramGetAnew(Oid contact_table);
extern Relation ProgramTableOpen(Program *program, Oid relid, LOCKMODE lock);

#endif /* SEGMENTS_PROGRAM_CACHE_H */
