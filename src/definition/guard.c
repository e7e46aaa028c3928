/*
 * guard.c - does a foreign key tie related rows to their contacts?
 *
 * Where none does, a row can be written for a contact that is not there yet.
 */
#include "postgres.h"

#include "definition/guard.h"

#include "access/attnum.h"
#include "access/table.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "definition/contact_table.h"

/*
 * Does a foreign key tie this column to the contact table?
 */
static bool
has_foreign_key(Relation rel, AttrNumber column, Oid contact_table)
{
	ListCell *cell;

	foreach (cell, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *key = lfirst(cell);

		if (key->confrelid == contact_table && key->nkeys == 1 && key->conkey[0] == column)
			return true;
	}
	return false;
}

/*
 * Can rows of this relation be written for a contact that is not there yet?
 */
bool
GuardIsMissing(ContactTable *table, const RelatedRows *rows)
{
	Relation rel;
	bool result;

	if (rows->contact_column == NULL)
		return false;
	rel =
		table_open(OidIsValid(rows->link_relid) ? rows->link_relid : rows->relid, AccessShareLock);
	result = !has_foreign_key(rel, get_attnum(RelationGetRelid(rel), rows->contact_column),
							  table->relid);
	table_close(rel, NoLock);
	return result;
}
