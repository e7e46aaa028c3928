/*
 * other_object.c - names in filters that mean fields of another object.
 *
 * Takes a filter; gives the fields that it names without an object, or under
 * lead, and that are of behaviors or groups, because the contact has no field
 * of that name.  Stored with a segment, it tells whether a name means today
 * what it meant when the filter was stored: a column that comes or goes can
 * change that without anything becoming an error.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/secure.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"

PG_FUNCTION_INFO_V1(segments_other_objects);

/*
 * The names below a node, as "object.field", appended to a list.  Those in a
 * row group are of its rows alone.
 */
static List *
collect(List *names, const FilterNode *node, ContactTable *table)
{
	Field *field;
	int i;

	check_stack_depth();
	for (i = 0; FilterNodeIsGroup(node) && i < node->nchildren; i++)
		names = collect(names, node->children[i], table);
	if (FilterNodeIsGroup(node) || FilterNodeIsRows(node))
		return names;
	CHECK_FOR_INTERRUPTS();
	field = FieldLookup(table, node->object, node->field);
	if (field != NULL && strcmp(field->object, node->object) != 0)
		names = lappend(names, psprintf("%s.%s", field->object, field->name));
	return names;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * segments_internal.other_objects(filters, contact_table) -> text[]: sorted, each once.
 */
Datum
segments_other_objects(PG_FUNCTION_ARGS)
{
	ContactTable *table = AccessContactTable(PG_GETARG_OID(1));
	FilterNode *root = FilterUnflatten(PG_GETARG_FILTER_P(0));
	SecureContext secure;
	List *names;
	ListCell *cell;
	const char *last = NULL;
	Datum *values;
	int n = 0;

	SecureEnter(&secure, table->owner);
	names = collect(NIL, root, table);
	SecureLeave(&secure);
	list_sort(names, compare_names);
	values = palloc(sizeof(Datum) * Max(list_length(names), 1));
	foreach (cell, names)
	{
		if (last == NULL || strcmp(last, lfirst(cell)) != 0)
			values[n++] = CStringGetTextDatum(lfirst(cell));
		last = lfirst(cell);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}
