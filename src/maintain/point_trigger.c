/*
 * point_trigger.c - contacts that reach so many points change their segments.
 *
 * Contacts that reached the points of a trigger (point_crossing.c), after the
 * members that follow from filters were written, are locked; those that the
 * trigger has acted on are left out by the primary key of
 * segments.point_trigger_log, and the others go through the same door as what
 * is done by hand.
 */
#include "postgres.h"

#include "maintain/point_trigger.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/kept_plan.h"
#include "base/result.h"
#include "base/secure.h"
#include "base/spi.h"
#include "base/table_tree.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/point_definition.h"
#include "definition/segment.h"
#include "definition/wanted_key.h"
#include "maintain/manual.h"
#include "maintain/point_crossing.h"
#include "member/change_set.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "program/session.h"
#include "time/clock.h"

/* ----- once per contact ----- */

/* SQL of a key as it stands in the log: equal keys have one text. */
static char *
key_text(Program *program, const char *key)
{
	if (getBaseType(program->table->key_type) == NUMERICOID)
		return psprintf("pg_catalog.trim_scale(%s)::pg_catalog.text", key);
	return WantedKeySql(program->table, key, TEXTOID);
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
	return Int64Array(ids, n);
}

static void
forget_texts(Datum ids, Datum contacts)
{
	Oid types[2] = {INT8ARRAYOID, TEXTARRAYOID};
	Datum values[2] = {ids, contacts};

	run_on_log(
		"DELETE FROM segments.point_trigger_log WHERE trigger_id = ANY ($1) AND contact = ANY ($2)",
		2, types, values, SPI_OK_DELETE);
}

/*
 * Contacts went: one that comes later with the same key is another.
 */
void
PointTriggersForget(Program *program, Datum *keys, int nkeys)
{
	List *triggers = PointTriggersOf(program->table);

	if (triggers == NIL)
		return;
	SessionEnter();
	forget_texts(trigger_ids(triggers), key_texts(program, keys, nkeys));
}

void
PointTriggersForgetAll(Program *program)
{
	List *triggers = PointTriggersOf(program->table);
	Oid type = INT8ARRAYOID;
	Datum value;

	if (triggers == NIL)
		return;
	SessionEnter();
	value = trigger_ids(triggers);
	run_on_log("DELETE FROM segments.point_trigger_log WHERE trigger_id = ANY ($1)", 1, &type,
			   &value, SPI_OK_DELETE);
}

/* Texts of keys in the log that no contact has; false: there are none. */
static bool
find_missing(Program *program, Datum *ids, Datum *missing)
{
	Oid type = INT8ARRAYOID;
	Datum logged;
	bool isnull;

	run_on_log("SELECT pg_catalog.array_agg(DISTINCT l.contact) FROM segments.point_trigger_log l "
			   "WHERE l.trigger_id = ANY ($1)",
			   1, &type, ids, SPI_OK_SELECT);
	logged = ResultValue(SPI_tuptable, 0, 1, TEXTARRAYOID, &isnull);
	if (isnull)
		return false;
	type = TEXTARRAYOID;
	SpiExecute(
		KeptPlan(psprintf("SELECT pg_catalog.array_agg(l.k) FROM pg_catalog.unnest($1) l(k) "
						  "WHERE NOT EXISTS (SELECT FROM %s c WHERE %s = l.k) /* %u */",
						  program->table->name,
						  key_text(program, psprintf("c.%s", program->table->key)), program->relid),
				 1, &type),
		&logged, SPI_OK_SELECT);
	*missing = ResultValue(SPI_tuptable, 0, 1, TEXTARRAYOID, &isnull);
	return !isnull;
}

/*
 * Forget on which contacts triggers have acted that are there no more: some were
 * taken away with the table that they were in.
 */
void
PointTriggersForgetMissing(Program *program)
{
	List *triggers = PointTriggersOf(program->table);
	Datum ids;
	Datum missing;

	if (triggers == NIL)
		return;
	SessionEnter();
	ids = trigger_ids(triggers);
	if (find_missing(program, &ids, &missing))
		forget_texts(ids, missing);
}

/*
 * Contacts changed their keys.  All old rows go before the first new one comes:
 * keys may be swapped.
 */
