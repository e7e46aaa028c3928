/*
 * guard.c - does a foreign key tie related rows to their contacts, by a lock?
 *
 * Where none does, a row can be written for a contact that is not there yet.
 */
#include "postgres.h"

#include "definition/guard.h"

#include "access/attnum.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "base/compat.h"
#include "definition/contact_table.h"

/*
 * Is the contact locked by whoever writes a row with this key, before the
 * statement's own triggers run?  The key's triggers on rows that come and that
 * change do it.  Not where they can be deferred or are switched off; a key that
 * is not enforced has none.
 */
static bool
locks_at_once(Relation rel, ForeignKeyCacheInfo *key)
{
	TriggerDesc *triggers = rel->trigdesc;
	int locking = 0;
	int i;

	for (i = 0; KEYS_LOCK_AT_ONCE && triggers && i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgconstraint == key->conoid &&
			RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_FK && !trigger->tgdeferrable &&
			(trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN ||
			 trigger->tgenabled == TRIGGER_FIRES_ALWAYS))
			locking++;
	}
	return locking == 2;
}

/*
 * Does a foreign key tie this column to the contact table, so that its rows
 * and their contacts take turns?
 */
static bool
has_locking_key(Relation rel, AttrNumber column, Oid contact_table)
{
	ListCell *cell;

	foreach (cell, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *key = lfirst(cell);

		if (key->confrelid == contact_table && key->nkeys == 1 && key->conkey[0] == column &&
			locks_at_once(rel, key))
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
	/* what inherits has not its parent's keys */
	result = (rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relhassubclass) ||
			 !has_locking_key(rel, get_attnum(RelationGetRelid(rel), rows->contact_column),
							  table->relid);
	table_close(rel, NoLock);
	return result;
}
