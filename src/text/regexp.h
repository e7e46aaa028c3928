/*
 * regexp.h - the collation by which regular expressions ignore case.
 */
#ifndef SEGMENTS_REGEXP_H
#define SEGMENTS_REGEXP_H

#include "postgres.h"

extern Oid RegexpCollation(void);
extern const char *RegexpCollationSql(void);

#endif /* SEGMENTS_REGEXP_H */
