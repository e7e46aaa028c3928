/*
 * read_table.h - what those who only read know of a contact table's tables.
 */
#ifndef SEGMENTS_READ_TABLE_H
#define SEGMENTS_READ_TABLE_H

#include "postgres.h"

#include "fmgr.h"

#include "definition/table_beside.h"

typedef struct ReadTable
{
	Oid contact_table;
	Oid owner;
	Oid member_table;
	Oid member_index; /* its primary key */
	Oid change_table;
	Oid change_index; /* BRIN on its numbers, or InvalidOid */
	bool is_logged;   /* members and log outlive a crash */
	Oid column_type;  /* of the key */
	Oid key_type;     /* its base type */
	Oid collation;
	FmgrInfo equal;
} ReadTable;

extern ReadTable *ReadTableGet(Oid contact_table);
extern Relation ReadTableOpen(const ReadTable *table, BesideKind kind, LOCKMODE lock);

#endif /* SEGMENTS_READ_TABLE_H */
