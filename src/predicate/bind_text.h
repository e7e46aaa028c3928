/*
 * bind_text.h - values of text, sets and patterns.
 */
#ifndef SEGMENTS_BIND_TEXT_H
#define SEGMENTS_BIND_TEXT_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "filter/filter.h"
#include "predicate/bind_place.h"

extern char *BindTextValue(BindPlace *place, const FilterValue *value);
extern List *BindListValue(BindPlace *place, const FilterValue *value);
extern void BindCheckLabels(BindPlace *place, List *words);
extern char *BindLikePattern(BindPlace *place, FilterOperator op, const char *text, bool fold);
extern void BindCheckRegexp(BindPlace *place, const char *pattern);

#endif /* SEGMENTS_BIND_TEXT_H */
