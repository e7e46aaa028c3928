/*
 * uncommitted.c - wait for what others have written and not committed.
 *
 * Locking the contact makes two writers of one contact's inputs take turns, but
 * only when both find the contact.  Where no foreign key ties a related row to
 * its contact, the two can be inserted at the same time, and neither
 * transaction sees the other's row.  So each looks for the other's, committed
 * or not, after writing its own: at least one of them finds the other and waits
 * for its end (Dekker's rule).  With a foreign key that locks the contact at
 * once its lock does this, and
 * nothing is looked for here.  The same holds for a company and the contacts or
 * links that point at it.
 */
#include "postgres.h"

#include "maintain/uncommitted.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "base/index_choice.h"
#include "base/index_find.h"
#include "base/table_tree.h"
#include "definition/contact_table.h"
#include "program/program.h"

/* How to look for rows of a table by one column. */
typedef struct ColumnSearch
{
	Relation rel;
	Oid index; /* InvalidOid: every row is looked at */
	ScanKeyData key;
} ColumnSearch;

/* ----- looking ----- */

/* A column and the type of the key that it is to be asked for. */
typedef struct KeyLookup
{
	AttrNumber column;
	Oid column_type;
	Oid key_type;
	RegProcedure equal; /* of the index that was found */
	Oid collation;      /* likewise: its order follows this one */
} KeyLookup;

/* A btree index that begins with the column and can be asked for the key? */
static bool
serves(Relation index, void *purpose)
{
	KeyLookup *lookup = purpose;
	Oid operator;

	if (index->rd_index->indkey.values[0] != lookup->column ||
		!IndexIsOfServer(index, 0, lookup->column_type))
		return false;
	operator= get_opfamily_member(index->rd_opfamily[0], index->rd_opcintype[0], lookup->key_type,
								  BTEqualStrategyNumber);
	if (!OidIsValid(operator))
		return false;
	lookup->equal = get_opcode(operator);
	lookup->collation = index->rd_indcollation[0];
	return true;
}

/* False when the two types cannot be compared directly. */
static bool
begin_search(ColumnSearch *search, Oid relid, AttrNumber attnum, Oid key_type)
{
	Form_pg_attribute attribute;
	KeyLookup lookup = {attnum, InvalidOid, key_type, InvalidOid, InvalidOid};

	search->rel = table_open(relid, AccessShareLock);
	attribute = TupleDescAttr(RelationGetDescr(search->rel), attnum - 1);
	lookup.column_type = attribute->atttypid;
	lookup.collation = attribute->attcollation;
	search->index = IndexFind(search->rel, serves, &lookup);
	if (!OidIsValid(search->index) && attribute->atttypid == key_type)
		lookup.equal = get_opcode(lookup_type_cache(key_type, TYPECACHE_EQ_OPR)->eq_opr);
	if (!OidIsValid(lookup.equal))
	{
		table_close(search->rel, NoLock);
		return false;
	}
	ScanKeyEntryInitialize(&search->key, 0, attnum, BTEqualStrategyNumber, key_type,
						   lookup.collation, lookup.equal, (Datum) 0);
	return true;
}

/* A transaction that is at work on a row with this key, or InvalidTransactionId. */
static TransactionId
find_writer(ColumnSearch *search, Datum key)
{
	ScanKeyData scan_key = search->key; /* the scan changes it */
	SnapshotData dirty;
	SysScanDesc scan;
	TransactionId writer = InvalidTransactionId;

	InitDirtySnapshot(dirty);
	scan_key.sk_argument = key;
	scan = systable_beginscan(search->rel, search->index, OidIsValid(search->index), &dirty, 1,
							  &scan_key);
	while (!TransactionIdIsValid(writer) && HeapTupleIsValid(systable_getnext(scan)))
		writer = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
	systable_endscan(scan);
	return writer;
}

/* Wait until nobody is at work on rows with this key; did we have to? */
static bool
wait_for_writers(ColumnSearch *search, Datum key)
{
	bool waited = false;
	TransactionId writer;

	while (TransactionIdIsValid(writer = find_writer(search, key)))
	{
		XactLockTableWait(writer, search->rel, NULL, XLTW_None);
		waited = true;
	}
	return waited;
}

/* The same for rows of one table with any of these values (of type `type`) in a column. */
static bool
wait_in_table(Oid relid, AttrNumber column, Oid type, Datum *values, int nvalues)
{
	ColumnSearch search;
	bool waited = false;
	int i;

	if (!begin_search(&search, relid, column, type))
		return false;
	for (i = 0; i < nvalues; i++)
		waited |= wait_for_writers(&search, values[i]);
	table_close(search.rel, NoLock);
	return waited;
}

