/*
 * filter_place.c - places in a filter document, and what is refused there.
 *
 * Takes what is wrong with a document and where, and raises it, softly where
 * the caller asked for that.  Every refusal of a document goes through here,
 * so every one names its place, as in $[1].properties.filter.
 */
#include "postgres.h"

#include "filter/filter_place.h"

#include "mb/pg_wchar.h"
#include "utils/json.h"

#include "base/compat.h"

#define WORD_MAX_LENGTH 64 /* of the user's words in messages, in bytes */

const FilterPlace filter_top_place = {NULL, NULL, 0};

/* A text of jansson's in server encoding, in the current memory context. */
char *
FilterServerText(const char *utf8, size_t length)
{
	char *text = pg_any_to_server(utf8, length, PG_UTF8);

	return text == utf8 ? pnstrdup(utf8, length) : text;
}

/* The user's word as messages show it: in server encoding, of bounded length. */
char *
FilterShownWord(const char *utf8)
{
	int length = strlen(utf8);
	int kept = pg_encoding_mbcliplen(PG_UTF8, utf8, length, WORD_MAX_LENGTH);
	char *word = FilterServerText(utf8, kept);

	return kept == length ? word : psprintf("%s...", word);
}

static bool
is_plain_key(const char *key)
{
	return key[0] != '\0' && strlen(key) <= WORD_MAX_LENGTH &&
		   strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
			   strlen(key);
}

static void
append_place(StringInfo out, const FilterPlace *place)
{
	if (place->parent == NULL)
	{
		appendStringInfoChar(out, '$');
		return;
	}
	append_place(out, place->parent);
	if (place->key == NULL)
		appendStringInfo(out, "[%zu]", place->index);
	else if (is_plain_key(place->key))
		appendStringInfo(out, ".%s", place->key);
	else
	{
		appendStringInfoChar(out, '[');
		escape_json(out, FilterShownWord(place->key));
		appendStringInfoChar(out, ']');
	}
}

/*
 * Reports an error and returns false.  The message is what is wrong, the
 * detail (a clause that ends in a full stop) says more about it after the
 * place, the hint is NULL when there is nothing to advise.
 */
bool
FilterRefuse(FilterInput *input, const FilterPlace *place, int sqlstate, const char *message,
			 const char *detail, const char *hint)
{
	StringInfoData where;

	initStringInfo(&where);
	append_place(&where, place);
	errsave(input->escontext,
			(errcode(sqlstate), errmsg("%s", message), errdetail("At %s: %s", where.data, detail),
			 hint != NULL ? errhint("%s", hint) : 0));
	return false;
}

/* The usual case: the JSON is fine, the filter is not. */
bool
FilterRefuseValue(FilterInput *input, const FilterPlace *place, const char *message,
				  const char *detail, const char *hint)
{
	return FilterRefuse(input, place, ERRCODE_INVALID_PARAMETER_VALUE, message, detail, hint);
}
