/*
 * uncommitted.h - wait for what others have written and not committed.
 */
#ifndef SEGMENTS_UNCOMMITTED_H
#define SEGMENTS_UNCOMMITTED_H

#include "postgres.h"

#include "program/program.h"

extern bool UncommittedWaitForContact(Program *program, Datum key);
extern bool UncommittedKeyIsTaken(Program *program, Relation contacts, Datum key);
extern void UncommittedWaitForRows(Program *program, Datum *keys, int nkeys);
extern bool UncommittedWaitForCompanies(RowSource *source, Oid type, Datum *keys, int nkeys);
extern void UncommittedWaitForReferences(Program *program, RowSource *source, Datum *keys,
										 int nkeys);

#endif /* SEGMENTS_UNCOMMITTED_H */
