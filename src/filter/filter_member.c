/*
 * filter_member.c - members that filters, groups and row groups have.
 *
 * Reads jansson's tree, so it cannot include utils/builtins.h, where core has
 * its own json_object.  Functions that return bool refuse what they find wrong,
 * and are false then.
 */
#include "postgres.h"

#include "filter/filter_member.h"

#include <jansson.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/json.h"

#include "filter/filter.h"
#include "filter/filter_operator.h"
#include "filter/filter_place.h"

static const char *const property_keys[] = {"filter", "display", NULL};
static const char *const date_keys[] = {"dateTypeMode", "absoluteDate", "relativeDateInterval",
										"relativeDateIntervalUnit", NULL};

static void write_display(json_t *json, StringInfo out);

/* A number literal is a marked string. */
static bool
is_number(const json_t *json)
{
	return json_is_string(json) && json_string_length(json) > 0 &&
		   json_string_value(json)[0] == '\0';
}

bool
FilterIsText(const json_t *json)
{
	return json_is_string(json) && !is_number(json);
}

/* The kind of a JSON value, with its article, for messages. */
const char *
FilterKindOf(const json_t *json)
{
	switch (json_typeof(json))
	{
		case JSON_OBJECT:
			return "an object";
		case JSON_ARRAY:
			return "a list";
		case JSON_TRUE:
		case JSON_FALSE:
			return "a boolean";
		case JSON_NULL:
			return "null";
		default:
			return is_number(json) ? "a number" : "a string";
	}
}

char *
FilterTextOf(const json_t *json)
{
	return FilterServerText(json_string_value(json), json_string_length(json));
}

/*
 * Is the word one of these?  NULL ends them.
 */
bool
FilterIsOneOf(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
	{
		if (strcmp(word, *words) == 0)
			return true;
	}
	return false;
}

/* Checks that an object has no keys but these; `what` names it in messages. */
bool
FilterCheckKeys(FilterInput *input, const FilterPlace *place, json_t *object,
				const char *const *keys, const char *what, const char *detail)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		FilterPlace here = FilterMember(place, key);

		if (!FilterIsOneOf(key, keys))
			return FilterRefuseValue(
				input, &here, psprintf("unrecognized key \"%s\" in %s", FilterShownWord(key), what),
				detail, NULL);
	}
	return true;
}

/* Checks that a member is a string, and not an empty one. */
bool
FilterCheckWord(FilterInput *input, const FilterPlace *place, const json_t *json)
{
	if (FilterIsText(json) && json_string_length(json) > 0)
		return true;
	return FilterRefuseValue(
		input, place, psprintf("filter %s must be a string", place->key),
		psprintf("found %s.", FilterIsText(json) ? "an empty string" : FilterKindOf(json)), NULL);
}

/* ------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------ */

/* A null, boolean, number or string; false for anything else. */
static bool
build_scalar(const json_t *json, FilterValue *value)
{
	memset(value, 0, sizeof(*value));
	if (json_is_null(json))
		value->kind = FILTER_VALUE_NULL;
	else if (json_is_boolean(json))
	{
		value->kind = FILTER_VALUE_BOOLEAN;
		value->text = pstrdup(json_is_true(json) ? "true" : "false");
	}
	else if (is_number(json))
	{
		value->kind = FILTER_VALUE_NUMBER;
		value->text = pnstrdup(json_string_value(json) + 1, json_string_length(json) - 1);
	}
	else if (json_is_string(json))
	{
		value->kind = FILTER_VALUE_STRING;
		value->text = FilterTextOf(json);
	}
	else
		return false;
	return true;
}

static bool
build_list(FilterInput *input, const FilterPlace *place, const json_t *json, FilterValue *value)
{
	size_t n = json_array_size(json);
	size_t i;

	value->kind = FILTER_VALUE_LIST;
	value->nitems = n;
	value->items = (FilterValue *) palloc(sizeof(FilterValue) * Max(n, 1));
	for (i = 0; i < n; i++)
	{
		const json_t *item = json_array_get(json, i);

		if (!build_scalar(item, &value->items[i]))
			return FilterRefuseValue(input, place, "list of filter values holds something else",
									 psprintf("element %zu is %s, not a string, number or boolean.",
											  i, FilterKindOf(item)),
									 NULL);
	}
	return true;
}

static bool
has_member(const FilterValue *date, int member)
{
	return date->items[member].kind != FILTER_VALUE_ABSENT &&
		   date->items[member].kind != FILTER_VALUE_NULL;
}

