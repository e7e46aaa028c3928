/*
 * atom_sql.h - the test of an atom on one row, as SQL.
 */
#ifndef SEGMENTS_ATOM_SQL_H
#define SEGMENTS_ATOM_SQL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"

typedef struct SqlContext
{
	ContactTable *table;
	bool pinned;                   /* phrases become constants as of now */
	struct MovingSegments *moving; /* asked as of now, not their stored members; or NULL */
	struct GroupedRows *grouped;   /* takes what is joined to c; NULL: nothing can be */
	TimestampTz now;
	const char *now_sql; /* unpinned: in place of segments.now() */
} SqlContext;

extern char *AtomLiteralSql(ValueType type, Datum value);
extern void AtomRowSql(StringInfo out, const Atom *atom, const SqlContext *context);

#endif /* SEGMENTS_ATOM_SQL_H */
