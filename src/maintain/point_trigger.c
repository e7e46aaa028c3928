/*
 * point_trigger.c - contacts that reach so many points change their segments.
 *
 * A statement's OLD and NEW rows tell which contacts reached the points of a
 * trigger, after the members that follow from filters were written.  They are
 * locked, those that the trigger has acted on are left out by the primary key
 * of segments.point_trigger_log, and the others go through the same door as what
 * is done by hand.  What is asked of rows is SQL, as the owner of the contact
 * table: the transition tables are there by name, as in the trigger itself.
 *
 * A contact table without point triggers costs a look into a hash table.  The
 * definitions are read as last committed, and forgotten with the relcache entry
 * of the contact table, whose invalidation every change of them causes.
 */
#include "postgres.h"

#include "maintain/point_trigger.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/kept_plan.h"
#include "base/result.h"
#include "base/secure.h"
#include "base/spi.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/segment.h"
#include "maintain/manual.h"
#include "member/change_set.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "program/session.h"
#include "time/clock.h"

#define GROUP_PREFIX "group_points_"

/* segments.point_trigger */
#define Anum_trigger_id 1
#define Anum_trigger_contact_table 2
#define Anum_trigger_points 5
#define Anum_trigger_field 6
#define Anum_trigger_add 7
#define Anum_trigger_remove 8
#define Anum_trigger_published 9

typedef struct PointTrigger
{
	int64 id;
	Datum points; /* numeric */
	char *field;
	bool published;
	int nadd;
	int nremove;
	int64 *segments; /* first those to add to */
} PointTrigger;

/* The point triggers of a contact table. */
typedef struct TriggerEntry
{
	Oid contact_table; /* key of the hash */
	bool valid;
	MemoryContext context;
	List *triggers;
} TriggerEntry;

static HTAB *entries = NULL;
static uint64 generation = 0; /* counts invalidations */

/* ----- definitions ----- */

static void
forget(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	TriggerEntry *entry;

	generation++;
	if (OidIsValid(relid))
	{
		entry = hash_search(entries, &relid, HASH_FIND, NULL);
		if (entry != NULL)
			entry->valid = false;
		return;
	}
	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->valid = false;
}

static TriggerEntry *
entry_of(Oid contact_table)
{
	HASHCTL control = {0};
	TriggerEntry *entry;
	bool found;

	if (entries == NULL)
	{
		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(TriggerEntry);
		control.hcxt = CacheMemoryContext;
		entries = hash_create("segments point triggers", 16, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	}
	entry = hash_search(entries, &contact_table, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->context = NULL;
		entry->triggers = NIL;
	}
	return entry;
}

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
	uint64 before = generation;
	List *triggers = read_triggers(entry->contact_table);

	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	if (entry->context)
		MemoryContextSetParent(entry->context, TopTransactionContext);
	entry->context = context;
	entry->triggers = triggers;
	entry->valid = (before == generation);
}

static List *
triggers_of(Oid contact_table)
{
	TriggerEntry *entry = entry_of(contact_table);

	if (!entry->valid)
		load(entry);
	return entry->triggers;
}

/* ----- what stands for points ----- */

/* A trigger's field, resolved. */
typedef struct PointField
{
	Oid relid;       /* the table whose rows hold the points */
	char *key;       /* of the contact, as SQL over a row p of it */
	char *value;     /* likewise; over r, where there is a condition */
	char *condition; /* likewise, or NULL: rows of the contact table */
} PointField;

static bool
is_number(Oid type)
{
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return true;
		default:
			return false;
	}
}

/* False with a reason when the field can't stand for points. */
static bool
resolve_group(ContactTable *table, const char *name, PointField *points, const char **problem)
{
	Field *field = FieldLookup(table, "groups", name);

	*problem = "There is no such point group field.";
	if (field == NULL)
		return false;
	*problem = "It is not a sum of numbers in rows that a column relates to the contact.";
	if (field->rows == NULL || field->aggregate != AGGREGATE_SUM || !is_number(field->value_type) ||
		field->rows->contact_column == NULL || OidIsValid(field->rows->link_relid))
		return false;
	points->relid = field->rows->relid;
	points->key =
		psprintf("r.%s::%s", quote_identifier(field->rows->contact_column), table->key_type_name);
	points->value = field->value;
	points->condition = psprintf("(%s) AND (%s)", field->condition ? field->condition : "true",
								 field->rows->condition ? field->rows->condition : "true");
	return true;
}

