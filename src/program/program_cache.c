/*
 * program_cache.c - keeps the programs of this backend.
 *
 * The program of a contact table, as its definitions are now.  Opened anew
 * after an invalidation, which only marks: over the same image when the
 * definitions are what they were (VACUUM, ANALYZE and the like invalidate too),
 * over one that another backend has built, or over one built here (draft.c,
 * image_build.c) and published.
 *
 * Why this is never stale: whoever changes a definition holds a lock on the
 * contact table and on what the definition reads that conflicts with writers,
 * until its transaction ends; its invalidation messages are read by a writer
 * when it locks the table, so before its triggers run.
 */
#include "postgres.h"

#include "program/program_cache.h"

#include "access/nbtree.h"
#include "access/table.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/relation_cache.h"
#include "definition/contact_table.h"
#include "definition/definition_version.h"
#include "definition/hidden_rows.h"
#include "program/draft.h"
#include "program/image.h"
#include "program/image_build.h"
#include "program/image_share.h"
#include "program/image_use.h"
#include "program/program.h"
#include "program/program_open.h"

typedef struct ProgramEntry
{
	Oid relid; /* hash key */
	bool valid;
	uint64 changes;    /* invalidations: did one come while it was being built? */
	uint64 distrusted; /* definitions whose image other columns were found under, or 0 */
	Program *program;
} ProgramEntry;

static HTAB *programs = NULL;
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
relation_changed(Oid relid)
{
	HASH_SEQ_STATUS scan;
	ProgramEntry *program;

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
			program->changes++;
		}
	}
}

static void
initialize(void)
{
	HASHCTL info = {0};

	if (programs != NULL)
		return;
	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	info.keysize = sizeof(Oid);
	info.hcxt = CacheMemoryContext;
	info.entrysize = sizeof(ProgramEntry);
	programs = hash_create("segments programs", 8, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	RelationWatch(relation_changed);
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
	ImageShareForget(contact_table);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(contact_table)))
		return;
	DefinitionChanged(contact_table);
	CacheInvalidateRelcacheByRelid(contact_table);
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
find_image(Oid relid, uint64 version)
{
	ImageUse *use;

	if (version == 0)
		return NULL;
	use = ImageUseFind(relid, version);
	if (use != NULL)
		return use;
	use = ImageUseCreate();
	use->image = ImageShareFind(relid, version, &use->shared);
	if (use->image != NULL)
		return use;
	ImageUseDrop(use);
	return NULL;
}

static ImageUse *
build_image(Oid relid, uint64 version)
{
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "segments draft", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	ImageUse *use;
	instr_time start;
	instr_time took;
	Draft *draft;
	Image *image;

	INSTR_TIME_SET_CURRENT(start);
	draft = DraftBuild(relid, version);
	MemoryContextSwitchTo(old);
	use = ImageUseCreate();
	MemoryContextSwitchTo(scratch);
	image = ImageBuild(draft, use->context);
	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, start);
	image->build_usec = (uint32) INSTR_TIME_GET_MICROSEC(took);
	use->image = image;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return use;
}

/* Others may use the image that we have built: then so do we. */
static ImageUse *
share_image(Oid relid, ImageUse *built)
{
	ImageUse *use;
	bool ours;

	if (built->image->version == 0 || DefinitionVersion(relid, &ours) != built->image->version)
		return built;
	use = ImageUseCreate();
	use->image = ImageSharePublish(built->image, &use->shared);
	if (use->image == NULL)
	{
		ImageUseDrop(use);
		return built;
	}
	ImageUseDrop(built);
	return use;
}

/* An image of the definitions as they are now; `trust`: one that is there already will do. */
static ImageUse *
image_for(ProgramEntry *entry, bool trust)
{
	uint64 before = entry->changes;
	uint64 version;
	ImageUse *use;
	bool ours;

	version = DefinitionVersion(entry->relid, &ours);
	if (ours || !trust || version == entry->distrusted)
		version = 0;
	use = find_image(entry->relid, version);
	if (use != NULL)
		return use;
	use = build_image(entry->relid, version);
	return entry->changes == before ? share_image(entry->relid, use) : use;
}

/*
 * One attempt: false when the definitions changed meanwhile, or the tables are
 * not as the image that was found was compiled for.  The entry changes at the
 * end: an error leaves it as it was, and what was built to go with the memory
 * it was built in.
 */
static bool
try_open(ProgramEntry *entry, bool trust)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "segments program", ALLOCSET_DEFAULT_SIZES);
	uint64 before = entry->changes;
	ImageUse *use = image_for(entry, trust);
	Program *program = NULL;

	if (entry->changes == before)
		program = ProgramOpen(entry->relid, use, context);
	else
		ImageUseDrop(use);
	if (program == NULL || entry->changes != before)
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

	initialize();
	entry = hash_search(programs, &contact_table, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->changes = 0;
		entry->distrusted = 0;
		entry->program = NULL;
	}
	return entry;
}

/*
 * No definition says that the owner has lost sight of rows: roles have changed.
 * Compiled anew, segments that read them are left out.
 */
static void
leave_out_hidden(ProgramEntry *entry)
{
	uint64 roles = HiddenRowsGeneration();

	if (entry->program->roles_seen == roles)
		return;
	if (ProgramReadsHidden(entry->program))
		reopen(entry, false);
	entry->program->roles_seen = roles;
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
	leave_out_hidden(entry);
	return entry->program;
}

/*
 * Are definitions still those that a program was got for?  To be asked under a
 * lock on the contact table by which they stand still.
 */
bool
ProgramIsCurrent(Program *program)
{
	ProgramEntry *entry = entry_of(program->relid);

	return entry->valid && entry->program == program;
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

/* Something changed: every table is looked at again. */
static void
forget_checks(Program *program)
{
	int i;

	for (i = 0; i < program->image->nsources + program->image->nlinks; i++)
		program->sources[i]->checked = false;
	program->checked_in = generation;
}

/*
 * Lock and open a table whose rows are going to be read as the program knows
 * them: an error when its columns have changed past our event triggers, and
 * the next one to ask gets a program that was compiled for them.
 */
Relation
ProgramTableOpen(Program *program, Oid relid, LOCKMODE lock)
{
	Relation rel = table_open(relid, lock);

	if (program->checked_in != generation)
		forget_checks(program);
	if (!is_compiled_for(program, rel))
	{
		ProgramEntry *entry = entry_of(program->relid);

		entry->valid = false;
		entry->distrusted = program->image->version;
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("columns of table \"%s\" have changed since segments were compiled",
							   RelationGetRelationName(rel)),
						errhint("Try again; segments.attach(%s) brings members up to date.",
								quote_literal_cstr(CatalogRelationName(program->relid)))));
	}
	return rel;
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
