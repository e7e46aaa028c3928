/*
 * point_definition.h - the point triggers of a contact table.
 */
#ifndef SEGMENTS_POINT_DEFINITION_H
#define SEGMENTS_POINT_DEFINITION_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "definition/contact_table.h"

typedef struct PointTrigger
{
	int64 id;
	Datum points; /* numeric */
	char *field;
	Oid relid; /* whose rows hold it; InvalidOid until that is found out */
	bool published;
	int nadd;
	int nremove;
	int64 *segments; /* first those to add to */
} PointTrigger;

/* PointTriggers, as last committed; they live to the end of the transaction. */
extern List *PointTriggersOf(const ContactTable *table);

#endif /* SEGMENTS_POINT_DEFINITION_H */
