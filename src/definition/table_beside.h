/*
 * table_beside.h - the tables beside a contact table: members, overrides, log.
 */
#ifndef SEGMENTS_TABLE_BESIDE_H
#define SEGMENTS_TABLE_BESIDE_H

#include "postgres.h"

#include "storage/lockdefs.h"

#include "definition/contact_table.h"

typedef enum BesideKind
{
	BESIDE_MEMBER,
	BESIDE_OVERRIDE,
	BESIDE_CHANGE
} BesideKind;

/* Member and override tables begin with these two columns. */
#define Anum_member_segment_id 1
#define Anum_member_contact_id 2

extern Relation BesideOpen(Oid relid, BesideKind kind, Oid key_type, Oid owner, LOCKMODE lock);
extern Relation BesideOpenOf(const ContactTable *table, BesideKind kind, LOCKMODE lock);
extern Oid BesideKeyIndex(Relation rel);
extern Oid BesideKeyIndexNeeded(Relation rel);
extern bool BesideIsThere(const ContactTable *table);
extern void BesideCheck(const ContactTable *table);

#endif /* SEGMENTS_TABLE_BESIDE_H */
