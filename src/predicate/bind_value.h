/*
 * bind_value.h - one filter's operator and value on its field -> predicate.
 */
#ifndef SEGMENTS_BIND_VALUE_H
#define SEGMENTS_BIND_VALUE_H

#include "postgres.h"

#include "predicate/bind_place.h"
#include "predicate/predicate.h"

extern Atom *BindDateAtom(BindPlace *place);
extern Predicate *BindCondition(BindPlace *place);

#endif /* SEGMENTS_BIND_VALUE_H */
