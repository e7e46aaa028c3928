/*
 * bind_value.c - one filter's operator and value on its field -> predicate.
 *
 * Chooses the value to look at (folded text, number, set, text form) and the
 * positive test; negative operators are NOT over it (SEMANTICS §2).
 */
#include "postgres.h"

#include "predicate/bind_value.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"

#include "definition/field.h"
#include "definition/reference.h"
#include "definition/segment.h"
#include "filter/filter.h"
#include "filter/filter_operator.h"
#include "predicate/bind_date.h"
#include "predicate/bind_number.h"
#include "predicate/bind_place.h"
#include "predicate/bind_text.h"
#include "predicate/predicate.h"
#include "text/fold.h"

static Atom *
new_atom(BindPlace *place, AtomScope scope, AtomTest test)
{
	Atom *atom = palloc0(sizeof(Atom));

	atom->scope = scope;
	atom->field = place->field;
	if (scope == ATOM_ROW)
		atom->rows = place->field->row_of;
	else if (scope == ATOM_ROWS || scope == ATOM_AGGREGATE)
		atom->rows = place->field->rows;
	atom->test = test;
	atom->byte_collation = place->field->deterministic;
	return atom;
}

static ValueType
number_type(BindPlace *place)
{
	if (place->field->aggregate == AGGREGATE_COUNT)
		return VALUE_INT;
	if (place->field->aggregate == AGGREGATE_SUM)
		return VALUE_NUMERIC;
	switch (place->field->value_type)
	{
		case FLOAT4OID:
			return VALUE_FLOAT4;
		case FLOAT8OID:
			return VALUE_FLOAT8;
		case NUMERICOID:
			return VALUE_NUMERIC;
		default:
			return VALUE_INT;
	}
}

static Atom *
number_atom(BindPlace *place)
{
	Atom *atom = new_atom(place, BindScope(place->field), TEST_ANY);

	atom->value = BindRawValue(place);
	atom->value_type = number_type(place);
	atom->sql_type = place->field->value_type;
	/* the sum of anything is summed as numeric */
	if (place->field->aggregate == AGGREGATE_SUM)
		atom->value = psprintf("%s::pg_catalog.numeric", atom->value);
	return atom;
}

/* Text to compare with =: folded unless the field is case-sensitive. */
static Atom *
text_atom(BindPlace *place)
{
	Atom *atom = new_atom(place, BindScope(place->field), TEST_ANY);

	atom->value_type = VALUE_TEXT;
	atom->value = BindRawValue(place);
	if (!place->field->case_sensitive)
		atom->value = psprintf("segments.fold(%s)", atom->value);
	return atom;
}

/*
 * The text form that the like family and regexp see (SEMANTICS §3, §4).
 */
static char *
text_form(BindPlace *place)
{
	char *value = BindRawValue(place);

	switch (place->field->class)
	{
		case FIELD_NUMBER:
			if (number_type(place) == VALUE_INT)
				return psprintf("(%s)::pg_catalog.text", value);
			if (number_type(place) == VALUE_NUMERIC)
				return psprintf("pg_catalog.trim_scale(%s)::pg_catalog.text", value);
			return psprintf(
				"pg_catalog.trim_scale((%s)::pg_catalog.text::pg_catalog.numeric)::pg_catalog.text",
				value);
		case FIELD_DATE:
		case FIELD_DATETIME:
			return BindLocalCall(place, "text_form", value);
		case FIELD_TIME:
			return psprintf("pg_catalog.to_char(%s::pg_catalog.interval, 'HH24:MI:SS')", value);
		default:
			return value;
	}
}

/* NaN and Infinity are the only letters in text forms. */
static bool
has_letters(BindPlace *place)
{
	return place->field->class == FIELD_NUMBER && number_type(place) != VALUE_INT;
}

static bool
is_text(const Field *field)
{
	return field->class == FIELD_TEXT || (field->class == FIELD_ID && field->value_type == TEXTOID);
}

