/*
 * touched.h - contacts that others' changes since a snapshot concern.
 */
#ifndef SEGMENTS_TOUCHED_H
#define SEGMENTS_TOUCHED_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"

#include "base/vector.h"
#include "program/program.h"

extern void TouchedContacts(Program *program, Bitmapset *segments, bool fresh, Snapshot snapshot,
							DatumVector *keys);
extern bool TouchedCanBeFound(Oid contact_table, List *relids);

#endif /* SEGMENTS_TOUCHED_H */