static bool
wait_in_leaf(Oid relid, Relation rel, AttrNumber column, Oid type, Datum *values, int nvalues)
{
	Relation leaf = table_open(relid, AccessShareLock);
	bool waited = wait_in_table(relid, TableTreeColumn(leaf, rel, column), type, values, nvalues);

	table_close(leaf, NoLock);
	return waited;
}

/* And wherever its rows are: each value where it can be. */
static bool
wait_in_tree(Relation rel, AttrNumber column, Oid type, Datum *values, int nvalues)
{
	bool waited = false;
	int i;

	for (i = 0; i < nvalues; i++)
	{
		ListCell *cell;

		foreach (cell, TableTreeLeavesFor(rel, column, type, values[i], AccessShareLock))
			waited |= wait_in_leaf(lfirst_oid(cell), rel, column, type, &values[i], 1);
	}
	return waited;
}

/*
 * Wait for whoever is writing rows with these values (of type `type`) in a
 * column.  Did we have to?
 */
static bool
wait_for_values(Oid relid, const char *column, Oid type, Datum *values, int nvalues)
{
	Relation rel = table_open(relid, AccessShareLock);
	AttrNumber attnum = get_attnum(relid, column);
	bool waited = TableTreeIsOne(rel) ? wait_in_table(relid, attnum, type, values, nvalues)
									  : wait_in_tree(rel, attnum, type, values, nvalues);

	table_close(rel, NoLock);
	return waited;
}

/* ----- the two sides ----- */

/*
 * A related row was written for a contact that is not to be seen: wait for
 * whoever is inserting it.  Did we have to?
 */
bool
UncommittedWaitForContact(Program *program, Datum key)
{
	return wait_for_values(program->relid, program->table->key_column, program->table->key_type,
						   &key, 1);
}

/*
 * Contacts were inserted: wait for whoever is writing rows for them.
 */
void
UncommittedWaitForRows(Program *program, Datum *keys, int nkeys)
{
	int i;

	for (i = 1; i < program->nsources && nkeys > 0; i++)
	{
		RelatedRows *rows = program->sources[i]->rows;

		if (program->sources[i]->unguarded)
			(void) wait_for_values(OidIsValid(rows->link_relid) ? rows->link_relid : rows->relid,
								   rows->contact_column, program->table->key_type, keys, nkeys);
	}
}

/* ----- contacts in tables that inherit ----- */

/* Rows with a key in one table: how many there are when nobody is at work on any. */
static int
count_finished(ColumnSearch *search, Datum key)
{
	ScanKeyData scan_key = search->key;
	SnapshotData dirty;
	SysScanDesc scan;
	int n = 0;

	(void) wait_for_writers(search, key);
	InitDirtySnapshot(dirty);
	scan_key.sk_argument = key;
	scan = systable_beginscan(search->rel, search->index, OidIsValid(search->index), &dirty, 1,
							  &scan_key);
	while (HeapTupleIsValid(systable_getnext(scan)))
		n++;
	systable_endscan(scan);
	return n;
}

/*
 * A row with this key was written.  Is there another, in another of the tables
 * that hold contacts?  Two who write at the same time find each other, as each
 * has written before it looks.
 */
bool
UncommittedKeyIsTaken(Program *program, Relation contacts, Datum key)
{
	int n = 0;
	ListCell *cell;

	foreach (cell, TableTreeLeaves(contacts, AccessShareLock))
	{
		Relation leaf = table_open(lfirst_oid(cell), NoLock);
		ColumnSearch search;

		if (begin_search(&search, RelationGetRelid(leaf),
						 TableTreeColumn(leaf, contacts, program->table->key_attnum),
						 program->table->key_type))
		{
			n += count_finished(&search, key);
			table_close(search.rel, NoLock);
		}
		table_close(leaf, NoLock);
	}
	return n > 1;
}

/* ----- companies and what points at them ----- */

/*
 * Contacts or links point at companies (keys of type `type`) some of which are
 * not to be seen.
 */
bool
UncommittedWaitForCompanies(RowSource *source, Oid type, Datum *keys, int nkeys)
{
	return wait_for_values(source->rows->relid, source->rows->key_column, type, keys, nkeys);
}

/*
 * Companies came: wait for whoever is writing contacts or links that point at
 * them.
 */
void
UncommittedWaitForReferences(Program *program, RowSource *source, Datum *keys, int nkeys)
{
	RelatedRows *rows = source->rows;
	Oid type = source->key->image->sql_type;

	if (rows->contact_reference)
		(void) wait_for_values(program->relid, rows->contact_reference, type, keys, nkeys);
	else
		(void) wait_for_values(rows->link_relid, rows->link_column, type, keys, nkeys);
}
