/*
 * elements.c - the elements of a multi-select: a|b|c text, or an array.
 *
 * segments.elements(text | text[] [, fold boolean]) RETURNS text[]: folded
 * unless fold is false; blank elements are left out; NULL gives NULL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "text/fold.h"

static void
add_element(ArrayBuildState **state, const char *data, int len, bool fold)
{
	text *element;

	if (len == 0)
		return;
	element = fold ? FoldText(data, len) : cstring_to_text_with_len(data, len);
	if (VARSIZE_ANY_EXHDR(element) > 0)
		*state = accumArrayResult(*state, PointerGetDatum(element), false, TEXTOID,
								  CurrentMemoryContext);
}

static Datum
finish(ArrayBuildState *state)
{
	if (state == NULL)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	return makeArrayResult(state, CurrentMemoryContext);
}

PG_FUNCTION_INFO_V1(segments_elements_text);
Datum
segments_elements_text(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	bool fold = PG_GETARG_BOOL(1);
	const char *p = VARDATA_ANY(value);
	const char *end = p + VARSIZE_ANY_EXHDR(value);
	ArrayBuildState *state = NULL;

	while (p <= end)
	{
		const char *bar = (p < end) ? memchr(p, '|', end - p) : NULL;
		const char *stop = bar ? bar : end;

		CHECK_FOR_INTERRUPTS();
		add_element(&state, p, stop - p, fold);
		p = stop + 1;
	}
	PG_RETURN_DATUM(finish(state));
}

PG_FUNCTION_INFO_V1(segments_elements_array);
Datum
segments_elements_array(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	bool fold = PG_GETARG_BOOL(1);
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	ArrayBuildState *state = NULL;
	Datum value;
	bool isnull;

	while (array_iterate(iterator, &value, &isnull))
	{
		text *element;

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		element = DatumGetTextPP(value);
		add_element(&state, VARDATA_ANY(element), VARSIZE_ANY_EXHDR(element), fold);
	}
	array_free_iterator(iterator);
	PG_RETURN_DATUM(finish(state));
}
