/*
 * type_name.h - a type's name, in SQL that casts to it.
 */
#ifndef SEGMENTS_TYPE_NAME_H
#define SEGMENTS_TYPE_NAME_H

#include "postgres.h"

extern char *UnmodifiedTypeName(Oid type);

#endif /* SEGMENTS_TYPE_NAME_H */
