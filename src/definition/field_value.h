/*
 * field_value.h - the value of a field as SQL over one row, and its type.
 */
#ifndef SEGMENTS_FIELD_VALUE_H
#define SEGMENTS_FIELD_VALUE_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "definition/field.h"

extern bool FieldValueFromColumn(Field *field, Oid relid, const char *alias, const char *column);
extern void FieldValueFromDefinition(Field *field, const FieldDefinition *def, Oid owner, Oid relid,
									 const char *alias);
extern const char *FieldValueDefaultType(Field *field);
extern void FieldValueNormalize(Field *field);

#endif /* SEGMENTS_FIELD_VALUE_H */
