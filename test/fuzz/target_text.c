/*
 * target_text.c - folding, elements, aliases.
 */
#include "fuzz.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "text/fold.h"

extern Datum segments_elements_text(PG_FUNCTION_ARGS);
extern Datum segments_elements_array(PG_FUNCTION_ARGS);
extern Datum segments_make_alias(PG_FUNCTION_ARGS);

static bool
is_text(const char *data, int len)
{
	return pg_verify_mbstr(GetDatabaseEncoding(), data, len, true);
}

/* Folded text is text, and folds to itself. */
static void
check_fold(const text *value)
{
	text *once = FoldText(VARDATA(value), VARSIZE(value) - VARHDRSZ);
	text *twice = FoldText(VARDATA(once), VARSIZE(once) - VARHDRSZ);

	if (!is_text(VARDATA(once), VARSIZE(once) - VARHDRSZ))
		FuzzFail("folded text is no text");
	if (VARSIZE(once) != VARSIZE(twice) || memcmp(once, twice, VARSIZE(once)) != 0)
		FuzzFail("folded twice is not folded once");
}

static void
check_elements(text *value)
{
	Datum words =
		DirectFunctionCall2(segments_elements_text, PointerGetDatum(value), BoolGetDatum(true));
	Datum again = DirectFunctionCall2(segments_elements_array, words, BoolGetDatum(false));

	if (VARSIZE(DatumGetPointer(words)) != VARSIZE(DatumGetPointer(again)))
		FuzzFail("elements of elements are others");
	DirectFunctionCall2(segments_elements_text, PointerGetDatum(value), BoolGetDatum(false));
}

static void
check_alias(text *value)
{
	Datum made = DirectFunctionCall1(segments_make_alias, PointerGetDatum(value));
	char *alias = text_to_cstring(DatumGetTextPP(made));

	if (strspn(alias, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(alias))
		FuzzFail("the alias \"%s\" has other characters", alias);
}

static void
run_text(const char *data, int len)
{
	text *value;

	/* Folding promises to stay inside of any bytes. */
	(void) FoldText(data, len);
	if (memchr(data, '\0', len) != NULL || !is_text(data, len))
		return;
	FuzzMust("a text");
	value = cstring_to_text_with_len(data, len);
	check_fold(value);
	check_elements(value);
	check_alias(value);
}

const FuzzTarget text_target = {"text", run_text, NULL, "", true, false};
