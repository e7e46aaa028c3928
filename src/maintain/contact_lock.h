/*
 * contact_lock.h - lock and read contacts, and look up members, without a
 * query.
 */
#ifndef SEGMENTS_CONTACT_LOCK_H
#define SEGMENTS_CONTACT_LOCK_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/snapshot.h"

#include "base/tree_probe.h"
#include "evaluate/batch.h"
#include "program/program.h"

typedef TreeProbe ContactProbe;

extern void ContactProbeBegin(ContactProbe *probe, Program *program, Snapshot snapshot);
extern TupleTableSlot *ContactProbeAsk(ContactProbe *probe, Datum key);
extern void ContactProbeEnd(ContactProbe *probe);
extern int ContactsLock(Batch *batch);
extern int ContactsLockKeys(Program *program, Datum *keys, int nkeys);

#endif /* SEGMENTS_CONTACT_LOCK_H */
