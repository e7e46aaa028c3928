/*
 * related_sql.c - the related rows of a contact, as SQL.
 */
#include "postgres.h"

#include "definition/related_sql.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/type_name.h"
#include "definition/contact_table.h"
#include "definition/field.h"

/* The column that leads from a row, or its link, to the contact; aliased r, or l. */
static char *
contact_key(const RelatedRows *rows)
{
	if (rows->contact_reference)
		return psprintf("r.%s", quote_identifier(rows->key_column));
	return psprintf("%c.%s", OidIsValid(rows->link_relid) ? 'l' : 'r',
					quote_identifier(rows->contact_column));
}

/* Of several primary links, the lowest. */
static void
append_only_primary(StringInfo out, const RelatedRows *rows, const char *link)
{
	if (rows->primary_column)
		appendStringInfo(out, " AND l.%s", quote_identifier(rows->primary_column));
	appendStringInfo(out, " AND NOT EXISTS (SELECT FROM %s o WHERE o.%s = l.%s AND o.%s < l.%s",
					 link, quote_identifier(rows->contact_column),
					 quote_identifier(rows->contact_column), quote_identifier(rows->link_column),
					 quote_identifier(rows->link_column));
	if (rows->primary_column)
		appendStringInfo(out, " AND o.%s", quote_identifier(rows->primary_column));
	appendStringInfoChar(out, ')');
}

/* FROM ... WHERE, where `whose` says which contacts' rows. */
static char *
rows_from(const RelatedRows *rows, const char *whose, const char *condition)
{
	StringInfoData out;
	char *relation = CatalogRelationName(rows->relid);

	initStringInfo(&out);
	if (rows->contact_reference || !OidIsValid(rows->link_relid))
		appendStringInfo(&out, "FROM %s r WHERE %s", relation, whose);
	else
	{
		char *link = CatalogRelationName(rows->link_relid);

		appendStringInfo(&out, "FROM %s l JOIN %s r ON r.%s = l.%s WHERE %s", link, relation,
						 quote_identifier(rows->key_column), quote_identifier(rows->link_column),
						 whose);
		if (rows->only_primary)
			append_only_primary(&out, rows, link);
	}
	if (condition)
		appendStringInfo(&out, " AND %s", condition);
	return out.data;
}

/* The column of the contact that its rows point at, or that points at them; quoted. */
static const char *
contact_column(const RelatedRows *rows, ContactTable *table)
{
	return rows->contact_reference ? quote_identifier(rows->contact_reference) : table->key;
}

/*
 * FROM ... WHERE ... of the related rows r of the contact aliased `contact`,
 * with the relation's and the field's fixed conditions.
 */
char *
RowsFromSql(const RelatedRows *rows, const char *condition, const char *contact,
			ContactTable *table)
{
	return rows_from(
		rows, psprintf("%s = %s.%s", contact_key(rows), contact, contact_column(rows, table)),
		condition);
}

static bool
is_whole_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* What bounds the whole numbers of a type. */
static const char *
whole_numbers(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return "-32768 AND 32767";
		case INT4OID:
			return "-2147483648 AND 2147483647";
		default:
			return "-9223372036854775808 AND 9223372036854775807";
	}
}

/*
 * The key of the contact that a column of a row points at, as a value of the
 * key's base type; null where the column holds what cannot be one.  Whoever
 * writes such a row is not to get an error.
 */
char *
RowContactKeySql(ContactTable *table, Oid relid, const char *alias, const char *column)
{
	Oid key = getBaseType(table->key_type);
	Oid type = getBaseType(get_atttype(relid, get_attnum(relid, column)));
	char *value = psprintf("%s.%s", alias, quote_identifier(column));
	char *cast = psprintf("%s::%s", value, UnmodifiedTypeName(key));

	if (!is_whole_number(key) || type == key)
		return cast;
	if (type == NUMERICOID)
		return psprintf("CASE WHEN %s BETWEEN %s AND %s = pg_catalog.trunc(%s) THEN %s END", value,
						whole_numbers(key), value, value, cast);
	if (is_whole_number(type) && get_typlen(type) > get_typlen(key))
		return psprintf("CASE WHEN %s BETWEEN %s THEN %s END", value, whole_numbers(key), cast);
	return cast;
}

/* Does GROUP BY one column tell apart what = with the other tells apart? */
static bool
group_alike(Oid relid, const char *column, Oid other_relid, const char *other_column)
{
	Oid types[2];
	Oid collations[2];
	int32 typmod;

	get_atttypetypmodcoll(relid, get_attnum(relid, column), &types[0], &typmod, &collations[0]);
	get_atttypetypmodcoll(other_relid, get_attnum(other_relid, other_column), &types[1], &typmod,
						  &collations[1]);
	types[0] = getBaseType(types[0]);
	types[1] = getBaseType(types[1]);
	return (types[0] == types[1] && collations[0] == collations[1]) ||
		   (is_whole_number(types[0]) && is_whole_number(types[1]));
}

/*
 * The related rows r of all contacts: FROM ... WHERE ..., by which column they
 * are the rows of one contact, and which column of the contact equals it. False
 * when contacts would not be told apart by it as they are one by one.
 */
bool
RowsOfAllSql(const RelatedRows *rows, const char *condition, ContactTable *table, char **from,
			 char **key, const char **column)
{
	bool linked = !rows->contact_reference && OidIsValid(rows->link_relid);

	if (!group_alike(linked ? rows->link_relid : rows->relid,
					 rows->contact_reference ? rows->key_column : rows->contact_column,
					 table->relid,
					 rows->contact_reference ? rows->contact_reference : table->key_column))
		return false;
	*key = contact_key(rows);
	*column = contact_column(rows, table);
	*from = rows_from(rows, psprintf("%s IS NOT NULL", *key), condition);
	return true;
}

/*
 * A call of the aggregate over rows, of which the argument is SQL (a count has
 * none); NULL for the latest value and for existence, which are not calls.
 */
char *
AggregateCallSql(FieldAggregate aggregate, const char *argument)
{
	switch (aggregate)
	{
		case AGGREGATE_COUNT:
			return pstrdup("pg_catalog.count(*)");
		case AGGREGATE_SUM:
			return psprintf("COALESCE(pg_catalog.sum(%s), 0)", argument);
		case AGGREGATE_MIN:
			return psprintf("pg_catalog.min(%s)", argument);
		case AGGREGATE_MAX:
			return psprintf("pg_catalog.max(%s)", argument);
		default:
			return NULL;
	}
}
