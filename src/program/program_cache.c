/*
 * program_cache.c - keeps the programs of this backend.
 *
 * Step 8a: the program of a contact table, as its definitions are now.  Opened
 * anew after an invalidation, which only marks: over the same image when the
 * definitions are what they were (VACUUM, ANALYZE and the like invalidate too),
 * over one that another backend has built, or over one built here
 * (program_build.c, image_build.c) and published.
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
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "portability/instr_time.h"

#include "program/draft.h"
#include "evaluate/evaluate.h"
#include "maintain/maintain.h"
#include "base/sql_expr.h"

typedef struct ProgramEntry
{
	Oid relid; /* hash key */
	bool valid;
	bool changed; /* while it was being built */
	Program *program;
} ProgramEntry;

/* Which contact tables a table feeds: what every trigger asks first. */
typedef struct ReaderEntry
{
	Oid relid; /* hash key */
	bool valid;
	List *contact_tables;
} ReaderEntry;

static HTAB *programs = NULL;
static HTAB *readers = NULL;
static uint64 generation = 0;       /* counts invalidations */
static uint64 clock_generation = 1; /* counts those of the clock rows */
static Oid clock_relid = InvalidOid;

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
		bool reads = !OidIsValid(relid) || program->relid == relid;
		int i;

		for (i = 0; !reads && program->program && i < program->program->nsources; i++)
			reads = (program->program->sources[i]->relid == relid ||
					 (program->program->sources[i]->link &&
					  program->program->sources[i]->link->relid == relid));
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
	HASHCTL info = {0};

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
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(contact_table)))
		return;
	DefinitionChanged(contact_table);
	CacheInvalidateRelcacheByRelid(contact_table);
}

/*
 * OIDs of the contact tables that a table's rows matter for.
 */
List *
ProgramTablesReading(Oid relid)
{
	ReaderEntry *entry;
	bool found;
	MemoryContext old;
	List *tables;
	uint64 before;

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

/* ----- programs ----- */

/* Somebody further up may still be using it: it goes with the transaction. */
static void
retire(Program *program)
{
	if (program != NULL)
		MemoryContextSetParent(program->context, TopTransactionContext);
}

/* The image of these definitions that is there already, here or in another backend. */
static ImageUse *
find_image(ProgramEntry *entry, uint64 version)
{
	struct dsm_segment *shared;
	const Image *image;

	if (version == 0)
		return NULL;
	if (entry->program && entry->program->image->version == version)
		return entry->program->use;
	image = ImageShareFind(entry->relid, version, &shared);
	return image == NULL ? NULL : ImageUseShared(image, shared);
}

static ImageUse *
build_image(ProgramEntry *entry, uint64 version)
{
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "segments draft", ALLOCSET_DEFAULT_SIZES);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "segments image", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	instr_time start;
	instr_time took;
	Draft *draft;
	Image *image;

	INSTR_TIME_SET_CURRENT(start);
	draft = DraftBuild(entry->relid, version);
	MemoryContextSwitchTo(context);
	image = ImageBuild(draft);
	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, start);
	image->build_usec = (uint32) INSTR_TIME_GET_MICROSEC(took);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return ImageUseOwn(image, context);
}

/* Others may use the image that we have built: then so do we. */
static ImageUse *
share_image(ProgramEntry *entry, ImageUse *use)
{
	struct dsm_segment *shared;
	const Image *image;
	bool ours;

	if (use->image->version == 0 || entry->changed ||
		DefinitionVersion(entry->relid, &ours) != use->image->version)
		return use;
	image = ImageSharePublish(use->image, &shared);
	if (image == NULL)
		return use;
	MemoryContextDelete(use->context);
	return ImageUseShared(image, shared);
}

/*
 * One attempt: false when the definitions changed meanwhile, or the tables are
 * not as the image that was found was compiled for.
 */
static bool
try_open(ProgramEntry *entry, bool trust)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "segments program", ALLOCSET_DEFAULT_SIZES);
	ImageUse *use;
	Program *program = NULL;
	uint64 version;
	bool ours;

	entry->changed = false;
	version = DefinitionVersion(entry->relid, &ours);
	if (ours || !trust)
		version = 0;
	use = find_image(entry, version);
	if (use == NULL)
		use = share_image(entry, build_image(entry, version));
	if (!entry->changed)
		program = ProgramOpen(entry->relid, use, context);
	if (program == NULL || entry->changed)
	{
		MemoryContextDelete(context);
		return false;
	}
	retire(entry->program);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->program = program;
	entry->valid = true;
	return true;
}

static void
reopen(ProgramEntry *entry, bool trust)
{
	int attempt;

	for (attempt = 0; attempt < 10; attempt++)
		if (try_open(entry, trust && attempt < 5))
			return;
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("segments of contact table \"%s\" are being changed concurrently",
						   get_rel_name(entry->relid))));
}

static ProgramEntry *
entry_of(Oid contact_table)
{
	ProgramEntry *entry;
	bool found;

	initialise();
	entry = hash_search(programs, &contact_table, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->program = NULL;
	}
	return entry;
}

/*
 * The program of a contact table, as its definitions are now.  Stays usable
 * until the end of the transaction.
 */
Program *
ProgramGet(Oid contact_table)
{
	ProgramEntry *entry = entry_of(contact_table);

	if (!entry->valid)
		reopen(entry, true);
	return entry->program;
}

/*
 * The same with all segments compiled by this backend, whatever others have
 * shared: something that they call has changed past our event triggers.
 */
Program *
ProgramGetAnew(Oid contact_table)
{
	reopen(entry_of(contact_table), false);
	return entry_of(contact_table)->program;
}

/* Is the table, wherever the program reads it, as it was compiled? */
static bool
is_compiled_for(Program *program, Relation rel)
{
	int i;

	for (i = 0; i < program->image->nsources + program->image->nlinks; i++)
	{
		RowSource *source = program->sources[i];

		if (source->relid != RelationGetRelid(rel) || source->checked)
			continue;
		if (ProgramColumnsHash(RelationGetDescr(rel)) != source->image->columns_hash)
			return false;
		source->checked = true;
	}
	return true;
}

/*
 * The same, to be used for rows of this table.  Should its columns have changed
 * past our event triggers, the segments are compiled anew.
 */
Program *
ProgramGetFor(Oid contact_table, Relation changed)
{
	Program *program = ProgramGet(contact_table);

	if (is_compiled_for(program, changed))
		return program;
	reopen(entry_of(contact_table), false);
	return entry_of(contact_table)->program;
}
