/*
 * readers.h - which contact tables a table's rows matter for.
 */
#ifndef SEGMENTS_READERS_H
#define SEGMENTS_READERS_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* What a statement on a table has to know first. */
typedef struct Readers
{
	Oid relid;            /* the table */
	Oid attached;         /* that its rows are rows of: itself, or one above it */
	List *contact_tables; /* that these matter for */
	bool others_fire;     /* AFTER triggers that are not ours may change its rows */
	bool parts_differ;    /* some tables below are laid out otherwise */
} Readers;

extern const Readers *ReadersOf(Relation rel, Oid our_function);

#endif /* SEGMENTS_READERS_H */
