/*
 * contact_table.c - reads the catalogue's own tables.
 *
 * A contact table's OID -> what was attached.  Definitions are read with
 * systable scans, so always as last committed (or as this transaction changed
 * them), never through the transaction's snapshot: a program built in an old
 * snapshot would stay wrong after its invalidation was consumed.
 */
#include "postgres.h"

#include "definition/contact_table.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "definition/table_beside.h"
#include "time/clock.h"

PG_FUNCTION_INFO_V1(segments_default_contact_table);
PG_FUNCTION_INFO_V1(segments_base_type);


/* segments.contact_table */
#define Anum_contact_table_relid 1
#define Anum_contact_table_key_column 2
#define Anum_contact_table_key_type 3
#define Anum_contact_table_timezone 4
#define Anum_contact_table_case_sensitive 5
#define Anum_contact_table_member_table 6
#define Anum_contact_table_override_table 7
#define Anum_contact_table_change_table 8
#define Anum_contact_table_has_point_triggers 9
#define Natts_contact_table 9

/* segments.relation */
#define Anum_relation_contact_table 1
#define Anum_relation_name 2
#define Anum_relation_related_table 3
#define Anum_relation_contact_column 4
#define Anum_relation_key_column 5
#define Anum_relation_link_table 6
#define Anum_relation_link_column 7
#define Anum_relation_primary_column 8
#define Anum_relation_only_primary 9
#define Anum_relation_contact_reference 10
#define Anum_relation_condition 11
#define Anum_relation_unfollowed 12
#define Natts_relation 12

/* segments.field_definition */
#define Anum_field_definition_contact_table 1
#define Anum_field_definition_object 2
#define Anum_field_definition_field 3
#define Anum_field_definition_type 4
#define Anum_field_definition_label 5
#define Anum_field_definition_available 6
#define Anum_field_definition_relation 7
#define Anum_field_definition_column_name 8
#define Anum_field_definition_expression 9
#define Anum_field_definition_condition 10
#define Anum_field_definition_aggregate 11
#define Anum_field_definition_order_by 12
#define Anum_field_definition_options 13
#define Anum_field_definition_case_sensitive 14
#define Anum_field_definition_timezone 15
#define Anum_field_definition_default_prefix 16
#define Anum_field_definition_unfollowed 17
#define Natts_field_definition 17

/*
 * OID of one of our own tables.  Raises when the extension is half gone.
 */
Oid
CatalogRelid(const char *name)
{
	Oid namespace = get_namespace_oid("segments", false);
	Oid relid = get_relname_relid(name, namespace);

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table \"segments.%s\" does not exist", name),
						errhint("Create the extension again.")));
	return relid;
}

/*
 * Qualified, quoted name of a relation for SQL text.
 */
char *
CatalogRelationName(Oid relid)
{
	char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid)));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name);
}

/* ----- reading our own tables ----- */

static void
begin_scan(CatalogScan *scan, Oid index, Snapshot snapshot, int nkeys, ScanKey keys)
{
	scan->scan = systable_beginscan(scan->rel, index, OidIsValid(index), snapshot, nkeys, keys);
}

/*
 * Begin to read one of our own tables by an index (InvalidOid: from end to
 * end), under a snapshot (NULL: as last committed).
 */
void
CatalogScanBegin(CatalogScan *scan, const char *table, Oid index, Snapshot snapshot, int nkeys,
				 ScanKey keys)
{
	scan->rel = table_open(CatalogRelid(table), AccessShareLock);
	begin_scan(scan, index, snapshot, nkeys, keys);
}

/*
 * The same by leading columns of its primary key.
 */
void
CatalogScanByKey(CatalogScan *scan, const char *table, Snapshot snapshot, int nkeys, ScanKey keys)
{
	scan->rel = table_open(CatalogRelid(table), AccessShareLock);
	begin_scan(scan, PrimaryKeyIndex(scan->rel), snapshot, nkeys, keys);
}

/*
 * The next row, as scan->tuple; false when there is none.
 */
bool
CatalogScanNext(CatalogScan *scan)
{
	scan->tuple = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->tuple);
}

void
CatalogScanEnd(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->rel, AccessShareLock);
}

/* ----- contact tables ----- */

