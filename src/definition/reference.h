/*
 * reference.h - the way from one segment to another through references.
 */
#ifndef SEGMENTS_REFERENCE_H
#define SEGMENTS_REFERENCE_H

#include "postgres.h"

extern char *ReferencePath(int64 from, int64 to);

#endif /* SEGMENTS_REFERENCE_H */
