/*
 * filter_text.c - the text of a filter document, before and beside jansson.
 *
 * Takes the document in UTF-8 and gives the text that jansson reads.
 *
 * jansson reads reals as double and integers as 64 bits, but a filter's numbers
 * are exact.  So before it sees the text, each number literal outside a string
 * is replaced by a string: "\u0000" and the literal.  No other string can begin
 * so, because the same pass refuses the escape \u0000 (and a bare NUL byte
 * cannot occur).  What is no JSON stays no JSON: two values side by side are as
 * wrong as a word with digits, and a number as a key is a key with a NUL, which
 * jansson refuses.
 *
 * Invariant: every pass looks at each byte a bounded number of times.
 */
#include "postgres.h"

#include "filter/filter_text.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "filter/filter.h"
#include "filter/filter_json.h"
#include "filter/filter_place.h"

#define NUMBER_MAX_LENGTH 1000 /* of one literal, in characters */
#define NUMBER_MARK "\\u0000"  /* as jansson reads it: one NUL */
#define DEFAULTS_BYTES                                                                             \
	45 /* what one filter's canonical form may add: glue,
								 * object, properties */

/* A piece of JSON text: a number literal, a string literal, or one byte. */
typedef struct Piece
{
	int length;
	bool is_number;
} Piece;

static int
skip_digits(const char *text, int length, int at)
{
	while (at < length && text[at] >= '0' && text[at] <= '9')
		at++;
	return at;
}

/* Length of the integer part of a number, minus sign included; 0 if there is none. */
static int
integer_length(const char *text, int length)
{
	int start = length > 0 && text[0] == '-' ? 1 : 0;
	int end;

	if (start < length && text[start] == '0')
		return start + 1;
	end = skip_digits(text, length, start);
	return end > start ? end : 0;
}

/*
 * Length of the number literal that the text begins with, by JSON's grammar;
 * 0 when it begins with none.  Looks at no more than it takes, and one more.
 */
static int
number_length(const char *text, int length)
{
	int end = integer_length(text, length);
	int digits;
	int part;

	if (end == 0)
		return 0;
	if (end < length && text[end] == '.')
	{
		part = skip_digits(text, length, end + 1);
		end = part > end + 1 ? part : end;
	}
	if (end < length && (text[end] == 'e' || text[end] == 'E'))
	{
		digits = end + 1;
		if (digits < length && (text[digits] == '+' || text[digits] == '-'))
			digits++;
		part = skip_digits(text, length, digits);
		end = part > digits ? part : end;
	}
	return end;
}

/* Length of the string literal that the text begins with, or of all the text. */
static int
string_length(const char *text, int length)
{
	int at = 1;

	while (at < length && text[at] != '"')
		at += text[at] == '\\' ? 2 : 1;
	return Min(at + 1, length);
}

/* The piece that the text begins with.  The text is not empty. */
static Piece
next_piece(const char *text, int length)
{
	Piece piece = {number_length(text, length), true};

	if (piece.length > 0)
		return piece;
	piece.is_number = false;
	piece.length = text[0] == '"' ? string_length(text, length) : 1;
	return piece;
}

/*
 * Reports that the text is no JSON, or no JSON that we take, at an offset.
 * The text is in UTF-8.
 */
bool
FilterRefuseText(FilterInput *input, int sqlstate, const char *message, const char *problem,
				 const char *text, int offset)
{
	int line = 1;
	int column = 1;
	int at = 0;

	while (at < offset)
	{
		int next = at + pg_encoding_mblen(PG_UTF8, text + at);

		if (next > offset)
			break; /* the offset is inside this character */
		column = text[at] == '\n' ? 1 : column + 1;
		line += text[at] == '\n' ? 1 : 0;
		at = next;
	}
	return FilterRefuse(input, &filter_top_place, sqlstate, message,
						psprintf("%s at line %d, column %d.", problem, line, column), NULL);
}

