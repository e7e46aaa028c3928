/*
 * hidden_rows.c - does row security hide related rows from the owner of a
 * contact table?
 *
 * Segments are evaluated as that owner, who must see every row: what is hidden
 * would count as if it weren't there, in some places and not in others.  Refused
 * when a relation is declared or its tables are altered; but no command on a
 * table tells that a role is no longer a member of another, a superuser, or past
 * row security.
 */
#include "postgres.h"

#include "definition/hidden_rows.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "definition/contact_table.h"

static uint64 generation = 0; /* of roles; 0: nobody has asked */

/* As when segments read: FORCE ROW LEVEL SECURITY is not for them. */
static bool
is_hidden(Oid relid, Oid reader)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	bool hidden;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	hidden = class->relrowsecurity && !has_privs_of_role(reader, class->relowner) &&
			 !has_bypassrls_privilege(reader);
	ReleaseSysCache(tuple);
	return hidden;
}

static Oid
hidden_table(const RelatedRows *rows, const ContactTable *table)
{
	if (is_hidden(rows->relid, table->owner))
		return rows->relid;
	if (OidIsValid(rows->link_relid) && is_hidden(rows->link_relid, table->owner))
		return rows->link_relid;
	return InvalidOid;
}

/*
 * Are related rows, or links to them, hidden?
 */
bool
HiddenRowsOf(const RelatedRows *rows, const ContactTable *table)
{
	return OidIsValid(hidden_table(rows, table));
}

/*
 * An error if they are.
 */
void
HiddenRowsRefuse(const RelatedRows *rows, const ContactTable *table)
{
	Oid relid = hidden_table(rows, table);

	if (OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("row security of table \"%s\" hides rows from the owner of contact "
							   "table \"%s\"",
							   get_rel_name(relid), get_rel_name(table->relid)),
						errhint("Give both tables the same owner.")));
}

static void
roles_changed(Datum arg, int cache, uint32 hash)
{
	generation++;
}

/*
 * Changes when roles do, their rights or memberships: then the answers can be others.
 */
uint64
HiddenRowsGeneration(void)
{
	if (generation == 0)
	{
		CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed, (Datum) 0);
		generation = 1;
	}
	return generation;
}
