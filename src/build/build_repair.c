/*
 * build_repair.c - rows that a fresh evaluation of filters does not mend.
 *
 * Beside build.c and rebuild.c: memberships against what was done by hand, and
 * rows of contacts that don't exist.  Neither comes about as long as our
 * triggers fire.
 */
#include "postgres.h"

#include "build/build_repair.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"

#include "base/result.h"
#include "base/spi.h"
#include "base/vector.h"
#include "build/build_lock.h"
#include "build/build_set.h"
#include "definition/contact_table.h"
#include "definition/wanted_key.h"
#include "maintain/maintain.h"
#include "maintain/point_trigger.h"
#include "member/change_set.h"
#include "member/member_write.h"
#include "program/keys.h"
#include "program/program.h"

/*
 * Members that were included by hand join, and excluded ones leave, where the
 * rows say otherwise.
 */
void
BuildHandChanges(Program *program, List *ids, const char *cause)
{
	ContactTable *table = program->table;
	char *member = CatalogRelationName(table->member_table);
	Oid type = INT8ARRAYOID;
	Datum value = BuildIdArray(ids);
	ChangeSet *changes = ChangeSetCreate();
	uint64 i;

	SpiRun(
		psprintf(
			"SELECT o.segment_id, o.contact_id, o.included FROM %s o JOIN %s c ON c.%s = o.contact_id "
			"WHERE o.segment_id = ANY ($1) AND o.included <> EXISTS (SELECT FROM %s m "
			"WHERE m.segment_id = o.segment_id AND m.contact_id = o.contact_id)",
			CatalogRelationName(table->override_table), table->name, table->key, member),
		1, &type, &value);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		int64 id = DatumGetInt64(ResultValue(SPI_tuptable, i, 1, INT8OID, &isnull));

		ChangeSetAdd(program, changes, id, ProgramSegmentById(program, id),
					 ResultValue(SPI_tuptable, i, 2, table->key_type, &isnull),
					 DatumGetBool(ResultValue(SPI_tuptable, i, 3, BOOLOID, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	if (changes->n > 0 && MaintainWrite(program, changes, cause).written > 0)
		MaintainPropagate(program, changes);
}

/*
 * Those of the contacts that don't exist lose all rows of theirs.  Writers are
 * shut out.
 */
void
BuildForgetGone(Program *program, Datum *keys, int nkeys)
{
	ContactTable *table = program->table;
	Datum value = ProgramKeyArray(program, keys, nkeys);
	DatumVector gone;
	uint64 i;

	DatumVectorInit(&gone, CurrentMemoryContext, program->key_byval, program->key_len);
	SpiRun(
		psprintf(
			"SELECT k FROM pg_catalog.unnest($1) k WHERE NOT EXISTS (SELECT FROM %s c WHERE c.%s = k)",
			table->name, table->key),
		1, &program->key_array_type, &value);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		DatumVectorAdd(&gone, ResultValue(SPI_tuptable, i, 1, table->key_type, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	if (gone.n > 0)
		MemberForgetContacts(program, gone.items, gone.n);
}

/*
 * All contacts that don't exist lose all rows of theirs: some were taken away
 * with the table that they were in.
 */
void
BuildForgetMissing(Program *program)
{
	ContactTable *table = program->table;
	DatumVector gone;
	uint64 i;

	BuildLock(table->relid, NIL, ShareRowExclusiveLock, false);
	DatumVectorInit(&gone, CurrentMemoryContext, program->key_byval, program->key_len);
	SpiRun(psprintf("SELECT b.contact_id FROM (SELECT m.contact_id FROM %1$s m "
					"UNION SELECT o.contact_id FROM %2$s o) b "
					"WHERE NOT EXISTS (SELECT FROM %3$s c WHERE c.%4$s = b.contact_id)",
					CatalogRelationName(table->member_table),
					CatalogRelationName(table->override_table), table->name, table->key),
		   0, NULL, NULL);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		DatumVectorAdd(&gone, ResultValue(SPI_tuptable, i, 1, table->key_type, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	if (gone.n > 0)
		MemberForgetContacts(program, gone.items, gone.n);
	PointTriggersForgetMissing(program);
}

/*
 * An error where two contacts have one key: between tables that inherit from one
 * another the server lets them.
 */
void
BuildCheckKeys(Program *program)
{
	ContactTable *table = program->table;
	char *key;

	if (get_rel_relkind(table->relid) == RELKIND_PARTITIONED_TABLE)
		return;
	key = psprintf("c.%s", table->key);
	SpiRun(psprintf("SELECT pg_catalog.min(%s) FROM %s c "
					"GROUP BY %s HAVING pg_catalog.count(*) > 1 LIMIT 1",
					WantedKeySql(table, key, TEXTOID), table->name, key),
		   0, NULL, NULL);
	if (SPI_processed > 0)
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("duplicate key of contact table \"%s\"", get_rel_name(table->relid)),
						errdetail("Key (%s)=(%s) is in two tables that inherit.", table->key_column,
								  SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1))));
	SPI_freetuptable(SPI_tuptable);
}
