/*
 * pattern_index.h - which of many literals stand in a text, found together.
 */
#ifndef SEGMENTS_PATTERN_INDEX_H
#define SEGMENTS_PATTERN_INDEX_H

#include "postgres.h"

#include "base/vector.h"

/* A literal that texts are searched for. */
typedef struct PatternLiteral
{
	int id; /* what is reported where it stands */
	const char *bytes;
	int len;       /* at least 1 */
	bool at_start; /* only where the text begins with it */
	bool at_end;   /* only where the text ends with it */
	bool any_case; /* letters of ASCII in either case */
} PatternLiteral;

typedef struct PatternIndex PatternIndex;

extern PatternIndex *PatternIndexBuild(const PatternLiteral *literals, int n, Size *size);
extern void PatternIndexSearch(const PatternIndex *index, const char *text, int len,
							   IntVector *found);

#endif /* SEGMENTS_PATTERN_INDEX_H */
