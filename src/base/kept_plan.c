/*
 * kept_plan.c - plans that a backend keeps by their text.
 *
 * For queries that belong to no program: on our own tables, and on values that
 * come and go with definitions.  Always generic: the parameters are arrays of
 * any length, and planning would cost more than running.  The server plans
 * them again when a table changes.
 */
#include "postgres.h"

#include "base/kept_plan.h"

#include "common/hashfn.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/text_table.h"

#define MAX_KEPT 500 /* then all are forgotten */
#define MAX_ARGS 8

typedef struct KeptEntry
{
	const char *sql; /* hash key, by content */
	SPIPlanPtr plan;
	int nargs;
	Oid types[MAX_ARGS];
} KeptEntry;

static HTAB *kept = NULL;

static void
initialize(void)
{
	if (kept != NULL)
		return;
	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	kept = TextTable("segments kept plans", 32, sizeof(KeptEntry), CacheMemoryContext);
}

/* The entry goes first, so that an error leaves no half of one. */
static void
forget(KeptEntry *entry)
{
	char *sql = unconstify(char *, entry->sql);
	SPIPlanPtr plan = entry->plan;

	(void) hash_search(kept, &entry->sql, HASH_REMOVE, NULL);
	pfree(sql);
	SPI_freeplan(plan);
}

static void
forget_all(void)
{
	HASH_SEQ_STATUS scan;
	KeptEntry *entry;

	hash_seq_init(&scan, kept);
	while ((entry = hash_seq_search(&scan)) != NULL)
		forget(entry);
}

static SPIPlanPtr
prepare(const char *sql, int nargs, Oid *types)
{
	SPIPlanPtr plan = SPI_prepare_cursor(sql, nargs, types, CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/*
 * The plan of a query, prepared when first asked for, with settings and rights
 * as they are then.  To be run at once: it may be forgotten by the next call.
 */
SPIPlanPtr
KeptPlan(const char *sql, int nargs, Oid *types)
{
	KeptEntry *entry;
	SPIPlanPtr plan;
	char *copy;

	Assert(nargs <= MAX_ARGS);
	initialize();
	entry = hash_search(kept, &sql, HASH_FIND, NULL);
	if (entry && entry->nargs == nargs && memcmp(entry->types, types, sizeof(Oid) * nargs) == 0)
		return entry->plan;
	if (entry)
		forget(entry);
	else if (hash_get_num_entries(kept) >= MAX_KEPT)
		forget_all();
	plan = prepare(sql, nargs, types);
	copy = MemoryContextStrdup(CacheMemoryContext, sql);
	entry = hash_search(kept, &copy, HASH_ENTER, NULL);
	/* from here on nothing is raised: the entry is whole, and its plan kept */
	SPI_keepplan(plan);
	entry->sql = copy;
	entry->plan = plan;
	entry->nargs = nargs;
	memcpy(entry->types, types, sizeof(Oid) * nargs);
	return plan;
}
