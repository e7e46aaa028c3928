/*
 * field.c - a name in a filter -> the field it means.
 *
 * Takes object and field name, gives how to get the value as SQL over one row
 * (alias c for a contact, r for a related row), its class, and what it is
 * computed over.  Everything special to one schema is in the catalogue.
 */
#include "postgres.h"

#include "definition/field.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "base/sql_expr.h"
#include "definition/contact_table.h"

#define FIELD_KEY_LENGTH 192

typedef struct FieldEntry
{
	char key[FIELD_KEY_LENGTH];
	Field *field;
} FieldEntry;

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

static FieldClass
class_of_word(const char *word)
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
static const char *
infer_type(Oid type)
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
 * segments.inferred_type(regtype) -> text
 */
PG_FUNCTION_INFO_V1(segments_inferred_type);
Datum
segments_inferred_type(PG_FUNCTION_ARGS)
{
	const char *word = infer_type(PG_GETARG_OID(0));

	if (word == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(word));
}

/* ----- the catalogue of one contact table, loaded once ----- */

static void
load_definitions(ContactTable *table)
{
	MemoryContext old = MemoryContextSwitchTo(table->context);
	HASHCTL info = {0};

	info.keysize = FIELD_KEY_LENGTH;
	info.entrysize = sizeof(FieldEntry);
	info.hcxt = table->context;
	table->fields =
		hash_create("segments fields", 64, &info, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	table->relations = CatalogRelations(table->relid);
	table->definitions = CatalogFieldDefinitions(table->relid);
	table->loaded = true;
	MemoryContextSwitchTo(old);
}

static RelatedRows *
find_relation(ContactTable *table, const char *name)
{
	ListCell *cell;

	foreach (cell, table->relations)
	{
		RelatedRows *rows = lfirst(cell);

		if (strcmp(rows->name, name) == 0)
			return rows;
	}
	return NULL;
}

/*
 * Does a declared name cover `name`?  One that ends in * stands for every
 * whole number, whose digits *number then points at.
 */
static bool
name_covers(const char *declared, const char *name, const char **number)
{
	size_t len = strlen(declared);

	*number = NULL;
	if (len == 0 || declared[len - 1] != '*')
		return strcmp(declared, name) == 0;
	if (strncmp(declared, name, len - 1) != 0)
		return false;
	*number = name + len - 1;
	if (**number == '\0' || strlen(*number) > 9 || (**number == '0' && (*number)[1] != '\0'))
		return false;
	return strspn(*number, "0123456789") == strlen(*number);
}

static bool
is_over(const FieldDefinition *def, const RelatedRows *rows)
{
	const char *relation = def->relation;

	/* what was declared for companies holds for all of a contact's companies */
	if (relation == NULL && strcmp(def->object, "company") == 0)
		return strcmp(rows->name, "company") == 0 || strcmp(rows->name, "company_all") == 0;
	if (relation == NULL && strcmp(def->object, "company_all") == 0)
		relation = "company_all";
	return relation != NULL && strcmp(relation, rows->name) == 0;
}

/*
 * The definition that a name means, of an object, or over rows without
 * aggregate: the one of that very name, else the one with the longest part
 * before its *.
 */
static FieldDefinition *
best_definition(ContactTable *table, const char *object, const RelatedRows *rows, const char *name,
				const char **number)
{
	FieldDefinition *best = NULL;
	ListCell *cell;

	*number = NULL;
	foreach (cell, table->definitions)
	{
		FieldDefinition *def = lfirst(cell);
		const char *digits;

		if (object ? strcmp(def->object, object) != 0
				   : def->aggregate != NULL || !is_over(def, rows))
			continue;
		if (!name_covers(def->field, name, &digits))
			continue;
		if (digits == NULL)
		{
			*number = NULL;
			return def;
		}
		if (best == NULL || strlen(def->field) > strlen(best->field))
		{
			best = def;
			*number = digits;
		}
	}
	return best;
}

static FieldDefinition *
find_definition(ContactTable *table, const char *object, const char *name, const char **number)
{
	return best_definition(table, object, NULL, name, number);
}

/*
 * segments_internal.name_covers(declared, field) -> boolean
 */
PG_FUNCTION_INFO_V1(segments_name_covers);
Datum
segments_name_covers(PG_FUNCTION_ARGS)
{
	const char *number;

	PG_RETURN_BOOL(name_covers(text_to_cstring(PG_GETARG_TEXT_PP(0)),
							   text_to_cstring(PG_GETARG_TEXT_PP(1)), &number));
}

/* ----- building a field ----- */

/* $1 in a condition becomes the number in the field's name. */
static char *
substitute_number(const char *condition, const char *number)
{
	StringInfoData out;
	const char *p;

	if (condition == NULL || number == NULL)
		return condition ? pstrdup(condition) : NULL;
	initStringInfo(&out);
	for (p = condition; *p; p++)
	{
		if (p[0] == '$' && p[1] == '1' && !(p[2] >= '0' && p[2] <= '9'))
		{
			appendStringInfoString(&out, number);
			p++;
		}
		else
			appendStringInfoChar(&out, *p);
	}
	return out.data;
}

static bool
column_value(Field *field, Oid relid, const char *alias, const char *column)
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
	field->value = psprintf("(%s)::pg_catalog.text", field->value);
	field->value_type = TEXTOID;
	field->deterministic = true;
}

