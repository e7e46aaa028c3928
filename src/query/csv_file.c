/*
 * csv_file.c - a CSV file of the server: the names in its first line, and its
 * rows.
 *
 * COPY stops at the first line that has not as many values as there are columns.
 * People's files have blank lines, and lines that end early, and one broken line
 * is to be told of and not to keep out all others.  Quotes are doubled inside
 * quotes, as in COPY's default, and rights are those of COPY from a file.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/srf.h"

#define MAX_HEADER (1024 * 1024) /* bytes */
#define BLOCK (64 * 1024)

PG_FUNCTION_INFO_V1(segments_csv_header);
PG_FUNCTION_INFO_V1(segments_csv_rows);

typedef struct CsvFile
{
	FILE *file;
	char *path;
	unsigned char block[BLOCK];
	size_t length; /* of the block */
	size_t at;     /* the next byte of it */
	int delimiter;
	int encoding;
	int end;              /* of lines; 0 until one has been seen */
	int64 record;         /* number of the one that was read last, from 0 */
	StringInfoData bytes; /* of its values, one after the other */
	int *ends;            /* where each of them ends */
	int nvalues;
	int maxvalues;
} CsvFile;

static void
check_rights(void)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to read a file of the server"),
						errhint("Load it into a staging table from the client with \\copy, and use "
								"segments.import_contacts().")));
}

static int
wanted_delimiter(text *given)
{
	char *delimiter = text_to_cstring(given);

	if (strlen(delimiter) != 1 || IS_HIGHBIT_SET(*delimiter) || strchr("\"\r\n", *delimiter))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("delimiter must be one ASCII character, and no quote and no end of "
							   "a line")));
	return *delimiter;
}

static int
wanted_encoding(text *given)
{
	char *name = text_to_cstring(given);
	int encoding = pg_char_to_encoding(name);

	if (!PG_VALID_ENCODING(encoding))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unrecognized encoding \"%s\"", name)));
	return encoding;
}

/* Arguments are the path, the delimiter and the name of the encoding. */
static CsvFile *
open_file(FunctionCallInfo fcinfo)
{
	CsvFile *csv = palloc0(sizeof(CsvFile));

	check_rights();
	csv->delimiter = wanted_delimiter(PG_GETARG_TEXT_PP(1));
	csv->encoding = wanted_encoding(PG_GETARG_TEXT_PP(2));
	csv->path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	canonicalize_path(csv->path);
	csv->file = AllocateFile(csv->path, PG_BINARY_R);
	if (csv->file == NULL)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open file \"%s\" for reading: %m", csv->path)));
	csv->record = -1;
	initStringInfo(&csv->bytes);
	csv->maxvalues = 64;
	csv->ends = palloc(csv->maxvalues * sizeof(int));
	return csv;
}

/* The next byte, which stays where it is; EOF at the end. */
static int
peek_byte(CsvFile *csv)
{
	if (csv->at == csv->length)
	{
		/* a line may be as long as the file */
		CHECK_FOR_INTERRUPTS();
		csv->at = 0;
		csv->length = fread(csv->block, 1, BLOCK, csv->file);
		if (ferror(csv->file))
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not read file \"%s\": %m", csv->path)));
	}
	return csv->length == 0 ? EOF : csv->block[csv->at];
}

static int
next_byte(CsvFile *csv)
{
	int c = peek_byte(csv);

	if (c != EOF)
		csv->at++;
	return c;
}

/*
 * Does this byte, outside of quotes, end the line?  The first end of a line
 * tells what ends the others: a line feed, with a carriage return before it or
 * without, or a carriage return alone.
 */
static bool
is_line_end(CsvFile *csv, int c)
{
	if (c != '\n' && c != '\r')
		return false;
	if (csv->end == 0)
		csv->end = c == '\r' && peek_byte(csv) != '\n' ? '\r' : '\n';
	if (c == '\r' && csv->end == '\n' && peek_byte(csv) == '\n')
		c = next_byte(csv);
	return c == csv->end;
}

static void
end_value(CsvFile *csv)
{
	if (csv->nvalues == csv->maxvalues)
	{
		csv->maxvalues *= 2;
		csv->ends = repalloc(csv->ends, csv->maxvalues * sizeof(int));
	}
	csv->ends[csv->nvalues++] = csv->bytes.len;
}

/* A quote, which begins or ends a part in quotes, or is one of two. */
static bool
take_quote(CsvFile *csv, bool quoted)
{
	if (!quoted || peek_byte(csv) != '"')
		return !quoted;
	appendStringInfoCharMacro(&csv->bytes, (char) next_byte(csv));
	return true;
}

