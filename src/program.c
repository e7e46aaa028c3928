/*
 * program.c - keeps the programs of this backend.
 *
 * Step 8a: the program of a contact table, as its definitions are now.  Rebuilt
 * lazily (program_build.c) after an invalidation, which only marks.
 *
 * Why this is never stale: whoever changes a definition holds a lock on the
 * contact table and on what the definition reads that conflicts with writers,
 * until its transaction ends; its invalidation messages are read by a writer
 * when it locks the table, so before its triggers run.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "evaluate.h"
#include "maintain.h"
#include "sql_expr.h"

typedef struct ProgramEntry
{
	Oid			relid;			/* hash key */
	bool		valid;
	bool		changed;		/* while it was being built */
	Program    *program;
} ProgramEntry;

/* Which contact tables a table feeds: what every trigger asks first. */
typedef struct ReaderEntry
{
	Oid			relid;			/* hash key */
	bool		valid;
	List	   *contact_tables;
} ReaderEntry;

static HTAB *programs = NULL;
static HTAB *readers = NULL;
static uint64 generation = 0;	/* counts invalidations */
static uint64 clock_generation = 1; /* counts those of the clock rows */
static Oid	clock_relid = InvalidOid;

/* ----- invalidation ----- */

/*
 * Marks only: no catalog access, nothing freed.  A contact table's own
 * message means that its definitions changed; any other relation may be one
 * that programs read.
 */
static void
relation_changed(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	ProgramEntry *program;
	ReaderEntry *reader;

	generation++;
	if (!OidIsValid(relid) || relid == clock_relid)
		clock_generation++;
	hash_seq_init(&scan, programs);
	while ((program = hash_seq_search(&scan)) != NULL)
	{
		bool		reads = !OidIsValid(relid) || program->relid == relid;
		int			i;

		for (i = 0; !reads && program->program && i < program->program->nsources; i++)
			reads = (program->program->sources[i]->relid == relid ||
					 (program->program->sources[i]->rows &&
					  program->program->sources[i]->rows->link_relid == relid));
		if (reads)
		{
			program->valid = false;
			program->changed = true;
		}
	}
	hash_seq_init(&scan, readers);
	while ((reader = hash_seq_search(&scan)) != NULL)
		if (!OidIsValid(relid) || reader->relid == relid)
			reader->valid = false;
}

static void
initialise(void)
{
	HASHCTL		info = {0};

	if (programs != NULL)
		return;
	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	info.keysize = sizeof(Oid);
	info.hcxt = CacheMemoryContext;
	info.entrysize = sizeof(ReaderEntry);
	readers = hash_create("segments readers", 32, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	info.entrysize = sizeof(ProgramEntry);
	programs = hash_create("segments programs", 8, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

/*
 * Changes whenever a clock row may have changed.
 */
uint64
ProgramClockGeneration(void)
{
	clock_relid = CatalogRelid("segment_clock");
	return clock_generation;
}

/*
 * Tell every backend that a contact table's definitions changed.  One that is
 * gone already needs no telling.
 */
void
ProgramInvalidate(Oid contact_table)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(contact_table)))
		CacheInvalidateRelcacheByRelid(contact_table);
}

/*
 * OIDs of the contact tables that a table's rows matter for.
 */
List *
ProgramTablesReading(Oid relid)
{
	ReaderEntry *entry;
	bool		found;
	MemoryContext old;
	List	   *tables;
	uint64		before;

	initialise();
	entry = hash_search(readers, &relid, HASH_FIND, NULL);
	if (entry && entry->valid)
		return entry->contact_tables;
	before = generation;
	tables = CatalogContactTablesReading(relid);
	entry = hash_search(readers, &relid, HASH_ENTER, &found);
	if (found)
		list_free(entry->contact_tables);
	old = MemoryContextSwitchTo(CacheMemoryContext);
	entry->contact_tables = list_copy(tables);
	entry->valid = (generation == before);
	MemoryContextSwitchTo(old);
	return entry->contact_tables;
}

/* ----- plans ----- */

/*
 * Kept plans go with the program: a callback of its memory context.
 */
void
ProgramFreePlans(void *arg)
{
	ListCell   *cell;

	foreach(cell, ((Program *) arg)->plans)
		SPI_freeplan(lfirst(cell));
}

/*
 * A kept plan, prepared when first asked for.
 */
SPIPlanPtr
ProgramPlan(Program *program, SPIPlanPtr *slot, const char *sql, int nargs, Oid *types)
{
	MemoryContext old;

	if (*slot != NULL)
		return *slot;
	*slot = SPI_prepare(sql, nargs, types);
	if (*slot == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(*slot);
	old = MemoryContextSwitchTo(program->context);
	program->plans = lappend(program->plans, *slot);
	MemoryContextSwitchTo(old);
	return *slot;
}

/* Somebody further up may still be using it: it goes with the transaction. */
static void
retire(Program *program)
{
	if (program != NULL)
		MemoryContextSetParent(program->context, TopTransactionContext);
}

static void
rebuild(ProgramEntry *entry)
{
	int			attempt;

	for (attempt = 0; attempt < 10; attempt++)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "segments program",
													  ALLOCSET_DEFAULT_SIZES);
		Program    *program;

		entry->changed = false;
		program = ProgramBuild(entry->relid, context);
		if (entry->changed)
		{
			MemoryContextDelete(context);
			continue;
		}
		retire(entry->program);
		MemoryContextSetParent(context, CacheMemoryContext);
		entry->program = program;
		entry->valid = true;
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("segments of contact table \"%s\" are being changed concurrently", get_rel_name(entry->relid))));
}

/*
 * The program of a contact table, as its definitions are now.  Stays usable
 * until the end of the transaction.
 */
Program *
ProgramGet(Oid contact_table)
{
	ProgramEntry *entry;
	bool		found;

	initialise();
	entry = hash_search(programs, &contact_table, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->program = NULL;
	}
	if (!entry->valid)
		rebuild(entry);
	return entry->program;
}

/*
 * A published segment with filters by id, or NULL.
 */
ProgramSegment *
ProgramSegmentById(Program *program, int64 id)
{
	bool		found;
	void	   *entry = hash_search(program->by_id, &id, HASH_FIND, &found);

	return found ? &program->segments[*(int *) ((char *) entry + sizeof(int64))] : NULL;
}

/*
 * Indexes of the segments that look at rows of a source.
 */
Bitmapset *
ProgramSegmentsReading(Program *program, const RowSource *source)
{
	Bitmapset  *result = NULL;
	ListCell   *cell;

	foreach(cell, source->atoms)
	{
		ListCell   *inner;

		foreach(inner, program->atoms[lfirst_int(cell)].segments)
			result = bms_add_member(result, lfirst_int(inner));
	}
	return result;
}
