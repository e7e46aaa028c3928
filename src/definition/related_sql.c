/*
 * related_sql.c - the related rows of a contact, as SQL.
 */
#include "postgres.h"

#include "definition/related_sql.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "definition/contact_table.h"

/*
 * FROM ... WHERE ... of the related rows r of the contact aliased `contact`,
 * with the relation's and the field's fixed conditions.
 */
char *
RowsFromSql(const RelatedRows *rows, const char *condition, const char *contact,
			ContactTable *table)
{
	StringInfoData out;
	char *relation = CatalogRelationName(rows->relid);

	initStringInfo(&out);
	if (rows->contact_reference)
		appendStringInfo(&out, "FROM %s r WHERE r.%s = %s.%s", relation,
						 quote_identifier(rows->key_column), contact,
						 quote_identifier(rows->contact_reference));
	else if (!OidIsValid(rows->link_relid))
		appendStringInfo(&out, "FROM %s r WHERE r.%s = %s.%s", relation,
						 quote_identifier(rows->contact_column), contact, table->key);
	else
	{
		char *link = CatalogRelationName(rows->link_relid);

		appendStringInfo(&out, "FROM %s l JOIN %s r ON r.%s = l.%s WHERE l.%s = %s.%s", link,
						 relation, quote_identifier(rows->key_column),
						 quote_identifier(rows->link_column),
						 quote_identifier(rows->contact_column), contact, table->key);
		if (rows->only_primary && rows->primary_column)
			appendStringInfo(&out, " AND l.%s", quote_identifier(rows->primary_column));
		/* of several primary ones, the lowest */
		if (rows->only_primary)
		{
			appendStringInfo(
				&out, " AND NOT EXISTS (SELECT FROM %s o WHERE o.%s = l.%s AND o.%s < l.%s", link,
				quote_identifier(rows->contact_column), quote_identifier(rows->contact_column),
				quote_identifier(rows->link_column), quote_identifier(rows->link_column));
			if (rows->primary_column)
				appendStringInfo(&out, " AND o.%s", quote_identifier(rows->primary_column));
			appendStringInfoChar(&out, ')');
		}
	}
	if (condition)
		appendStringInfo(&out, " AND %s", condition);
	return out.data;
}
