/*
 * readers_share.c - which contact tables a table's rows matter for, in shared
 * memory: found out once, known to every backend.
 *
 * The catalogue's tables are dear to a connection that has not read them yet,
 * and most have to read them for nothing else.  An answer is found by the table
 * and the version of what is declared for it (definition_version.c): numbers
 * that are random and never come again, so that an answer of a table or a
 * database that is gone is nobody's.  The place of a table follows from its
 * OID, and the latest who comes to a place has it.
 */
#include "postgres.h"

#include "program/readers_share.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lwlock.h"

#include "base/compat.h"
#include "base/shared_piece.h"
#include "definition/contact_table.h"
#include "definition/definition_version.h"

#define SHARE_NAME "segments readers"
#define SHARE_FORMAT 1
#define SHARE_PLACES 1024
#define MOST_TABLES 8 /* who has more is found out by each backend */

typedef struct ReadersPlace
{
	Oid database; /* InvalidOid: free */
	Oid relid;
	uint64 version;
	int ntables;
	Oid tables[MOST_TABLES];
} ReadersPlace;

typedef struct ReadersShare
{
	LWLock lock;
	ReadersPlace places[SHARE_PLACES];
} ReadersShare;

static ReadersShare *share = NULL;

static void
initialize_share(void *memory)
{
	ReadersShare *fresh = memory;

	memset(fresh, 0, sizeof(ReadersShare));
	NamedLockInitialize(&fresh->lock, SHARE_NAME);
}

static SharedPiece shared = {{SHARE_NAME, sizeof(ReadersShare), initialize_share, (void **) &share},
							 SHARE_FORMAT};

/*
 * When the library is loaded: ask for the memory.
 */
void
ReadersShareInit(void)
{
	(void) SharedPieceRequest(&shared);
}

static ReadersPlace *
place_of(Oid relid)
{
	return &share->places[hash_combine(murmurhash32(relid), murmurhash32(MyDatabaseId)) %
						  SHARE_PLACES];
}

/* Is the answer there?  Then it is *tables, in the current memory context. */
static bool
look_up(Oid relid, uint64 version, List **tables)
{
	ReadersPlace found;
	int i;

	LWLockAcquire(&share->lock, LW_SHARED);
	found = *place_of(relid);
	LWLockRelease(&share->lock);
	if (found.database != MyDatabaseId || found.relid != relid || found.version != version)
		return false;
	*tables = NIL;
	for (i = 0; i < found.ntables; i++)
		*tables = lappend_oid(*tables, found.tables[i]);
	return true;
}

static void
put(Oid relid, uint64 version, const List *tables)
{
	ReadersPlace place = {MyDatabaseId, relid, version};
	ListCell *cell;

	if (list_length(tables) > MOST_TABLES)
		return;
	foreach (cell, tables)
		place.tables[place.ntables++] = lfirst_oid(cell);
	LWLockAcquire(&share->lock, LW_EXCLUSIVE);
	*place_of(relid) = place;
	LWLockRelease(&share->lock);
}

/*
 * The contact tables that a table's rows matter for, as last committed or
 * changed by this transaction; what is read is put where others find it.
 */
List *
ReadersShared(Oid relid)
{
	uint64 version;
	List *tables;
	bool ours;

	if (!SharedPieceOpen(&shared))
		return CatalogContactTablesReading(relid);
	version = DefinitionVersion(relid, &ours);
	if (version != 0 && !ours && look_up(relid, version, &tables))
		return tables;
	tables = CatalogContactTablesReading(relid);
	/* what was read is of this version, if it was the present one before and after */
	if (version != 0 && !ours && DefinitionVersion(relid, &ours) == version)
		put(relid, version, tables);
	return tables;
}