/* ----- empty ----- */

static Predicate *
rows_exist(BindPlace *place)
{
	return PredicateOfAtom(new_atom(place, ATOM_ROWS, TEST_EXISTS));
}

static bool
is_company(const Field *field)
{
	return strncmp(field->object, "company", 7) == 0;
}

/* The predicate "has a value"; empty is NOT that (SEMANTICS §2.2, §5). */
static Predicate *
has_value(BindPlace *place)
{
	Field *field = place->field;
	Atom *atom;

	if (field->rows && (BindScope(field) == ATOM_ROWS ? !is_company(field)
													  : field->aggregate == AGGREGATE_COUNT ||
															field->aggregate == AGGREGATE_SUM))
		return rows_exist(place);
	atom = new_atom(place, BindScope(field), TEST_RANGE);
	atom->value = BindRawValue(place);
	if (field->class == FIELD_MULTISELECT)
	{
		atom->test = TEST_HAS_ELEMENT;
		atom->value_type = VALUE_SET;
		atom->value = psprintf("segments.elements(%s)", atom->value);
	}
	else if (is_text(field) && field->class == FIELD_TEXT)
	{
		atom->test = TEST_NOT_BLANK;
		atom->value_type = VALUE_TEXT;
	}
	else if (atom->scope == ATOM_CONTACT || atom->scope == ATOM_ROW)
	{
		atom->test = TEST_NULL;
		return PredicateNot(PredicateOfAtom(atom));
	}
	return PredicateOfAtom(atom);
}

/* ----- text, sets, patterns ----- */

static char *
fold_for(BindPlace *place, const char *text)
{
	return place->field->case_sensitive ? pstrdup(text) : FoldCString(text);
}

static Predicate *
any_text(Atom *model, List *words, BindPlace *place)
{
	Atom *atom = palloc(sizeof(Atom));
	ListCell *cell;

	*atom = *model;
	atom->constants = palloc(sizeof(Datum) * Max(list_length(words), 1));
	atom->nconstants = 0;
	foreach (cell, words)
	{
		char *word = fold_for(place, lfirst(cell));

		/* blank elements of a set don't count */
		if (atom->test == TEST_OVERLAP && *word == '\0')
			continue;
		atom->constants[atom->nconstants++] = CStringGetTextDatum(word);
	}
	if (atom->nconstants == 0)
		return PredicateConstant(false);
	return PredicateOfAtom(atom);
}

/* AND over the words, each on its own. */
static Predicate *
all_text(Atom *model, List *words, BindPlace *place)
{
	List *args = NIL;
	ListCell *cell;

	foreach (cell, words)
		args = lappend(args, any_text(model, list_make1(lfirst(cell)), place));
	return PredicateCombineList(PREDICATE_AND, args);
}

static Predicate *
contains_all(Atom *model, List *words, BindPlace *place)
{
	ListCell *cell;

	foreach (cell, words)
		if (*fold_for(place, lfirst(cell)) == '\0')
			return PredicateConstant(false);
	model->test = TEST_CONTAINS;
	return any_text(model, words, place);
}

static Predicate *
bind_text(BindPlace *place, FilterOperator op)
{
	Atom *atom = text_atom(place);
	const FilterValue *value = &place->node->value;
	List *words =
		op == FILTER_OP_EQ ? list_make1(BindTextValue(place, value)) : BindListValue(place, value);

	BindCheckLabels(place, words);
	return op == FILTER_OP_INCLUDING_ALL ? all_text(atom, words, place)
										 : any_text(atom, words, place);
}

