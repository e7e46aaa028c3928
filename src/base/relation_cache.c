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

#define MAX_WATCHERS 4

static RelationCache *caches = NULL; /* in use */
static RelationWatcher watchers[MAX_WATCHERS];
static int nwatchers = 0;

static void
cached_changed(RelationCache *cache, Oid relid)
{
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
relation_changed(Datum arg, Oid relid)
{
	RelationCache *cache;
	int i;

	for (cache = caches; cache != NULL; cache = cache->next)
		cached_changed(cache, relid);
	for (i = 0; i < nwatchers; i++)
		watchers[i](relid);
}

/* Once for all: the server has room for ten, those of other extensions included. */
static void
listen_once(void)
{
	static bool listening = false;

	if (listening)
		return;
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	listening = true;
}

/*
 * From now on call a function, which may not read the catalogue, for each
 * relation that changes.
 */
void
RelationWatch(RelationWatcher watcher)
{
	listen_once();
	Assert(nwatchers < MAX_WATCHERS);
	watchers[nwatchers++] = watcher;
}

static void
create(RelationCache *cache)
{
	HASHCTL control = {0};

	listen_once();
	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	control.keysize = sizeof(Oid);
	control.entrysize = cache->entry_size;
	control.hcxt = CacheMemoryContext;
	cache->entries = hash_create(cache->name, 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cache->next = caches;
	caches = cache;
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