static bool
resolve(ContactTable *table, const char *name, PointField *points, const char **problem)
{
	AttrNumber attnum;

	memset(points, 0, sizeof(PointField));
	if (strncmp(name, GROUP_PREFIX, strlen(GROUP_PREFIX)) == 0)
		return resolve_group(table, name, points, problem);
	attnum = get_attnum(table->relid, name);
	*problem = "The contact table has no such column.";
	if (attnum <= 0)
		return false;
	*problem = "The column does not hold numbers.";
	if (!is_number(get_atttype(table->relid, attnum)))
		return false;
	points->relid = table->relid;
	points->key = psprintf("c.%s", table->key);
	points->value = psprintf("c.%s", quote_identifier(name));
	return true;
}

/*
 * A stored trigger's field; false with a message where it has lost its meaning,
 * which is no reason to refuse what others write.
 */
static bool
resolve_stored(ContactTable *table, const PointTrigger *trigger, PointField *points, int level)
{
	const char *problem;

	if (resolve(table, trigger->field, points, &problem))
		return true;
	ereport(level,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("field \"%s\" of point trigger " INT64_FORMAT " cannot stand for points",
					trigger->field, trigger->id),
			 errdetail_internal("%s", problem), errhint("Change or unpublish the point trigger.")));
	return false;
}

/* ----- queries ----- */

/* Keys in the first column of a query's result, copied. */
static void
result_keys(Program *program, DatumVector *keys)
{
	uint64 i;

	DatumVectorInit(keys, CurrentMemoryContext, program->key_byval, program->key_len);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		Datum key = ResultValue(SPI_tuptable, i, 1, program->table->key_type, &isnull);

		if (!isnull)
			DatumVectorAdd(keys, key);
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * OLD and NEW rows stand in the same order: the server adds both of one update
 * at once.  A contact whose key changes is the same contact.
 */
static char *
column_crossing(const PointField *points, TriggerData *data, ContactTable *table)
{
	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return psprintf("SELECT %s FROM segments_new c WHERE %s >= $1 /* %u */", points->key,
						points->value, points->relid);
	return psprintf(
		"SELECT n.k FROM (SELECT %1$s AS k, %2$s AS v, pg_catalog.row_number() OVER () AS i FROM segments_new c) n "
		"JOIN (SELECT %2$s AS v, pg_catalog.row_number() OVER () AS i FROM segments_old c) o ON o.i = n.i "
		"WHERE n.v >= $1 AND (o.v >= $1) IS NOT TRUE /* %3$u */",
		points->key, points->value, points->relid);
}

static void
find_in_columns(Program *program, const PointTrigger *trigger, const PointField *points,
				TriggerData *data, DatumVector *keys)
{
	Oid type = NUMERICOID;
	Datum value = trigger->points;

	SpiExecute(KeptPlan(column_crossing(points, data, program->table), 1, &type), &value,
			   SPI_OK_SELECT);
	result_keys(program, keys);
}

/* What the statement's rows added to the sums of contacts, and to the numbers of rows. */
static char *
group_delta(const PointField *points, TriggerData *data)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT d.k, pg_catalog.sum(d.v) AS v, pg_catalog.sum(d.n) AS n FROM (");
	if (!TRIGGER_FIRED_BY_DELETE(data->tg_event))
		appendStringInfo(&sql, "SELECT %s AS k, %s AS v, 1 AS n FROM segments_new r WHERE %s",
						 points->key, points->value, points->condition);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		appendStringInfoString(&sql, " UNION ALL ");
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event))
		appendStringInfo(&sql, "SELECT %s AS k, -(%s) AS v, -1 AS n FROM segments_old r WHERE %s",
						 points->key, points->value, points->condition);
	appendStringInfo(&sql, ") d GROUP BY d.k");
	return sql.data;
}

/*
 * Other rows of the same contacts may be written at the same time: so contacts
 * are locked before sums are taken, and what the statement added is taken off.
 */