static char *
name_or_null(Datum *values, bool *nulls, int anum)
{
	if (nulls[anum - 1])
		return NULL;
	return pstrdup(NameStr(*DatumGetName(values[anum - 1])));
}

/*
 * Owner of a relation; InvalidOid when there is no such relation.
 */
Oid
CatalogRelationOwner(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}


/*
 * Owner of the extension's own tables, who may write them.
 */
Oid
CatalogOwner(void)
{
	return CatalogRelationOwner(CatalogRelid("segment"));
}

static ContactTable *
contact_table_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	ContactTable *table = palloc0(sizeof(ContactTable));
	Datum values[Natts_contact_table];
	bool nulls[Natts_contact_table];

	heap_deform_tuple(tuple, desc, values, nulls);
	table->relid = DatumGetObjectId(values[Anum_contact_table_relid - 1]);
	table->key_column = name_or_null(values, nulls, Anum_contact_table_key_column);
	table->key_type = DatumGetObjectId(values[Anum_contact_table_key_type - 1]);
	table->timezone = TextDatumGetCString(values[Anum_contact_table_timezone - 1]);
	table->case_sensitive = DatumGetBool(values[Anum_contact_table_case_sensitive - 1]);
	table->member_table = DatumGetObjectId(values[Anum_contact_table_member_table - 1]);
	table->override_table = DatumGetObjectId(values[Anum_contact_table_override_table - 1]);
	table->change_table = DatumGetObjectId(values[Anum_contact_table_change_table - 1]);
	table->has_point_triggers = DatumGetBool(values[Anum_contact_table_has_point_triggers - 1]);
	return table;
}

/* Fill in what follows from the system catalogs. */
static void
complete_contact_table(ContactTable *table)
{
	table->name = CatalogRelationName(table->relid);
	table->key = pstrdup(quote_identifier(table->key_column));
	table->zone = ClockZone(table->timezone);
	table->context = CurrentMemoryContext;
}

/* Are the table and its key there? */
static bool
find_contact_table(ContactTable *table)
{
	table->owner = CatalogRelationOwner(table->relid);
	if (OidIsValid(table->owner))
		table->key_attnum = get_attnum(table->relid, table->key_column);
	return table->key_attnum != InvalidAttrNumber;
}

static bool
has_row_of(const char *name, Oid contact_table)
{
	CatalogScan scan;
	ScanKeyData key;
	bool found;

	ScanKeyInit(&key, get_attnum(CatalogRelid(name), "contact_table"), BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, name, InvalidOid, NULL, 1, &key);
	found = CatalogScanNext(&scan);
	CatalogScanEnd(&scan);
	return found;
}

/* The row of a contact table; NULL when it is not attached. */
static ContactTable *
read_row(Oid relid)
{
	ContactTable *table = NULL;
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_contact_table_relid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	CatalogScanBegin(&scan, "contact_table", InvalidOid, NULL, 1, &key);
	if (CatalogScanNext(&scan))
		table = contact_table_from_tuple(scan.tuple, RelationGetDescr(scan.rel));
	CatalogScanEnd(&scan);
	return table;
}

pg_noreturn static void
refuse_table(Oid relid)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("table \"%s\" is not a contact table",
						   get_rel_name(relid) ? get_rel_name(relid) : "?"),
					errhint("Attach it with segments.attach().")));
}

/* Event triggers follow a key that is renamed, where they are not switched off. */
pg_noreturn static void
refuse_key(const ContactTable *table)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("contact table \"%s\" has no column \"%s\", which is its key",
						   get_rel_name(table->relid), table->key_column),
					errhint("Attach it again with segments.attach().")));
}

/*
 * The contact table with this OID, in the current memory context; NULL, or an
 * error, when it is not attached.  Unless missing_ok, its key and the tables
 * beside it are found to be what the catalogue says.
 */
ContactTable *
CatalogContactTable(Oid relid, bool missing_ok)
{
	ContactTable *table = read_row(relid);
	bool found = table != NULL && find_contact_table(table);

	if (!found && missing_ok)
		return NULL;
	if (table == NULL || !OidIsValid(table->owner))
		refuse_table(relid);
	if (!found)
		refuse_key(table);
	complete_contact_table(table);
	if (missing_ok)
		return table;
	/* who detaches it may be ahead of us: then its tables go, and its row */
	if (!BesideIsThere(table) && !has_row_of("contact_table", relid))
		refuse_table(relid);
	BesideCheck(table);
	return table;
}

