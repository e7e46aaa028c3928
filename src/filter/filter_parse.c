/*
 * filter_parse.c - JSON text to filter tree.
 *
 * Takes the document as given, in server encoding, and gives the tree in the
 * current memory context, legacy spellings already replaced by current ones.
 * Checks everything that needs no contact table: what a field means, and so
 * which operators and values it takes, is checked when the filter is bound.
 *
 * With filter_member.c and filter_rows.c the only file that knows jansson (and
 * so one that cannot include utils/builtins.h, where core has its own
 * json_object).  Its trees are malloc'd, so each hangs on a memory context, with
 * which it goes.
 *
 * Numbers reach jansson as strings that begin with NUL; filter_text.c says why.
 */
#include "postgres.h"

#include "filter/filter_parse.h"

#include <jansson.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "utils/memutils.h"

#include "filter/filter.h"
#include "filter/filter_member.h"
#include "filter/filter_place.h"
#include "filter/filter_rows.h"
#include "filter/filter_text.h"

static const char *const filter_keys[] = {"glue",       "object", "field",   "type", "operator",
										  "properties", "filter", "display", NULL};
static const char *const group_keys[] = {"glue", "negate", "filters", NULL};
static const char *const objects[] = {"lead",      "company", "company_all",
									  "behaviors", "groups",  NULL};


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
	if (FilterIsOneOf(json_string_value(object), objects))
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

static bool build_children(FilterInput *input, const FilterPlace *place, json_t *array, int depth,
						   FilterNode *group);

/* The elements of a group, of which there must be one. */
static bool
build_filters(FilterInput *input, const FilterPlace *place, json_t *json, int depth,
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
	return build_children(input, &filters_place, filters, depth, group);
}

static bool
check_depth(FilterInput *input, const FilterPlace *place, int depth)
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
	if (!check_depth(input, place, depth))
		return false;
	if (!FilterCheckKeys(input, place, json, group_keys, "group of filters",
						 "the keys of a group are glue, negate and filters.") ||
		!FilterBuildGlue(input, place, json, group) ||
		!FilterBuildNegate(input, place, json, group))
		return false;
	return build_filters(input, place, json, depth, group);
}

/* Without filters every row counts. */
static bool
build_row_filters(FilterInput *input, const FilterPlace *place, json_t *json, int depth,
				  FilterNode *group)
{
	return json_object_get(json, "filters") == NULL ||
		   build_filters(input, place, json, depth, group);
}

/* A row group; depth is its own among groups of either kind. */
static bool
build_rows(FilterInput *input, const FilterPlace *place, json_t *json, int depth, FilterNode *group)
{
	bool built;

	input->rows_depth++;
	built = check_depth(input, place, depth) && FilterBuildRows(input, place, json, group) &&
			build_row_filters(input, place, json, depth, group) &&
			FilterBuildComparison(input, place, json, group);
	input->rows_depth--;
	return built;
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
		return build_rows(input, place, json, depth + 1, node);
	if (json_object_get(json, "filters") != NULL)
		return build_group(input, place, json, depth + 1, node);
	return build_filter(input, place, json, node);
}

/* The elements of an array at this depth. */
static bool
build_children(FilterInput *input, const FilterPlace *place, json_t *array, int depth,
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
	return build_children(input, &filter_top_place, json, 0, root) ? root : NULL;
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
