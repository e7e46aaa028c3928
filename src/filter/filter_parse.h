/*
 * filter_parse.h - JSON text to filter tree.
 */
#ifndef SEGMENTS_FILTER_PARSE_H
#define SEGMENTS_FILTER_PARSE_H

#include "postgres.h"

#include "nodes/nodes.h"

#include "filter/filter.h"

extern FilterNode *FilterParse(const char *json, int len, Node *escontext);

#endif /* SEGMENTS_FILTER_PARSE_H */
