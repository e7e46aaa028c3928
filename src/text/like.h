/*
 * like.h - SQL patterns, matched in time that the pattern bounds.
 */
#ifndef SEGMENTS_LIKE_H
#define SEGMENTS_LIKE_H

#include "postgres.h"

/* What a pattern of a filter may be. */
#define LIKE_MAX_LENGTH 10000     /* bytes of a text without wildcards within */
#define LIKE_MAX_WILD_LENGTH 1000 /* bytes of one with */
#define LIKE_MAX_WILDCARDS 64     /* stretches of % and single _ */

typedef struct LikePattern LikePattern;

/* A text that whatever matches a pattern holds. */
typedef struct LikeLiteral
{
	char *bytes;
	int len;
	bool at_start; /* begins with */
	bool at_end;   /* ends with */
	bool whole;    /* and whatever holds it matches */
} LikeLiteral;

extern const char *LikeTooCostly(const char *pattern, bool literal);
extern LikePattern *LikeCompile(const char *pattern);
extern bool LikeLongestLiteral(const char *pattern, LikeLiteral *literal);
extern bool LikeMatches(const LikePattern *like, const char *data, int len);

#endif /* SEGMENTS_LIKE_H */
