/*
 * predicate_sql.h - bound predicate -> SQL.
 */
#ifndef SEGMENTS_PREDICATE_SQL_H
#define SEGMENTS_PREDICATE_SQL_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "predicate/atom_sql.h"
#include "predicate/predicate.h"

extern void AtomSql(StringInfo out, const Atom *atom, const SqlContext *context);
extern void PredicateSql(StringInfo out, const Predicate *predicate, const SqlContext *context);
extern void MovingSql(StringInfo out, const SqlContext *context);

/* FROM ... WHERE ... of the rows r that count for a row group, and what is made of them. */
extern char *RowGroupFromSql(const RowGroup *group, const SqlContext *context);
extern char *RowGroupValueSql(const RowGroup *group, const SqlContext *context);

#endif /* SEGMENTS_PREDICATE_SQL_H */
