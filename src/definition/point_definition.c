/*
 * point_definition.c - the point triggers of a contact table, read and kept.
 *
 * The definitions are read as last committed, and forgotten with the relcache
 * entry of the contact table, whose invalidation every change of them causes.
 * A contact table without point triggers costs a look into a hash table.
 */
#include "postgres.h"

#include "definition/point_definition.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/relation_cache.h"
#include "definition/contact_table.h"

/* segments.point_trigger */
#define Anum_trigger_id 1
#define Anum_trigger_contact_table 2
#define Anum_trigger_points 5
#define Anum_trigger_field 6
#define Anum_trigger_add 7
#define Anum_trigger_remove 8
#define Anum_trigger_published 9

/* The point triggers of a contact table. */
typedef struct TriggerEntry
{
	RelationCacheEntry cache;
	MemoryContext context;
	List *triggers;
} TriggerEntry;

static RelationCache entries = {"segments point triggers", sizeof(TriggerEntry)};

static Datum
column(CatalogScan *scan, int number)
{
	bool isnull;
	Datum value = heap_getattr(scan->tuple, number, RelationGetDescr(scan->rel), &isnull);

	if (isnull)
		elog(ERROR, "null in column %d of segments.point_trigger", number);
	return value;
}

static Datum *
segment_words(Datum array, int *n)
{
	Datum *words;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &words, NULL, n);
	return words;
}

static PointTrigger *
read_trigger(CatalogScan *scan)
{
	PointTrigger *trigger = palloc0(sizeof(PointTrigger));
	Datum *add = segment_words(column(scan, Anum_trigger_add), &trigger->nadd);
	Datum *remove = segment_words(column(scan, Anum_trigger_remove), &trigger->nremove);
	int i;

	trigger->id = DatumGetInt64(column(scan, Anum_trigger_id));
	trigger->points = datumCopy(column(scan, Anum_trigger_points), false, -1);
	trigger->field = TextDatumGetCString(column(scan, Anum_trigger_field));
	trigger->published = DatumGetBool(column(scan, Anum_trigger_published));
	trigger->segments = palloc(sizeof(int64) * Max(trigger->nadd + trigger->nremove, 1));
	for (i = 0; i < trigger->nadd + trigger->nremove; i++)
		trigger->segments[i] = DatumGetInt64(DirectFunctionCall1(
			int8in, CStringGetDatum(TextDatumGetCString(
						i < trigger->nadd ? add[i] : remove[i - trigger->nadd]))));
	return trigger;
}

static List *
read_triggers(Oid contact_table)
{
	List *triggers = NIL;
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_trigger_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, "point_trigger", InvalidOid, NULL, 1, &key);
	while (CatalogScanNext(&scan))
		triggers = lappend(triggers, read_trigger(&scan));
	CatalogScanEnd(&scan);
	return triggers;
}

/*
 * Believed only when nothing was invalidated meanwhile.  What was read before
 * lives on to the end of the transaction, as a statement around this one may
 * be walking through it.
 */
static void
load(TriggerEntry *entry)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "segments point triggers",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	uint64 before = entries.generation;
	List *triggers = read_triggers(entry->cache.relid);

	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	if (entry->context)
		MemoryContextSetParent(entry->context, TopTransactionContext);
	entry->context = context;
	entry->triggers = triggers;
	entry->cache.valid = (before == entries.generation);
}

/*
 * The point triggers of a contact table, as the catalogue was when its row was
 * read.  Where there never was one nothing is looked for: the first use of
 * their table, row security and all, is dear to a new backend.
 */
List *
PointTriggersOf(const ContactTable *table)
{
	TriggerEntry *entry;

	if (!table->has_point_triggers)
		return NIL;
	entry = RelationCacheFind(&entries, table->relid);
	if (!entry->cache.valid)
		load(entry);
	return entry->triggers;
}
