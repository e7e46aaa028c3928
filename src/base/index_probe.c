/*
 * index_probe.c - rows of a table by the leading columns of a btree index,
 * without a query.
 *
 * What is looked up for one contact is a handful of rows, and starting a query
 * for them costs many times the rows.  A probe keeps its index open, and is
 * asked for one value after the other.  It sees what an index scan under the
 * same snapshot sees, and takes the same predicate locks (at SERIALIZABLE).
 *
 * A probe asks nobody's leave: IndexProbeReadable says whether it gives what
 * the owner of the contact table would get.
 */
#include "postgres.h"

#include "base/index_probe.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "parser/parse_oper.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/index_find.h"

/* ----- which index ----- */

/*
 * The operator that column = value means in SQL, whatever the search path;
 * InvalidOid when there is none, or when it compares after a conversion.
 */
static Oid
equality_operator(Oid column_type, Oid value_type)
{
	Operator operator= compatible_oper(NULL, list_make2(makeString("pg_catalog"), makeString("=")),
									   column_type, value_type, true, -1);
	Oid result = InvalidOid;

	if (operator!= NULL)
	{
		result = oprid(operator);
		ReleaseSysCache(operator);
	}
	return result;
}

/*
 * Is a column (from 0) of a btree index in the server's own order of a type?
 * Not in that of an operator class or a collation by which different values
 * are equal, or whose functions others write.
 */
bool
IndexIsOfServer(Relation index, int column, Oid type)
{
	Oid collation = index->rd_indcollation[column];
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);

	return index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
		   index->rd_index->indisready && index->rd_opfamily[column] < FirstNormalObjectId &&
		   index->rd_opfamily[column] == entry->btree_opf &&
		   (!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

/* A column that is to be found by what it equals. */
typedef struct Lookup
{
	AttrNumber column;
	Oid operator;
	Oid value_type;
} Lookup;

/* Can the index be asked for rows whose column has a value? */
static bool
serves(Relation index, void *purpose)
{
	const Lookup *lookup = purpose;
	Oid collation = index->rd_indcollation[0];

	return index->rd_rel->relam == BTREE_AM_OID && index->rd_opfamily[0] < FirstNormalObjectId &&
		   (!OidIsValid(collation) || get_collation_isdeterministic(collation)) &&
		   index->rd_index->indkey.values[0] == lookup->column &&
		   get_opfamily_member(index->rd_opfamily[0], index->rd_opcintype[0], lookup->value_type,
							   BTEqualStrategyNumber) == lookup->operator;
}

/*
 * Does reading the table's rows as they are give what the reader's query gives?
 * Not where there are partitions, children or other sources of rows, or where
 * some are hidden from the reader.
 */
bool
IndexProbeReadable(Relation rel, Oid reader)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relhassubclass)
		return false;
	if (rel->rd_rel->relowner == reader)
		return true;
	return !rel->rd_rel->relrowsecurity &&
		   pg_class_aclcheck(RelationGetRelid(rel), reader, ACL_SELECT) == ACLCHECK_OK;
}

/*
 * An index by which rows are found whose column equals a value, as SQL's =
 * finds them.  False when there is none.
 */
bool
IndexProbeChoose(Relation rel, AttrNumber column, Oid value_type, IndexChoice *choice)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), column - 1);
	Lookup lookup = {column, equality_operator(attribute->atttypid, value_type), InvalidOid};
	Oid left;

	if (!OidIsValid(lookup.operator) || (OidIsValid(attribute->attcollation) &&
										 !get_collation_isdeterministic(attribute->attcollation)))
		return false;
	op_input_types(lookup.operator, & left, &lookup.value_type);
	choice->index = IndexFind(rel, serves, &lookup);
	choice->value_type = lookup.value_type;
	choice->equal = get_opcode(lookup.operator);
	return OidIsValid(choice->index);
}

/* ----- looking up ----- */

/*
 * Open a probe of an open table; IndexProbeKey then says what its columns are
 * compared with, one after the other.
 */
void
IndexProbeOpen(IndexProbe *probe, Relation rel, Oid index, Snapshot snapshot)
{
	probe->context = CurrentMemoryContext;
	probe->rel = rel;
	probe->index = index_open(index, AccessShareLock);
	probe->snapshot = snapshot;
	probe->scan = NULL;
	probe->slot = table_slot_create(rel, NULL);
	probe->nkeys = 0;
}

/*
 * The next column of the index is compared with values of this type.  The
 * collation is the index's own, which its order follows: any deterministic one
 * gives the same equality.
 */
void
IndexProbeKey(IndexProbe *probe, Oid value_type, RegProcedure equal)
{
	int column = probe->nkeys++;

	Assert(column < INDEX_PROBE_KEYS);
	ScanKeyEntryInitialize(&probe->keys[column], 0, column + 1, BTEqualStrategyNumber, value_type,
						   probe->index->rd_indcollation[column], equal, (Datum) 0);
}

/*
 * Look for other values, one for each key; IndexProbeNext gives the rows.
 */
void
IndexProbeFind(IndexProbe *probe, const Datum *values)
{
	MemoryContext caller = MemoryContextSwitchTo(probe->context);
	int i;

	for (i = 0; i < probe->nkeys; i++)
		probe->keys[i].sk_argument = values[i];
	if (probe->scan == NULL)
		probe->scan = IndexScanBegin(probe->rel, probe->index, probe->snapshot, probe->nkeys);
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	MemoryContextSwitchTo(caller);
}

/*
 * The next row, or NULL.  It stays until the next call.
 */
TupleTableSlot *
IndexProbeNext(IndexProbe *probe)
{
	MemoryContext caller = MemoryContextSwitchTo(probe->context);
	bool found = index_getnext_slot(probe->scan, ForwardScanDirection, probe->slot);

	MemoryContextSwitchTo(caller);
	return found ? probe->slot : NULL;
}

void
IndexProbeClose(IndexProbe *probe)
{
	ExecDropSingleTupleTableSlot(probe->slot);
	if (probe->scan)
		index_endscan(probe->scan);
	index_close(probe->index, NoLock);
}