bool
FilterRefuseSyntax(FilterInput *input, const char *problem, const char *text, int offset)
{
	return FilterRefuseText(input, ERRCODE_INVALID_TEXT_REPRESENTATION,
							"invalid input syntax for type filter", problem, text, offset);
}

/* Offset of an escaped NUL in a string literal, or -1. */
static int
find_nul_escape(const char *string, int length)
{
	int at;

	for (at = 1; at < length; at++)
	{
		if (string[at] != '\\')
			continue;
		if (length - at >= 6 && memcmp(string + at, NUMBER_MARK, 6) == 0)
			return at;
		at++;
	}
	return -1;
}

/* Writes the text with its numbers marked, as explained at the top. */
bool
FilterMarkNumbers(FilterInput *input, const char *text, int length, StringInfo marked)
{
	int at = 0;

	while (at < length)
	{
		Piece piece = next_piece(text + at, length - at);
		int nul = find_nul_escape(text + at, piece.length);

		if (nul >= 0)
			return FilterRefuseSyntax(input, "\\u0000 cannot be converted to text", text, at + nul);
		if (piece.is_number && piece.length > NUMBER_MAX_LENGTH)
			return FilterRefuseText(
				input, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "number in filter is too long",
				psprintf("more than %d characters", NUMBER_MAX_LENGTH), text, at);
		if (piece.is_number)
			appendStringInfoString(marked, "\"" NUMBER_MARK);
		appendBinaryStringInfo(marked, text + at, piece.length);
		if (piece.is_number)
			appendStringInfoChar(marked, '"');
		at += piece.length;
	}
	return true;
}

/* The offset in the text as given of an offset in the marked text. */
int
FilterUnmarkedOffset(const char *text, int length, int marked_offset)
{
	const int added = strlen(NUMBER_MARK) + 2;
	int at = 0;

	while (at < length)
	{
		Piece piece = next_piece(text + at, length - at);
		int marked_length = piece.length + (piece.is_number ? added : 0);

		if (marked_offset < marked_length)
			return piece.is_number ? at : at + marked_offset;
		marked_offset -= marked_length;
		at += piece.length;
	}
	return length;
}

static bool
refuse_length(FilterInput *input, int length)
{
	return FilterRefuse(
		input, &filter_top_place, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "filter is too long",
		psprintf("the document has %d bytes, the limit is %d.", length, FILTER_MAX_BYTES), NULL);
}

/* How many blanks stand between the tokens of a text. */
static int
count_blanks(const char *text, int length)
{
	int n = 0;
	int at = 0;

	while (at < length)
	{
		Piece piece = next_piece(text + at, length - at);

		if (piece.length == 1 && strchr(" \t\r\n", text[at]) != NULL)
			n++;
		at += piece.length;
	}
	return n;
}

/* Checks what can be said of a text before it is read. */
bool
FilterCheckText(FilterInput *input, const char *text, int length)
{
	if (length > FILTER_PRINTED_MAX_BYTES)
		return refuse_length(input, length);
	if (count_blanks(text, length) == length)
		return FilterRefuseSyntax(input, "the document is empty", text, 0);
	return true;
}

/*
 * Checks a text of more than FILTER_MAX_BYTES, once its tree is known.  The
 * canonical document is longer than the text as given, by blanks and defaults.
 * So that what was accepted once can be dumped and restored, a canonical
 * document is measured without them.  Any other text is refused.
 */
bool
FilterCheckLength(FilterInput *input, const char *text, int length, const FilterNode *root)
{
	StringInfoData printed;
	char *utf8;

	if (length <= FILTER_MAX_BYTES)
		return true;
	if (length - count_blanks(text, length) - input->nnodes * DEFAULTS_BYTES > FILTER_MAX_BYTES)
		return refuse_length(input, length);
	initStringInfo(&printed);
	FilterToJson(root, &printed);
	utf8 = pg_server_to_any(printed.data, printed.len, PG_UTF8);
	if (strlen(utf8) != length || memcmp(utf8, text, length) != 0)
		return refuse_length(input, length);
	return true;
}
