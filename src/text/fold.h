/*
 * fold.h - text folding: Unicode NFKD, then removal of nonspacing marks
 * (general category Mn), then full case folding.
 */
#ifndef SEGMENTS_FOLD_H
#define SEGMENTS_FOLD_H

#include "postgres.h"

/*
 * Fold `len` bytes of text in the server encoding; the result is a new text in
 * the current memory context (never the input itself).
 */
extern text *FoldText(const char *data, int len);

extern char *FoldCString(const char *string);

#endif /* SEGMENTS_FOLD_H */
