/*
 * filter_document.h - what the files that read jansson's tree share.
 */
#ifndef SEGMENTS_FILTER_DOCUMENT_H
#define SEGMENTS_FILTER_DOCUMENT_H

#include <jansson.h>

#include "filter/filter_input.h"

/*
 * filter_parse.c.  Those that return bool refuse what they find wrong, and are
 * false then.
 */
extern bool FilterIsText(const json_t *json);
extern const char *FilterKindOf(const json_t *json);
extern char *FilterTextOf(const json_t *json);
extern bool FilterCheckKeys(FilterInput *input, const FilterPlace *place, json_t *object,
							const char *const *keys, const char *what, const char *detail);
extern bool FilterCheckWord(FilterInput *input, const FilterPlace *place, const json_t *json);
extern bool FilterCheckDepth(FilterInput *input, const FilterPlace *place, int depth);
extern bool FilterBuildGlue(FilterInput *input, const FilterPlace *parent, json_t *object,
							FilterNode *node);
extern bool FilterBuildNegate(FilterInput *input, const FilterPlace *parent, json_t *json,
							  FilterNode *group);
extern bool FilterBuildOperator(FilterInput *input, const FilterPlace *parent, json_t *json,
								FilterNode *filter);
extern bool FilterBuildProperties(FilterInput *input, const FilterPlace *parent, json_t *json,
								  FilterNode *filter);
extern bool FilterBuildFilters(FilterInput *input, const FilterPlace *place, json_t *json,
							   int depth, FilterNode *group);
extern bool FilterBuildChildren(FilterInput *input, const FilterPlace *place, json_t *array,
								int depth, FilterNode *group);

/* filter_rows.c */
extern bool FilterBuildRows(FilterInput *input, const FilterPlace *place, json_t *json, int depth,
							FilterNode *node);

#endif /* SEGMENTS_FILTER_DOCUMENT_H */
