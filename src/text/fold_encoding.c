/*
 * fold_encoding.c - folding of text in other encodings than UTF8.
 *
 * Each character is converted, folded and converted back by itself; one whose
 * folded form the encoding lacks stays as it is.  Where pg_catalog has no
 * conversion (SQL_ASCII, MULE_INTERNAL) only ASCII is folded.
 */
#include "postgres.h"

#include "text/fold_encoding.h"

#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "text/fold_utf8.h"

/*
 * A character of the server encoding and what it folds to.  Conversion is too
 * slow to do again for each occurrence; a collision replaces the older one.
 */
#define MAX_FOLDED_CHARACTER 256 /* bytes, in any encoding */
#define CHAR_CACHE_SIZE 512
#define CHAR_CACHE_FOLD 11

typedef struct CharCacheEntry
{
	uint32 character; /* its bytes, big-endian; 0 if unused */
	uint8 length;
	char folded[CHAR_CACHE_FOLD];
} CharCacheEntry;

/* How to go from the server encoding to UTF-8 and back; looked up once. */
typedef struct Conversions
{
	bool known;
	Oid to_utf8; /* InvalidOid: fold ASCII only */
	Oid from_utf8;
} Conversions;

static Conversions conversions;
static CharCacheEntry char_cache[CHAR_CACHE_SIZE];

/* Append a text of which only the ASCII bytes fold. */
static void
fold_ascii_only(StringInfo buf, const char *from, const char *end)
{
	end = from + FoldMakeRoom(buf, end - from);
	while (from < end)
		buf->data[buf->len++] = FoldAsciiCharacter(*from++);
}

/*
 * Look up the conversions of pg_catalog: the default ones depend on the
 * search path.
 */
static void
look_up_conversions(void)
{
	int encoding = GetDatabaseEncoding();

	if (conversions.known)
		return;
	conversions.to_utf8 = FindDefaultConversion(PG_CATALOG_NAMESPACE, encoding, PG_UTF8);
	conversions.from_utf8 = FindDefaultConversion(PG_CATALOG_NAMESPACE, PG_UTF8, encoding);
	if (!OidIsValid(conversions.from_utf8))
		conversions.to_utf8 = InvalidOid;
	conversions.known = true;
}

/*
 * Append `len` bytes in another encoding.  Returns false, and leaves the
 * buffer alone, if the other encoding lacks one of the characters.
 */
static bool
append_converted(StringInfo buf, Oid conversion, int from, int to, const char *data, int len)
{
	int room = (len + 1) * MAX_CONVERSION_GROWTH + 1;
	char *target;

	enlargeStringInfo(buf, room);
	target = buf->data + buf->len;
	if (pg_do_encoding_conversion_buf(conversion, from, to, (unsigned char *) data, len,
									  (unsigned char *) target, room, true) != len)
		return false;
	buf->len += strlen(target);
	return true;
}

/* Append what one character that is not ASCII folds to. */
static void
fold_converted(StringInfo buf, const char *data, int len)
{
	int encoding = GetDatabaseEncoding();
	StringInfoData utf8;
	StringInfoData folded;
	bool done;

	initStringInfo(&utf8);
	initStringInfo(&folded);
	done = append_converted(&utf8, conversions.to_utf8, encoding, PG_UTF8, data, len);
	if (done)
	{
		FoldAppendUtf8(&folded, utf8.data, utf8.len);
		done = append_converted(buf, conversions.from_utf8, PG_UTF8, encoding, folded.data,
								folded.len);
	}
	if (!done)
		appendBinaryStringInfo(buf, data, len);
	pfree(folded.data);
	pfree(utf8.data);
}

/* Append what one character that is not ASCII folds to, from the cache. */
static void
fold_cached(StringInfo buf, const char *data, int len)
{
	uint32 character = 0;
	CharCacheEntry *entry;
	int start = buf->len;
	int i;

	for (i = 0; i < len; i++)
		character = character << 8 | (unsigned char) data[i];
	entry = &char_cache[(character ^ character >> 7) % CHAR_CACHE_SIZE];
	if (entry->character == character)
	{
		appendBinaryStringInfo(buf, entry->folded, entry->length);
		return;
	}
	fold_converted(buf, data, len);
	if (buf->len - start > CHAR_CACHE_FOLD)
		return;
	entry->character = character;
	entry->length = buf->len - start;
	memcpy(entry->folded, buf->data + start, entry->length);
}

/* Append folded text in the server encoding, which is not UTF8. */
void
FoldAppendEncoded(StringInfo buf, const char *from, int len)
{
	const char *end = from + len;
	int encoding = GetDatabaseEncoding();

	look_up_conversions();
	if (!OidIsValid(conversions.to_utf8))
	{
		fold_ascii_only(buf, from, end);
		return;
	}
	while (from < end && FoldMakeRoom(buf, MAX_FOLDED_CHARACTER) == MAX_FOLDED_CHARACTER)
	{
		int length = 1;

		if (!IS_HIGHBIT_SET(*from))
			appendStringInfoChar(buf, FoldAsciiCharacter(*from));
		else
		{
			CHECK_FOR_INTERRUPTS();
			length = Min(pg_encoding_mblen(encoding, from), end - from);
			fold_cached(buf, from, length);
		}
		from += length;
	}
}

/*
 * Convert text to UTF-8, into a new chunk.  Unlike the server's conversion of
 * strings never raises: valid text can have characters, assigned by nobody,
 * that UTF-8 has no place for.  Gives NULL then.
 */
char *
FoldToUtf8(const char *data, int len)
{
	int encoding = GetDatabaseEncoding();
	StringInfoData utf8;

	if (encoding == PG_UTF8)
		return pnstrdup(data, len);
	look_up_conversions();
	initStringInfo(&utf8);
	if (!OidIsValid(conversions.to_utf8) ||
		!append_converted(&utf8, conversions.to_utf8, encoding, PG_UTF8, data, len))
		return NULL;
	return utf8.data;
}
