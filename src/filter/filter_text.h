/*
 * filter_text.h - the text of a filter document, before and beside jansson.
 */
#ifndef SEGMENTS_FILTER_TEXT_H
#define SEGMENTS_FILTER_TEXT_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "filter/filter.h"
#include "filter/filter_place.h"

/* No canonical document of an accepted one is longer. */
#define FILTER_PRINTED_MAX_BYTES (3 * FILTER_MAX_BYTES)

extern bool FilterRefuseText(FilterInput *input, int sqlstate, const char *message,
							 const char *problem, const char *text, int offset);
extern bool FilterRefuseSyntax(FilterInput *input, const char *problem, const char *text,
							   int offset);
extern bool FilterMarkNumbers(FilterInput *input, const char *text, int length, StringInfo marked);
extern int FilterUnmarkedOffset(const char *text, int length, int marked_offset);
extern bool FilterCheckText(FilterInput *input, const char *text, int length);
extern bool FilterCheckLength(FilterInput *input, const char *text, int length,
							  const FilterNode *root);

#endif /* SEGMENTS_FILTER_TEXT_H */