/* The values of the next line; false at the end of the file. */
static bool
read_record(CsvFile *csv)
{
	bool quoted = false;
	int c;

	resetStringInfo(&csv->bytes);
	csv->nvalues = 0;
	csv->record++;
	if (peek_byte(csv) == EOF)
		return false;
	while ((c = next_byte(csv)) != EOF)
	{
		if (c == '"')
			quoted = take_quote(csv, quoted);
		else if (!quoted && c == csv->delimiter)
			end_value(csv);
		else if (!quoted && is_line_end(csv, c))
			break;
		else
			appendStringInfoCharMacro(&csv->bytes, (char) c);
		if (csv->record == 0 && csv->bytes.len > MAX_HEADER)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("first line has more than %d bytes", MAX_HEADER)));
	}
	if (quoted)
		ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
						errmsg("file \"%s\" ends within quotes", csv->path),
						errdetail("They begin in row " INT64_FORMAT ".", csv->record)));
	end_value(csv);
	return true;
}

/* One of the values of a line as a text; bytes that mean nothing are question marks, and told. */
static Datum
value_of(CsvFile *csv, int n, bool *is_valid)
{
	int start = n == 0 ? 0 : csv->ends[n - 1];
	int length = csv->ends[n] - start;
	char *bytes = csv->bytes.data + start;
	char *converted;
	int i;

	if (!pg_verify_mbstr(csv->encoding, bytes, length, true))
	{
		*is_valid = false;
		for (i = 0; i < length; i++)
			if (IS_HIGHBIT_SET(bytes[i]) || bytes[i] == '\0')
				bytes[i] = '?';
	}
	converted = pg_any_to_server(bytes, length, csv->encoding);
	return PointerGetDatum(
		cstring_to_text_with_len(converted, converted == bytes ? length : strlen(converted)));
}

/*
 * segments_internal.csv_header(file, delimiter, encoding) -> text[]
 */
Datum
segments_csv_header(PG_FUNCTION_ARGS)
{
	CsvFile *csv = open_file(fcinfo);
	ArrayBuildState *names = NULL;
	bool is_valid = true;
	int i;

	if (read_record(csv))
	{
		/* spreadsheets put a byte order mark before the first name */
		if (csv->ends[0] >= 3 && memcmp(csv->bytes.data, "\xEF\xBB\xBF", 3) == 0)
		{
			memmove(csv->bytes.data, csv->bytes.data + 3, csv->bytes.len - 3);
			for (i = 0; i < csv->nvalues; i++)
				csv->ends[i] -= 3;
		}
		for (i = 0; i < csv->nvalues; i++)
			names = accumArrayResult(names, value_of(csv, i, &is_valid), false, TEXTOID,
									 CurrentMemoryContext);
	}
	FreeFile(csv->file);
	if (names == NULL || !is_valid)
		ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
						names == NULL ? errmsg("file \"%s\" is empty", csv->path)
									  : errmsg("the first line of \"%s\" is no text in encoding %s",
											   csv->path, pg_encoding_to_char(csv->encoding))));
	PG_RETURN_DATUM(makeArrayResult(names, CurrentMemoryContext));
}

/* Values that there is no column for are left out where they are blank. */
static bool
is_too_long(CsvFile *csv, int ncolumns)
{
	return csv->nvalues > ncolumns && csv->bytes.len > csv->ends[ncolumns - 1];
}

/* The row that a line is: what is wrong with it, or null, then its values. */
static void
make_row(CsvFile *csv, int ncolumns, Datum *values, bool *nulls)
{
	bool is_valid = true;
	int i;

	for (i = 0; i < ncolumns; i++)
	{
		nulls[i + 1] = i >= csv->nvalues;
		if (!nulls[i + 1])
			values[i + 1] = value_of(csv, i, &is_valid);
	}
	nulls[0] = false;
	if (!is_valid)
		values[0] = CStringGetTextDatum(
			psprintf("it is no text in encoding %s", pg_encoding_to_char(csv->encoding)));
	else if (is_too_long(csv, ncolumns))
		values[0] = CStringGetTextDatum(
			psprintf("it has %d values, for %d columns", csv->nvalues, ncolumns));
	else
		nulls[0] = true;
}

/*
 * segments_internal.csv_rows(file, delimiter, encoding) -> SETOF record: what is
 * wrong with it, and its values; a line that ends early has nulls, a blank line is
 * none
 */
Datum
segments_csv_rows(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *rows = SrfBegin(fcinfo, &desc);
	CsvFile *csv = open_file(fcinfo);
	Datum *values = palloc0(desc->natts * sizeof(Datum));
	bool *nulls = palloc0(desc->natts * sizeof(bool));
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "segments csv row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;

	(void) read_record(csv);
	while (read_record(csv))
	{
		CHECK_FOR_INTERRUPTS();
		if (csv->nvalues == 1 && csv->bytes.len == 0)
			continue;
		MemoryContextReset(row);
		old = MemoryContextSwitchTo(row);
		make_row(csv, desc->natts - 1, values, nulls);
		MemoryContextSwitchTo(old);
		tuplestore_putvalues(rows, desc, values, nulls);
	}
	FreeFile(csv->file);
	PG_RETURN_NULL();
}
