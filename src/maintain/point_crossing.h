/*
 * point_crossing.h - contacts that reach the points of a point trigger.
 */
#ifndef SEGMENTS_POINT_CROSSING_H
#define SEGMENTS_POINT_CROSSING_H

#include "postgres.h"

#include "commands/trigger.h"

#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/point_definition.h"
#include "program/program.h"

/* A trigger's field, resolved. */
typedef struct PointField
{
	Oid relid;   /* the table whose rows hold the points */
	char *key;   /* of the contact, as SQL over c, its row; over r, where there is a condition */
	char *value; /* likewise */
	char *condition; /* likewise, or NULL: rows of the contact table */
} PointField;

/* False with a reason when the field can't stand for points. */
extern bool PointFieldResolve(ContactTable *table, const char *name, PointField *points,
							  const char **problem);
extern bool PointFieldResolveStored(ContactTable *table, const PointTrigger *trigger,
									PointField *points, int level);

extern void PointKeys(Program *program, DatumVector *keys);
extern void PointCrossing(Program *program, const PointTrigger *trigger, const PointField *points,
						  TriggerData *data, DatumVector *keys);

#endif /* SEGMENTS_POINT_CROSSING_H */
