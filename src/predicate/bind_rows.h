/*
 * bind_rows.h - row groups: their relation, aggregate and comparison.
 */
#ifndef SEGMENTS_BIND_ROWS_H
#define SEGMENTS_BIND_ROWS_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"

extern RelatedRows *BindRelation(BindPlace *place);
extern RowGroup *BindRowGroup(BindPlace *place, RelatedRows *rows);
extern void BindRowGroupOf(RowGroup *group, BindPlace *place);
extern Predicate *BindRowsExist(const RowGroup *group, BindPlace *place);
extern void BindOverGroup(Predicate *comparison, RowGroup *group);

#endif /* SEGMENTS_BIND_ROWS_H */
