/*
 * alias.c - the alias that a segment's name gives.
 *
 * Takes a name in any script; gives what is left of it in [0-9a-z-]: letters
 * are brought to ASCII, blanks at the ends go, other spaces become dashes and
 * the rest is dropped.  May be empty: the caller then thinks of something.
 *
 * A character is looked up as it is, then folded (case, accents and
 * compatibility forms go), then looked up again piece by piece.  The letters
 * follow the transliteration "Any-Latin; Latin-ASCII" of Unicode's CLDR, for
 * alphabets only; scripts whose letters don't stand for themselves (Han, kana,
 * the Indic ones) are dropped.
 *
 * Invariant: depends on the text alone, never on a locale or a setting.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "text/fold.h"
#include "text/fold_encoding.h"

PG_FUNCTION_INFO_V1(segments_make_alias);

#define GREEK_GAMMA 0x03B3
#define GREEK_UPSILON 0x03C5

typedef struct Letter
{
	uint16 code_point;
	char ascii[4];
} Letter;

/* clang-format off */
/* Sorted by code point.  Signs that would fold to a space give nothing. */
static const Letter letters[] = {
	/* Latin and signs */
	{0x00A8, ""}, {0x00A9, "c"}, {0x00AE, "r"}, {0x00AF, ""}, {0x00B1, "-"},
	{0x00B4, ""}, {0x00B8, ""}, {0x00E6, "ae"}, {0x00F0, "d"}, {0x00F8, "o"},
	{0x00FE, "th"}, {0x0111, "d"}, {0x0127, "h"}, {0x0131, "i"},
	{0x0138, "q"}, {0x0142, "l"}, {0x014B, "n"}, {0x0153, "oe"},
	{0x0167, "t"}, {0x0180, "b"}, {0x0183, "b"}, {0x0188, "c"}, {0x018C, "d"},
	{0x0192, "f"}, {0x0195, "hv"}, {0x0196, "i"}, {0x0199, "k"},
	{0x019A, "l"}, {0x019E, "n"}, {0x01A3, "oi"}, {0x01A5, "p"},
	{0x01AB, "t"}, {0x01AD, "t"}, {0x01B4, "y"}, {0x01B6, "z"}, {0x01E5, "g"},
	{0x0221, "d"}, {0x0225, "z"}, {0x0234, "l"}, {0x0235, "n"}, {0x0236, "t"},
	{0x0237, "j"}, {0x0238, "db"}, {0x0239, "qp"}, {0x023C, "c"},
	{0x023F, "s"}, {0x0240, "z"}, {0x0247, "e"}, {0x0249, "j"}, {0x024D, "r"},
	{0x024F, "y"}, {0x0253, "b"}, {0x0255, "c"}, {0x0256, "d"}, {0x0257, "d"},
	{0x025B, "e"}, {0x025F, "j"}, {0x0260, "g"}, {0x0261, "g"}, {0x0262, "g"},
	{0x0266, "h"}, {0x0267, "h"}, {0x0268, "i"}, {0x026A, "i"}, {0x026B, "l"},
	{0x026C, "l"}, {0x026D, "l"}, {0x0271, "m"}, {0x0272, "n"}, {0x0273, "n"},
	{0x0274, "n"}, {0x0276, "oe"}, {0x027C, "r"}, {0x027D, "r"},
	{0x027E, "r"}, {0x0280, "r"}, {0x0282, "s"}, {0x0288, "t"}, {0x0289, "u"},
	{0x028B, "v"}, {0x028F, "y"}, {0x0290, "z"}, {0x0291, "z"}, {0x0299, "b"},
	{0x029B, "g"}, {0x029C, "h"}, {0x029D, "j"}, {0x029F, "l"}, {0x02A0, "q"},
	{0x02A3, "dz"}, {0x02A5, "dz"}, {0x02A6, "ts"}, {0x02AA, "ls"},
	{0x02AB, "lz"},
	/* Greek */
	{0x037A, ""}, {0x0384, ""}, {0x0385, ""}, {0x03B1, "a"}, {0x03B2, "b"},
	{0x03B3, "g"}, {0x03B4, "d"}, {0x03B5, "e"}, {0x03B6, "z"}, {0x03B7, "e"},
	{0x03B8, "th"}, {0x03B9, "i"}, {0x03BA, "k"}, {0x03BB, "l"},
	{0x03BC, "m"}, {0x03BD, "n"}, {0x03BE, "x"}, {0x03BF, "o"}, {0x03C0, "p"},
	{0x03C1, "r"}, {0x03C3, "s"}, {0x03C4, "t"}, {0x03C5, "y"},
	{0x03C6, "ph"}, {0x03C7, "ch"}, {0x03C8, "ps"}, {0x03C9, "o"},
	{0x03F3, "j"}, {0x03F8, "s"}, {0x03FB, "s"},
	/* Cyrillic */
	{0x0419, "j"}, {0x0430, "a"}, {0x0431, "b"}, {0x0432, "v"}, {0x0433, "g"},
	{0x0434, "d"}, {0x0435, "e"}, {0x0436, "z"}, {0x0437, "z"}, {0x0438, "i"},
	{0x0439, "j"}, {0x043A, "k"}, {0x043B, "l"}, {0x043C, "m"}, {0x043D, "n"},
	{0x043E, "o"}, {0x043F, "p"}, {0x0440, "r"}, {0x0441, "s"}, {0x0442, "t"},
	{0x0443, "u"}, {0x0444, "f"}, {0x0445, "h"}, {0x0446, "c"}, {0x0447, "c"},
	{0x0448, "s"}, {0x0449, "s"}, {0x044B, "y"}, {0x044D, "e"}, {0x044E, "u"},
	{0x044F, "a"}, {0x0452, "d"}, {0x0454, "e"}, {0x0455, "z"}, {0x0456, "i"},
	{0x0458, "j"}, {0x0459, "l"}, {0x045A, "n"}, {0x045B, "c"}, {0x045F, "d"},
	{0x0491, "g"}, {0x0493, "g"}, {0x0495, "g"}, {0x0499, "z"}, {0x049B, "k"},
	{0x04D5, "ae"},
	/* Armenian */
	{0x0561, "a"}, {0x0562, "b"}, {0x0563, "g"}, {0x0564, "d"}, {0x0565, "e"},
	{0x0566, "z"}, {0x0567, "e"}, {0x0569, "t"}, {0x056A, "z"}, {0x056B, "i"},
	{0x056C, "l"}, {0x056D, "x"}, {0x056E, "c"}, {0x056F, "k"}, {0x0570, "h"},
	{0x0571, "j"}, {0x0572, "g"}, {0x0573, "c"}, {0x0574, "m"}, {0x0575, "y"},
	{0x0576, "n"}, {0x0577, "s"}, {0x0578, "o"}, {0x0579, "c"}, {0x057A, "p"},
	{0x057B, "j"}, {0x057C, "r"}, {0x057D, "s"}, {0x057E, "v"}, {0x057F, "t"},
	{0x0580, "r"}, {0x0581, "c"}, {0x0582, "w"}, {0x0583, "p"}, {0x0584, "k"},
	{0x0585, "o"}, {0x0586, "f"}, {0x0587, "ev"},
	/* Hebrew */
	{0x05D1, "b"}, {0x05D2, "g"}, {0x05D3, "d"}, {0x05D4, "h"}, {0x05D5, "w"},
	{0x05D6, "z"}, {0x05D7, "h"}, {0x05D8, "t"}, {0x05D9, "y"}, {0x05DA, "k"},
	{0x05DB, "k"}, {0x05DC, "l"}, {0x05DD, "m"}, {0x05DE, "m"}, {0x05DF, "n"},
	{0x05E0, "n"}, {0x05E1, "s"}, {0x05E3, "p"}, {0x05E4, "p"}, {0x05E5, "z"},
	{0x05E6, "z"}, {0x05E7, "q"}, {0x05E8, "r"}, {0x05E9, "s"}, {0x05EA, "t"},
	{0x05F0, "ww"}, {0x05F1, "wy"}, {0x05F2, "yy"},
	/* Arabic */
	{0x0627, "a"}, {0x0628, "b"}, {0x0629, "t"}, {0x062A, "t"},
	{0x062B, "th"}, {0x062C, "j"}, {0x062D, "h"}, {0x062E, "kh"},
	{0x062F, "d"}, {0x0630, "dh"}, {0x0631, "r"}, {0x0632, "z"},
	{0x0633, "s"}, {0x0634, "sh"}, {0x0635, "s"}, {0x0636, "d"},
	{0x0637, "t"}, {0x0638, "z"}, {0x063A, "gh"}, {0x0641, "f"},
	{0x0642, "q"}, {0x0643, "k"}, {0x0644, "l"}, {0x0645, "m"}, {0x0646, "n"},
	{0x0647, "h"}, {0x0648, "w"}, {0x0649, "y"}, {0x064A, "y"}, {0x0660, "0"},
	{0x0661, "1"}, {0x0662, "2"}, {0x0663, "3"}, {0x0664, "4"}, {0x0665, "5"},
	{0x0666, "6"}, {0x0667, "7"}, {0x0668, "8"}, {0x0669, "9"}, {0x067E, "p"},
	{0x0686, "ch"}, {0x0698, "zh"}, {0x069A, "s"}, {0x06A4, "v"},
	{0x06A9, "k"}, {0x06AD, "ng"}, {0x06AF, "g"}, {0x06CB, "v"},
	{0x06CC, "y"}, {0x06F0, "0"}, {0x06F1, "1"}, {0x06F2, "2"}, {0x06F3, "3"},
	{0x06F4, "4"}, {0x06F5, "5"}, {0x06F6, "6"}, {0x06F7, "7"}, {0x06F8, "8"},
	{0x06F9, "9"},
	/* Georgian */
	{0x10D0, "a"}, {0x10D1, "b"}, {0x10D2, "g"}, {0x10D3, "d"}, {0x10D4, "e"},
	{0x10D5, "v"}, {0x10D6, "z"}, {0x10D7, "t"}, {0x10D8, "i"}, {0x10D9, "k"},
	{0x10DA, "l"}, {0x10DB, "m"}, {0x10DC, "n"}, {0x10DD, "o"}, {0x10DE, "p"},
	{0x10DF, "zh"}, {0x10E0, "r"}, {0x10E1, "s"}, {0x10E2, "t"},
	{0x10E3, "u"}, {0x10E4, "p"}, {0x10E5, "k"}, {0x10E6, "gh"},
	{0x10E7, "q"}, {0x10E8, "sh"}, {0x10E9, "ch"}, {0x10EA, "ts"},
	{0x10EB, "dz"}, {0x10EC, "ts"}, {0x10ED, "ch"}, {0x10EE, "kh"},
	{0x10EF, "j"}, {0x10F0, "h"}, {0x10F3, "ui"}, {0x10F4, "q"},
	/* more Latin, Greek and signs */
	{0x1E9C, "s"}, {0x1E9D, "s"}, {0x1EFB, "ll"}, {0x1EFD, "v"},
	{0x1EFF, "y"}, {0x1FBD, ""}, {0x1FBF, ""}, {0x1FC0, ""}, {0x1FC1, ""},
	{0x1FCD, ""}, {0x1FCE, ""}, {0x1FCF, ""}, {0x1FDD, ""}, {0x1FDE, ""},
	{0x1FDF, ""}, {0x1FE5, "rh"}, {0x1FEC, "rh"}, {0x1FED, ""}, {0x1FEE, ""},
	{0x1FFD, ""}, {0x1FFE, ""}, {0x2010, "-"}, {0x2012, "-"}, {0x2013, "-"},
	{0x2014, "-"}, {0x2015, "-"}, {0x2017, ""}, {0x203E, ""}, {0x20B9, "rs"},
	{0x2212, "-"}
};
/* clang-format on */

