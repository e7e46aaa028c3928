/*
 * field_type.c - the words for types and aggregates of fields.
 */
#include "postgres.h"

#include "definition/field_type.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "definition/field.h"

static const struct
{
	const char *word;
	FieldClass class;
} field_types[] = {
	{"text", FIELD_TEXT},     {"email", FIELD_TEXT},
	{"url", FIELD_TEXT},      {"tel", FIELD_TEXT},
	{"select", FIELD_TEXT},   {"country", FIELD_TEXT},
	{"region", FIELD_TEXT},   {"locale", FIELD_TEXT},
	{"timezone", FIELD_TEXT}, {"lookup", FIELD_TEXT},
	{"number", FIELD_NUMBER}, {"boolean", FIELD_BOOLEAN},
	{"date", FIELD_DATE},     {"datetime", FIELD_DATETIME},
	{"time", FIELD_TIME},     {"multiselect", FIELD_MULTISELECT},
	{"id", FIELD_ID},         {"segment", FIELD_SEGMENT},
};

/*
 * The class of values that a field type, by its word, has.
 */
FieldClass
FieldClassOfWord(const char *word)
{
	int i;

	for (i = 0; i < lengthof(field_types); i++)
		if (strcmp(field_types[i].word, word) == 0)
			return field_types[i].class;
	elog(ERROR, "unrecognized field type \"%s\"", word);
	return 0;
}

static bool
is_string_type(Oid type)
{
	char category;
	bool preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

/*
 * The type word a value of this SQL type gets by itself, or NULL when it can't
 * be a field.
 */
const char *
FieldTypeInfer(Oid type)
{
	switch (getBaseType(type))
	{
		case BOOLOID:
			return "boolean";
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return "number";
		case DATEOID:
			return "date";
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return "datetime";
		case TIMEOID:
			return "time";
		case TEXTARRAYOID:
		case VARCHARARRAYOID:
			return "multiselect";
		case UUIDOID:
			return "id";
		default:
			if (type_is_enum(getBaseType(type)))
				return "select";
			return is_string_type(getBaseType(type)) ? "text" : NULL;
	}
}

/*
 * The aggregate that a word means; none for NULL.
 */
FieldAggregate
FieldAggregateOfWord(const char *word)
{
	static const char *const words[] = {"exists", "count", "sum", "min", "max", "latest"};
	int i;

	if (word == NULL)
		return AGGREGATE_NONE;
	for (i = 0; i < lengthof(words); i++)
		if (strcmp(words[i], word) == 0)
			return (FieldAggregate) (AGGREGATE_EXISTS + i);
	elog(ERROR, "unrecognized aggregate \"%s\"", word);
	return AGGREGATE_NONE;
}

/*
 * segments.inferred_type(regtype) -> text
 */
PG_FUNCTION_INFO_V1(segments_inferred_type);
Datum
segments_inferred_type(PG_FUNCTION_ARGS)
{
	const char *word = FieldTypeInfer(PG_GETARG_OID(0));

	if (word == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(word));
}
