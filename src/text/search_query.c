/*
 * search_query.c - the query language of searches.
 *
 * Takes what a person typed, gives its tree as JSON.  Nothing is an error: what
 * has no meaning as a command or an operator is a word to look for.
 *
 *     query   = any
 *     any     = all { "OR" all }
 *     all     = one { [ "AND" ] one }
 *     one     = { "!" } ( "(" any ")" | word )
 *     word    = { "!" | "+" } [ command ":" ] { "!" | "+" } ( quoted | bare )
 *     command = quoted | { any character but a blank, a colon, a quote, a parenthesis }
 *     quoted  = '"' { any character; \" and \\ for those two } '"'
 *
 * AND and OR are operators in capitals only, as "or" is a word in some
 * languages.  A parenthesis that is not closed is closed by the end; one that
 * was not opened is skipped.  A node is {"any": [...]}, {"all": [...]} or
 * {"text": ..., "command": ..., "source": ..., "exact": ..., "not": ...}, where
 * a group has "not" too; source is a word with its command, as typed.  What is a
 * command is not known here: "12:30" has one, and who reads the tree looks for
 * the source of those that mean nothing to it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define MAX_LENGTH 10000 /* bytes */
#define MAX_DEPTH 100

typedef struct SearchInput
{
	const char *next;
	int depth;
	StringInfo out;
} SearchInput;

static bool put_any(SearchInput *input, bool negated);

PG_FUNCTION_INFO_V1(segments_parse_search);

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static void
skip_blanks(SearchInput *input)
{
	while (is_blank(*input->next))
		input->next++;
}

/* Does an operator stand here, as a word of its own? */
static bool
at_operator(const SearchInput *input, const char *word)
{
	size_t length = strlen(word);

	return strncmp(input->next, word, length) == 0 &&
		   (input->next[length] == '\0' || is_blank(input->next[length]) ||
			input->next[length] == '(');
}

static bool
skip_operator(SearchInput *input, const char *word)
{
	skip_blanks(input);
	if (!at_operator(input, word))
		return false;
	input->next += strlen(word);
	return true;
}

static void
read_quoted(SearchInput *input, StringInfo text)
{
	for (input->next++; *input->next != '\0' && *input->next != '"'; input->next++)
	{
		if (input->next[0] == '\\' && (input->next[1] == '"' || input->next[1] == '\\'))
			input->next++;
		appendStringInfoChar(text, *input->next);
	}
	if (*input->next == '"')
		input->next++;
}

/* A bare word ends at a blank or a parenthesis that closes. */
static void
read_bare(SearchInput *input, StringInfo text)
{
	while (*input->next != '\0' && !is_blank(*input->next) && *input->next != ')')
		appendStringInfoChar(text, *input->next++);
}

static void
skip_flags(SearchInput *input, bool *exact, bool *negated)
{
	for (; (*input->next == '+' || *input->next == '!') && input->next[1] != '\0'; input->next++)
	{
		if (*input->next == '+')
			*exact = true;
		else
			*negated = !*negated;
	}
}

/*
 * Read the command that begins here, with its colon.  NULL, and nothing is read:
 * there is none, as what has nothing after the colon is a word.
 */
static char *
read_command(SearchInput *input)
{
	const char *start = input->next;
	StringInfoData name;

	initStringInfo(&name);
	if (*input->next == '"')
		read_quoted(input, &name);
	else
		while (*input->next != '\0' && !is_blank(*input->next) &&
			   strchr(":\"()", *input->next) == NULL)
			appendStringInfoChar(&name, *input->next++);
	if (name.len > 0 && *input->next == ':' && input->next[1] != '\0' &&
		!is_blank(input->next[1]) && input->next[1] != ')')
	{
		input->next++;
		return name.data;
	}
	input->next = start;
	return NULL;
}

static void
put_text(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, ", \"%s\": ", name);
	escape_json(out, value);
}

static void
put_flag(StringInfo out, const char *name, bool value)
{
	appendStringInfo(out, ", \"%s\": %s", name, value ? "true" : "false");
}

static void
put_word(SearchInput *input, bool negated)
{
	bool exact = false;
	const char *start;
	char *command;
	StringInfoData text;

	skip_flags(input, &exact, &negated);
	start = input->next;
	command = read_command(input);
	if (command != NULL)
		skip_flags(input, &exact, &negated);
	initStringInfo(&text);
	if (*input->next == '"')
		read_quoted(input, &text);
	else
		read_bare(input, &text);
	appendStringInfoString(input->out, "{\"text\": ");
	escape_json(input->out, text.data);
	if (command != NULL)
		put_text(input->out, "command", command);
	put_text(input->out, "source",
			 command != NULL ? pnstrdup(start, input->next - start) : text.data);
	put_flag(input->out, "exact", exact);
	put_flag(input->out, "not", negated);
	appendStringInfoChar(input->out, '}');
}

/* False when nothing is left but what closes. */
static bool
put_one(SearchInput *input)
{
	bool negated = false;

	skip_blanks(input);
	while (*input->next == '!' && input->next[1] != '\0' && !is_blank(input->next[1]))
	{
		negated = !negated;
		input->next++;
	}
	if (*input->next == '\0' || *input->next == ')')
		return false;
	if (*input->next != '(')
	{
		put_word(input, negated);
		return true;
	}
	if (++input->depth > MAX_DEPTH)
		ereport(ERROR, (errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
						errmsg("search query is nested more than %d levels deep", MAX_DEPTH)));
	input->next++;
	(void) put_any(input, negated);
	skip_blanks(input);
	if (*input->next == ')')
		input->next++;
	input->depth--;
	return true;
}

static void
put_all(SearchInput *input)
{
	const char *separator = "";
	int before;

	appendStringInfoString(input->out, "{\"all\": [");
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		while (skip_operator(input, "AND"))
			;
		if (at_operator(input, "OR"))
			break;
		before = input->out->len;
		appendStringInfoString(input->out, separator);
		if (!put_one(input))
		{
			input->out->len = before;
			input->out->data[before] = '\0';
			break;
		}
		separator = ", ";
	}
	appendStringInfoString(input->out, "], \"not\": false}");
}

/* True: what follows is the end, or what closes. */
static bool
put_any(SearchInput *input, bool negated)
{
	check_stack_depth();
	appendStringInfoString(input->out, "{\"any\": [");
	put_all(input);
	while (skip_operator(input, "OR"))
	{
		appendStringInfoString(input->out, ", ");
		put_all(input);
	}
	appendStringInfo(input->out, "], \"not\": %s}", negated ? "true" : "false");
	return true;
}

/*
 * segments_internal.parse_search(query) -> jsonb: the tree of a search.
 */
Datum
segments_parse_search(PG_FUNCTION_ARGS)
{
	char *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	StringInfoData out;
	SearchInput input = {query, 0, &out};

	if (strlen(query) > MAX_LENGTH)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("search query has more than %d bytes", MAX_LENGTH)));
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"all\": [");
	(void) put_any(&input, false);
	/* a parenthesis that was not opened */
	while (skip_blanks(&input), *input.next == ')')
	{
		input.next++;
		appendStringInfoString(&out, ", ");
		(void) put_any(&input, false);
	}
	appendStringInfoString(&out, "], \"not\": false}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}
