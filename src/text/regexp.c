/*
 * regexp.c - the collation by which regular expressions ignore case.
 *
 * ICU's root collation knows the case of every script and is the same on every
 * machine; a server built without ICU has the C collation only, which knows
 * the case of ASCII.
 */
#include "postgres.h"

#include "text/regexp.h"

#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "nodes/value.h"

#define ROOT_COLLATION "und-x-icu"

/*
 * OID of the collation.
 */
Oid
RegexpCollation(void)
{
	static Oid collation = InvalidOid;

	if (!OidIsValid(collation))
	{
		collation = get_collation_oid(
			list_make2(makeString("pg_catalog"), makeString(ROOT_COLLATION)), true);
		if (!OidIsValid(collation))
			collation = C_COLLATION_OID;
	}
	return collation;
}

/*
 * The collation for SQL text.
 */
const char *
RegexpCollationSql(void)
{
	return RegexpCollation() == C_COLLATION_OID ? "pg_catalog.\"C\""
												: "pg_catalog.\"" ROOT_COLLATION "\"";
}
