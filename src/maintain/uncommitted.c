/*
 * uncommitted.c - wait for what others have written and not committed.
 *
 * Locking the contact makes two writers of one contact's inputs take turns, but
 * only when both find the contact.  Where no foreign key ties a related row to
 * its contact, the two can be inserted at the same time, and neither
 * transaction sees the other's row.  So each looks for the other's, committed
 * or not, after writing its own: at least one of them finds the other and waits
 * for its end (Dekker's rule).  Where both do, one of them goes on: whoever is
 * waited for is done, as the other looks again.  With a foreign key that locks
 * the contact at once its lock does this, and nothing is looked for here.  The
 * same holds for a company and the contacts or links that point at it.
 */
#include "postgres.h"

#include "maintain/uncommitted.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/subtrans.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "base/index_choice.h"
#include "base/index_find.h"
#include "base/table_tree.h"
#include "definition/contact_table.h"
#include "maintain/statement_delta.h"
#include "program/program.h"

/* How to look for rows of a table by one column. */
typedef struct ColumnSearch
{
	Relation rel;
	Oid index; /* InvalidOid: every row is looked at */
	ScanKeyData key;
	const Looking *looking; /* NULL: whoever is found is waited for */
	uint32 tables;          /* what is looked for, the same from either side */
} ColumnSearch;

/*
 * in_parts: some of what the statement wrote has been looked at before the rest.
 */
Looking
LookingOf(const StatementDelta *delta, bool in_parts)
{
	Looking looking = {delta->alone && !in_parts, delta->command};

	return looking;
}

/* ----- who waits for whom ----- */

/*
 * A statement that waits holds a lock that stands for it and for the one that it
 * waits for.  That one would take the same: it sees that it is waited for.
 * Statements and not transactions, as a former statement of the one that waits
 * may have looked in vain, and looks no more.
 */
#define TURN_CLASS 0x7345 /* not one that SQL can ask for, of advisory locks */

static void
turn_between(LOCKTAG *tag, const ColumnSearch *search, TransactionId other, CommandId command)
{
	TransactionId own = GetTopTransactionId();
	CommandId own_command = search->looking->command;
	bool first = TransactionIdPrecedes(own, other);
	uint32 commands = hash_combine(murmurhash32(first ? own_command : command),
								   murmurhash32(first ? command : own_command));

	tag->locktag_field1 = first ? own : other;
	tag->locktag_field2 = first ? other : own;
	tag->locktag_field3 = hash_combine(commands, search->tables);
	tag->locktag_field4 = TURN_CLASS;
	tag->locktag_type = LOCKTAG_ADVISORY;
	tag->locktag_lockmethodid = DEFAULT_LOCKMETHOD;
}

/*
 * Is it ours to wait for the writer of this row?  Then *tag is locked, if there
 * is one to lock.
 */
