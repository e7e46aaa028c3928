/*
 * filter_parse.c - JSON text to filter tree.
 *
 * Step 1b: takes the document as given, in server encoding, and gives the tree
 * in the current memory context, legacy spellings already replaced by current
 * ones.  Checks everything that needs no contact table: what a field means,
 * and so which operators and values it takes, is checked when the filter is
 * bound.
 *
 * With filter_rows.c the only file that knows jansson (and so one that cannot
 * include utils/builtins.h, where core has its own json_object).  Its trees are
 * malloc'd, so each hangs on a memory context, with which it goes.
 *
 * Numbers reach jansson as strings that begin with NUL; filter_text.c says why.
 */
#include "postgres.h"

#include <jansson.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "filter/filter_document.h"

static const char *const filter_keys[] = {"glue",       "object", "field",   "type", "operator",
										  "properties", "filter", "display", NULL};
static const char *const group_keys[] = {"glue", "negate", "filters", NULL};
static const char *const property_keys[] = {"filter", "display", NULL};
static const char *const date_keys[] = {"dateTypeMode", "absoluteDate", "relativeDateInterval",
										"relativeDateIntervalUnit", NULL};
static const char *const objects[] = {"lead",      "company", "company_all",
									  "behaviors", "groups",  NULL};

static void write_display(json_t *json, StringInfo out);

/* ------------------------------------------------------------------------
 * Text to jansson's tree
 * ------------------------------------------------------------------------ */

/* The object key whose literal ends at an offset, as written. */
static char *
key_before(const char *text, int offset)
{
	int end = offset - 1;
	int start = end - 1;

	while (start > 0 && (text[start] != '"' || text[start - 1] == '\\'))
		start--;
	if (end <= 0 || text[end] != '"' || text[start] != '"')
		return pstrdup("");
	return FilterShownWord(pnstrdup(text + start + 1, end - start - 1));
}

/* What jansson found wrong, without its "near ...", which can hold our marks. */
static char *
jansson_problem(json_error_t *error)
{
	char *near = strstr(error->text, " near ");

	if (json_error_code(error) == json_error_null_byte_in_key)
		return pstrdup("a key must be a string, found a number");
	if (json_error_code(error) == json_error_end_of_input_expected)
		return pstrdup("the document should have ended");
	if (near != NULL)
		*near = '\0';
	return FilterServerText(error->text, strlen(error->text));
}

/* Reports what jansson says.  It names the offset behind the token in question. */
static bool
refuse_json(FilterInput *input, json_error_t *error, const char *text, int length)
{
	int behind = FilterUnmarkedOffset(text, length, error->position);
	int offset = behind < length ? Max(behind - 1, 0) : length;

	if (json_error_code(error) == json_error_out_of_memory)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (json_error_code(error) == json_error_stack_overflow)
		return FilterRefuseText(input, ERRCODE_STATEMENT_TOO_COMPLEX, "filter is nested too deeply",
								"too many levels", text, offset);
	if (json_error_code(error) == json_error_duplicate_key)
		return FilterRefuseText(
			input, ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE,
			psprintf("duplicate key \"%s\" in filter", key_before(text, behind)),
			"an object has each of its keys once, found it again", text, offset);
	return FilterRefuseSyntax(input, jansson_problem(error), text, offset);
}

/* jansson's tree, which goes with a memory context, whatever is raised. */
typedef struct Document
{
	MemoryContext context;
	MemoryContextCallback callback;
	json_t *json;
} Document;

static void
free_json(void *arg)
{
	Document *document = arg;

	json_decref(document->json);
}

static Document *
create_document(void)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "segments document", ALLOCSET_SMALL_SIZES);
	Document *document = (Document *) MemoryContextAllocZero(context, sizeof(Document));

	document->context = context;
	document->callback.func = free_json;
	document->callback.arg = document;
	MemoryContextRegisterResetCallback(context, &document->callback);
	return document;
}

