/*
 * unseen_change.c - definitions that were changed after the snapshot of a
 * transaction above READ COMMITTED.
 *
 * What a command means for segments is found out by queries, which such a
 * transaction runs in its snapshot: it would follow definitions that are no
 * longer those that count.  So it is told to begin again.  What is looked for
 * here is read as last committed.  Whoever asks holds a lock on the tables that
 * keeps others from changing more.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "base/table_tree.h"
#include "definition/contact_table.h"
#include "definition/definition_version.h"

PG_FUNCTION_INFO_V1(segments_check_declared_seen);
PG_FUNCTION_INFO_V1(segments_check_tables_seen);
PG_FUNCTION_INFO_V1(segments_check_sql_seen);

/* segments.table_part */
#define Anum_table_part_attached 1
#define Anum_table_part_part 2

static void
check_seen(Oid relid)
{
	if (DefinitionIsUnseen(relid))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent change of definitions")));
}

static List *
oids_of(ArrayType *array)
{
	List *oids = NIL;
	Datum *values;
	int n;
	int i;

	deconstruct_array(array, OIDOID, sizeof(Oid), true, TYPALIGN_INT, &values, NULL, &n);
	for (i = 0; i < n; i++)
		oids = lappend_oid(oids, DatumGetObjectId(values[i]));
	return oids;
}

/*
 * segments_internal.check_declared_seen(tables): about to change what
 * is declared for a contact table, the first.  Its relations' tables have versions of
 * their own: other contact tables may read them by now.
 */
Datum
segments_check_declared_seen(PG_FUNCTION_ARGS)
{
	ListCell *cell;

	foreach (cell, oids_of(PG_GETARG_ARRAYTYPE_P(0)))
		check_seen(lfirst_oid(cell));
	PG_RETURN_VOID();
}

/*
 * The table, those whose rows its rows are, or were when it was there, and the
 * contact table that it is kept beside.
 */
static List *
whole_tables(Oid relid)
{
	List *tables = lcons_oid(relid, TableTreeAbove(relid));
	Oid contact_table = CatalogContactTableBeside(relid);
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_table_part_part, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	CatalogScanByKey(&scan, "table_part", NULL, 1, &key);
	while (CatalogScanNext(&scan))
	{
		bool isnull;

		tables = list_append_unique_oid(
			tables, DatumGetObjectId(heap_getattr(scan.tuple, Anum_table_part_attached,
												  RelationGetDescr(scan.rel), &isnull)));
	}
	CatalogScanEnd(&scan);
	return OidIsValid(contact_table) ? lappend_oid(tables, contact_table) : tables;
}

static void
check_table_seen(Oid relid)
{
	ListCell *whole;
	ListCell *reader;

	foreach (whole, whole_tables(relid))
	{
		check_seen(lfirst_oid(whole));
		foreach (reader, CatalogContactTablesReading(lfirst_oid(whole)))
			check_seen(lfirst_oid(reader));
	}
}

/*
 * segments_internal.check_tables_seen(relations): a command has changed or dropped these.
 */
Datum
segments_check_tables_seen(PG_FUNCTION_ARGS)
{
	ListCell *cell;

	if (!IsolationUsesXactSnapshot())
		PG_RETURN_VOID();
	foreach (cell, oids_of(PG_GETARG_ARRAYTYPE_P(0)))
		check_table_seen(lfirst_oid(cell));
	PG_RETURN_VOID();
}

static bool
is_word_part(char c)
{
	return IS_HIGHBIT_SET(c) || isalnum((unsigned char) c) || c == '_';
}

/* Does it stand in the SQL, and as no part of a longer word? */
static bool
mentions(const char *sql, const char *name)
{
	size_t length = strlen(name);
	const char *found;

	if (sql == NULL || length == 0)
		return sql != NULL;
	for (found = strstr(sql, name); found != NULL; found = strstr(found + 1, name))
		if (!(found > sql && is_word_part(found[-1]) && is_word_part(name[0])) &&
			!(is_word_part(name[length - 1]) && is_word_part(found[length])))
			return true;
	return false;
}

/* Does a contact table declare SQL in which a name stands? */
static bool
declares(Oid contact_table, const char *name)
{
	ListCell *cell;

	foreach (cell, CatalogFieldDefinitions(contact_table))
	{
		const FieldDefinition *field = lfirst(cell);

		if (mentions(field->expression, name) || mentions(field->condition, name))
			return true;
	}
	foreach (cell, CatalogRelations(contact_table))
		if (mentions(((RelatedRows *) lfirst(cell))->condition, name))
			return true;
	return false;
}

/*
 * segments_internal.check_sql_seen(names): a command has changed or dropped what may
 * stand in declared SQL under one of these names; '' stands in any, and null in
 * any filter too.
 */
Datum
segments_check_sql_seen(PG_FUNCTION_ARGS)
{
	ListCell *cell;
	Datum *names;
	bool *nulls;
	int n;
	int i;

	if (!IsolationUsesXactSnapshot())
		PG_RETURN_VOID();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls,
					  &n);
	foreach (cell, CatalogContactTables())
		for (i = 0; i < n; i++)
			if (nulls[i] || declares(lfirst_oid(cell), TextDatumGetCString(names[i])))
				check_seen(lfirst_oid(cell));
	PG_RETURN_VOID();
}
