/*
 * fold_encoding.h - folding of text in other encodings than UTF8.
 */
#ifndef SEGMENTS_FOLD_ENCODING_H
#define SEGMENTS_FOLD_ENCODING_H

#include "postgres.h"

#include "lib/stringinfo.h"

extern void FoldAppendEncoded(StringInfo buf, const char *data, int len);

/* Text in UTF-8; NULL where a character of it has no place there. */
extern char *FoldToUtf8(const char *data, int len);

#endif /* SEGMENTS_FOLD_ENCODING_H */
