/*
 * relation_cache.c - what a backend keeps by relation, until that changes.
 *
 * An invalidation only marks entries: it may come whenever a lock is taken, so
 * while an entry is being used or filled in.  Who fills one in believes it only
 * when the generation is still the one that it began with.
 */
#include "postgres.h"

#include "base/relation_cache.h"

#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/memutils.h"

static void
relation_changed(Datum arg, Oid relid)
{
	RelationCache *cache = (RelationCache *) DatumGetPointer(arg);
	HASH_SEQ_STATUS status;
	RelationCacheEntry *entry;

	cache->generation++;
	if (OidIsValid(relid) && cache->reads == NULL)
	{
		entry = hash_search(cache->entries, &relid, HASH_FIND, NULL);
		if (entry != NULL)
			entry->valid = false;
		return;
	}
	hash_seq_init(&status, cache->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->valid &&
			(!OidIsValid(relid) || entry->relid == relid || cache->reads(entry, relid)))
			entry->valid = false;
}

static void
create(RelationCache *cache)
{
	HASHCTL control = {0};

	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	control.keysize = sizeof(Oid);
	control.entrysize = cache->entry_size;
	control.hcxt = CacheMemoryContext;
	cache->entries = hash_create(cache->name, 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(relation_changed, PointerGetDatum(cache));
}

/*
 * The entry of a relation, which stays where it is until the backend ends; a
 * new one is zero but for the relation.
 */
void *
RelationCacheFind(RelationCache *cache, Oid relid)
{
	RelationCacheEntry *entry;
	bool found;

	if (cache->entries == NULL)
		create(cache);
	entry = hash_search(cache->entries, &relid, HASH_ENTER, &found);
	if (!found)
		memset((char *) entry + sizeof(Oid), 0, cache->entry_size - sizeof(Oid));
	return entry;
}
