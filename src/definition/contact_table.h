/*
 * contact_table.h - what the catalogue says: contact tables, relations, fields.
 */
#ifndef SEGMENTS_CATALOG_H
#define SEGMENTS_CATALOG_H

#include "postgres.h"

#include "access/genam.h"
#include "nodes/pg_list.h"
#include "pgtime.h"
#include "utils/rel.h"

/* A row of segments.contact_table. */
typedef struct ContactTable
{
	Oid relid;
	char *key_column;
	AttrNumber key_attnum;
	Oid key_type;
	char *key_type_name; /* qualified, for SQL */
	char *name;          /* qualified and quoted, for SQL */
	char *key;           /* key column, quoted */
	char *timezone;
	pg_tz *zone;
	bool case_sensitive;
	Oid owner;
	Oid member_table;
	Oid override_table;
	Oid change_table;

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
} FieldDefinition;

/* What a field holds decides which operators it takes and how they compare. */
typedef enum FieldClass
{
	FIELD_TEXT = 1,
	FIELD_NUMBER,
	FIELD_BOOLEAN,
	FIELD_DATE,
	FIELD_DATETIME,
	FIELD_TIME,
	FIELD_MULTISELECT,
	FIELD_ID,
	FIELD_SEGMENT
} FieldClass;

typedef enum FieldAggregate
{
	AGGREGATE_NONE = 0, /* some row satisfies */
	AGGREGATE_EXISTS,
	AGGREGATE_COUNT,
	AGGREGATE_SUM,
	AGGREGATE_MIN,
	AGGREGATE_MAX,
	AGGREGATE_LATEST
} FieldAggregate;

/* A field of one contact table, resolved. */
typedef struct Field
{
	char *object;
	char *name;
	char *type; /* the word: text, email, number ... */
	FieldClass class;
	bool available;
	RelatedRows *rows;   /* NULL: the contact's own row, or one of row_of */
	RelatedRows *row_of; /* of one row of a relation, in a row group; else NULL */
	FieldAggregate aggregate;
	char *value; /* SQL over the row: alias c for contacts, r for rows */
	Oid value_type;
	bool deterministic; /* the value's collation compares bytes */
	bool is_bounded;    /* a number of so many digits at most, as its type says */
	char *condition;    /* SQL over r, or NULL */
	char *order_by;     /* SQL over r, or NULL */
	bool case_sensitive;
	char *timezone; /* of a value without time zone */
	char *default_prefix;
} Field;

/* Rows of one of our own tables, one after the other. */
typedef struct CatalogScan
{
	Relation rel;
	SysScanDesc scan;
	HeapTuple tuple;
} CatalogScan;

/* catalog.c */
extern void CatalogScanBegin(CatalogScan *scan, const char *table, Oid index, Snapshot snapshot,
							 int nkeys, ScanKey keys);
extern void CatalogScanByKey(CatalogScan *scan, const char *table, Snapshot snapshot, int nkeys,
							 ScanKey keys);
extern bool CatalogScanNext(CatalogScan *scan);
extern void CatalogScanEnd(CatalogScan *scan);
extern List *CatalogContactTables(void);
extern Oid CatalogRelid(const char *name);
extern Oid CatalogOwner(void);
extern ContactTable *CatalogContactTable(Oid relid, bool missing_ok);
extern Oid CatalogDefaultContactTable(void);
extern List *CatalogContactTablesReading(Oid relid);
extern List *CatalogRelations(Oid contact_table);
extern char *CatalogRelationName(Oid relid);
extern Oid CatalogRelationOwner(Oid relid);

extern List *CatalogFieldDefinitions(Oid contact_table);

/* field.c */
extern Field *FieldLookup(ContactTable *table, const char *object, const char *name);
extern Field *FieldOfRow(ContactTable *table, RelatedRows *rows, const char *name);
extern RelatedRows *FieldRelation(ContactTable *table, const char *name);
extern char *FieldRelationCondition(const RelatedRows *rows);

/* The relation that every contact table has: one row for each membership. */
#define MEMBERSHIPS "memberships"

#endif /* SEGMENTS_CATALOG_H */
