/*
 * fold_utf8.c - folding of UTF-8: Unicode NFKD, removal of nonspacing marks
 * (general category Mn), full case folding (Unicode Standard, 3.11 to 3.13).
 *
 * Each code point folds by itself, but for one thing: the few characters that
 * have a combining class and are not Mn must stand in canonical order.  They
 * are sorted at the end, when marks between them are already gone.
 */
#include "postgres.h"

#include "text/fold_utf8.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "text/fold_table.h"

StaticAssertDecl(FOLD_SPARE >= FOLD_LONGEST, "FOLD_SPARE is too small");

/* Hangul syllables decompose by arithmetic (Unicode Standard, 3.12). */
#define HANGUL_S_BASE 0xAC00
#define HANGUL_L_BASE 0x1100
#define HANGUL_V_BASE 0x1161
#define HANGUL_T_BASE 0x11A7
#define HANGUL_T_COUNT 28
#define HANGUL_N_COUNT 588
#define HANGUL_S_COUNT 11172

#define FOLD_PIECE (256 * 1024) /* bytes between two looks for interrupts */

/*
 * Make room for more bytes, as many as a value can have: of a text whose folded
 * form would be longer, only the beginning counts.  No filter may fail a write
 * for the length of a text.  Returns for how many there is room.
 */
int
FoldMakeRoom(StringInfo buf, int more)
{
	int left = (int) MaxAllocSize - 1 - buf->len;

	more = Min(more, left - 1);
	if (more > 0)
		enlargeStringInfo(buf, more);
	return Max(more, 0);
}

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
	int room = FoldMakeRoom(buf, (end - from) + FOLD_LONGEST);

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
void
FoldAppendUtf8(StringInfo buf, const char *data, int len)
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
				buf->data[buf->len++] = FoldAsciiCharacter(*from++);
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
