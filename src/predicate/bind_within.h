/*
 * bind_within.h - the span around a date of the outer row.
 */
#ifndef SEGMENTS_BIND_WITHIN_H
#define SEGMENTS_BIND_WITHIN_H

#include "postgres.h"

#include "predicate/bind_place.h"
#include "predicate/predicate.h"

extern RowWithin *BindWithin(BindPlace *inner, BindPlace *outer);

#endif /* SEGMENTS_BIND_WITHIN_H */
