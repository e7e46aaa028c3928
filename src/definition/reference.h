/*
 * reference.h - which segments reach which through the filters that name them.
 */
#ifndef SEGMENTS_REFERENCE_H
#define SEGMENTS_REFERENCE_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern char *ReferencePathText(int64 from, int64 to);

#endif /* SEGMENTS_REFERENCE_H */
