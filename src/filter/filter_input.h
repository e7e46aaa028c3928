/*
 * filter_input.h - what the files that read a filter document share.
 */
#ifndef SEGMENTS_FILTER_INPUT_H
#define SEGMENTS_FILTER_INPUT_H

#include "filter/filter.h"

/* No canonical document of an accepted one is longer. */
#define FILTER_PRINTED_MAX_BYTES (3 * FILTER_MAX_BYTES)

/* A place in the document: a chain from the leaf to the top, on the C stack. */
typedef struct FilterPlace
{
	const struct FilterPlace *parent; /* NULL for the document itself */
	const char *key;                  /* member of an object, in UTF-8; or NULL and */
	size_t index;                     /* element of an array */
} FilterPlace;

/* One document being read. */
typedef struct FilterInput
{
	Node *escontext;
	int nnodes;     /* filters and groups so far */
	int rows_depth; /* row groups that what is read stands in */
} FilterInput;

extern const FilterPlace filter_top_place;

static inline FilterPlace
FilterMember(const FilterPlace *parent, const char *key)
{
	FilterPlace place = {parent, key, 0};

	return place;
}

static inline FilterPlace
FilterElement(const FilterPlace *parent, size_t index)
{
	FilterPlace place = {parent, NULL, index};

	return place;
}

/*
 * filter_place.c: words in server encoding, and refusals.  Those that refuse
 * return false, when they return.
 */
extern char *FilterServerText(const char *utf8, size_t length);
extern char *FilterShownWord(const char *utf8);
extern bool FilterRefuse(FilterInput *input, const FilterPlace *place, int sqlstate,
						 const char *message, const char *detail, const char *hint);
extern bool FilterRefuseValue(FilterInput *input, const FilterPlace *place, const char *message,
							  const char *detail, const char *hint);

/* filter_text.c: the text, in UTF-8 */
extern bool FilterRefuseText(FilterInput *input, int sqlstate, const char *message,
							 const char *problem, const char *text, int offset);
extern bool FilterRefuseSyntax(FilterInput *input, const char *problem, const char *text,
							   int offset);
extern bool FilterMarkNumbers(FilterInput *input, const char *text, int length, StringInfo marked);
extern int FilterUnmarkedOffset(const char *text, int length, int marked_offset);
extern bool FilterCheckText(FilterInput *input, const char *text, int length);
extern bool FilterCheckLength(FilterInput *input, const char *text, int length,
							  const FilterNode *root);

#endif /* SEGMENTS_FILTER_INPUT_H */
