/*
 * regexp.h - regular expressions, compiled once and of bounded cost.
 */
#ifndef SEGMENTS_REGEXP_H
#define SEGMENTS_REGEXP_H

#include "postgres.h"

/* What a regular expression of a filter may be. */
#define REGEXP_MAX_LENGTH 1000 /* characters */
#define REGEXP_MAX_DEPTH 50    /* parentheses in parentheses */
#define REGEXP_MAX_BOUND 1000  /* bounds multiplied along a path, as 10 * 20 for (a{10}){20} */
#define REGEXP_MAX_ARCS 4000   /* of the automaton */
#define REGEXP_MAX_TOTAL 20000 /* of those of a filter together */

typedef struct Regexp Regexp;

extern void RegexpDefineSettings(void);
extern const char *RegexpCollationSql(void);
extern Regexp *RegexpCompile(const char *pattern, char **problem);
extern Regexp *RegexpPrepare(const char *pattern);
extern const char *RegexpTooCostly(const char *pattern, int64 *total);
extern bool RegexpMatches(Regexp *regexp, const char *data, int len);

#endif /* SEGMENTS_REGEXP_H */
