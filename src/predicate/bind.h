/*
 * bind.h - filter tree + contact table -> bound predicate.
 */
#ifndef SEGMENTS_BIND_H
#define SEGMENTS_BIND_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "definition/field.h"
#include "filter/filter.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"

extern uint32 BindOperatorsOffered(const Field *field);
extern Predicate *BindFilter(const FilterNode *root, ContactTable *table,
							 const BindOptions *options);
extern Predicate *BindStored(const Filter *filters, ContactTable *table);
extern Predicate *BindEvaluated(const Filter *filters, ContactTable *table);

#endif /* SEGMENTS_BIND_H */
