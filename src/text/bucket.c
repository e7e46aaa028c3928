/*
 * bucket.c - shares of the contacts by a hash of their key.
 *
 * The same for one key and number for ever and everywhere, so that who is in a
 * tenth stays in it, and every system can tell by itself (SEMANTICS §8.7).
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define BUCKETS 10000
#define DIGITS 8 /* of the hash that count */

/*
 * segments.bucket(key text, number bigint) -> integer from 0 to 9999: the first
 * eight digits of the md5 of "number:key", modulo 10,000.
 */
PG_FUNCTION_INFO_V1(segments_bucket);
Datum
segments_bucket(PG_FUNCTION_ARGS)
{
	char *key = text_to_cstring(PG_GETARG_TEXT_PP(0));
	text *salted = cstring_to_text(psprintf(INT64_FORMAT ":%s", PG_GETARG_INT64(1), key));
	char *hash = TextDatumGetCString(DirectFunctionCall1(md5_text, PointerGetDatum(salted)));

	hash[DIGITS] = '\0';
	PG_RETURN_INT32((int32) (strtoul(hash, NULL, 16) % BUCKETS));
}
