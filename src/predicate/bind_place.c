/*
 * bind_place.c - the filter that is being bound, and its place in the document:
 * refusals that name it, and the value that its field stands for.
 */
#include "postgres.h"

#include "predicate/bind_place.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"

#include "definition/field.h"
#include "definition/related_sql.h"
#include "filter/filter.h"
#include "predicate/predicate.h"

/*
 * Refuse the value, or the part of it that is at fault: `what` says what would
 * be accepted.
 */
void
BindRefuseValue(BindPlace *place, const FilterValue *value, const char *what)
{
	if (value->text)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid value \"%s\" for field \"%s\" of type %s", value->text,
							   place->field->name, place->field->type),
						errdetail("At %s.properties.filter: %s.", place->path, what)));
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for field \"%s\" of type %s", place->field->name,
						   place->field->type),
					errdetail("At %s.properties.filter: %s.", place->path, what)));
}

static void
refuse_field_of_row(BindPlace *place, const char *path, const char *name)
{
	const char *relation = place->options->row->name;

	ereport(
		ERROR,
		(errcode(ERRCODE_UNDEFINED_COLUMN),
		 place->field ? errmsg("field \"%s\" of relation \"%s\" is not available for segments",
							   name, relation)
					  : errmsg("field \"%s\" of relation \"%s\" does not exist", name, relation),
		 errdetail("At %s.", path),
		 errhint("A row has the columns of its table, and the fields that are defined over the "
				 "relation without aggregate.")));
}

/*
 * Set the field to one of the row at hand; path is where its name stands.
 */
Field *
BindFieldOfRow(BindPlace *place, const char *path, const char *name)
{
	place->field = FieldOfRow(place->table, place->options->row, name);
	if (place->field == NULL || (place->options->storing && !place->field->available))
		refuse_field_of_row(place, path, name);
	return place->field;
}

AtomScope
BindScope(const Field *field)
{
	if (field->row_of != NULL)
		return ATOM_ROW;
	if (field->class == FIELD_SEGMENT)
		return ATOM_MEMBER;
	if (field->rows == NULL)
		return ATOM_CONTACT;
	return field->aggregate >= AGGREGATE_COUNT ? ATOM_AGGREGATE : ATOM_ROWS;
}

/*
 * What is added up: nothing whose sum can be out of range, or depends on the
 * order of the rows.
 */
char *
BindAddend(const Field *field)
{
	switch (field->value_type)
	{
		case FLOAT4OID:
		case FLOAT8OID:
			return psprintf("segments_internal.addend(%s)", field->value);
		case NUMERICOID:
			return field->is_bounded ? field->value
									 : psprintf("segments_internal.addend(%s)", field->value);
		default:
			return field->value;
	}
}

/* A value by which rows are put in order, where none of two different ones comes first by chance. */
static char *
ordered_value(const Field *field)
{
	return field->deterministic ? field->value : psprintf("(%s) COLLATE \"C\"", field->value);
}

/*
 * What is computed of all rows r of a contact: a call of the aggregate.  NULL
 * for the latest value, which BindLatestOrder finds.
 */
char *
BindAggregateCall(const Field *field)
{
	return AggregateCallSql(field->aggregate, field->aggregate == AGGREGATE_SUM
												  ? BindAddend(field)
												  : ordered_value(field));
}

/*
 * The order of the rows r of a contact in which the latest value comes first.
 */
char *
BindLatestOrder(const Field *field)
{
	return psprintf("%s DESC NULLS LAST, %s DESC NULLS LAST",
					field->order_by ? field->order_by : ordered_value(field), ordered_value(field));
}

/* The aggregate as a scalar subquery over the contact. */
static char *
aggregate_value(BindPlace *place)
{
	Field *field = place->field;
	char *from = RowsFromSql(field->rows, field->condition, "c", place->table);
	char *call = BindAggregateCall(field);

	if (call)
		return psprintf("(SELECT %s %s)", call, from);
	return psprintf("(SELECT %s %s ORDER BY %s LIMIT 1)", field->value, from,
					BindLatestOrder(field));
}

char *
BindRawValue(BindPlace *place)
{
	if (BindScope(place->field) == ATOM_AGGREGATE)
		return aggregate_value(place);
	return place->field->value;
}

/*
 * A function of a date or an instant that sees it in the contact table's zone.
 */
char *
BindLocalCall(BindPlace *place, const char *function, const char *value)
{
	const char *zone = quote_literal_cstr(place->table->timezone);

	if (place->field->class == FIELD_DATE)
		return psprintf("segments.%s(%s)", function, value);
	if (place->field->value_type == TIMESTAMPTZOID)
		return psprintf("segments.%s(%s, %s)", function, value, zone);
	return psprintf("segments.%s(%s, %s, %s)", function, value,
					quote_literal_cstr(place->field->timezone), zone);
}