/* Reads a text in UTF-8; false after refusing it. */
static bool
load_json(FilterInput *input, Document *document, const char *text, int length)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
	StringInfoData marked;
	json_error_t error;

	if (!FilterCheckText(input, text, length))
		return false;
	initStringInfo(&marked);
	if (!FilterMarkNumbers(input, text, length, &marked))
		return false;
	document->json = json_loadb(marked.data, marked.len, flags, &error);
	pfree(marked.data);
	return document->json != NULL || refuse_json(input, &error, text, length);
}

/* ------------------------------------------------------------------------
 * jansson's tree to ours
 * ------------------------------------------------------------------------ */

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

static bool
is_one_of(const char *word, const char *const *words)
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

		if (!is_one_of(key, keys))
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

/* A missing object is "lead". */
static bool
build_object(FilterInput *input, const FilterPlace *parent, json_t *json, FilterNode *filter)
{
	json_t *object = json_object_get(json, "object");
	FilterPlace place = FilterMember(parent, "object");

	filter->object = input->rows_depth > 0 ? "" : "lead";
	if (object == NULL)
		return true;
	if (input->rows_depth > 0)
		return FilterRefuseValue(input, &place, "filter of a row group names an object",
								 "its fields are those of the row.", NULL);
	if (!FilterCheckWord(input, &place, object))
		return false;
	filter->object = FilterTextOf(object);
	if (is_one_of(json_string_value(object), objects))
		return true;
	return FilterRefuseValue(
		input, &place,
		psprintf("unrecognized filter object \"%s\"", FilterShownWord(json_string_value(object))),
		"no contact table has fields of such an object.",
		"Objects are lead, company, company_all, behaviors, groups.");
}

static bool
build_field(FilterInput *input, const FilterPlace *parent, json_t *json, FilterNode *filter)
{
	json_t *field = json_object_get(json, "field");
	FilterPlace place = FilterMember(parent, "field");

	if (field == NULL)
		return FilterRefuseValue(input, parent, "filter has no field",
								 "a filter needs the keys \"field\" and \"operator\".", NULL);
	if (!FilterCheckWord(input, &place, field))
		return false;
	filter->field = FilterTextOf(field);
	return true;
}