/* Where the text so far ends, for the letters that look around. */
typedef struct AliasBuffer
{
	StringInfoData out;
	uint32 previous; /* code point before, folded; 0 at the start */
	bool gamma;      /* a Greek gamma waits for what follows */
} AliasBuffer;

static const char *
find_letter(uint32 code_point)
{
	int low = 0;
	int high = lengthof(letters);

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (letters[middle].code_point < code_point)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < lengthof(letters) && letters[low].code_point == code_point)
		return letters[low].ascii;
	return NULL;
}

/* A gamma before another, kappa, xi or chi is an n: "angelos". */
static void
flush_gamma(AliasBuffer *buffer, uint32 next)
{
	bool nasal = next == GREEK_GAMMA || next == 0x03BA || next == 0x03BE || next == 0x03C7;

	if (!buffer->gamma)
		return;
	appendStringInfoChar(&buffer->out, nasal ? 'n' : 'g');
	buffer->gamma = false;
}

/* An upsilon after alpha, epsilon, eta or omicron is a u: "autos". */
static bool
is_second_of_diphthong(const AliasBuffer *buffer)
{
	return buffer->previous == 0x03B1 || buffer->previous == 0x03B5 || buffer->previous == 0x03B7 ||
		   buffer->previous == 0x03BF;
}