/*
 * Check the value's SQL type against the field's type, and bring it to the few
 * types that the rest knows.
 */
static void
normalise_value(Field *field)
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
			if (base == VARCHARARRAYOID)
				field->value = psprintf("(%s)::pg_catalog.text[]", field->value);
			else if (base != TEXTARRAYOID)
				coerce_to_text(field);
			break;
		case FIELD_SEGMENT:
			break;
	}
	if (field->class != FIELD_TEXT && field->class != FIELD_ID && field->class != FIELD_MULTISELECT)
		field->value_type = base;
	else if (field->class == FIELD_MULTISELECT)
		field->value_type =
			(base == TEXTARRAYOID || base == VARCHARARRAYOID) ? TEXTARRAYOID : TEXTOID;
	else
		field->value_type = is_int && field->class == FIELD_ID ? base : TEXTOID;
}

static FieldAggregate
aggregate_of_word(const char *word)
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

static const char *
default_type(Field *field)
{
	const char *word;

	if (field->aggregate == AGGREGATE_EXISTS)
		return "boolean";
	if (field->aggregate == AGGREGATE_COUNT || field->aggregate == AGGREGATE_SUM)
		return "number";
	word = infer_type(field->value_type);
	if (word == NULL)
		refuse_type(field, "text");
	return word;
}

static Field *
new_field(ContactTable *table, const char *object, const char *name)
{
	Field *field = palloc0(sizeof(Field));

	field->object = pstrdup(object);
	field->name = pstrdup(name);
	field->available = true;
	field->case_sensitive = table->case_sensitive;
	field->timezone = pstrdup("UTC");
	field->deterministic = true;
	return field;
}

/* Where a field's rows are: NULL for the contact's own. */
static RelatedRows *
rows_of(ContactTable *table, const char *object, const char *relation)
{
	const char *name = relation;
	RelatedRows *rows;

	if (name == NULL && strncmp(object, "company", 7) == 0)
		name = object;
	if (name == NULL)
		return NULL;
	rows = find_relation(table, name);
	if (rows == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("relation \"%s\" of contact table \"%s\" does not exist", name,
							   get_rel_name(table->relid))));
	return rows;
}