static Predicate *
bind_set(BindPlace *place, FilterOperator op)
{
	Atom *atom = new_atom(place, BindScope(place->field), TEST_OVERLAP);
	List *words = BindListValue(place, &place->node->value);

	atom->value_type = VALUE_SET;
	atom->value = psprintf("segments.elements(%s%s)", BindRawValue(place),
						   place->field->case_sensitive ? ", false" : "");
	if (op != FILTER_OP_INCLUDING_ALL)
		return any_text(atom, words, place);
	/* one related row must have them all */
	if (atom->scope == ATOM_ROWS)
		return contains_all(atom, words, place);
	return all_text(atom, words, place);
}

static Predicate *
bind_pattern(BindPlace *place, FilterOperator op)
{
	char *text = BindTextValue(place, &place->node->value);
	bool fold = !place->field->case_sensitive;
	Atom *atom =
		new_atom(place, BindScope(place->field), op == FILTER_OP_REGEXP ? TEST_REGEXP : TEST_LIKE);

	atom->value_type = VALUE_TEXT;
	atom->value = text_form(place);
	if (!is_text(place->field))
		atom->byte_collation = true;
	if (op == FILTER_OP_REGEXP)
	{
		BindCheckRegexp(place, text);
		atom->pattern = text;
		return PredicateOfAtom(atom);
	}
	if (fold && (is_text(place->field) || has_letters(place)))
		atom->value = psprintf("segments.fold(%s)", atom->value);
	atom->pattern = BindLikePattern(place, op, text, fold);
	return PredicateOfAtom(atom);
}

/* ----- booleans ----- */

static bool
boolean_value(BindPlace *place)
{
	static const char *const truths[] = {"1", "true", "yes"};
	static const char *const falsehoods[] = {"0", "false", "no"};
	const FilterValue *value = &place->node->value;
	int i;

	if (value->kind == FILTER_VALUE_BOOLEAN || value->kind == FILTER_VALUE_NUMBER ||
		value->kind == FILTER_VALUE_STRING)
		for (i = 0; i < lengthof(truths); i++)
		{
			if (strcmp(value->text, truths[i]) == 0)
				return true;
			if (strcmp(value->text, falsehoods[i]) == 0)
				return false;
		}
	BindRefuseValue(place, value, "a boolean is 1, 0, true, false, \"yes\" or \"no\"");
	return false;
}

static Predicate *
bind_boolean(BindPlace *place)
{
	bool wanted = boolean_value(place);
	Atom *atom = new_atom(place, BindScope(place->field), TEST_ANY);

	if (place->field->aggregate == AGGREGATE_EXISTS)
		return wanted ? rows_exist(place) : PredicateNot(rows_exist(place));
	atom->value = BindRawValue(place);
	atom->value_type = VALUE_BOOL;
	atom->nconstants = 1;
	atom->constants = palloc(sizeof(Datum));
	atom->constants[0] = BoolGetDatum(wanted);
	return PredicateOfAtom(atom);
}

/* ----- numbers ----- */

static List *
number_list(BindPlace *place)
{
	const FilterValue *value = &place->node->value;
	List *numbers = NIL;
	ListCell *cell;
	int i;

	if (value->kind == FILTER_VALUE_LIST)
	{
		for (i = 0; i < value->nitems; i++)
			numbers = lappend(numbers, DatumGetPointer(BindNumber(place, &value->items[i])));
		return numbers;
	}
	if (value->kind == FILTER_VALUE_NUMBER)
		return list_make1(DatumGetPointer(BindNumber(place, value)));
	foreach (cell, BindListValue(place, value))
	{
		FilterValue word = {FILTER_VALUE_STRING, lfirst(cell), 0, NULL};

		numbers = lappend(numbers, DatumGetPointer(BindNumber(place, &word)));
	}
	return numbers;
}

static Predicate *
all_numbers(BindPlace *place, List *numbers)
{
	List *args = NIL;
	ListCell *cell;

	foreach (cell, numbers)
		args = lappend(args, BindNumberAny(place, number_atom(place), list_make1(lfirst(cell))));
	return PredicateCombineList(PREDICATE_AND, args);
}

