/*
 * regexp_literal.c - a text that whatever matches a regular expression holds.
 *
 * What stands in every match, one character after the other: letters, digits and
 * signs of ASCII outside of parentheses and brackets that no quantifier makes
 * optional.  Where the expression offers a choice at the top, or says something
 * that is not understood here, nothing is known of it; that costs time, and
 * never an answer.
 *
 * Regular expressions ignore case.  A letter of ASCII stands for itself and its
 * other case, whatever the collation: the server takes the lower and the upper
 * case of the letter in the expression, never of what is in the text.
 */
#include "postgres.h"

#include "text/regexp_literal.h"

#include "lib/stringinfo.h"

typedef struct LiteralScan
{
	const char *p;
	StringInfoData run; /* what stands side by side so far */
	char *longest;
} LiteralScan;

static void
end_run(LiteralScan *scan)
{
	if (scan->run.len > (scan->longest ? (int) strlen(scan->longest) : 0))
		scan->longest = pstrdup(scan->run.data);
	resetStringInfo(&scan->run);
}

/* The last character may be missing. */
static void
drop_last(LiteralScan *scan)
{
	if (scan->run.len > 0)
		scan->run.data[--scan->run.len] = '\0';
	end_run(scan);
}

/* Behind [...]; NULL: it does not end. */
static const char *
skip_brackets(const char *p)
{
	p++;
	p += (*p == '^');
	p += (*p == ']');
	for (; *p != '\0' && *p != ']'; p++)
	{
		/* names of characters and classes, and escapes, are left alone */
		if (*p == '[' || *p == '\\')
			return NULL;
	}
	return *p == ']' ? p + 1 : NULL;
}

/* Behind (...); NULL: it does not end, or is not understood. */
static const char *
skip_group(const char *p)
{
	int depth = 0;

	while (p != NULL && *p != '\0')
	{
		if (*p == '[')
		{
			p = skip_brackets(p);
			continue;
		}
		if (*p == '\\')
		{
			if (p[1] == '\0')
				return NULL;
			p += 2;
			continue;
		}
		depth += (*p == '(') - (*p == ')');
		p++;
		if (depth == 0)
			return p;
	}
	return NULL;
}

/* A quantifier: *, ?, + or a bound; false: it is not understood. */
static bool
scan_quantifier(LiteralScan *scan)
{
	if (*scan->p == '+')
		end_run(scan);
	else
		drop_last(scan);
	if (*scan->p == '{')
	{
		scan->p += 1 + strspn(scan->p + 1, "0123456789,");
		if (*scan->p != '}')
			return false;
	}
	scan->p++;
	return true;
}

/* An escape: a sign stands for itself, a class or a constraint ends the run. */
static bool
scan_escape(LiteralScan *scan)
{
	char c = *++scan->p;

	if (c == '\0' || IS_HIGHBIT_SET(c))
		return false;
	scan->p++;
	if (strchr("dswDSWmMyYAZ", c) != NULL)
		end_run(scan);
	else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return false;
	else
		appendStringInfoChar(&scan->run, c);
	return true;
}

/* One step; false: nothing is known of the whole. */
static bool
scan_step(LiteralScan *scan)
{
	switch (*scan->p)
	{
		case '|':
		case ')':
			return false;
		case '*':
		case '?':
		case '+':
		case '{':
			return scan_quantifier(scan);
		case '\\':
			return scan_escape(scan);
		case '(':
		case '[':
			end_run(scan);
			scan->p = *scan->p == '(' ? skip_group(scan->p) : skip_brackets(scan->p);
			return scan->p != NULL;
		case '.':
		case '^':
		case '$':
			end_run(scan);
			scan->p++;
			return true;
		default:
			if (IS_HIGHBIT_SET(*scan->p))
				end_run(scan);
			else
				appendStringInfoChar(&scan->run, *scan->p);
			scan->p++;
			return true;
	}
}

/* Embedded options, directors and comments change what the signs mean. */
static bool
has_options(const char *pattern)
{
	return strncmp(pattern, "***", 3) == 0 || strstr(pattern, "(?#") != NULL ||
		   (strncmp(pattern, "(?", 2) == 0 && pattern[2] != ':');
}

/*
 * The longest text, of bytes of ASCII, letters in either case, that stands in
 * whatever a regular expression matches, which compiles; NULL: none is known.
 */
char *
RegexpLongestLiteral(const char *pattern)
{
	LiteralScan scan = {pattern};

	if (has_options(pattern))
		return NULL;
	initStringInfo(&scan.run);
	while (*scan.p != '\0')
		if (!scan_step(&scan))
			return NULL;
	end_run(&scan);
	return scan.longest;
}