/* Append one folded code point. */
static void
append_letter(AliasBuffer *buffer, uint32 code_point)
{
	const char *ascii;

	flush_gamma(buffer, code_point);
	if (code_point < 0x80)
		appendStringInfoChar(&buffer->out, pg_ascii_tolower(code_point));
	else if (code_point == GREEK_GAMMA)
		buffer->gamma = true;
	else if (code_point == GREEK_UPSILON && is_second_of_diphthong(buffer))
		appendStringInfoChar(&buffer->out, 'u');
	else if ((ascii = find_letter(code_point)) != NULL)
		appendStringInfoString(&buffer->out, ascii);
	buffer->previous = code_point;
}

/* The code points of UTF-8 text, one after the other. */
static void
append_folded(AliasBuffer *buffer, const char *utf8)
{
	const unsigned char *from = (const unsigned char *) utf8;

	while (*from != '\0')
	{
		append_letter(buffer, utf8_to_unicode(from));
		from += pg_utf_mblen(from);
	}
}


/* Append one character of the server encoding that is not ASCII. */
static void
append_character(AliasBuffer *buffer, const char *data, int len)
{
	char *utf8 = FoldToUtf8(data, len);
	uint32 code_point;
	const char *ascii;

	if (utf8 == NULL)
		return; /* it is no letter */
	code_point = utf8_to_unicode((unsigned char *) utf8);
	ascii = find_letter(code_point);
	/* Folding would take the breve off a short i. */
	if (ascii == NULL || code_point == GREEK_GAMMA || code_point == GREEK_UPSILON)
	{
		char *folded = FoldCString(pnstrdup(data, len));

		utf8 = FoldToUtf8(folded, strlen(folded));
		if (utf8 != NULL)
			append_folded(buffer, utf8);
		return;
	}
	flush_gamma(buffer, code_point);
	appendStringInfoString(&buffer->out, ascii);
	buffer->previous = code_point;
}

