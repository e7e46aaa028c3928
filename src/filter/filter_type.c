/*
 * filter_type.c - the SQL type segments.filter.
 *
 * Takes what SQL gives and gives what SQL wants: input and output, binary
 * send and receive, equality and hash, casts.  The work is done elsewhere:
 * parsing in filter_parse.c, printing in filter_json.c, the stored bytes in
 * filter_flat.c.
 *
 * Invariant: the stored layout never leaves the server; clients see JSON only.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "filter/filter_json.h"
#include "filter/filter_parse.h"

#define WIRE_VERSION 1 /* of the binary form: this byte, then JSON */

PG_FUNCTION_INFO_V1(segments_filter_in);
PG_FUNCTION_INFO_V1(segments_filter_out);
PG_FUNCTION_INFO_V1(segments_filter_recv);
PG_FUNCTION_INFO_V1(segments_filter_send);
PG_FUNCTION_INFO_V1(segments_filter_eq);
PG_FUNCTION_INFO_V1(segments_filter_ne);
PG_FUNCTION_INFO_V1(segments_filter_hash);
PG_FUNCTION_INFO_V1(segments_filter_hash_extended);
PG_FUNCTION_INFO_V1(segments_filter_to_json);
PG_FUNCTION_INFO_V1(segments_filter_to_jsonb);
PG_FUNCTION_INFO_V1(segments_is_static);

/* The canonical document of a stored value, in the current memory context. */
static char *
filter_text(const Filter *filter)
{
	StringInfoData out;

	initStringInfo(&out);
	FilterToJson(FilterUnflatten(filter), &out);
	return out.data;
}

Datum
segments_filter_in(PG_FUNCTION_ARGS)
{
	char *json = PG_GETARG_CSTRING(0);
	FilterNode *root = FilterParse(json, strlen(json), fcinfo->context);

	if (root == NULL)
		PG_RETURN_NULL(); /* the error is noted in the context */
	PG_RETURN_POINTER(FilterFlatten(root));
}

Datum
segments_filter_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(filter_text(PG_GETARG_FILTER_P(0)));
}

Datum
segments_filter_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int version = pq_getmsgbyte(buf);
	char *json;
	int length;

	if (version != WIRE_VERSION)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("unsupported filter binary version %d", version),
						errdetail("This version of segments reads version %d.", WIRE_VERSION)));
	json = pq_getmsgtext(buf, buf->len - buf->cursor, &length);
	PG_RETURN_POINTER(FilterFlatten(FilterParse(json, length, NULL)));
}

Datum
segments_filter_send(PG_FUNCTION_ARGS)
{
	char *json = filter_text(PG_GETARG_FILTER_P(0));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint8(&buf, WIRE_VERSION);
	pq_sendtext(&buf, json, strlen(json));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

static bool
filters_equal(const Filter *a, const Filter *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(VARDATA(a), VARDATA(b), VARSIZE(a) - VARHDRSZ) == 0;
}

Datum
segments_filter_eq(PG_FUNCTION_ARGS)
{
	Filter *a = PG_GETARG_FILTER_P(0);
	Filter *b = PG_GETARG_FILTER_P(1);
	bool result = filters_equal(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_BOOL(result);
}

Datum
segments_filter_ne(PG_FUNCTION_ARGS)
{
	Filter *a = PG_GETARG_FILTER_P(0);
	Filter *b = PG_GETARG_FILTER_P(1);
	bool result = !filters_equal(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_BOOL(result);
}

Datum
segments_filter_hash(PG_FUNCTION_ARGS)
{
	Filter *filter = PG_GETARG_FILTER_P(0);
	Datum result = hash_any((unsigned char *) VARDATA(filter), VARSIZE(filter) - VARHDRSZ);

	PG_FREE_IF_COPY(filter, 0);
	return result;
}

Datum
segments_filter_hash_extended(PG_FUNCTION_ARGS)
{
	Filter *filter = PG_GETARG_FILTER_P(0);
	Datum result = hash_any_extended((unsigned char *) VARDATA(filter), VARSIZE(filter) - VARHDRSZ,
									 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(filter, 0);
	return result;
}

/*
 * A function rather than a cast through text, because to_jsonb() and
 * row_to_json() nest a value only when its type has a cast function to json.
 */
Datum
segments_filter_to_json(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(filter_text(PG_GETARG_FILTER_P(0))));
}

Datum
segments_filter_to_jsonb(PG_FUNCTION_ARGS)
{
	char *json = filter_text(PG_GETARG_FILTER_P(0));

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

/* Reads only the header, but a compressed value must be expanded for it. */
Datum
segments_is_static(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(FilterIsStatic(PG_GETARG_FILTER_P(0)));
}
