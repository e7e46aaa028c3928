/*
 * index_choice.c - by which btree index rows with a value in a column are
 * found without a query, as a query finds them.
 *
 * Reading by an index asks nobody's leave: IndexChoiceReadable says whether it
 * gives what the owner of the contact table would get.
 */
#include "postgres.h"

#include "base/index_choice.h"

#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "parser/parse_oper.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/index_find.h"

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
 * Not where there are other sources of rows, or where some are hidden from the
 * reader.  Rows in partitions and in what inherits are read with its rights.
 */
bool
IndexChoiceReadable(Relation rel, Oid reader)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
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
IndexChoiceFind(Relation rel, AttrNumber column, Oid value_type, IndexChoice *choice)
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
