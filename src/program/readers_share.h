/*
 * readers_share.h - which contact tables a table's rows matter for, in shared
 * memory: found out once, known to every backend.
 */
#ifndef SEGMENTS_READERS_SHARE_H
#define SEGMENTS_READERS_SHARE_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void ReadersShareInit(void);
extern List *ReadersShared(Oid relid);

#endif /* SEGMENTS_READERS_SHARE_H */
