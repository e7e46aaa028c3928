/*
 * filter_place.h - places in a filter document, and what is refused there.
 */
#ifndef SEGMENTS_FILTER_PLACE_H
#define SEGMENTS_FILTER_PLACE_H

#include "postgres.h"

#include "nodes/nodes.h"

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

extern char *FilterServerText(const char *utf8, size_t length);
extern char *FilterShownWord(const char *utf8);
extern bool FilterRefuse(FilterInput *input, const FilterPlace *place, int sqlstate,
						 const char *message, const char *detail, const char *hint);
extern bool FilterRefuseValue(FilterInput *input, const FilterPlace *place, const char *message,
							  const char *detail, const char *hint);

#endif /* SEGMENTS_FILTER_PLACE_H */
