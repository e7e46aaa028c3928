/*
 * build_lock.h - whom building shuts out, and when.
 */
#ifndef SEGMENTS_BUILD_LOCK_H
#define SEGMENTS_BUILD_LOCK_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

#include "program/program.h"

extern List *BuildReadTables(Program *program, Bitmapset *segments);
extern void BuildLock(Oid contact_table, List *relids, LOCKMODE mode, bool gently);
extern void BuildShareTables(Oid contact_table, List *relids);

#endif /* SEGMENTS_BUILD_LOCK_H */