/*
 * Fill in what the system catalogs say now of a contact table whose row of the
 * catalogue, and the place of its key, are known.  An error when it is gone.
 * Neither its columns nor the tables beside are looked at: whoever comes to
 * read or write those opens them by BesideOpen().
 */
void
CatalogContactTableComplete(ContactTable *table)
{
	table->owner = CatalogRelationOwner(table->relid);
	if (!OidIsValid(table->owner))
		refuse_table(table->relid);
	complete_contact_table(table);
}

/*
 * segments_internal.has_declarations(contact_table): does anything declared for a
 * contact table, or a segment of it, exist as last committed?
 */
PG_FUNCTION_INFO_V1(segments_has_declarations);
Datum
segments_has_declarations(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);

	PG_RETURN_BOOL(has_row_of("segment", contact_table) || has_row_of("relation", contact_table) ||
				   has_row_of("field_definition", contact_table) ||
				   has_row_of("consumer", contact_table));
}

/*
 * OIDs of the attached contact tables, in no order.
 */
List *
CatalogContactTables(void)
{
	CatalogScan scan;
	List *result = NIL;

	CatalogScanBegin(&scan, "contact_table", InvalidOid, NULL, 0, NULL);
	while (CatalogScanNext(&scan))
	{
		bool isnull;

		result = lappend_oid(result,
							 DatumGetObjectId(heap_getattr(scan.tuple, Anum_contact_table_relid,
														   RelationGetDescr(scan.rel), &isnull)));
	}
	CatalogScanEnd(&scan);
	return result;
}

/*
 * The contact table beside which a table is kept; InvalidOid: none.
 */
Oid
CatalogContactTableBeside(Oid relid)
{
	Oid result = InvalidOid;
	CatalogScan scan;

	CatalogScanBegin(&scan, "contact_table", InvalidOid, NULL, 0, NULL);
	while (CatalogScanNext(&scan))
	{
		ContactTable *table = contact_table_from_tuple(scan.tuple, RelationGetDescr(scan.rel));

		if (table->member_table == relid || table->override_table == relid ||
			table->change_table == relid)
			result = table->relid;
	}
	CatalogScanEnd(&scan);
	return result;
}

/*
 * The only attached contact table; an error when there is none or more.
 */
Oid
CatalogDefaultContactTable(void)
{
	List *tables = CatalogContactTables();

	if (tables == NIL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no contact table is attached"),
						errhint("Attach one with segments.attach().")));
	if (list_length(tables) > 1)
		ereport(ERROR, (errcode(ERRCODE_AMBIGUOUS_PARAMETER),
						errmsg("more than one contact table is attached"),
						errhint("Name one in argument contact_table.")));
	return linitial_oid(tables);
}

static RelatedRows *
relation_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	RelatedRows *rows = palloc0(sizeof(RelatedRows));
	Datum values[Natts_relation];
	bool nulls[Natts_relation];

	heap_deform_tuple(tuple, desc, values, nulls);
	rows->name = name_or_null(values, nulls, Anum_relation_name);
	rows->relid = DatumGetObjectId(values[Anum_relation_related_table - 1]);
	rows->contact_column = name_or_null(values, nulls, Anum_relation_contact_column);
	rows->key_column = name_or_null(values, nulls, Anum_relation_key_column);
	if (!nulls[Anum_relation_link_table - 1])
		rows->link_relid = DatumGetObjectId(values[Anum_relation_link_table - 1]);
	rows->link_column = name_or_null(values, nulls, Anum_relation_link_column);
	rows->primary_column = name_or_null(values, nulls, Anum_relation_primary_column);
	rows->only_primary = DatumGetBool(values[Anum_relation_only_primary - 1]);
	rows->contact_reference = name_or_null(values, nulls, Anum_relation_contact_reference);
	rows->unfollowed = DatumGetBool(values[Anum_relation_unfollowed - 1]);
	if (!nulls[Anum_relation_condition - 1])
		rows->condition = TextDatumGetCString(values[Anum_relation_condition - 1]);
	return rows;
}

