/*
 * point_crossing.c - contacts that reach the points of a point trigger.
 *
 * A statement's OLD and NEW rows tell which.  What is asked of rows is SQL, as
 * the owner of the contact table: the transition tables are there by name, as in
 * the trigger itself.
 */
#include "postgres.h"

#include "maintain/point_crossing.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/kept_plan.h"
#include "base/result.h"
#include "base/spi.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/field_type.h"
#include "definition/point_definition.h"
#include "definition/related_sql.h"
#include "maintain/manual.h"
#include "maintain/statement_delta.h"
#include "program/keys.h"
#include "program/program.h"

#define GROUP_PREFIX "group_points_"

static bool
is_number(Oid type)
{
	const char *word = FieldTypeInfer(type);

	return word != NULL && strcmp(word, "number") == 0;
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
	points->key = RowContactKeySql(table, points->relid, "r", field->rows->contact_column);
	points->value = field->value;
	points->condition = psprintf("(%s) AND (%s)", field->condition ? field->condition : "true",
								 field->rows->condition ? field->rows->condition : "true");
	return true;
}

bool
PointFieldResolve(ContactTable *table, const char *name, PointField *points, const char **problem)
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
bool
PointFieldResolveStored(ContactTable *table, const PointTrigger *trigger, PointField *points,
						int level)
{
	const char *problem;

	if (PointFieldResolve(table, trigger->field, points, &problem))
		return true;
	ereport(level,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("field \"%s\" of point trigger " INT64_FORMAT " cannot stand for points",
					trigger->field, trigger->id),
			 errdetail_internal("%s", problem), errhint("Change or unpublish the point trigger.")));
	return false;
}

/* Keys in the first column of a query's result, copied. */
void
PointKeys(Program *program, DatumVector *keys)
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
 * A contact whose key changes is the same contact, where OLD and NEW rows
 * belong together by their order.
 */
static char *
column_crossing(const PointField *points, TriggerData *data)
{
	StatementDelta delta = {points->relid, data->tg_oldtable, data->tg_newtable};

	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return psprintf("SELECT %s FROM segments_new c WHERE %s >= $1 /* %u */", points->key,
						points->value, points->relid);
	return psprintf(
		"SELECT n.k FROM (SELECT %1$s AS k, %2$s AS v, pg_catalog.row_number() OVER () AS i FROM segments_new c) n "
		"JOIN (SELECT %1$s AS k, %2$s AS v, pg_catalog.row_number() OVER () AS i FROM segments_old c) o ON %4$s "
		"WHERE n.v >= $1 AND (o.v >= $1) IS NOT TRUE /* %3$u */",
		points->key, points->value, points->relid,
		StatementDeltaIsPaired(&delta) ? "o.i = n.i" : "o.k = n.k");
}

static void
find_in_columns(Program *program, const PointTrigger *trigger, const PointField *points,
				TriggerData *data, DatumVector *keys)
{
	Oid type = NUMERICOID;
	Datum value = trigger->points;

	SpiExecute(KeptPlan(column_crossing(points, data), 1, &type), &value, SPI_OK_SELECT);
	PointKeys(program, keys);
}

/* What the statement's rows added to the sums of contacts, and to the numbers of rows. */
static char *
group_delta(const PointField *points, TriggerData *data)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "SELECT d.k, COALESCE(pg_catalog.sum(d.v) FILTER (WHERE d.n > 0), 0) - "
						   "COALESCE(pg_catalog.sum(d.v) FILTER (WHERE d.n < 0), 0) AS v, "
						   "pg_catalog.sum(d.n) AS n FROM (");
	if (!TRIGGER_FIRED_BY_DELETE(data->tg_event))
		appendStringInfo(&sql, "SELECT %s AS k, %s AS v, 1 AS n FROM segments_new r WHERE %s",
						 points->key, points->value, points->condition);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		appendStringInfoString(&sql, " UNION ALL ");
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event))
		appendStringInfo(&sql, "SELECT %s AS k, %s AS v, -1 AS n FROM segments_old r WHERE %s",
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

	SpiExecute(KeptPlan(psprintf("SELECT d.k FROM (%s) d WHERE d.n <> 0 OR d.v <> 0 /* %u */",
								 delta, points->relid),
						0, NULL),
			   NULL, SPI_OK_SELECT);
	PointKeys(program, keys);
	if (keys->n == 0)
		return;
	nlocked = ManualLock(program, keys->items, keys->n, &locked);
	values[1] = ProgramKeyArray(program, locked, nlocked);
	SpiExecute(
		KeptPlan(
			psprintf(
				"SELECT t.k FROM (SELECT %s AS k, pg_catalog.sum(%s) AS v, pg_catalog.count(*) AS n "
				"FROM %s r WHERE %s AND %s = ANY ($2) GROUP BY 1) t JOIN (%s) d ON d.k = t.k "
				"WHERE t.v >= $1 AND (t.n > d.n AND t.v - d.v >= $1) IS NOT TRUE /* %u */",
				points->key, points->value, CatalogRelationName(points->relid), points->condition,
				points->key, delta, points->relid),
			2, types),
		values, SPI_OK_SELECT);
	PointKeys(program, keys);
}

/*
 * The contacts that reached the points of a trigger by a statement, whose OLD
 * and NEW rows the caller has registered.
 */
void
PointCrossing(Program *program, const PointTrigger *trigger, const PointField *points,
			  TriggerData *data, DatumVector *keys)
{
	if (points->condition)
		find_in_groups(program, trigger, points, data, keys);
	else if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		DatumVectorInit(keys, CurrentMemoryContext, program->key_byval, program->key_len);
	else
		find_in_columns(program, trigger, points, data, keys);
}
