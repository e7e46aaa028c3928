/*
 * contact_table.h - what the catalogue says: contact tables, relations, fields.
 */
#ifndef SEGMENTS_CONTACT_TABLE_H
#define SEGMENTS_CONTACT_TABLE_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "pgtime.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* A row of segments.contact_table. */
typedef struct ContactTable
{
	Oid relid;
	char *key_column;
	AttrNumber key_attnum;
	Oid key_type;
	char *name; /* qualified and quoted, for SQL */
	char *key;  /* key column, quoted */
	char *timezone;
	pg_tz *zone;
	bool case_sensitive;
	Oid owner;
	Oid member_table;
	Oid override_table;
	Oid change_table;
	bool has_point_triggers; /* false: there never was one */

	/* filled in by field.c when first asked */
	MemoryContext context; /* that the table itself is in */
	bool loaded;
	List *relations;                 /* of RelatedRows */
	struct RelatedRows *memberships; /* the members' table, as a relation */
	List *definitions;               /* of FieldDefinition */
	struct HTAB *fields;             /* resolved fields by object and name */
} ContactTable;

/* A row of segments.relation: rows that belong to a contact. */
typedef struct RelatedRows
{
	char *name;
	Oid relid;
	char *contact_column; /* of link_relid where there is a link, else of relid */
	char *key_column;
	Oid link_relid; /* or InvalidOid */
	char *link_column;
	char *primary_column;
	bool only_primary;
	char *contact_reference; /* column of the contact table, or NULL */
	char *condition;
	bool unfollowed; /* it depends on what isn't followed */
} RelatedRows;

/* A row of segments.field_definition. */
typedef struct FieldDefinition
{
	char *object;
	char *field;
	char *type;
	char *label;
	bool available;
	char *relation;
	char *column_name;
	char *expression;
	char *condition;
	char *aggregate;
	char *order_by;
	bool case_given;
	bool case_sensitive;
	char *timezone;
	char *default_prefix;
	bool unfollowed;
} FieldDefinition;

/* Rows of one of our own tables, one after the other. */
typedef struct CatalogScan
{
	Relation rel;
	SysScanDesc scan;
	HeapTuple tuple;
} CatalogScan;

extern Oid CatalogRelid(const char *name);
extern char *CatalogRelationName(Oid relid);
extern void CatalogScanBegin(CatalogScan *scan, const char *table, Oid index, Snapshot snapshot,
							 int nkeys, ScanKey keys);
extern void CatalogScanByKey(CatalogScan *scan, const char *table, Snapshot snapshot, int nkeys,
							 ScanKey keys);
extern bool CatalogScanNext(CatalogScan *scan);
extern void CatalogScanEnd(CatalogScan *scan);
extern Oid CatalogOwner(void);
extern ContactTable *CatalogContactTable(Oid relid, bool missing_ok);
extern void CatalogContactTableComplete(ContactTable *table);
extern List *CatalogContactTables(void);
extern Oid CatalogContactTableBeside(Oid relid);
extern Oid CatalogDefaultContactTable(void);
extern List *CatalogRelations(Oid contact_table);
extern List *CatalogFieldDefinitions(Oid contact_table);
extern List *CatalogContactTablesReading(Oid relid);
extern Oid CatalogRelationOwner(Oid relid);

#endif /* SEGMENTS_CONTACT_TABLE_H */
