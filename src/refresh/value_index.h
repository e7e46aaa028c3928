/*
 * value_index.h - is there an index in the order of a value?
 */
#ifndef SEGMENTS_VALUE_INDEX_H
#define SEGMENTS_VALUE_INDEX_H

#include "postgres.h"

extern bool ValueIsIndexed(const char *value, Oid relid, const char *alias, Oid type);
extern char *ValueIndexAdvice(const char *value, Oid relid, const char *alias, Oid type);

#endif /* SEGMENTS_VALUE_INDEX_H */