static bool
is_our_turn(const ColumnSearch *search, HeapTuple row, TransactionId writer, LOCKTAG *tag)
{
	tag->locktag_lockmethodid = 0;
	if (search->looking == NULL || !search->looking->whole ||
		(row->t_data->t_infomask & HEAP_COMBOCID))
		return true;
	turn_between(tag, search, SubTransGetTopmostTransaction(writer),
				 HeapTupleHeaderGetRawCommandId(row->t_data));
	return LockAcquire(tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

static void
end_turn(const LOCKTAG *tag)
{
	if (tag->locktag_lockmethodid != 0)
		LockRelease(tag, ExclusiveLock, false);
}

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

	search->looking = NULL;
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

/*
 * A transaction that is at work on a row with this key, and that we have to wait
 * for, or InvalidTransactionId.
 */
static TransactionId
find_writer(ColumnSearch *search, Datum key, LOCKTAG *tag)
{
	ScanKeyData scan_key = search->key; /* the scan changes it */
	SnapshotData dirty;
	SysScanDesc scan;
	HeapTuple row;
	TransactionId writer = InvalidTransactionId;

	InitDirtySnapshot(dirty);
	scan_key.sk_argument = key;
	scan = systable_beginscan(search->rel, search->index, OidIsValid(search->index), &dirty, 1,
							  &scan_key);
	while (!TransactionIdIsValid(writer) && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		writer = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
		if (TransactionIdIsValid(writer) && !is_our_turn(search, row, writer, tag))
			writer = InvalidTransactionId;
	}
	systable_endscan(scan);
	return writer;
}

/* Wait until nobody is at work on rows with this key; did we have to? */
static bool
wait_for_writers(ColumnSearch *search, Datum key)
{
	bool waited = false;
	TransactionId writer;
	LOCKTAG tag;

	while (TransactionIdIsValid(writer = find_writer(search, key, &tag)))
	{
		XactLockTableWait(writer, search->rel, NULL, XLTW_None);
		end_turn(&tag);
		waited = true;
	}
	return waited;
}

/* Values of a type that rows may have, and for whom they are looked for. */
typedef struct Wanted
{
	Oid type;
	Datum *values;
	int n;
	const Looking *looking;
	uint32 tables;
} Wanted;

/* The same for rows of one table with any of these values in a column. */
static bool
wait_in_table(Oid relid, AttrNumber column, const Wanted *wanted)
{
	ColumnSearch search;
	bool waited = false;
	int i;

	if (!begin_search(&search, relid, column, wanted->type))
		return false;
	search.looking = wanted->looking;
	search.tables = wanted->tables;
	for (i = 0; i < wanted->n; i++)
		waited |= wait_for_writers(&search, wanted->values[i]);
	table_close(search.rel, NoLock);
	return waited;
}

static bool
wait_in_leaf(Oid relid, Relation rel, AttrNumber column, const Wanted *wanted)
{
	Relation leaf = table_open(relid, AccessShareLock);
	bool waited = wait_in_table(relid, TableTreeColumn(leaf, rel, column), wanted);

	table_close(leaf, NoLock);
	return waited;
}

/* And wherever its rows are: each value where it can be. */
static bool
wait_in_tree(Relation rel, AttrNumber column, const Wanted *wanted)
{
	Wanted one = *wanted;
	bool waited = false;
	int i;

	one.n = 1;
	for (i = 0; i < wanted->n; i++)
	{
		ListCell *cell;

		one.values = &wanted->values[i];
		foreach (cell, TableTreeLeavesFor(rel, column, one.type, one.values[0], AccessShareLock))
			waited |= wait_in_leaf(lfirst_oid(cell), rel, column, &one);
	}
	return waited;
}

/*
 * Wait for whoever is writing rows with some values in a column.  Did we have
 * to?
 */
static bool
wait_for_values(Oid relid, const char *column, const Wanted *wanted)
{
	Relation rel = table_open(relid, AccessShareLock);
	AttrNumber attnum = get_attnum(relid, column);
	bool waited = TableTreeIsOne(rel) ? wait_in_table(relid, attnum, wanted)
									  : wait_in_tree(rel, attnum, wanted);

	table_close(rel, NoLock);
	return waited;
}

/* ----- the two sides ----- */

/* The table whose rows say whose they are. */
static Oid
owning_relid(const RelatedRows *rows)
{
	return OidIsValid(rows->link_relid) ? rows->link_relid : rows->relid;
}

static uint32
both_tables(Program *program, const RelatedRows *rows)
{
	return hash_combine(murmurhash32(program->relid), murmurhash32(owning_relid(rows)));
}

/*
 * A row of the source was written for a contact that is not to be seen: wait for
 * whoever is inserting it.  Did we have to?
 */
bool
UncommittedWaitForContact(Program *program, RowSource *source, const Looking *looking, Datum key)
{
	Wanted wanted = {program->table->key_type, &key, 1};

	if (source != NULL)
	{
		wanted.looking = looking;
		wanted.tables = both_tables(program, source->rows);
	}
	return wait_for_values(program->relid, program->table->key_column, &wanted);
}

/*
 * Contacts were inserted: wait for whoever is writing rows for them.
 */
void
UncommittedWaitForRows(Program *program, const Looking *looking, Datum *keys, int nkeys)
{
	Wanted wanted = {program->table->key_type, keys, nkeys, looking};
	int i;

	for (i = 1; i < program->nsources && nkeys > 0; i++)
	{
		RelatedRows *rows = program->sources[i]->rows;

		if (!program->sources[i]->unguarded)
			continue;
		wanted.tables = both_tables(program, rows);
		(void) wait_for_values(owning_relid(rows), rows->contact_column, &wanted);
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

static uint32
company_tables(Program *program, const RelatedRows *rows)
{
	return hash_combine(both_tables(program, rows), murmurhash32(rows->relid));
}

/*
 * Contacts or links point at companies (keys of type `type`) some of which are
 * not to be seen.
 */
bool
UncommittedWaitForCompanies(Program *program, RowSource *source, const Looking *looking, Oid type,
							Datum *keys, int nkeys)
{
	Wanted wanted = {type, keys, nkeys, looking, company_tables(program, source->rows)};

	return wait_for_values(source->rows->relid, source->rows->key_column, &wanted);
}

/*
 * Companies came: wait for whoever is writing contacts or links that point at
 * them.
 */
void
UncommittedWaitForReferences(Program *program, RowSource *source, const Looking *looking,
							 Datum *keys, int nkeys)
{
	RelatedRows *rows = source->rows;
	Wanted wanted = {source->key->image->sql_type, keys, nkeys, looking,
					 company_tables(program, rows)};

	if (rows->contact_reference)
		(void) wait_for_values(program->relid, rows->contact_reference, &wanted);
	else
		(void) wait_for_values(rows->link_relid, rows->link_column, &wanted);
}