static void
set_value(Field *field, const FieldDefinition *def, Oid relid, const char *alias)
{
	const char *column = def->column_name ? def->column_name : field->name;

	if (def->expression)
		field->value = SqlExprQualify(def->expression, relid, get_rel_name(relid), alias,
									  &field->value_type, &field->deterministic);
	else if (column_value(field, relid, alias, column))
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

static Field *
field_from_definition(ContactTable *table, const FieldDefinition *def, const char *object,
					  const char *name, const char *number)
{
	Field *field = new_field(table, object, name);
	Oid relid;
	const char *alias;
	char *condition = substitute_number(def->condition, number);

	field->available = def->available;
	field->aggregate = aggregate_of_word(def->aggregate);
	field->rows = rows_of(table, object, def->relation);
	relid = field->rows ? field->rows->relid : table->relid;
	alias = field->rows ? "r" : "c";
	set_value(field, def, relid, alias);
	if (condition)
		field->condition = SqlExprQualify(condition, relid, get_rel_name(relid), alias, NULL, NULL);
	if (def->order_by)
		field->order_by = psprintf("%s.%s", alias, quote_identifier(def->order_by));
	if (def->case_given)
		field->case_sensitive = def->case_sensitive;
	if (def->timezone)
		field->timezone = pstrdup(def->timezone);
	field->unfollowed = def->unfollowed;
	if (def->default_prefix)
		field->default_prefix = pstrdup(def->default_prefix);
	field->type = pstrdup(def->type ? def->type : default_type(field));
	field->class = class_of_word(field->type);
	if (field->aggregate != AGGREGATE_EXISTS && field->aggregate != AGGREGATE_COUNT)
		normalise_value(field);
	return field;
}

/*
 * A relation's own condition as SQL over its row r; NULL where it has none.
 */
char *
FieldRelationCondition(const RelatedRows *rows)
{
	if (rows->condition == NULL)
		return NULL;
	return SqlExprQualify(rows->condition, rows->relid, get_rel_name(rows->relid), "r", NULL, NULL);
}

/*
 * A relation's own condition holds for every field over it.
 */
static void
add_relation_condition(Field *field)
{
	char *condition = field->rows ? FieldRelationCondition(field->rows) : NULL;

	if (condition == NULL)
		return;
	field->condition =
		field->condition ? psprintf("(%s AND %s)", condition, field->condition) : condition;
}

/* A column that nothing was declared for. */
static Field *
field_from_column(ContactTable *table, const char *object, const char *name)
{
	Field *field = new_field(table, object, name);
	const char *word;

	if (strncmp(object, "company", 7) == 0)
		field->rows = find_relation(table, object);
	if ((field->rows == NULL) != (strcmp(object, "lead") == 0))
		return NULL;
	if (!column_value(field, field->rows ? field->rows->relid : table->relid,
					  field->rows ? "r" : "c", name))
		return NULL;
	word = infer_type(field->value_type);
	if (word == NULL)
		return NULL;
	field->type = pstrdup(word);
	field->class = class_of_word(word);
	normalise_value(field);
	return field;
}

/* The membership field that every contact table has. */
static Field *
segment_field(ContactTable *table, const char *name)
{
	Field *field;

	if (strcmp(name, "leadlist") != 0)
		return NULL;
	field = new_field(table, "lead", name);
	field->type = pstrdup("segment");
	field->class = FIELD_SEGMENT;
	return field;
}

static Field *
resolve_in_object(ContactTable *table, const char *object, const char *name)
{
	const char *number;
	FieldDefinition *def = find_definition(table, object, name, &number);

	/* what was declared for companies holds for all of a contact's companies */
	if (def == NULL && strcmp(object, "company_all") == 0)
		def = find_definition(table, "company", name, &number);
	if (def != NULL)
		return field_from_definition(table, def, object, name, number);
	return field_from_column(table, object, name);
}

/* A share of the contacts by a hash of their key (SEMANTICS §8.7). */
static Field *
bucket_field(ContactTable *table, const char *name)
{
	const char *number;
	Field *field;

	if (!name_covers("bucket_*", name, &number))
		return NULL;
	field = new_field(table, "lead", name);
	field->type = pstrdup("number");
	field->class = FIELD_NUMBER;
	field->value = psprintf("segments.bucket(c.%s::pg_catalog.text, %s)", table->key, number);
	field->value_type = INT4OID;
	return field;
}

static Field *
resolve_field(ContactTable *table, const char *object, const char *name)
{
	/* whatever columns the table has, or gets later */
	Field *field = strcmp(object, "lead") == 0 ? segment_field(table, name) : NULL;

	if (field == NULL)
		field = resolve_in_object(table, object, name);
	if (field != NULL || strcmp(object, "lead") != 0)
		return field;
	field = resolve_in_object(table, "behaviors", name);
	if (field == NULL)
		field = resolve_in_object(table, "groups", name);
	if (field == NULL)
		field = bucket_field(table, name);
	return field;
}

/* ----- fields of one row of a relation, in row groups ----- */

/* The membership table seen as a relation. */
static RelatedRows *
memberships_of(ContactTable *table)
{
	MemoryContext old;

	if (table->memberships == NULL)
	{
		old = MemoryContextSwitchTo(table->context);
		table->memberships = palloc0(sizeof(RelatedRows));
		table->memberships->name = pstrdup(MEMBERSHIPS);
		table->memberships->relid = table->member_table;
		table->memberships->contact_column = pstrdup("contact_id");
		MemoryContextSwitchTo(old);
	}
	return table->memberships;
}

/*
 * The relation with this name, or NULL.
 */
RelatedRows *
FieldRelation(ContactTable *table, const char *name)
{
	if (!table->loaded)
		load_definitions(table);
	if (strcmp(name, MEMBERSHIPS) == 0)
		return memberships_of(table);
	return find_relation(table, name);
}

/* The definition of a field over these rows without aggregate. */
static FieldDefinition *
row_definition(ContactTable *table, const RelatedRows *rows, const char *name, const char **number)
{
	return best_definition(table, NULL, rows, name, number);
}

/* The two fields of a membership. */
static Field *
membership_field(ContactTable *table, const char *name)
{
	Field *field = new_field(table, MEMBERSHIPS, name);

	if (strcmp(name, "segment") == 0)
	{
		field->type = pstrdup("segment");
		field->class = FIELD_SEGMENT;
		field->value = pstrdup("r.segment_id");
		field->value_type = INT8OID;
		return field;
	}
	if (strcmp(name, "since") != 0)
		return NULL;
	field->type = pstrdup("datetime");
	field->class = FIELD_DATETIME;
	field->value = pstrdup("r.since");
	field->value_type = TIMESTAMPTZOID;
	return field;
}

/* A column of the rows' table that nothing was declared for. */
static Field *
row_column(ContactTable *table, RelatedRows *rows, const char *name)
{
	Field *field = new_field(table, rows->name, name);
	const char *word;

	if (!column_value(field, rows->relid, "r", name))
		return NULL;
	word = infer_type(field->value_type);
	if (word == NULL)
		return NULL;
	field->type = pstrdup(word);
	field->class = class_of_word(word);
	normalise_value(field);
	return field;
}

static Field *
resolve_row_field(ContactTable *table, RelatedRows *rows, const char *name)
{
	const char *number;
	FieldDefinition *def;
	Field *field;

	if (rows == table->memberships)
		return membership_field(table, name);
	def = row_definition(table, rows, name, &number);
	if (def == NULL)
		return row_column(table, rows, name);
	field = field_from_definition(table, def, def->object, name, number);
	/* no value on rows that don't satisfy its own condition */
	if (field->condition)
		field->value = psprintf("CASE WHEN %s THEN %s END", field->condition, field->value);
	field->condition = NULL;
	return field;
}

/*
 * The field with this name of one row of a relation, or NULL: one that is
 * defined over the relation without aggregate, or a column.  Its value is SQL
 * over r.  The result lives as long as the contact table's description.
 */
Field *
FieldOfRow(ContactTable *table, RelatedRows *rows, const char *name)
{
	char key[FIELD_KEY_LENGTH];
	FieldEntry *entry;
	bool found;
	Field *field;
	MemoryContext old;

	/* no object holds a blank */
	if (snprintf(key, sizeof(key), "row of %s.%s", rows->name, name) >= sizeof(key))
		return NULL;
	entry = hash_search(table->fields, key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->field;
	old = MemoryContextSwitchTo(table->context);
	field = resolve_row_field(table, rows, name);
	if (field != NULL)
	{
		field->rows = NULL;
		field->row_of = rows;
	}
	MemoryContextSwitchTo(old);
	entry = hash_search(table->fields, key, HASH_ENTER, &found);
	entry->field = field;
	return field;
}

/*
 * The field that object and name mean, or NULL.  The result lives as long as
 * the contact table's description.
 */
Field *
FieldLookup(ContactTable *table, const char *object, const char *name)
{
	char key[FIELD_KEY_LENGTH];
	FieldEntry *entry;
	bool found;
	Field *field;
	MemoryContext old;

	if (!table->loaded)
		load_definitions(table);
	if (snprintf(key, sizeof(key), "%s.%s", object, name) >= sizeof(key))
		return NULL;
	entry = hash_search(table->fields, key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->field;
	old = MemoryContextSwitchTo(table->context);
	field = resolve_field(table, object, name);
	if (field != NULL)
		add_relation_condition(field);
	MemoryContextSwitchTo(old);
	entry = hash_search(table->fields, key, HASH_ENTER, &found);
	entry->field = field;
	return field;
}
