/*
 * index_find.c - an index of a table that serves a purpose.
 */
#include "postgres.h"

#include "base/index_find.h"

#include "access/genam.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

/*
 * The first valid index of an open table that passes a test and has all rows,
 * or InvalidOid.  The lock that it was looked at under is kept.
 */
Oid
IndexFind(Relation rel, IndexTest serves, void *purpose)
{
	List *indexes = RelationGetIndexList(rel);
	Oid found = InvalidOid;
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisvalid && RelationGetIndexPredicate(index) == NIL &&
			serves(index, purpose))
			found = RelationGetRelid(index);
		index_close(index, NoLock);
		if (OidIsValid(found))
			break;
	}
	list_free(indexes);
	return found;
}
