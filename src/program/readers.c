/*
 * readers.c - which contact tables a table's rows matter for: what every
 * trigger asks first.
 *
 * A partition, or a table that inherits, is not attached itself: its rows are
 * those of the attached table above it.  Kept by table, until the table, one
 * above it or one below it changes.
 */
#include "postgres.h"

#include "program/readers.h"

#include "access/relation.h"
#include "access/tupconvert.h"
#include "catalog/pg_trigger.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/relation_cache.h"
#include "base/table_tree.h"
#include "definition/definition_version.h"
#include "program/readers_share.h"

typedef struct ReadersEntry
{
	RelationCacheEntry cache;
	Readers readers;
	List *family; /* OIDs of the tables above and below */
} ReadersEntry;

static bool
reads(const void *entry, Oid relid)
{
	return list_member_oid(((const ReadersEntry *) entry)->family, relid);
}

static RelationCache entries = {"segments readers", sizeof(ReadersEntry), reads};

/* ----- finding out ----- */

static bool
has_other_triggers(Relation rel, Oid our_function)
{
	TriggerDesc *triggers = rel->trigdesc;
	int i;

	for (i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (!trigger->tgisinternal && TRIGGER_FOR_AFTER(trigger->tgtype) &&
			trigger->tgfoid != our_function)
			return true;
	}
	return false;
}

/* Columns can lie in another order. */
static bool
is_laid_out_otherwise(Relation part, Relation rel)
{
	TupleConversionMap *map = TableTreeMap(part, rel);

	if (map == NULL)
		return false;
	free_conversion_map(map);
	return true;
}

/*
 * Are there AFTER triggers that may change the same rows again before or after
 * us?  Then OLD and NEW are not the whole story.  Those of partitions fire for
 * what is written through a table above.  And are some tables below laid out
 * otherwise?
 */
static void
look_at_parts(Relation rel, List *below, Oid our_function, Readers *found)
{
	ListCell *cell;

	found->others_fire = has_other_triggers(rel, our_function);
	foreach (cell, below)
	{
		Relation part;

		if (found->others_fire && found->parts_differ)
			break;
		part = try_relation_open(lfirst_oid(cell), AccessShareLock);
		if (part == NULL)
			continue;
		found->others_fire = found->others_fire || has_other_triggers(part, our_function);
		found->parts_differ = found->parts_differ || is_laid_out_otherwise(part, rel);
		relation_close(part, NoLock);
	}
}

/* The table, or the one above it, that matters for contact tables. */
static List *
find_attached(Oid relid, List *above, Oid *attached)
{
	List *tables = ReadersShared(relid);
	ListCell *cell;

	*attached = relid;
	foreach (cell, above)
	{
		if (tables != NIL)
			break;
		*attached = lfirst_oid(cell);
		tables = ReadersShared(*attached);
	}
	return tables;
}

static void
fill(ReadersEntry *entry, const Readers *found, List *family, bool valid)
{
	MemoryContext old = MemoryContextSwitchTo(CacheMemoryContext);
	List *former_tables = entry->readers.contact_tables;
	List *former_family = entry->family;
	List *tables = list_copy(found->contact_tables);

	entry->family = list_copy(family);
	entry->readers = *found;
	entry->readers.contact_tables = tables;
	entry->cache.valid = valid;
	MemoryContextSwitchTo(old);
	list_free(former_tables);
	list_free(former_family);
}

/*
 * What the rows of an open table matter for, as it is now; good until the
 * caller does anything else.
 */
const Readers *
ReadersOf(Relation rel, Oid our_function)
{
	Readers found = {RelationGetRelid(rel)};
	ReadersEntry *entry = RelationCacheFind(&entries, found.relid);
	uint64 before = entries.generation;
	List *above = NIL;
	List *below = NIL;

	if (entry->cache.valid)
		return &entry->readers;
	if (TableTreeMayInherit(rel))
		above = TableTreeAbove(found.relid);
	if (!TableTreeIsOne(rel))
		below = TableTreeBelow(found.relid);
	found.contact_tables = find_attached(found.relid, above, &found.attached);
	look_at_parts(rel, below, our_function, &found);
	fill(entry, &found, list_concat(above, below), entries.generation == before);
	return &entry->readers;
}

/*
 * segments_internal.readers_changed(relation): its rows matter for other contact tables
 * from now on.
 */
PG_FUNCTION_INFO_V1(segments_readers_changed);
Datum
segments_readers_changed(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);

	if (get_rel_relkind(relid) != '\0')
	{
		DefinitionChanged(relid);
		CacheInvalidateRelcacheByRelid(relid);
	}
	PG_RETURN_VOID();
}
