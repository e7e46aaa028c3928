/*
 * elements.c - the elements of a multi-select: a|b|c text, or an array.
 *
 * segments.elements(text | text[] [, fold boolean]) RETURNS text[]: folded
 * unless fold is false; blank elements are left out; NULL gives NULL.
 *
 * segments_internal.element_set(text[]) RETURNS text[]: the same set as one
 * value, each element once and in order of bytes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "text/fold.h"

/*
 * What an array can hold at all, and no more than anybody would list: a text of
 * a gigabyte must not fail the write that brings it.  What is beyond does not
 * count.
 */
#define MAX_ELEMENTS 1000000
#define MAX_BYTES (MaxAllocSize / 2)

typedef struct Elements
{
	ArrayBuildState *state; /* NULL: none yet */
	int n;
	Size bytes;
} Elements;

/* False when nothing more is taken. */
static bool
add_element(Elements *elements, const char *data, int len, bool fold)
{
	text *element;
	Size bytes;

	if (len == 0)
		return true;
	element = fold ? FoldText(data, len) : cstring_to_text_with_len(data, len);
	bytes = INTALIGN(VARSIZE_ANY(element));
	if (elements->n == MAX_ELEMENTS || bytes > MAX_BYTES - elements->bytes)
		return false;
	if (VARSIZE_ANY_EXHDR(element) > 0)
	{
		elements->state = accumArrayResult(elements->state, PointerGetDatum(element), false,
										   TEXTOID, CurrentMemoryContext);
		elements->n++;
		elements->bytes += bytes;
	}
	pfree(element);
	CHECK_FOR_INTERRUPTS();
	return true;
}

static Datum
finish(Elements *elements)
{
	if (elements->state == NULL)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	return makeArrayResult(elements->state, CurrentMemoryContext);
}

PG_FUNCTION_INFO_V1(segments_elements_text);
Datum
segments_elements_text(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	bool fold = PG_GETARG_BOOL(1);
	const char *p = VARDATA_ANY(value);
	const char *end = p + VARSIZE_ANY_EXHDR(value);
	Elements elements = {0};

	while (p <= end)
	{
		const char *bar = (p < end) ? memchr(p, '|', end - p) : NULL;
		const char *stop = bar ? bar : end;

		CHECK_FOR_INTERRUPTS();
		if (!add_element(&elements, p, stop - p, fold))
			break;
		p = stop + 1;
	}
	PG_RETURN_DATUM(finish(&elements));
}

PG_FUNCTION_INFO_V1(segments_elements_array);
Datum
segments_elements_array(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	bool fold = PG_GETARG_BOOL(1);
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	Elements elements = {0};
	Datum value;
	bool isnull;

	while (array_iterate(iterator, &value, &isnull))
	{
		text *element;

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		element = DatumGetTextPP(value);
		if (!add_element(&elements, VARDATA_ANY(element), VARSIZE_ANY_EXHDR(element), fold))
			break;
	}
	array_free_iterator(iterator);
	PG_RETURN_DATUM(finish(&elements));
}

static int
compare_elements(const void *a, const void *b)
{
	text *first = DatumGetTextPP(*(const Datum *) a);
	text *second = DatumGetTextPP(*(const Datum *) b);
	int n = VARSIZE_ANY_EXHDR(first);
	int m = VARSIZE_ANY_EXHDR(second);
	int order = memcmp(VARDATA_ANY(first), VARDATA_ANY(second), Min(n, m));

	return order != 0 ? order : (n > m) - (n < m);
}

PG_FUNCTION_INFO_V1(segments_element_set);
Datum
segments_element_set(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum *values;
	int count;
	int kept = 0;
	int i;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &count);
	qsort(values, count, sizeof(Datum), compare_elements);
	for (i = 0; i < count; i++)
	{
		if (kept == 0 || compare_elements(&values[kept - 1], &values[i]) != 0)
			values[kept++] = values[i];
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(values, kept, TEXTOID, -1, false, TYPALIGN_INT));
}
