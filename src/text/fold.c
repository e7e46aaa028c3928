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
 *
 * Each code point folds by itself, but for one thing: the few characters that
 * have a combining class and are not Mn must stand in canonical order.  They
 * are sorted at the end, when marks between them are already gone.
 *
 * In other encodings than UTF8 each character is converted, folded and
 * converted back by itself; one whose folded form the encoding lacks stays as
 * it is.  Where pg_catalog has no conversion (SQL_ASCII, MULE_INTERNAL) only
 * ASCII is folded.
 */
#include "postgres.h"

#include "text/fold.h"

#include "access/htup_details.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "text/fold_table.h"

PG_FUNCTION_INFO_V1(segments_fold);

/* Hangul syllables decompose by arithmetic (Unicode Standard, 3.12). */
#define HANGUL_S_BASE 0xAC00
#define HANGUL_L_BASE 0x1100
#define HANGUL_V_BASE 0x1161
#define HANGUL_T_BASE 0x11A7
#define HANGUL_T_COUNT 28
#define HANGUL_N_COUNT 588
#define HANGUL_S_COUNT 11172

#define EIGHT_BYTES(b) (UINT64CONST(0x0101010101010101) * (b))

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

#define FOLD_PIECE (256 * 1024) /* bytes between two looks for interrupts */

static Conversions conversions;
static CharCacheEntry char_cache[CHAR_CACHE_SIZE];

/*
 * ASCII
 */

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

static inline char
lower_one(char c)
{
	return (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
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
		*to++ = lower_one(*from++);
}

/*
 * Make room for more bytes, as many as a value can have: of a text whose folded
 * form would be longer, only the beginning counts.  No filter may fail a write
 * for the length of a text.  Returns for how many there is room.
 */
static int
make_room(StringInfo buf, int more)
{
	int left = (int) MaxAllocSize - 1 - buf->len;

	more = Min(more, left - 1);
	if (more > 0)
		enlargeStringInfo(buf, more);
	return Max(more, 0);
}

/* Append a text of which only the ASCII bytes fold. */
static void
fold_ascii_only(StringInfo buf, const char *from, const char *end)
{
	end = from + make_room(buf, end - from);
	while (from < end)
		buf->data[buf->len++] = lower_one(*from++);
}

/*
 * UTF-8
 */

/*
 * Decode the character at `from`.  Sets *length, which is never more than
 * what is there; of a character cut off (no valid text has one) the first
 * byte is taken for a character that doesn't fold.
 */
static inline uint32
decode_utf8(const unsigned char *from, const unsigned char *end, int *length)
{
	int available = end - from;

	*length = 1;
	if (from[0] < 0xE0)
	{
		if (from[0] < 0xC0 || available < 2)
			return FOLD_LIMIT;
		*length = 2;
		return (from[0] & 0x1F) << 6 | (from[1] & 0x3F);
	}
	if (from[0] < 0xF0)
	{
		if (available < 3)
			return FOLD_LIMIT;
		*length = 3;
		return (from[0] & 0x0F) << 12 | (from[1] & 0x3F) << 6 | (from[2] & 0x3F);
	}
	if (available < 4)
		return FOLD_LIMIT;
	*length = 4;
	return (from[0] & 0x07) << 18 | (from[1] & 0x3F) << 12 | (from[2] & 0x3F) << 6 |
		   (from[3] & 0x3F);
}

/* Write a jamo; they are all three bytes long. */
static inline void
append_jamo(StringInfo buf, uint32 jamo)
{
	buf->data[buf->len++] = 0xE0 | (jamo >> 12);
	buf->data[buf->len++] = 0x80 | ((jamo >> 6) & 0x3F);
	buf->data[buf->len++] = 0x80 | (jamo & 0x3F);
}

static void
append_hangul(StringInfo buf, uint32 syllable)
{
	uint32 trailing = syllable % HANGUL_T_COUNT;

	append_jamo(buf, HANGUL_L_BASE + syllable / HANGUL_N_COUNT);
	append_jamo(buf, HANGUL_V_BASE + syllable % HANGUL_N_COUNT / HANGUL_T_COUNT);
	if (trailing != 0)
		append_jamo(buf, HANGUL_T_BASE + trailing);
}

/* Place of a code point's replacement in fold_pool, or FOLD_SELF. */
static inline uint32
find_replacement(uint32 code_point)
{
	uint32 block;

	if (code_point >= FOLD_LIMIT)
		return (code_point >= FOLD_REMOVED_FIRST && code_point <= FOLD_REMOVED_LAST) ? FOLD_NOTHING
																					 : FOLD_SELF;
	block = fold_blocks[code_point >> FOLD_SHIFT];
	return fold_entries[(block << FOLD_SHIFT) + (code_point & ((1 << FOLD_SHIFT) - 1))];
}

/*
 * Append what the character at *from folds to, and step over it.  There must
 * be room for FOLD_LONGEST bytes.  Returns true if canonical order may be
 * disturbed.
 */
static inline bool
fold_character(StringInfo buf, const unsigned char **from, const unsigned char *end)
{
	int length;
	uint32 code_point = decode_utf8(*from, end, &length);
	const unsigned char *bytes = *from;
	bool reordered = false;
	uint32 place;

	*from += length;
	if (code_point - HANGUL_S_BASE < HANGUL_S_COUNT)
	{
		append_hangul(buf, code_point - HANGUL_S_BASE);
		return false;
	}
	place = find_replacement(code_point);
	if (place != FOLD_SELF)
	{
		length = fold_pool[place] & ~FOLD_REORDERED;
		reordered = (fold_pool[place] & FOLD_REORDERED) != 0;
		bytes = fold_pool + place + 1;
	}
	memcpy(buf->data + buf->len, bytes, length);
	buf->len += length;
	return reordered;
}

/* Combining class of a character that folding keeps. */
static uint8
combining_class(uint32 code_point)
{
	int low = 0;
	int high = lengthof(fold_classes);

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (fold_classes[middle].code_point < code_point)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < lengthof(fold_classes) && fold_classes[low].code_point == code_point)
		return fold_classes[low].combining_class;
	return 0;
}

