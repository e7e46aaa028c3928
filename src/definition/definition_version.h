/*
 * definition_version.h - which state of a table's definitions is the present
 * one.
 */
#ifndef SEGMENTS_DEFINITION_VERSION_H
#define SEGMENTS_DEFINITION_VERSION_H

#include "postgres.h"

extern uint64 DefinitionVersion(Oid relid, bool *ours);
extern bool DefinitionIsUnseen(Oid relid);
extern void DefinitionChanged(Oid relid);
extern uint64 DefinitionRandomNumber(void);

#endif /* SEGMENTS_DEFINITION_VERSION_H */