static Predicate *
bind_number(BindPlace *place, FilterOperator op)
{
	const FilterValue *value = &place->node->value;
	Atom *atom = number_atom(place);
	Datum number;

	if (op == FILTER_OP_IN)
		return BindNumberAny(place, atom, number_list(place));
	if (op == FILTER_OP_INCLUDING_ALL)
		return all_numbers(place, number_list(place));
	if (op == FILTER_OP_BETWEEN)
	{
		if (value->kind != FILTER_VALUE_LIST || value->nitems != 2)
			BindRefuseValue(place, value, "between takes a list of two numbers");
		return BindNumberRange(place, atom, BindNumber(place, &value->items[0]), true, true,
							   BindNumber(place, &value->items[1]), true, true);
	}
	number = BindNumber(place, value);
	if (op == FILTER_OP_EQ)
		return BindNumberAny(place, atom, list_make1(DatumGetPointer(number)));
	if (op == FILTER_OP_GT || op == FILTER_OP_GTE)
		return BindNumberRange(place, atom, number, op == FILTER_OP_GTE, true, 0, false, false);
	return BindNumberRange(place, atom, 0, false, false, number, op == FILTER_OP_LTE, true);
}

/* ----- dates ----- */

/*
 * An atom over the value of a date field, as it is compared: a day, a time of
 * day, or an instant.
 */
Atom *
BindDateAtom(BindPlace *place)
{
	Field *field = place->field;
	Atom *atom = new_atom(place, BindScope(field), TEST_RANGE);
	bool utc = strcmp(field->timezone, "UTC") == 0;

	atom->value = BindRawValue(place);
	if (field->class == FIELD_TIME)
		atom->value_type = VALUE_TIME;
	else if (field->class == FIELD_DATE)
		atom->value_type = VALUE_DATE;
	else if (field->value_type == TIMESTAMPTZOID)
		atom->value_type = VALUE_TIMESTAMPTZ;
	else if (utc)
		atom->value_type = VALUE_TIMESTAMP;
	else
	{
		atom->value =
			psprintf("segments.instant(%s, %s)", atom->value, quote_literal_cstr(field->timezone));
		atom->value_type = VALUE_TIMESTAMPTZ;
	}
	atom->sql_type = field->value_type;
	return atom;
}

static Predicate *
bind_date(BindPlace *place, FilterOperator op)
{
	return BindDateCondition(place, BindDateAtom(place), op);
}

/* ----- membership of segments ----- */

/* A segment may not reach itself through any chain. */
static void
refuse_cycle(BindPlace *place, int64 referenced)
{
	char *path;

	if (place->options->self == 0)
		return;
	path = ReferencePathText(referenced, place->options->self);
	if (path != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_RECURSION), errmsg("a segment cannot refer to itself"),
			 errdetail(
				 "At %s.properties.filter: %s -> %s.", place->path,
				 SegmentById(place->options->self) ? SegmentById(place->options->self)->alias : "?",
				 path)));
}

/* Also where the rest of the filter makes it irrelevant: it is named. */
static void
note_reference(BindPlace *place, int64 *referenced)
{
	ListCell *cell;

	if (place->options->references == NULL)
		return;
	foreach (cell, *place->options->references)
		if (*(int64 *) lfirst(cell) == *referenced)
			return;
	*place->options->references = lappend(*place->options->references, referenced);
}

/* The segment that a word names: not NULL, and noted. */
static int64 *
named_segment(BindPlace *place, const char *word)
{
	int64 *id = palloc(sizeof(int64));
	const char *why = NULL;

	*id = SegmentResolvePublished(place->table->relid, word, place->options->viewer, &why);
	if (*id == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("segment \"%s\" %s", word, why),
						errdetail("At %s.properties.filter: a segment is named by its id or alias.",
								  place->path)));
	refuse_cycle(place, *id);
	note_reference(place, id);
	return id;
}

