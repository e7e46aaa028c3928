/*
 * field_value.c - the value of a field as SQL over one row, and its type.
 */
#include "postgres.h"

#include "definition/field_value.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/sql_expr.h"
#include "base/sql_text.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/field_type.h"

/*
 * The value of a column, if there is one.
 */
bool
FieldValueFromColumn(Field *field, Oid relid, const char *alias, const char *column)
{
	AttrNumber attnum = get_attnum(relid, column);
	Oid collation;
	int32 typmod;

	if (attnum <= 0)
		return false;
	get_atttypetypmodcoll(relid, attnum, &field->value_type, &typmod, &collation);
	if (!OidIsValid(field->value_type))
		return false;
	field->value = psprintf("%s.%s", alias, quote_identifier(column));
	field->is_bounded = typmod >= 0;
	field->deterministic = !OidIsValid(collation) || get_collation_isdeterministic(collation);
	return true;
}

/*
 * The value that a field was declared to have, over a row of relid; an error when
 * the owner of the contact table may not evaluate it.
 */
void
FieldValueFromDefinition(Field *field, const FieldDefinition *def, Oid owner, Oid relid,
						 const char *alias)
{
	const char *column = def->column_name ? def->column_name : field->name;

	if (def->expression)
		field->value = SqlExprQualify(def->expression, relid, get_rel_name(relid), alias, owner,
									  &field->value_type, &field->deterministic);
	else if (FieldValueFromColumn(field, relid, alias, column))
		return;
	else if (field->aggregate == AGGREGATE_EXISTS || field->aggregate == AGGREGATE_COUNT)
		field->value = NULL;
	else
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist", column, get_rel_name(relid)),
			 errdetail("Field \"%s\" of object %s needs it.", field->name, field->object)));
}

static void
refuse_type(Field *field, const char *type)
{
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("field \"%s\" of type %s cannot be over a value of type %s", field->name,
						   type, format_type_be(field->value_type))));
}

/*
 * Text of any type that has one; text and varchar stay as they are, so that an
 * index on the column or on its folded form serves.
 */
static void
coerce_to_text(Field *field)
{
	Oid base = getBaseType(field->value_type);

	if (base == TEXTOID || base == VARCHAROID)
		return;
	if (type_is_enum(base))
		field->enum_type = base;
	field->value = SqlTextOf(field->value, base);
	field->value_type = TEXTOID;
	field->deterministic = true;
}

/* An array whose elements are compared by their texts. */
static bool
is_other_array(Oid base)
{
	return base != TEXTARRAYOID && OidIsValid(get_element_type(base));
}

/*
 * Check the value's SQL type against the field's type, and bring it to the few
 * types that the rest knows.
 */
void
FieldValueNormalize(Field *field)
{
	Oid base = getBaseType(field->value_type);
	bool is_int = (base == INT2OID || base == INT4OID || base == INT8OID);

	switch (field->class)
	{
		case FIELD_TEXT:
			coerce_to_text(field);
			break;
		case FIELD_ID:
			if (!is_int)
				coerce_to_text(field);
			break;
		case FIELD_NUMBER:
			if (!is_int && base != NUMERICOID && base != FLOAT4OID && base != FLOAT8OID)
				refuse_type(field, field->type);
			break;
		case FIELD_BOOLEAN:
			if (is_int)
				field->value = psprintf("(%s <> 0)", field->value);
			else if (base != BOOLOID)
				refuse_type(field, field->type);
			base = BOOLOID;
			break;
		case FIELD_DATE:
		case FIELD_DATETIME:
			/* the column's type rules */
			if (base == DATEOID)
				field->class = FIELD_DATE;
			else if (base == TIMESTAMPOID || base == TIMESTAMPTZOID)
				field->class = FIELD_DATETIME;
			else
				refuse_type(field, field->type);
			break;
		case FIELD_TIME:
			if (base != TIMEOID)
				refuse_type(field, field->type);
			break;
		case FIELD_MULTISELECT:
			if (is_other_array(base))
				field->value = SqlTextsOf(field->value, base);
			else if (base != TEXTARRAYOID)
				coerce_to_text(field);
			break;
		case FIELD_SEGMENT:
			break;
	}
	if (field->class != FIELD_TEXT && field->class != FIELD_ID && field->class != FIELD_MULTISELECT)
		field->value_type = base;
	else if (field->class == FIELD_MULTISELECT)
		field->value_type = (base == TEXTARRAYOID || is_other_array(base)) ? TEXTARRAYOID : TEXTOID;
	else
		field->value_type = is_int && field->class == FIELD_ID ? base : TEXTOID;
}

/*
 * The type word of a field that was declared without one.
 */
const char *
FieldValueDefaultType(Field *field)
{
	const char *word;

	if (field->aggregate == AGGREGATE_EXISTS)
		return "boolean";
	if (field->aggregate == AGGREGATE_COUNT || field->aggregate == AGGREGATE_SUM)
		return "number";
	word = FieldTypeInfer(field->value_type);
	if (word == NULL)
		refuse_type(field, "text");
	return word;
}
