/*
 * relation_cache.h - what a backend keeps by relation, until that changes.
 */
#ifndef SEGMENTS_RELATION_CACHE_H
#define SEGMENTS_RELATION_CACHE_H

#include "postgres.h"

#include "utils/hsearch.h"

/* What each entry begins with. */
typedef struct RelationCacheEntry
{
	Oid relid;
	bool valid; /* set by whoever fills it in, if the generation is the one before */
} RelationCacheEntry;

/* Was a valid entry taken from this relation, too? */
typedef bool (*RelationCacheReads)(const void *entry, Oid relid);

/* Static; name, entry_size and reads are given, the rest is zero. */
typedef struct RelationCache
{
	const char *name;
	Size entry_size;
	RelationCacheReads reads; /* NULL: entries are taken from their own relation alone */
	uint64 generation;        /* counts invalidations */
	HTAB *entries;
	struct RelationCache *next; /* of those that are in use */
} RelationCache;

/* Is told of each relation that changes; InvalidOid: any may have. */
typedef void (*RelationWatcher)(Oid relid);

extern void RelationWatch(RelationWatcher watcher);
extern void *RelationCacheFind(RelationCache *cache, Oid relid);

#endif /* SEGMENTS_RELATION_CACHE_H */
