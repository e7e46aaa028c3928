/*
 * bind_date.h - date and time values -> boundaries.
 */
#ifndef SEGMENTS_BIND_DATE_H
#define SEGMENTS_BIND_DATE_H

#include "postgres.h"

#include "filter/filter.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"

extern Predicate *BindDateCondition(BindPlace *place, Atom *atom, FilterOperator op);

#endif /* SEGMENTS_BIND_DATE_H */
