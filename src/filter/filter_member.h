/*
 * filter_member.h - members that filters, groups and row groups have.
 */
#ifndef SEGMENTS_FILTER_MEMBER_H
#define SEGMENTS_FILTER_MEMBER_H

#include "postgres.h"

#include <jansson.h>

#include "filter/filter.h"
#include "filter/filter_place.h"

extern bool FilterIsText(const json_t *json);
extern const char *FilterKindOf(const json_t *json);
extern char *FilterTextOf(const json_t *json);
extern bool FilterIsOneOf(const char *word, const char *const *words);
extern bool FilterCheckKeys(FilterInput *input, const FilterPlace *place, json_t *object,
							const char *const *keys, const char *what, const char *detail);
extern bool FilterCheckWord(FilterInput *input, const FilterPlace *place, const json_t *json);
extern bool FilterBuildGlue(FilterInput *input, const FilterPlace *parent, json_t *object,
							FilterNode *node);
extern bool FilterBuildNegate(FilterInput *input, const FilterPlace *parent, json_t *json,
							  FilterNode *group);
extern bool FilterBuildOperator(FilterInput *input, const FilterPlace *parent, json_t *json,
								FilterNode *filter);
extern bool FilterBuildProperties(FilterInput *input, const FilterPlace *parent, json_t *json,
								  FilterNode *filter);

#endif /* SEGMENTS_FILTER_MEMBER_H */
