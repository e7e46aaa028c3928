/*
 * field.c - a name in a filter -> the field it means.
 *
 * Takes object and field name, gives how to get the value as SQL over one row
 * (alias c for a contact, r for a related row), its class, and what it is
 * computed over.  Everything special to one schema is in the catalogue.
 */
#include "postgres.h"

#include "definition/field.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "base/sql_expr.h"
#include "base/sql_text.h"
#include "definition/contact_table.h"
#include "definition/field_type.h"
#include "definition/field_value.h"

/* Names hold any characters, dots too: what they are names of stands apart. */
typedef struct FieldKey
{
	const RelatedRows *rows; /* of one row of these; NULL: of the object */
	const char *object;
	const char *name;
} FieldKey;

typedef struct FieldEntry
{
	FieldKey key;
	Field *field;
} FieldEntry;

/*
 * The order in which objects are asked for a name that several have over the
 * same rows.
 */
static const char *const objects_in_order[] = {"lead", "behaviors", "groups", "company_all",
											   "company"};

/* ----- the catalogue of one contact table, loaded once ----- */

static uint32
hash_key(const void *key, Size size)
{
	const FieldKey *field = key;

	return hash_combine(string_hash(field->object, SIZE_MAX), string_hash(field->name, SIZE_MAX));
}

/* 0: the same. */
static int
compare_keys(const void *a, const void *b, Size size)
{
	const FieldKey *first = a;
	const FieldKey *second = b;

	return first->rows != second->rows || strcmp(first->object, second->object) != 0 ||
		   strcmp(first->name, second->name) != 0;
}

static int
place_of_object(const FieldDefinition *def)
{
	int i;

	for (i = 0; i < lengthof(objects_in_order); i++)
		if (strcmp(def->object, objects_in_order[i]) == 0)
			break;
	return i;
}

static int
compare_definitions(const ListCell *a, const ListCell *b)
{
	return place_of_object(lfirst(a)) - place_of_object(lfirst(b));
}