/* Class of the character at `from` and its length; ASCII has none. */
static uint8
class_at(const unsigned char *from, const unsigned char *end, int *length)
{
	*length = 1;
	if (!IS_HIGHBIT_SET(*from))
		return 0;
	return combining_class(decode_utf8(from, end, length));
}

/*
 * Sort a run of characters that all have a class, stably.  One round for each
 * class there is keeps the cost linear, however long the run.
 */
static void
sort_run(unsigned char *run, int run_length)
{
	unsigned char *sorted = palloc(run_length);
	unsigned char *to = sorted;
	int i;

	for (i = 0; i < lengthof(fold_class_values); i++)
	{
		const unsigned char *from = run;
		int length;

		CHECK_FOR_INTERRUPTS();
		for (; from < run + run_length; from += length)
		{
			if (class_at(from, run + run_length, &length) != fold_class_values[i])
				continue;
			memcpy(to, from, length);
			to += length;
		}
	}
	Assert(to - sorted == run_length);
	memcpy(run, sorted, run_length);
	pfree(sorted);
}

/* Bring folded text into canonical order, in place. */
static void
reorder(unsigned char *from, unsigned char *end)
{
	unsigned char *run = from;
	uint8 last = 0;
	bool disturbed = false;

	while (from < end)
	{
		int length;
		uint8 class = class_at(from, end, &length);

		CHECK_FOR_INTERRUPTS();
		if (class == 0)
		{
			if (disturbed)
				sort_run(run, from - run);
			disturbed = false;
			run = from + length;
		}
		else if (class < last)
			disturbed = true;
		last = class;
		from += length;
	}
	if (disturbed)
		sort_run(run, from - run);
}

/*
 * Room for the rest at its own length and one replacement more; where there is
 * none, the rest ends sooner, between two characters.
 */
static const unsigned char *
keep_room(StringInfo buf, const unsigned char *from, const unsigned char *end)
{
	int room = make_room(buf, (end - from) + FOLD_LONGEST);

	if (room >= (end - from) + FOLD_LONGEST)
		return end;
	end = from + Max(room - FOLD_LONGEST, 0);
	while (end > from && (*end & 0xC0) == 0x80)
		end--;
	return end;
}

/*
 * Append folded UTF-8.  Room is kept for the rest at its own length and one
 * replacement more, so that it is looked after only where text can grow.
 */
static void
fold_utf8(StringInfo buf, const char *data, int len)
{
	const unsigned char *from = (const unsigned char *) data;
	const unsigned char *end = from + len;
	int start = buf->len;
	bool reordered = false;

	end = keep_room(buf, from, end);
	while (from < end)
	{
		const unsigned char *stop = from + Min(end - from, FOLD_PIECE);

		CHECK_FOR_INTERRUPTS();
		while (from < stop)
		{
			if (!IS_HIGHBIT_SET(*from))
			{
				buf->data[buf->len++] = lower_one(*from++);
				continue;
			}
			if (buf->maxlen - buf->len <= (end - from) + FOLD_LONGEST)
			{
				end = keep_room(buf, from, end);
				stop = Min(stop, end);
			}
			if (from < end)
				reordered |= fold_character(buf, &from, end);
		}
	}
	if (reordered)
		reorder((unsigned char *) buf->data + start, (unsigned char *) buf->data + buf->len);
}

/*
 * Other encodings
 */

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
		fold_utf8(&folded, utf8.data, utf8.len);
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
static void
fold_other(StringInfo buf, const char *from, int len)
{
	const char *end = from + len;
	int encoding = GetDatabaseEncoding();

	look_up_conversions();
	if (!OidIsValid(conversions.to_utf8))
	{
		fold_ascii_only(buf, from, end);
		return;
	}
	while (from < end && make_room(buf, MAX_FOLDED_CHARACTER) == MAX_FOLDED_CHARACTER)
	{
		int length = 1;

		if (!IS_HIGHBIT_SET(*from))
			appendStringInfoChar(buf, lower_one(*from));
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
 * Interface
 */

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
		buf.maxlen = Min((Size) header + len + FOLD_LONGEST + 1, MaxAllocSize);
		buf.data = palloc(buf.maxlen);
		buf.len = header;
		buf.cursor = 0;
		if (GetDatabaseEncoding() == PG_UTF8)
			fold_utf8(&buf, data, len);
		else
			fold_other(&buf, data, len);
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

/* segments.fold(text): SQL access to folding. */
Datum
segments_fold(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(FoldText(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}
