/*
 * regexp_literal.h - a text that whatever matches a regular expression holds.
 */
#ifndef SEGMENTS_REGEXP_LITERAL_H
#define SEGMENTS_REGEXP_LITERAL_H

#include "postgres.h"

extern char *RegexpLongestLiteral(const char *pattern);

#endif /* SEGMENTS_REGEXP_LITERAL_H */
