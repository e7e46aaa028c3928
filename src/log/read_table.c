/*
 * read_table.c - keeps, in each backend, where the members and the log of a
 * contact table are and how keys compare.
 *
 * Questions that pages ask every time take a few microseconds, of which
 * reading the catalogue would be most.  Relcache invalidation of any of the
 * tables forgets what was known: attaching, detaching and altering send it.
 */
#include "postgres.h"

#include "log/read_table.h"

#include "access/table.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "base/relation_cache.h"
#include "definition/contact_table.h"
#include "definition/table_beside.h"
#include "log/log_index.h"

typedef struct ReadEntry
{
	RelationCacheEntry cache; /* by contact table */
	ReadTable table;
} ReadEntry;

static bool
reads(const void *entry, Oid relid)
{
	const ReadTable *table = &((const ReadEntry *) entry)->table;

	return relid == table->member_table || relid == table->member_index ||
		   relid == table->change_table || relid == table->change_index;
}

static RelationCache tables = {"segments tables to read", sizeof(ReadEntry), reads};

/*
 * Open the members, or the log; an error when they are not as we make them.
 */
Relation
ReadTableOpen(const ReadTable *table, BesideKind kind, LOCKMODE lock)
{
	return BesideOpen(kind == BESIDE_MEMBER ? table->member_table : table->change_table, kind,
					  table->column_type, table->owner, lock);
}

static void
read_members(ReadTable *table)
{
	Relation rel = ReadTableOpen(table, BESIDE_MEMBER, AccessShareLock);

	table->member_index = BesideKeyIndexNeeded(rel);
	table->collation =
		TupleDescAttr(RelationGetDescr(rel), Anum_member_contact_id - 1)->attcollation;
	table->is_logged = rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT;
	table_close(rel, AccessShareLock);
}

static void
read_log(ReadTable *table)
{
	Relation rel = ReadTableOpen(table, BESIDE_CHANGE, AccessShareLock);

	table->change_index = ChangeLogIndex(rel);
	table->is_logged = table->is_logged && rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT;
	table_close(rel, AccessShareLock);
}

static void
fill_in(ReadTable *table)
{
	ContactTable *contacts = CatalogContactTable(table->contact_table, false);
	TypeCacheEntry *type;

	table->owner = contacts->owner;
	table->member_table = contacts->member_table;
	table->change_table = contacts->change_table;
	table->column_type = contacts->key_type;
	table->key_type = getBaseType(contacts->key_type);
	type = lookup_type_cache(table->key_type, TYPECACHE_EQ_OPR);
	fmgr_info_cxt(get_opcode(type->eq_opr), &table->equal, CacheMemoryContext);
	read_members(table);
	read_log(table);
}

/*
 * The tables of a contact table; an error when it is not attached.  The entry
 * stays where it is, its contents until the next invalidation.
 */
ReadTable *
ReadTableGet(Oid contact_table)
{
	ReadEntry *entry = RelationCacheFind(&tables, contact_table);
	uint64 before = tables.generation;

	if (entry->cache.valid)
		return &entry->table;
	entry->table.contact_table = contact_table;
	fill_in(&entry->table);
	/* what changed meanwhile is read again by the next one to ask */
	entry->cache.valid = (before == tables.generation);
	return &entry->table;
}
