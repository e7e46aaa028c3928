/*
 * bind_number.h - numbers: exact values, and boundaries in the column's type.
 */
#ifndef SEGMENTS_BIND_NUMBER_H
#define SEGMENTS_BIND_NUMBER_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "filter/filter.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"

extern Datum BindNumber(BindPlace *place, const FilterValue *value);
extern char *NumberShortest(Datum numeric);
extern Predicate *BindNumberRange(BindPlace *place, Atom *atom, Datum lower, bool lower_inclusive,
								  bool lower_given, Datum upper, bool upper_inclusive,
								  bool upper_given);
extern Predicate *BindNumberAny(BindPlace *place, Atom *atom, List *numbers);

#endif /* SEGMENTS_BIND_NUMBER_H */
