/*
 * fold_utf8.h - folding of UTF-8.
 */
#ifndef SEGMENTS_FOLD_UTF8_H
#define SEGMENTS_FOLD_UTF8_H

#include "postgres.h"

#include "lib/stringinfo.h"

#define FOLD_SPARE 33 /* bytes that a character folds to, at most */

static inline char
FoldAsciiCharacter(char c)
{
	return (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
}

extern int FoldMakeRoom(StringInfo buf, int more);

extern void FoldAppendUtf8(StringInfo buf, const char *data, int len);

#endif /* SEGMENTS_FOLD_UTF8_H */