/* Checks that the members which the mode of a date object needs are there. */
static bool
check_date_mode(FilterInput *input, const FilterPlace *place, const FilterValue *date)
{
	const FilterValue *mode = &date->items[FILTER_DATE_MODE];
	const char *missing = NULL;

	if (mode->kind != FILTER_VALUE_STRING ||
		(strcmp(mode->text, "absolute") != 0 && strcmp(mode->text, "relative") != 0))
		return FilterRefuseValue(input, place, "unrecognized mode of a date object",
								 "dateTypeMode is \"absolute\" or \"relative\".", NULL);
	if (mode->text[0] == 'a')
		missing = has_member(date, FILTER_DATE_ABSOLUTE) ? NULL : date_keys[FILTER_DATE_ABSOLUTE];
	else if (!has_member(date, FILTER_DATE_INTERVAL))
		missing = date_keys[FILTER_DATE_INTERVAL];
	else if (!has_member(date, FILTER_DATE_UNIT))
		missing = date_keys[FILTER_DATE_UNIT];
	if (missing == NULL)
		return true;
	return FilterRefuseValue(input, place, psprintf("date object has no %s", missing),
							 psprintf("mode \"%s\" needs it.", mode->text), NULL);
}

static bool
check_date_keys(FilterInput *input, const FilterPlace *place, json_t *json)
{
	const char *key;
	json_t *member;

	json_object_foreach(json, key, member)
	{
		if (!FilterIsOneOf(key, date_keys))
			return FilterRefuseValue(
				input, place,
				psprintf("unrecognized key \"%s\" in filter value", FilterShownWord(key)),
				"the only object that can be a value is a date.",
				"A date object has the keys dateTypeMode, absoluteDate, "
				"relativeDateInterval, relativeDateIntervalUnit.");
	}
	return true;
}

static bool
build_date(FilterInput *input, const FilterPlace *place, json_t *json, FilterValue *value)
{
	int i;

	if (!check_date_keys(input, place, json))
		return false;
	value->kind = FILTER_VALUE_DATE;
	value->nitems = FILTER_DATE_UNIT + 1;
	value->items = (FilterValue *) palloc0(sizeof(FilterValue) * value->nitems);
	for (i = 0; i < value->nitems; i++)
	{
		const json_t *member = json_object_get(json, date_keys[i]);

		if (member != NULL && !build_scalar(member, &value->items[i]))
			return FilterRefuseValue(
				input, place,
				psprintf("%s of a date object must be a string or a number", date_keys[i]),
				psprintf("found %s.", FilterKindOf(member)), NULL);
	}
	return check_date_mode(input, place, value);
}

static bool
build_value(FilterInput *input, const FilterPlace *place, json_t *json, FilterValue *value)
{
	if (json_is_array(json))
		return build_list(input, place, json, value);
	if (json_is_object(json))
		return build_date(input, place, json, value);
	return build_scalar(json, value);
}

/* Checks that the value is there, for an operator that needs one. */
static bool
check_value(FilterInput *input, const FilterPlace *place, const FilterNode *filter)
{
	const FilterValue *value = &filter->value;
	const char *symbol = FilterOperatorSymbol(filter->op);
	int i;

	if (!FilterOperatorTakesValue(filter->op))
		return true;
	if (value->kind == FILTER_VALUE_ABSENT || value->kind == FILTER_VALUE_NULL)
		return FilterRefuseValue(
			input, place, psprintf("filter operator \"%s\" needs a value", symbol),
			value->kind == FILTER_VALUE_NULL ? "found null." : "found nothing.",
			"To find contacts without a value, use the operator empty.");
	if (value->kind != FILTER_VALUE_LIST)
		return true;
	if (value->nitems == 0)
		return FilterRefuseValue(input, place,
								 psprintf("filter operator \"%s\" needs a value", symbol),
								 "found an empty list.", NULL);
	for (i = 0; i < value->nitems; i++)
	{
		if (value->items[i].kind == FILTER_VALUE_NULL)
			return FilterRefuseValue(input, place, "list of filter values holds null",
									 psprintf("element %d is null.", i),
									 "To find contacts without a value, use the operator empty.");
	}
	return true;
}

/* ------------------------------------------------------------------------
 * The display, which is kept as it is
 * ------------------------------------------------------------------------ */

static void
write_display_array(json_t *array, StringInfo out)
{
	size_t i;

	appendStringInfoChar(out, '[');
	for (i = 0; i < json_array_size(array); i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		write_display(json_array_get(array, i), out);
	}
	appendStringInfoChar(out, ']');
}

static void
write_display_object(json_t *object, StringInfo out)
{
	const char *separator = "";
	const char *key;
	json_t *value;

	appendStringInfoChar(out, '{');
	json_object_foreach(object, key, value)
	{
		appendStringInfoString(out, separator);
		escape_json(out, FilterServerText(key, strlen(key)));
		appendStringInfoString(out, ": ");
		write_display(value, out);
		separator = ", ";
	}
	appendStringInfoChar(out, '}');
}

