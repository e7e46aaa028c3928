/*
 * direct_table.h - a table beside a contact table, with its indexes, that rows
 * are written straight into.
 */
#ifndef SEGMENTS_DIRECT_TABLE_H
#define SEGMENTS_DIRECT_TABLE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"

#include "definition/contact_table.h"
#include "definition/table_beside.h"

#define DIRECT_BLOCK 1000 /* rows given to the heap at a time */

#define Natts_member 3
#define Natts_change 10

/* A table that is open for writing. */
typedef struct DirectTable
{
	Relation rel;
	int nindexes;
	Relation *indexes;
	IndexInfo **infos;
	Relation primary;    /* one of them, over segment and contact; or NULL */
	Relation by_contact; /* another, over contact and segment; or NULL */
	int ncolumns;        /* of the rows that we write */
	TupleDesc desc;      /* of the slots */
	int nslots;
	TupleTableSlot **slots;
} DirectTable;

extern bool DirectTableOpen(DirectTable *table, const ContactTable *contacts, BesideKind kind,
							int natts);
extern void DirectTableClose(DirectTable *table);
extern bool DirectTableIsIndexedBehind(const DirectTable *table, int n);
extern TupleTableSlot *DirectTableSlot(DirectTable *table, int i);
extern void DirectTableInsert(DirectTable *table, int n, CommandId command);
extern bool DirectTableInsertEntry(DirectTable *table, int index, TupleTableSlot *slot,
								   IndexUniqueCheck check);
extern CommandId DirectTableTakeBack(DirectTable *table, ItemPointerData *tids, int n);

#endif /* SEGMENTS_DIRECT_TABLE_H */
