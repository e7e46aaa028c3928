/*
 * keys.h - keys of contacts: their order, arrays of them, and how an index is
 * asked for one.
 */
#ifndef SEGMENTS_KEYS_H
#define SEGMENTS_KEYS_H

#include "postgres.h"

#include "base/index_probe.h"
#include "program/program.h"

extern int ProgramCompareKeys(Program *program, Datum a, Datum b);
extern void ProgramSortKeys(Program *program, Datum *keys, int *nkeys);
extern int ProgramFindKey(Program *program, const Datum *keys, int nkeys, Datum key);
extern Datum ProgramKeyArray(Program *program, Datum *keys, int nkeys);
extern void ProgramProbeKey(IndexProbe *probe, Program *program);

#endif /* SEGMENTS_KEYS_H */