static Predicate *
member_of(BindPlace *place, const char *word)
{
	Atom *atom = new_atom(place, ATOM_MEMBER, TEST_ANY);

	atom->segment_id = *named_segment(place, word);
	return PredicateOfAtom(atom);
}

/* A row of memberships is of one of these segments. */
static Predicate *
membership_of(BindPlace *place, List *words)
{
	Atom *atom = new_atom(place, ATOM_ROW, TEST_ANY);
	ListCell *cell;

	atom->value = place->field->value;
	atom->value_type = VALUE_INT;
	atom->sql_type = INT8OID;
	atom->constants = palloc(sizeof(Datum) * list_length(words));
	foreach (cell, words)
		atom->constants[atom->nconstants++] = Int64GetDatum(*named_segment(place, lfirst(cell)));
	return PredicateOfAtom(atom);
}

/* The word of one segment: a number is an id, and never an alias such as -1. */
static char *
segment_word(BindPlace *place, const FilterValue *value)
{
	char *word = value->text;

	if (value->kind == FILTER_VALUE_NUMBER)
		word = NumberShortest(BindNumber(place, value));
	else if (value->kind != FILTER_VALUE_STRING)
		BindRefuseValue(place, value, "segments are named by id or alias");
	if (value->kind == FILTER_VALUE_NUMBER && word[strspn(word, "0123456789")] != '\0')
		BindRefuseValue(place, value, "the id of a segment is a whole number");
	return word;
}

static List *
segment_words(BindPlace *place)
{
	const FilterValue *value = &place->node->value;
	List *words = NIL;
	int i;

	if (value->kind == FILTER_VALUE_STRING)
		return BindListValue(place, value);
	if (value->kind != FILTER_VALUE_LIST)
		return list_make1(segment_word(place, value));
	for (i = 0; i < value->nitems; i++)
		words = lappend(words, segment_word(place, &value->items[i]));
	return words;
}

static Predicate *
bind_segment(BindPlace *place, FilterOperator op)
{
	bool all = (op == FILTER_OP_INCLUDING_ALL);
	List *args = NIL;
	ListCell *cell;

	if (place->field->row_of != NULL)
		return membership_of(place, segment_words(place));
	foreach (cell, segment_words(place))
		args = lappend(args, member_of(place, lfirst(cell)));
	return PredicateCombineList(all ? PREDICATE_AND : PREDICATE_OR, args);
}

/* ----- all together ----- */

static bool
is_pattern_operator(FilterOperator op)
{
	return op == FILTER_OP_LIKE || op == FILTER_OP_CONTAINS || op == FILTER_OP_STARTS_WITH ||
		   op == FILTER_OP_ENDS_WITH || op == FILTER_OP_REGEXP;
}

static Predicate *
bind_positive(BindPlace *place, FilterOperator op)
{
	Field *field = place->field;

	if (op == FILTER_OP_EMPTY)
		return PredicateNot(has_value(place));
	if (is_pattern_operator(op))
		return bind_pattern(place, op);
	if (field->class == FIELD_BOOLEAN)
		return bind_boolean(place);
	if (field->class == FIELD_SEGMENT)
		return bind_segment(place, op);
	if (field->class == FIELD_MULTISELECT)
		return bind_set(place, op);
	if (is_text(field) && field->aggregate != AGGREGATE_COUNT)
		return bind_text(place, op);
	if (field->class == FIELD_DATE || field->class == FIELD_DATETIME || field->class == FIELD_TIME)
		return bind_date(place, op);
	return bind_number(place, op);
}

/*
 * The predicate of one filter whose field and operator are known.
 */
Predicate *
BindCondition(BindPlace *place)
{
	FilterOperator op = place->node->op;
	Predicate *positive = bind_positive(place, FilterOperatorPositive(op));

	return FilterOperatorIsNegative(op) ? PredicateNot(positive) : positive;
}