/* Transliterate into the buffer; where the encoding is unknown, ASCII only. */
static void
append_name(AliasBuffer *buffer, const char *from, const char *end)
{
	int encoding = GetDatabaseEncoding();

	while (from < end)
	{
		int length = 1;

		if (!IS_HIGHBIT_SET(*from))
			append_letter(buffer, (unsigned char) *from);
		else if (encoding != PG_SQL_ASCII)
		{
			length = Min(pg_encoding_mblen(encoding, from), end - from);
			append_character(buffer, from, length);
		}
		from += length;
	}
	flush_gamma(buffer, 0);
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The alias of transliterated text: trimmed, spaces as dashes, nothing else. */
static text *
clean(const char *data, int len)
{
	StringInfoData alias;
	int start = 0;
	int i;

	while (start < len && is_blank(data[start]))
		start++;
	while (len > start && is_blank(data[len - 1]))
		len--;
	initStringInfo(&alias);
	for (i = start; i < len; i++)
	{
		char c = data[i];

		if (c == ' ')
			appendStringInfoChar(&alias, '-');
		else if (c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
			appendStringInfoChar(&alias, c);
	}
	return cstring_to_text_with_len(alias.data, alias.len);
}

/* segments.make_alias(text) */
Datum
segments_make_alias(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);
	AliasBuffer buffer = {0};

	initStringInfo(&buffer.out);
	append_name(&buffer, VARDATA_ANY(name), VARDATA_ANY(name) + VARSIZE_ANY_EXHDR(name));
	PG_RETURN_TEXT_P(clean(buffer.out.data, buffer.out.len));
}