/* The type is kept but never believed, so any text or none will do. */
static bool
build_type(FilterInput *input, const FilterPlace *parent, json_t *json, FilterNode *filter)
{
	json_t *type = json_object_get(json, "type");
	FilterPlace place = FilterMember(parent, "type");

	if (type == NULL || json_is_null(type))
		return true;
	if (!FilterIsText(type))
		return FilterRefuseValue(input, &place, "filter type must be a string",
								 psprintf("found %s.", FilterKindOf(type)), NULL);
	filter->type = FilterTextOf(type);
	return true;
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
		if (!is_one_of(key, date_keys))
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

static bool
build_filter(FilterInput *input, const FilterPlace *place, json_t *json, FilterNode *filter)
{
	return FilterCheckKeys(input, place, json, filter_keys, "filter",
						   "the keys of a filter are glue, object, field, type, operator and "
						   "properties.") &&
		   FilterBuildGlue(input, place, json, filter) &&
		   build_object(input, place, json, filter) && build_field(input, place, json, filter) &&
		   build_type(input, place, json, filter) &&
		   FilterBuildOperator(input, place, json, filter) &&
		   FilterBuildProperties(input, place, json, filter);
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

/* The elements of a group, of which there must be one. */
bool
FilterBuildFilters(FilterInput *input, const FilterPlace *place, json_t *json, int depth,
				   FilterNode *group)
{
	json_t *filters = json_object_get(json, "filters");
	FilterPlace filters_place = FilterMember(place, "filters");

	if (!json_is_array(filters))
		return FilterRefuseValue(input, &filters_place, "filters of a group must be a list",
								 psprintf("found %s.", FilterKindOf(filters)), NULL);
	if (json_array_size(filters) == 0)
		return FilterRefuseValue(input, &filters_place, "group of filters is empty",
								 "a group holds at least one filter or group.", NULL);
	return FilterBuildChildren(input, &filters_place, filters, depth, group);
}

bool
FilterCheckDepth(FilterInput *input, const FilterPlace *place, int depth)
{
	if (depth <= FILTER_MAX_DEPTH)
		return true;
	return FilterRefuse(input, place, ERRCODE_STATEMENT_TOO_COMPLEX,
						psprintf("filter is nested more than %d levels deep", FILTER_MAX_DEPTH),
						"this group is inside too many others.", NULL);
}

/* A group inside the document; depth is its own. */
static bool
build_group(FilterInput *input, const FilterPlace *place, json_t *json, int depth,
			FilterNode *group)
{
	if (!FilterCheckDepth(input, place, depth))
		return false;
	if (!FilterCheckKeys(input, place, json, group_keys, "group of filters",
						 "the keys of a group are glue, negate and filters.") ||
		!FilterBuildGlue(input, place, json, group) ||
		!FilterBuildNegate(input, place, json, group))
		return false;
	return FilterBuildFilters(input, place, json, depth, group);
}

static bool
build_node(FilterInput *input, const FilterPlace *place, json_t *json, int depth, FilterNode *node)
{
	CHECK_FOR_INTERRUPTS();
	if (++input->nnodes > FILTER_MAX_NODES)
		return FilterRefuse(
			input, place, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
			psprintf("filter has more than %d filters and groups", FILTER_MAX_NODES),
			"this is one too many.", NULL);
	if (!json_is_object(json))
		return FilterRefuseValue(input, place, "filter must be an object",
								 psprintf("found %s.", FilterKindOf(json)), NULL);
	if (json_object_get(json, "rows") != NULL)
		return FilterBuildRows(input, place, json, depth + 1, node);
	if (json_object_get(json, "filters") != NULL)
		return build_group(input, place, json, depth + 1, node);
	return build_filter(input, place, json, node);
}

/* The elements of an array at this depth. */
bool
FilterBuildChildren(FilterInput *input, const FilterPlace *place, json_t *array, int depth,
					FilterNode *group)
{
	size_t n = json_array_size(array);
	size_t i;

	check_stack_depth();
	group->nchildren = n;
	group->children = (FilterNode **) palloc(sizeof(FilterNode *) * Max(n, 1));
	for (i = 0; i < n; i++)
	{
		FilterPlace here = FilterElement(place, i);

		group->children[i] = (FilterNode *) palloc0(sizeof(FilterNode));
		if (!build_node(input, &here, json_array_get(array, i), depth, group->children[i]))
			return false;
	}
	return true;
}

static FilterNode *
build_document(FilterInput *input, json_t *json)
{
	FilterNode *root = (FilterNode *) palloc0(sizeof(FilterNode));

	root->glue = FILTER_GLUE_AND;
	if (!json_is_array(json))
	{
		FilterRefuseValue(
			input, &filter_top_place, "filter document must be a list of filters",
			psprintf("found %s.", FilterKindOf(json)),
			"Put the filters into brackets; [] stands for a segment without filters.");
		return NULL;
	}
	return FilterBuildChildren(input, &filter_top_place, json, 0, root) ? root : NULL;
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

/*
 * The tree of a document in server encoding, in the current memory context.
 * Raises through escontext; where that only notes the error, gives NULL.
 */
FilterNode *
FilterParse(const char *json, int len, Node *escontext)
{
	FilterInput input = {escontext, 0, 0};
	char *text = pg_server_to_any(json, len, PG_UTF8);
	int length = text == json ? len : strlen(text);
	Document *document = create_document();
	FilterNode *root = NULL;

	if (load_json(&input, document, text, length))
		root = build_document(&input, document->json);
	MemoryContextDelete(document->context);
	if (root == NULL || !FilterCheckLength(&input, text, length, root))
		return NULL;
	return root;
}
