/*
 * index_find.h - an index of a table that serves a purpose.
 */
#ifndef SEGMENTS_INDEX_FIND_H
#define SEGMENTS_INDEX_FIND_H

#include "postgres.h"

#include "utils/relcache.h"

typedef bool (*IndexTest)(Relation index, void *purpose);

extern Oid IndexFind(Relation rel, IndexTest serves, void *purpose);

#endif /* SEGMENTS_INDEX_FIND_H */