static void
load_definitions(ContactTable *table)
{
	MemoryContext old = MemoryContextSwitchTo(table->context);
	HASHCTL info = {0};

	info.keysize = sizeof(FieldKey);
	info.entrysize = sizeof(FieldEntry);
	info.hash = hash_key;
	info.match = compare_keys;
	info.hcxt = table->context;
	table->fields = hash_create("segments fields", 64, &info,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	table->relations = CatalogRelations(table->relid);
	table->definitions = CatalogFieldDefinitions(table->relid);
	list_sort(table->definitions, compare_definitions);
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
 * before its *; of several, the first in the order of their objects.
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

static Field *
field_from_definition(ContactTable *table, const FieldDefinition *def, const char *object,
					  const char *name, const char *number)
{
	Field *field = new_field(table, object, name);
	Oid relid;
	const char *alias;
	char *condition = substitute_number(def->condition, number);

	field->available = def->available;
	field->aggregate = FieldAggregateOfWord(def->aggregate);
	field->rows = rows_of(table, object, def->relation);
	relid = field->rows ? field->rows->relid : table->relid;
	alias = field->rows ? "r" : "c";
	FieldValueFromDefinition(field, def, table->owner, relid, alias);
	if (condition)
		field->condition =
			SqlExprQualify(condition, relid, get_rel_name(relid), alias, table->owner, NULL, NULL);
	if (def->order_by)
		field->order_by = psprintf("%s.%s", alias, quote_identifier(def->order_by));
	if (def->case_given)
		field->case_sensitive = def->case_sensitive;
	if (def->timezone)
		field->timezone = pstrdup(def->timezone);
	field->unfollowed = def->unfollowed;
	if (def->default_prefix)
		field->default_prefix = pstrdup(def->default_prefix);
	field->type = pstrdup(def->type ? def->type : FieldValueDefaultType(field));
	field->class = FieldClassOfWord(field->type);
	if (field->aggregate != AGGREGATE_EXISTS && field->aggregate != AGGREGATE_COUNT)
		FieldValueNormalize(field);
	return field;
}

/*
 * A relation's own condition as SQL over its row r; NULL where it has none.
 */
char *
FieldRelationCondition(const RelatedRows *rows, Oid owner)
{
	if (rows->condition == NULL)
		return NULL;
	return SqlExprQualify(rows->condition, rows->relid, get_rel_name(rows->relid), "r", owner, NULL,
						  NULL);
}

/*
 * A relation's own condition holds for every field over it.
 */
static void
add_relation_condition(Field *field, Oid owner)
{
	char *condition = field->rows ? FieldRelationCondition(field->rows, owner) : NULL;

	if (condition == NULL)
		return;
	field->condition =
		field->condition ? psprintf("(%s AND %s)", condition, field->condition) : condition;
}

/* A column that nothing was declared for, of the contact or of a row. */
static Field *
field_from_column(ContactTable *table, const char *object, RelatedRows *rows, const char *name)
{
	Field *field = new_field(table, object, name);
	const char *word;

	field->rows = rows;
	if (!FieldValueFromColumn(field, rows ? rows->relid : table->relid, rows ? "r" : "c", name))
		return NULL;
	word = FieldTypeInfer(field->value_type);
	if (word == NULL)
		return NULL;
	field->type = pstrdup(word);
	field->class = FieldClassOfWord(word);
	FieldValueNormalize(field);
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
	FieldDefinition *def = best_definition(table, object, NULL, name, &number);
	RelatedRows *company;

	/* what was declared for companies holds for all of a contact's companies */
	if (def == NULL && strcmp(object, "company_all") == 0)
		def = best_definition(table, "company", NULL, name, &number);
	if (def != NULL)
		return field_from_definition(table, def, object, name, number);
	if (strcmp(object, "lead") == 0)
		return field_from_column(table, object, NULL, name);
	company = strncmp(object, "company", 7) == 0 ? find_relation(table, object) : NULL;
	return company ? field_from_column(table, object, company, name) : NULL;
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
	field->value = psprintf("segments.bucket(%s, %s)",
							SqlTextOf(psprintf("c.%s", table->key), table->key_type), number);
	field->value_type = INT4OID;
	return field;
}

static Field *
resolve_of_contact(ContactTable *table, const char *object, const char *name)
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

static Field *
resolve_field(ContactTable *table, const char *object, const char *name)
{
	Field *field = resolve_of_contact(table, object, name);

	if (field != NULL)
		add_relation_condition(field, table->owner);
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

/* One that is defined over the relation without aggregate, or a column. */
static Field *
resolve_over_row(ContactTable *table, RelatedRows *rows, const char *name)
{
	const char *number;
	FieldDefinition *def;
	Field *field;

	if (rows == table->memberships)
		return membership_field(table, name);
	def = best_definition(table, NULL, rows, name, &number);
	if (def == NULL)
		return field_from_column(table, rows->name, rows, name);
	field = field_from_definition(table, def, def->object, name, number);
	/* no value on rows that don't satisfy its own condition */
	if (field->condition)
		field->value = psprintf("CASE WHEN %s THEN %s END", field->condition, field->value);
	field->condition = NULL;
	return field;
}

static Field *
resolve_row_field(ContactTable *table, RelatedRows *rows, const char *name)
{
	Field *field = resolve_over_row(table, rows, name);

	if (field != NULL)
	{
		field->rows = NULL;
		field->row_of = rows;
	}
	return field;
}

/* ----- looking up ----- */

/* The field that is kept, or resolved now; with rows, one of a row of theirs. */
static Field *
look_up(ContactTable *table, const char *object, RelatedRows *rows, const char *name)
{
	FieldKey key = {rows, object, name};
	FieldEntry *entry;
	Field *field;
	MemoryContext old;

	if (!table->loaded)
		load_definitions(table);
	entry = hash_search(table->fields, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->field;
	old = MemoryContextSwitchTo(table->context);
	field = rows ? resolve_row_field(table, rows, name) : resolve_field(table, object, name);
	key.object = pstrdup(object);
	key.name = pstrdup(name);
	MemoryContextSwitchTo(old);
	entry = hash_search(table->fields, &key, HASH_ENTER, NULL);
	entry->field = field;
	return field;
}

/*
 * The field with this name of one row of a relation, or NULL.  Its value is SQL
 * over r.  The result lives as long as the contact table's description.
 */
Field *
FieldOfRow(ContactTable *table, RelatedRows *rows, const char *name)
{
	return look_up(table, rows->name, rows, name);
}

/*
 * The field that object and name mean, or NULL.  The result lives as long as
 * the contact table's description.
 */
Field *
FieldLookup(ContactTable *table, const char *object, const char *name)
{
	return look_up(table, object, NULL, name);
}
