/*
 * index_choice.h - by which btree index rows with a value in a column are
 * found.
 */
#ifndef SEGMENTS_INDEX_CHOICE_H
#define SEGMENTS_INDEX_CHOICE_H

#include "postgres.h"

#include "access/attnum.h"
#include "utils/relcache.h"

/* A btree index whose first column can be compared with values of a type. */
typedef struct IndexChoice
{
	Oid index;
	Oid value_type;
	RegProcedure equal;
} IndexChoice;

extern bool IndexIsOfServer(Relation index, int column, Oid type);
extern bool IndexChoiceReadable(Relation rel, Oid reader);
extern bool IndexChoiceFind(Relation rel, AttrNumber column, Oid value_type, IndexChoice *choice);

#endif /* SEGMENTS_INDEX_CHOICE_H */