static void
find_in_groups(Program *program, const PointTrigger *trigger, const PointField *points,
			   TriggerData *data, DatumVector *keys)
{
	char *delta = group_delta(points, data);
	Oid types[2] = {NUMERICOID, program->key_array_type};
	Datum values[2] = {trigger->points, 0};
	Datum *locked;
	int nlocked;

	SpiExecute(KeptPlan(psprintf("SELECT d.k FROM (%s) d /* %u */", delta, points->relid), 0, NULL),
			   NULL, SPI_OK_SELECT);
	result_keys(program, keys);
	if (keys->n == 0)
		return;
	nlocked = ManualLock(program, keys->items, keys->n, &locked);
	values[1] = ProgramKeyArray(program, locked, nlocked);
	SpiExecute(
		KeptPlan(
			psprintf(
				"SELECT t.k FROM (SELECT %s AS k, pg_catalog.sum(%s) AS v, pg_catalog.count(*) AS n "
				"FROM %s r WHERE %s AND %s = ANY ($2) GROUP BY 1) t JOIN (%s) d ON d.k = t.k "
				"WHERE t.v >= $1 AND (t.n > d.n AND t.v - COALESCE(d.v, 0) >= $1) IS NOT TRUE /* %u */",
				points->key, points->value, CatalogRelationName(points->relid), points->condition,
				points->key, delta, points->relid),
			2, types),
		values, SPI_OK_SELECT);
	result_keys(program, keys);
}

/* ----- once per contact ----- */

/* SQL of a key as it stands in the log: equal keys have one text. */
static char *
key_text(Program *program, const char *key)
{
	if (getBaseType(program->table->key_type) == NUMERICOID)
		return psprintf("pg_catalog.trim_scale(%s)::pg_catalog.text", key);
	return psprintf("%s::pg_catalog.text", key);
}

/* Keys as an array of texts, in their order. */
static Datum
key_texts(Program *program, Datum *keys, int nkeys)
{
	Datum value = ProgramKeyArray(program, keys, nkeys);
	Datum texts;
	bool isnull;

	SpiExecute(KeptPlan(psprintf("SELECT pg_catalog.array_agg(%s ORDER BY u.n) "
								 "FROM ROWS FROM (pg_catalog.unnest($1)) WITH ORDINALITY u(k, n)",
								 key_text(program, "u.k")),
						1, &program->key_array_type),
			   &value, SPI_OK_SELECT);
	texts = ResultValue(SPI_tuptable, 0, 1, TEXTARRAYOID, &isnull);
	texts = isnull ? PointerGetDatum(construct_empty_array(TEXTOID)) : datumCopy(texts, false, -1);
	SPI_freetuptable(SPI_tuptable);
	return texts;
}

/* A statement on the log, as the owner of the extension, on what is committed now. */
static void
run_on_log(const char *sql, int nargs, Oid *types, Datum *values, int expected)
{
	SecureContext secure;

	SecureEnter(&secure, CatalogOwner());
	SpiExecute(KeptPlan(sql, nargs, types), values, expected);
	SecureLeave(&secure);
}

/*
 * Note that the trigger acts on locked contacts; those that it has acted on
 * before are taken out, and all where it is gone.
 */
static void
record(Program *program, const PointTrigger *trigger, Datum *keys, int *nkeys)
{
	Oid types[3] = {INT8OID, TEXTARRAYOID, TIMESTAMPTZOID};
	Datum values[3];
	int kept = 0;
	uint64 i;

	values[0] = Int64GetDatum(trigger->id);
	values[1] = key_texts(program, keys, *nkeys);
	values[2] = TimestampTzGetDatum(SegmentsNow());
	run_on_log("WITH t AS (SELECT id FROM segments.point_trigger WHERE id = $1 FOR KEY SHARE), "
			   "given AS (SELECT u.k, u.n FROM pg_catalog.unnest($2) WITH ORDINALITY u(k, n)), "
			   "added AS (INSERT INTO segments.point_trigger_log (trigger_id, contact, at) "
			   "SELECT t.id, g.k, $3 FROM t, given g ON CONFLICT DO NOTHING RETURNING contact) "
			   "SELECT g.n FROM added a JOIN given g ON g.k = a.contact ORDER BY g.n",
			   3, types, values, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		keys[kept++] = keys[DatumGetInt64(ResultValue(SPI_tuptable, i, 1, INT8OID, &isnull)) - 1];
	}
	SPI_freetuptable(SPI_tuptable);
	*nkeys = kept;
}

