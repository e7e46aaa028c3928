/*
 * field_type.h - the words for types and aggregates of fields.
 */
#ifndef SEGMENTS_FIELD_TYPE_H
#define SEGMENTS_FIELD_TYPE_H

#include "postgres.h"

#include "definition/field.h"

extern FieldClass FieldClassOfWord(const char *word);
extern const char *FieldTypeInfer(Oid type);
extern FieldAggregate FieldAggregateOfWord(const char *word);

#endif /* SEGMENTS_FIELD_TYPE_H */
