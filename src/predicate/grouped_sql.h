/*
 * grouped_sql.h - what is computed of related rows, for all contacts in one
 * pass.
 */
#ifndef SEGMENTS_GROUPED_SQL_H
#define SEGMENTS_GROUPED_SQL_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"

/* What of a query's contacts is computed so; empty at first. */
typedef struct GroupedRows
{
	List *values; /* of GroupedValue */
} GroupedRows;

extern const Atom *GroupedAtom(GroupedRows *grouped, const Atom *atom, ContactTable *table);
extern void GroupedJoins(StringInfo out, const GroupedRows *grouped);

#endif /* SEGMENTS_GROUPED_SQL_H */
