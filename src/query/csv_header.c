/*
 * csv_header.c - the names in the first line of a CSV file of the server.
 *
 * COPY has to know the columns before it reads the file.  Rights are those of
 * COPY from a file.  Quotes are doubled inside quotes, as in COPY's default.
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

#define MAX_HEADER (1024 * 1024) /* bytes */

PG_FUNCTION_INFO_V1(segments_csv_header);

static void
check_rights(void)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to read a file of the server"),
						errhint("Load it into a staging table from the client with \\copy, and use "
								"segments.import_contacts().")));
}

/* The next byte, or EOF; an error where the line does not end. */
static int
next_byte(FILE *file, int *count)
{
	if (++*count > MAX_HEADER)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("first line has more than %d bytes", MAX_HEADER)));
	return getc(file);
}

/* Read one name; false when it was the last one of the line. */
static bool
read_name(FILE *file, StringInfo name, int *count)
{
	bool quoted = false;
	int c;

	resetStringInfo(name);
	for (;;)
	{
		c = next_byte(file, count);
		if (c == EOF || (!quoted && (c == ',' || c == '\n' || c == '\r')))
			return c == ',';
		if (c != '"')
			appendStringInfoCharMacro(name, (char) c);
		else if (!quoted)
			quoted = true;
		else if ((c = next_byte(file, count)) == '"')
			appendStringInfoCharMacro(name, '"');
		else
		{
			quoted = false;
			ungetc(c, file);
			--*count;
		}
	}
}

/* Spreadsheets put a byte order mark before the first name. */
static Datum
server_text(StringInfo name, bool first)
{
	int skip = first && strncmp(name->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	char *text = pg_any_to_server(name->data + skip, name->len - skip, pg_get_client_encoding());

	return CStringGetTextDatum(text);
}

/*
 * segments_internal.csv_header(file) -> text[]
 */
Datum
segments_csv_header(PG_FUNCTION_ARGS)
{
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ArrayBuildState *names = NULL;
	StringInfoData name;
	FILE *file;
	int count = 0;
	bool more;

	check_rights();
	canonicalize_path(path);
	file = AllocateFile(path, PG_BINARY_R);
	if (file == NULL)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open file \"%s\" for reading: %m", path)));
	initStringInfo(&name);
	do
	{
		more = read_name(file, &name, &count);
		names = accumArrayResult(names, server_text(&name, names == NULL), false, TEXTOID,
								 CurrentMemoryContext);
	} while (more);
	FreeFile(file);
	PG_RETURN_DATUM(makeArrayResult(names, CurrentMemoryContext));
}