static void
act(Program *program, const PointTrigger *trigger, DatumVector *keys)
{
	ChangeOrigin origin = {"point trigger", psprintf(INT64_FORMAT, trigger->id)};
	Datum *locked;
	int n;
	int i;

	if (keys->n == 0)
		return;
	n = ManualLock(program, keys->items, keys->n, &locked);
	if (n > 0)
		record(program, trigger, locked, &n);
	for (i = 0; n > 0 && i < trigger->nadd + trigger->nremove; i++)
	{
		SegmentRow *row = SegmentById(trigger->segments[i]);

		if (row != NULL)
			ManualApply(program, row, i < trigger->nadd ? MANUAL_INCLUDE : MANUAL_EXCLUDE, locked,
						n, &origin);
	}
}

/* ----- contacts that go, or change their key ----- */

static Datum
trigger_ids(List *triggers)
{
	Datum *ids = palloc(sizeof(Datum) * list_length(triggers));
	int n = 0;
	ListCell *cell;

	foreach (cell, triggers)
		ids[n++] = Int64GetDatum(((PointTrigger *) lfirst(cell))->id);
	return PointerGetDatum(
		construct_array(ids, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* A contact that comes later with the key of one that went is another. */
static void
forget_gone(Program *program, List *triggers)
{
	Oid types[2] = {INT8ARRAYOID, TEXTARRAYOID};
	Datum values[2];
	DatumVector gone;

	SpiExecute(KeptPlan(psprintf("SELECT c.%s FROM segments_old c /* %u */", program->table->key,
								 program->relid),
						0, NULL),
			   NULL, SPI_OK_SELECT);
	result_keys(program, &gone);
	values[0] = trigger_ids(triggers);
	values[1] = key_texts(program, gone.items, gone.n);
	run_on_log(
		"DELETE FROM segments.point_trigger_log WHERE trigger_id = ANY ($1) AND contact = ANY ($2)",
		2, types, values, SPI_OK_DELETE);
}

static void
forget_all(List *triggers)
{
	Oid type = INT8ARRAYOID;
	Datum value = trigger_ids(triggers);

	run_on_log("DELETE FROM segments.point_trigger_log WHERE trigger_id = ANY ($1)", 1, &type,
			   &value, SPI_OK_DELETE);
}

/* All old rows go before the first new one comes: keys may be swapped. */
static void
follow_moved(Program *program, List *triggers)
{
	Oid types[3] = {INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum values[3];
	DatumVector from;
	DatumVector to;
	const char *key = program->table->key;
	int side;

	for (side = 0; side < 2; side++)
	{
		SpiExecute(
			KeptPlan(
				psprintf(
					"SELECT %s.k FROM (SELECT c.%s AS k, pg_catalog.row_number() OVER () AS i FROM segments_old c) o "
					"JOIN (SELECT c.%s AS k, pg_catalog.row_number() OVER () AS i FROM segments_new c) n ON n.i = o.i "
					"WHERE n.k IS DISTINCT FROM o.k ORDER BY o.i /* %u */",
					side == 0 ? "o" : "n", key, key, program->relid),
				0, NULL),
			NULL, SPI_OK_SELECT);
		result_keys(program, side == 0 ? &from : &to);
	}
	if (from.n == 0)
		return;
	values[0] = trigger_ids(triggers);
	values[1] = key_texts(program, from.items, from.n);
	values[2] = key_texts(program, to.items, to.n);
	run_on_log(
		"WITH moved AS (DELETE FROM segments.point_trigger_log l "
		"USING ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) u(o, n) "
		"WHERE l.trigger_id = ANY ($1) AND l.contact = u.o RETURNING l.trigger_id, u.n AS contact, l.at), "
		"counted AS MATERIALIZED (SELECT pg_catalog.count(*) AS n FROM moved) "
		"INSERT INTO segments.point_trigger_log (trigger_id, contact, at) "
		"SELECT m.trigger_id, m.contact, m.at FROM counted, moved m WHERE counted.n > 0 ON CONFLICT DO NOTHING",
		3, types, values, SPI_OK_INSERT);
}

static void
follow_contacts(Program *program, List *triggers, TriggerData *data)
{
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		forget_all(triggers);
	else if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		forget_gone(program, triggers);
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		follow_moved(program, triggers);
}

/* ----- the statement ----- */

static void
fire(Program *program, const PointTrigger *trigger, TriggerData *data)
{
	PointField points;
	DatumVector keys;

	if (!resolve_stored(program->table, trigger, &points, WARNING) ||
		points.relid != RelationGetRelid(data->tg_relation))
		return;
	if (points.condition)
		find_in_groups(program, trigger, &points, data, &keys);
	else if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		return;
	else
		find_in_columns(program, trigger, &points, data, &keys);
	act(program, trigger, &keys);
}

/*
 * Act on the contacts that reached the points of a trigger by a statement on
 * the contact table, or on rows that belong to contacts.  Within a stretch, after
 * the members that follow from filters.
 */
void
PointTriggersFire(Program *program, TriggerData *data)
{
	List *triggers = triggers_of(program->relid);
	ListCell *cell;

	if (triggers == NIL)
		return;
	SessionEnter();
	if (SPI_register_trigger_data(data) < 0)
		elog(ERROR, "SPI_register_trigger_data failed");
	if (RelationGetRelid(data->tg_relation) == program->relid)
		follow_contacts(program, triggers, data);
	foreach (cell, triggers)
	{
		PointTrigger *trigger = lfirst(cell);

		if (trigger->published && !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
			fire(program, trigger, data);
	}
}

/* ----- called by SQL ----- */

/*
 * segments.point_triggers_changed(contact_table)
 */
PG_FUNCTION_INFO_V1(segments_point_triggers_changed);
Datum
segments_point_triggers_changed(PG_FUNCTION_ARGS)
{
	if (get_rel_name(PG_GETARG_OID(0)) != NULL)
		CacheInvalidateRelcacheByRelid(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/*
 * segments.point_field_problem(contact_table, field) -> text
 */
PG_FUNCTION_INFO_V1(segments_point_field_problem);
Datum
segments_point_field_problem(PG_FUNCTION_ARGS)
{
	ContactTable *table = CatalogContactTable(PG_GETARG_OID(0), false);
	SecureContext secure;
	PointField points;
	const char *problem;
	bool ok;

	SecureEnter(&secure, table->owner);
	ok = resolve(table, text_to_cstring(PG_GETARG_TEXT_PP(1)), &points, &problem);
	SecureLeave(&secure);
	if (ok)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

static PointTrigger *
find_trigger(Oid contact_table, int64 id)
{
	ListCell *cell;

	foreach (cell, triggers_of(contact_table))
		if (((PointTrigger *) lfirst(cell))->id == id)
			return lfirst(cell);
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("point trigger " INT64_FORMAT " does not exist", id)));
	return NULL;
}

static void
apply_to_all(Program *program, const PointTrigger *trigger)
{
	PointField points;
	Oid type = NUMERICOID;
	Datum value = trigger->points;
	DatumVector keys;
	char *sql;

	(void) resolve_stored(program->table, trigger, &points, ERROR);
	/* transactions that write points now don't know the trigger yet */
	LockRelationOid(points.relid, ShareRowExclusiveLock);
	if (points.condition)
		sql =
			psprintf("SELECT %s FROM %s r WHERE %s GROUP BY 1 HAVING pg_catalog.sum(%s) >= $1",
					 points.key, CatalogRelationName(points.relid), points.condition, points.value);
	else
		sql = psprintf("SELECT %s FROM %s c WHERE %s >= $1", points.key, program->table->name,
					   points.value);
	SpiExecute(KeptPlan(sql, 1, &type), &value, SPI_OK_SELECT);
	result_keys(program, &keys);
	act(program, trigger, &keys);
}

/*
 * segments.apply_point_trigger(contact_table, trigger_id)
 */
PG_FUNCTION_INFO_V1(segments_apply_point_trigger);
Datum
segments_apply_point_trigger(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);
	Program *program;

	LockRelationOid(contact_table, ShareRowExclusiveLock);
	program = ProgramGet(contact_table);
	SessionBegin(program);
	SessionEnter();
	apply_to_all(program, find_trigger(contact_table, PG_GETARG_INT64(1)));
	SessionEnd();
	PG_RETURN_VOID();
}
