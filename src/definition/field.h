/*
 * field.h - a name in a filter -> the field it means.
 */
#ifndef SEGMENTS_FIELD_H
#define SEGMENTS_FIELD_H

#include "postgres.h"

#include "definition/contact_table.h"

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
	Oid enum_type;      /* whose labels the value has, or InvalidOid */
	bool deterministic; /* the value's collation compares bytes */
	bool is_bounded;    /* a number of so many digits at most, as its type says */
	char *condition;    /* SQL over r, or NULL */
	char *order_by;     /* SQL over r, or NULL */
	bool case_sensitive;
	char *timezone; /* of a value without time zone */
	char *default_prefix;
	bool unfollowed; /* its SQL depends on what isn't followed */
} Field;

/* The relation that every contact table has: one row for each membership. */
#define MEMBERSHIPS "memberships"

#define FieldRowsAreMemberships(rows) (strcmp((rows)->name, MEMBERSHIPS) == 0)

extern Field *FieldLookup(ContactTable *table, const char *object, const char *name);
extern Field *FieldOfRow(ContactTable *table, RelatedRows *rows, const char *name);
extern RelatedRows *FieldRelation(ContactTable *table, const char *name);
extern char *FieldRelationCondition(const RelatedRows *rows, Oid owner);

#endif /* SEGMENTS_FIELD_H */