void
PointTriggersMove(Program *program, Datum *from, Datum *to, int nkeys)
{
	List *triggers = PointTriggersOf(program->table);
	Oid types[3] = {INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum values[3];

	if (triggers == NIL)
		return;
	SessionEnter();
	values[0] = trigger_ids(triggers);
	values[1] = key_texts(program, from, nkeys);
	values[2] = key_texts(program, to, nkeys);
	run_on_log(
		"WITH moved AS (DELETE FROM segments.point_trigger_log l "
		"USING ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) u(o, n) "
		"WHERE l.trigger_id = ANY ($1) AND l.contact = u.o RETURNING l.trigger_id, u.n AS contact, l.at), "
		"counted AS MATERIALIZED (SELECT pg_catalog.count(*) AS n FROM moved) "
		"INSERT INTO segments.point_trigger_log (trigger_id, contact, at) "
		"SELECT m.trigger_id, m.contact, m.at FROM counted, moved m WHERE counted.n > 0 ON CONFLICT DO NOTHING",
		3, types, values, SPI_OK_INSERT);
}

/* ----- the statement ----- */

static void
fire(Program *program, PointTrigger *trigger, TriggerData *data)
{
	PointField points;
	DatumVector keys;

	if (!PointFieldResolveStored(program->table, trigger, &points, WARNING))
		return;
	trigger->relid = points.relid;
	if (points.relid != RelationGetRelid(data->tg_relation))
		return;
	PointCrossing(program, trigger, &points, data, &keys);
	act(program, trigger, &keys);
}

/* May the trigger's points be on rows of this table? */
static bool
concerns(const PointTrigger *trigger, Oid relid)
{
	return trigger->published && (trigger->relid == relid || !OidIsValid(trigger->relid));
}

/*
 * Act on the contacts that reached the points of a trigger by a statement on
 * the contact table, or on rows that belong to contacts.  Within a session, after
 * the members that follow from filters.
 */
void
PointTriggersFire(Program *program, TriggerData *data)
{
	Oid relid = RelationGetRelid(data->tg_relation);
	bool registered = false;
	ListCell *cell;

	foreach (cell, PointTriggersOf(program->table))
	{
		PointTrigger *trigger = lfirst(cell);

		if (!concerns(trigger, relid))
			continue;
		SessionEnter();
		if (!registered && SPI_register_trigger_data(data) < 0)
			elog(ERROR, "SPI_register_trigger_data failed");
		registered = true;
		fire(program, trigger, data);
	}
}

/* ----- called by SQL ----- */

/*
 * segments_internal.point_triggers_changed(contact_table)
 */
PG_FUNCTION_INFO_V1(segments_point_triggers_changed);
Datum
segments_point_triggers_changed(PG_FUNCTION_ARGS)
{
	ProgramInvalidate(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/*
 * segments_internal.point_field_problem(contact_table, field) -> text
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
	ok = PointFieldResolve(table, text_to_cstring(PG_GETARG_TEXT_PP(1)), &points, &problem);
	SecureLeave(&secure);
	if (ok)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

static PointTrigger *
find_trigger(Program *program, int64 id)
{
	ListCell *cell;

	foreach (cell, PointTriggersOf(program->table))
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

	(void) PointFieldResolveStored(program->table, trigger, &points, ERROR);
	/* transactions that write points now don't know the trigger yet */
	TableTreeLock(points.relid, ShareRowExclusiveLock, LockRelationOid);
	if (points.condition)
		sql =
			psprintf("SELECT %s FROM %s r WHERE %s GROUP BY 1 HAVING pg_catalog.sum(%s) >= $1",
					 points.key, CatalogRelationName(points.relid), points.condition, points.value);
	else
		sql = psprintf("SELECT %s FROM %s c WHERE %s >= $1", points.key, program->table->name,
					   points.value);
	SpiExecute(KeptPlan(sql, 1, &type), &value, SPI_OK_SELECT);
	PointKeys(program, &keys);
	act(program, trigger, &keys);
}

/*
 * segments_internal.apply_point_trigger(contact_table, trigger_id)
 */
PG_FUNCTION_INFO_V1(segments_apply_point_trigger);
Datum
segments_apply_point_trigger(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);
	Program *program;

	LockRelationOid(contact_table, ShareUpdateExclusiveLock);
	LockRelationOid(contact_table, ShareRowExclusiveLock);
	program = ProgramGet(contact_table);
	SessionBegin(program);
	SessionEnter();
	apply_to_all(program, find_trigger(program, PG_GETARG_INT64(1)));
	SessionEnd();
	PG_RETURN_VOID();
}
