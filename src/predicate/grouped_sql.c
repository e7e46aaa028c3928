/*
 * grouped_sql.c - what is computed of related rows, for all contacts in one
 * pass.
 *
 * An aggregate is a subquery over one contact's rows.  Asked of many contacts
 * it costs a search of an index each, where one pass over the table, grouped by
 * contact, gives it for all.  Here the subquery of an atom becomes a column of
 * such a group, joined to the contact c.  A contact without rows has no group:
 * its count and sum are 0, and other aggregates NULL, as the subquery's are.
 */
#include "postgres.h"

#include "predicate/grouped_sql.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/related_sql.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"

#define MAX_GROUPED 8 /* joins that the planner puts in order */

typedef struct GroupedValue
{
	char *subquery; /* over the contact c, that it stands for */
	char *rows;     /* query for a contact's key k and the value v */
	const char *column;
} GroupedValue;

/* Query for the value of each contact that has rows; NULL when it can't be asked so. */
static GroupedValue *
group(const Field *field, ContactTable *table)
{
	GroupedValue *value = palloc0(sizeof(GroupedValue));
	char *call = BindAggregateCall(field);
	char *from;
	char *key;

	if (!RowsOfAllSql(field->rows, field->condition, table, &from, &key, &value->column))
		return NULL;
	if (call)
		value->rows = psprintf("SELECT %s AS k, %s AS v %s GROUP BY %s", key, call, from, key);
	else
		value->rows = psprintf("SELECT DISTINCT ON (%s) %s AS k, %s AS v %s ORDER BY %s, %s", key,
							   key, field->value, from, key, BindLatestOrder(field));
	return value;
}

/* Which of the grouped values a subquery is, from 1; 0: it can't be. */
static int
number_of(GroupedRows *grouped, char *subquery, const Field *field, ContactTable *table)
{
	GroupedValue *value;
	ListCell *cell;

	foreach (cell, grouped->values)
		if (strcmp(((GroupedValue *) lfirst(cell))->subquery, subquery) == 0)
			return foreach_current_index(cell) + 1;
	if (list_length(grouped->values) == MAX_GROUPED || (value = group(field, table)) == NULL)
		return 0;
	value->subquery = subquery;
	grouped->values = lappend(grouped->values, value);
	return list_length(grouped->values);
}

/* ----- contacts without rows ----- */

/* Less than, equal to or greater than 0. */
static int
sign_of(ValueType type, Datum number)
{
	if (type == VALUE_INT)
		return DatumGetInt64(number) < 0 ? -1 : DatumGetInt64(number) > 0;
	return DatumGetInt32(
		DirectFunctionCall2(numeric_cmp, number, NumericGetDatum(int64_to_numeric(0))));
}

/*
 * Is the atom surely false where count or sum is 0?  Then NULL does as well, and
 * the planner need not keep contacts that have no group.
 */
static bool
is_false_of_zero(const Atom *atom)
{
	int sign;
	int i;

	if (atom->value_type != VALUE_INT && atom->value_type != VALUE_NUMERIC)
		return false;
	if (atom->test == TEST_RANGE && atom->lower.given && atom->lower.kind == MOMENT_CONSTANT)
	{
		sign = sign_of(atom->value_type, atom->lower.constant);
		return sign > 0 || (sign == 0 && !atom->lower.inclusive);
	}
	if (atom->test != TEST_ANY)
		return false;
	for (i = 0; i < atom->nconstants; i++)
		if (sign_of(atom->value_type, atom->constants[i]) == 0)
			return false;
	return true;
}

static char *
reference_to(int number, const Atom *atom)
{
	bool is_zero =
		atom->field->aggregate == AGGREGATE_COUNT || atom->field->aggregate == AGGREGATE_SUM;

	return is_zero && !is_false_of_zero(atom) ? psprintf("COALESCE(g%d.v, 0)", number)
											  : psprintf("g%d.v", number);
}

/* ----- atoms ----- */

/* The text, with another instead of each `part`. */
static char *
replace(const char *text, const char *part, const char *other)
{
	StringInfoData out;
	const char *found;

	initStringInfo(&out);
	while ((found = strstr(text, part)) != NULL)
	{
		appendBinaryStringInfo(&out, text, found - text);
		appendStringInfoString(&out, other);
		text = found + strlen(part);
	}
	appendStringInfoString(&out, text);
	return out.data;
}

/*
 * The atom with its aggregate, if it is one, as a column of one of the grouped
 * values; the atom itself where that can't be, and without grouped values.
 */
const Atom *
GroupedAtom(GroupedRows *grouped, const Atom *atom, ContactTable *table)
{
	BindPlace place = {0};
	Atom *result;
	char *subquery;
	int number;

	if (grouped == NULL || atom->scope != ATOM_AGGREGATE)
		return atom;
	place.table = table;
	place.field = atom->field;
	subquery = BindRawValue(&place);
	if (strstr(atom->value, subquery) == NULL)
		return atom;
	number = number_of(grouped, subquery, atom->field, table);
	if (number == 0)
		return atom;
	result = palloc(sizeof(Atom));
	*result = *atom;
	result->value = replace(atom->value, subquery, reference_to(number, atom));
	return result;
}

/*
 * Join the grouped values, after FROM the contacts c.
 */
void
GroupedJoins(StringInfo out, const GroupedRows *grouped)
{
	ListCell *cell;

	foreach (cell, grouped->values)
	{
		const GroupedValue *value = lfirst(cell);
		int number = foreach_current_index(cell) + 1;

		appendStringInfo(out, " LEFT JOIN (%s) g%d ON g%d.k = c.%s", value->rows, number, number,
						 value->column);
	}
}
