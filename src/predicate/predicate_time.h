/*
 * predicate_time.h - when a bound predicate moves with time.
 */
#ifndef SEGMENTS_PREDICATE_TIME_H
#define SEGMENTS_PREDICATE_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"

extern TimestampTz AtomNextMove(const Atom *atom, ContactTable *table, TimestampTz now);
extern bool AtomMovesWithin(const Atom *atom, ContactTable *table, TimestampTz from, TimestampTz to,
							bool midnight);
extern TimestampTz PredicateNextMove(const Predicate *predicate, ContactTable *table,
									 TimestampTz now);

#endif /* SEGMENTS_PREDICATE_TIME_H */
