/*
 * target_value.c - the values of filters: patterns, regular expressions,
 * numbers, lists, phrases, bound to fields of every type and evaluated.
 *
 * An input is a field, an operator and a value, a line each; a value that
 * begins like JSON is JSON, any other a string.  A field or an operator that
 * there is not is replaced, so that what counts is the value.  What can be
 * stored must be answered, and by SQL as by the rows in memory.
 */
#include "fuzz.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "filter/filter.h"
#include "filter/filter_operator.h"

static const char *const fields[] = {"c",  "v",  "b",  "m",  "f4", "f8",  "n", "i2",   "i8",
									 "bo", "da", "ti", "ts", "tz", "arr", "u", "plan", "age"};

static const char *
choose(const char *word, const char *const *words, int n)
{
	int i;

	for (i = 0; i < n; i++)
	{
		if (strcmp(word, words[i]) == 0)
			return word;
	}
	return words[FuzzHash(word, strlen(word)) % n];
}

/* Cuts the text at its line end; gives what follows. */
static char *
next_line(char *text)
{
	char *end = strchr(text, '\n');

	if (end == NULL)
		return text + strlen(text);
	*end = '\0';
	return end + 1;
}

static char *
document_of(char *text)
{
	char *operator_word = next_line(text);
	char *value = next_line(operator_word);
	FilterOperator op = FilterOperatorLookup(operator_word);
	StringInfoData out;

	if (op == 0)
		op = 1 + FuzzHash(operator_word, strlen(operator_word)) % FILTER_OP_LAST;
	initStringInfo(&out);
	appendStringInfo(&out, "[{\"field\": \"%s\", \"operator\": \"%s\", \"filter\": ",
					 choose(text, fields, lengthof(fields)), FilterOperatorSymbol(op));
	if (*value != '\0' && strchr("[{\"-0123456789", *value) != NULL)
		appendStringInfoString(&out, value);
	else
		escape_json(&out, value);
	appendStringInfoString(&out, "}]");
	return out.data;
}

static int64
ask(const char *query, const char *document)
{
	Oid types[] = {TEXTOID};
	Datum values[] = {CStringGetTextDatum(document)};
	bool isnull;

	if (SPI_execute_with_args(query, 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		FuzzFail("no answer to %s", query);
	return SPI_processed == 0 ? 0
							  : DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
															SPI_tuptable->tupdesc, 1, &isnull));
}

static void
run_value(const char *data, int len)
{
	char *text = pnstrdup(data, len);
	char *document;
	int64 by_query;
	int64 by_row;

	if (strlen(text) != len || !pg_verify_mbstr(GetDatabaseEncoding(), text, len, true))
		return;
	document = document_of(text);
	SPI_connect();
	ask("SELECT 0::bigint FROM segments_internal.bind_check($1::segments.filter, 'people', 0, true)",
		document);
	FuzzMust(document);
	by_query = ask("SELECT count(*) FROM segments.matching($1::segments.filter, 'people', "
				   "key => NULL::text)",
				   document);
	by_row =
		ask("SELECT count(*) FROM people AS p, (SELECT $1::segments.filter AS f OFFSET 0) AS s "
			"WHERE segments.matches(p, s.f)",
			document);
	if (by_query != by_row)
		FuzzFail("%s: " INT64_FORMAT " by query, " INT64_FORMAT " by row", document, by_query,
				 by_row);
	SPI_finish();
}

/* Wrong documents, operators, values, numbers, patterns, dates; what is too much. */
const FuzzTarget value_target = {"value",
								 run_value,
								 NULL,
								 "22021 22P02 22030 22023 22003 22007 22008 2201B 22025 42704 "
								 "42883 0A000 54000 54001 22P05 P0002",
								 false,
								 true};