/* Appends any JSON in canonical spacing, in server encoding. */
static void
write_display(json_t *json, StringInfo out)
{
	FilterValue scalar;

	check_stack_depth();
	if (json_is_array(json))
		write_display_array(json, out);
	else if (json_is_object(json))
		write_display_object(json, out);
	else if (!build_scalar(json, &scalar) || scalar.kind == FILTER_VALUE_NULL)
		appendStringInfoString(out, "null");
	else if (scalar.kind == FILTER_VALUE_STRING)
		escape_json(out, scalar.text);
	else
		appendStringInfoString(out, scalar.text);
}

/* ------------------------------------------------------------------------
 * Members
 * ------------------------------------------------------------------------ */

/* Any case; a missing glue is "and". */
bool
FilterBuildGlue(FilterInput *input, const FilterPlace *parent, json_t *object, FilterNode *node)
{
	json_t *glue = json_object_get(object, "glue");
	FilterPlace place = FilterMember(parent, "glue");

	node->glue = FILTER_GLUE_AND;
	if (glue == NULL)
		return true;
	if (!FilterCheckWord(input, &place, glue))
		return false;
	if (pg_strcasecmp(json_string_value(glue), "and") == 0)
		return true;
	node->glue = FILTER_GLUE_OR;
	if (pg_strcasecmp(json_string_value(glue), "or") == 0)
		return true;
	return FilterRefuseValue(
		input, &place,
		psprintf("unrecognized filter glue \"%s\"", FilterShownWord(json_string_value(glue))),
		"a filter is joined to the one before it by \"and\" or \"or\".", NULL);
}

bool
FilterBuildOperator(FilterInput *input, const FilterPlace *parent, json_t *json, FilterNode *filter)
{
	json_t *word = json_object_get(json, "operator");
	FilterPlace place = FilterMember(parent, "operator");

	if (word == NULL)
		return FilterRefuseValue(input, parent, "filter has no operator",
								 "a filter needs the keys \"field\" and \"operator\".", NULL);
	if (!FilterCheckWord(input, &place, word))
		return false;
	filter->op = FilterOperatorLookup(json_string_value(word));
	if (filter->op != 0)
		return true;
	return FilterRefuseValue(
		input, &place,
		psprintf("unrecognized filter operator \"%s\"", FilterShownWord(json_string_value(word))),
		"no field has such an operator.", FilterOperatorHint(json_string_value(word)));
}

/* {} for properties that are missing or [], which is how PHP writes {}. */
static bool
get_properties(FilterInput *input, const FilterPlace *place, json_t *json, json_t **properties)
{
	*properties = json_object_get(json, "properties");
	if (*properties == NULL || (json_is_array(*properties) && json_array_size(*properties) == 0))
	{
		*properties = NULL;
		return true;
	}
	if (!json_is_object(*properties))
		return FilterRefuseValue(input, place, "filter properties must be an object",
								 psprintf("found %s.", FilterKindOf(*properties)), NULL);
	return FilterCheckKeys(input, place, *properties, property_keys, "filter properties",
						   "the keys of properties are filter and display.");
}

static char *
display_text(json_t *display)
{
	StringInfoData out;

	if (display == NULL)
		return NULL;
	initStringInfo(&out);
	write_display(display, &out);
	return out.data;
}

/*
 * The value and its display.  Where properties has no value, the older place
 * of both counts, in the filter itself; errors name the present one.
 */
bool
FilterBuildProperties(FilterInput *input, const FilterPlace *parent, json_t *json,
					  FilterNode *filter)
{
	FilterPlace place = FilterMember(parent, "properties");
	FilterPlace value_place = FilterMember(&place, "filter");
	json_t *properties;
	json_t *value;
	json_t *display;

	if (!get_properties(input, &place, json, &properties))
		return false;
	value = json_object_get(properties, "filter");
	display = json_object_get(properties, "display");
	if (value == NULL)
	{
		value = json_object_get(json, "filter");
		display = display != NULL ? display : json_object_get(json, "display");
	}
	if (value != NULL && !build_value(input, &value_place, value, &filter->value))
		return false;
	filter->display = display_text(display);
	return check_value(input, &value_place, filter);
}

bool
FilterBuildNegate(FilterInput *input, const FilterPlace *parent, json_t *json, FilterNode *group)
{
	json_t *negate = json_object_get(json, "negate");
	FilterPlace place = FilterMember(parent, "negate");

	group->negate = json_is_true(negate);
	if (negate == NULL || json_is_boolean(negate))
		return true;
	return FilterRefuseValue(input, &place, "negate of a group must be true or false",
							 psprintf("found %s.", FilterKindOf(negate)), NULL);
}
