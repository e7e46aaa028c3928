/*
 * boundary.h - where the boundary of a range stands at an instant.
 */
#ifndef SEGMENTS_BOUNDARY_H
#define SEGMENTS_BOUNDARY_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"

extern bool BoundaryMoves(const Boundary *boundary);
extern int64 BoundarySlack(const Boundary *boundary);
extern bool BoundaryDatum(const Boundary *boundary, ValueType type, ContactTable *table,
						  const char *column_zone, TimestampTz now, Datum *result);

#endif /* SEGMENTS_BOUNDARY_H */
