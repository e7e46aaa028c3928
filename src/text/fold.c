/*
 * fold.c - text folding: the form in which text is compared when case and
 * accents don't count.
 *
 * Takes text in the server encoding; gives it after Unicode NFKD, removal of
 * nonspacing marks (general category Mn) and full case folding.
 *
 * Invariants:
 *
 * - The result depends on the bytes and the server encoding alone, never on a
 *   locale, a setting or the server's own Unicode tables: fold_table.h fixes
 *   the Unicode version, so that an index on folded text stays valid.
 * - Folding twice is folding once (src/tools/make_fold_table.py proves it).
 */
#include "postgres.h"

#include "text/fold.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "text/fold_encoding.h"
#include "text/fold_utf8.h"

PG_FUNCTION_INFO_V1(segments_fold);

#define EIGHT_BYTES(b) (UINT64CONST(0x0101010101010101) * (b))

static inline uint64
load_eight(const char *p)
{
	uint64 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Turn A-Z into a-z in eight ASCII bytes at once. */
static inline uint64
lower_eight(uint64 word)
{
	uint64 from_a = word + EIGHT_BYTES(0x80 - 'A');
	uint64 above_z = word + EIGHT_BYTES(0x7F - 'Z');

	return word | (((from_a ^ above_z) & EIGHT_BYTES(0x80)) >> 2);
}

static inline bool
is_all_ascii(const char *data, int len)
{
	uint64 high = 0;

	if (len >= 8)
	{
		const char *last = data + len - 8;

		for (; data < last; data += 8)
			high |= load_eight(data);
		high |= load_eight(last);
		return (high & EIGHT_BYTES(0x80)) == 0;
	}
	while (len-- > 0)
		high |= (unsigned char) *data++;
	return (high & 0x80) == 0;
}

/* Lower `len` bytes that are all ASCII; source and target don't overlap. */
static inline void
lower_ascii(char *to, const char *from, int len)
{
	if (len >= 8)
	{
		int i;
		uint64 word;

		for (i = 0; i < len - 8; i += 8)
		{
			word = lower_eight(load_eight(from + i));
			memcpy(to + i, &word, sizeof(word));
		}
		/* The last eight may overlap those before: that does no harm. */
		word = lower_eight(load_eight(from + len - 8));
		memcpy(to + len - 8, &word, sizeof(word));
		return;
	}
	while (len-- > 0)
		*to++ = FoldAsciiCharacter(*from++);
}

/*
 * Fold into a new chunk of the current memory context, which begins with
 * `header` bytes for the caller and ends with a zero byte that is not counted.
 */
static char *
fold_to_chunk(const char *data, int len, int header, int *folded_len)
{
	StringInfoData buf;

	len = Min(len, (int) MaxAllocSize - header - 1);
	if (is_all_ascii(data, len))
	{
		buf.data = palloc(header + len + 1);
		lower_ascii(buf.data + header, data, len);
		buf.len = header + len;
	}
	else
	{
		buf.maxlen = Min((Size) header + len + FOLD_SPARE + 1, MaxAllocSize);
		buf.data = palloc(buf.maxlen);
		buf.len = header;
		buf.cursor = 0;
		if (GetDatabaseEncoding() == PG_UTF8)
			FoldAppendUtf8(&buf, data, len);
		else
			FoldAppendEncoded(&buf, data, len);
	}
	buf.data[buf.len] = '\0';
	*folded_len = buf.len - header;
	return buf.data;
}

text *
FoldText(const char *data, int len)
{
	int folded_len;
	text *folded = (text *) fold_to_chunk(data, len, VARHDRSZ, &folded_len);

	SET_VARSIZE(folded, VARHDRSZ + folded_len);
	return folded;
}

/* Like FoldText, for a C string; the result is new too. */
char *
FoldCString(const char *string)
{
	int folded_len;

	return fold_to_chunk(string, strlen(string), 0, &folded_len);
}

/* segments.fold(text): SQL access to folding. */
Datum
segments_fold(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(FoldText(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}