/*
 * All relations of a contact table.
 */
List *
CatalogRelations(Oid contact_table)
{
	List *result = NIL;
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_relation_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, "relation", InvalidOid, NULL, 1, &key);
	while (CatalogScanNext(&scan))
		result = lappend(result, relation_from_tuple(scan.tuple, RelationGetDescr(scan.rel)));
	CatalogScanEnd(&scan);
	return result;
}

static char *
text_or_null(Datum *values, bool *nulls, int anum)
{
	return nulls[anum - 1] ? NULL : TextDatumGetCString(values[anum - 1]);
}

static FieldDefinition *
definition_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	FieldDefinition *def = palloc0(sizeof(FieldDefinition));
	Datum values[Natts_field_definition];
	bool nulls[Natts_field_definition];

	heap_deform_tuple(tuple, desc, values, nulls);
	def->object = text_or_null(values, nulls, Anum_field_definition_object);
	def->field = text_or_null(values, nulls, Anum_field_definition_field);
	def->type = text_or_null(values, nulls, Anum_field_definition_type);
	def->label = text_or_null(values, nulls, Anum_field_definition_label);
	def->available = DatumGetBool(values[Anum_field_definition_available - 1]);
	def->relation = name_or_null(values, nulls, Anum_field_definition_relation);
	def->column_name = name_or_null(values, nulls, Anum_field_definition_column_name);
	def->expression = text_or_null(values, nulls, Anum_field_definition_expression);
	def->condition = text_or_null(values, nulls, Anum_field_definition_condition);
	def->aggregate = text_or_null(values, nulls, Anum_field_definition_aggregate);
	def->order_by = name_or_null(values, nulls, Anum_field_definition_order_by);
	def->unfollowed = DatumGetBool(values[Anum_field_definition_unfollowed - 1]);
	def->case_given = !nulls[Anum_field_definition_case_sensitive - 1];
	def->case_sensitive =
		def->case_given && DatumGetBool(values[Anum_field_definition_case_sensitive - 1]);
	def->timezone = text_or_null(values, nulls, Anum_field_definition_timezone);
	def->default_prefix = text_or_null(values, nulls, Anum_field_definition_default_prefix);
	return def;
}

/*
 * All that was declared for a contact table's fields.
 */
List *
CatalogFieldDefinitions(Oid contact_table)
{
	List *result = NIL;
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_field_definition_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, "field_definition", InvalidOid, NULL, 1, &key);
	while (CatalogScanNext(&scan))
		result = lappend(result, definition_from_tuple(scan.tuple, RelationGetDescr(scan.rel)));
	CatalogScanEnd(&scan);
	return result;
}

/*
 * OIDs of the contact tables whose segments can read this table: itself, and
 * those that have it as a related or a link table.
 */
List *
CatalogContactTablesReading(Oid relid)
{
	List *result = NIL;
	CatalogScan scan;

	if (has_row_of("contact_table", relid))
		result = list_make1_oid(relid);
	CatalogScanBegin(&scan, "relation", InvalidOid, NULL, 0, NULL);
	while (CatalogScanNext(&scan))
	{
		RelatedRows *rows = relation_from_tuple(scan.tuple, RelationGetDescr(scan.rel));
		bool isnull;
		Datum contact = heap_getattr(scan.tuple, Anum_relation_contact_table,
									 RelationGetDescr(scan.rel), &isnull);

		if (rows->relid == relid || rows->link_relid == relid)
			result = list_append_unique_oid(result, DatumGetObjectId(contact));
	}
	CatalogScanEnd(&scan);
	return result;
}

/*
 * segments_internal.default_contact_table() -> regclass
 */
Datum
segments_default_contact_table(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(CatalogDefaultContactTable());
}

/*
 * segments_internal.base_type(regtype) -> regtype
 */
Datum
segments_base_type(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(getBaseType(PG_GETARG_OID(0)));
}

/*
 * segments_internal.check_layout(contact_table): raises where a table beside a
 * contact table is not as it must be.
 */
PG_FUNCTION_INFO_V1(segments_check_layout);
Datum
segments_check_layout(PG_FUNCTION_ARGS)
{
	(void) CatalogContactTable(PG_GETARG_OID(0), false);
	PG_RETURN_VOID();
}
