/*
 * related_sql.h - the related rows of a contact, as SQL.
 */
#ifndef SEGMENTS_RELATED_SQL_H
#define SEGMENTS_RELATED_SQL_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "definition/field.h"

extern char *AggregateCallSql(FieldAggregate aggregate, const char *argument);
extern char *RowsFromSql(const RelatedRows *rows, const char *condition, const char *contact,
						 ContactTable *table);
extern char *RowContactKeySql(ContactTable *table, Oid relid, const char *alias,
							  const char *column);
extern bool RowsOfAllSql(const RelatedRows *rows, const char *condition, ContactTable *table,
						 char **from, char **key, const char **column);

#endif /* SEGMENTS_RELATED_SQL_H */
