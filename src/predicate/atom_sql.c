/*
 * atom_sql.c - the test of an atom on one row, as SQL.
 *
 * Every constant is quoted, every comparison in a fixed collation.  Unpinned,
 * what depends on now is a call of segments.now(), so that a kept plan stays
 * right; pinned, it is a constant.
 */
#include "postgres.h"

#include "predicate/atom_sql.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "text/regexp.h"
#include "time/phrase_anniversary.h"

static void
append_text(StringInfo out, const char *text)
{
	char *quoted = quote_literal_cstr(text);

	appendStringInfoString(out, quoted);
	pfree(quoted);
}

/* ----- constants ----- */

static char *
int_literal(int64 value)
{
	if (value >= 0 && value <= PG_INT32_MAX)
		return psprintf(INT64_FORMAT, value);
	if (value >= PG_INT32_MIN && value < 0)
		return psprintf("'" INT64_FORMAT "'::pg_catalog.int4", value);
	return psprintf("'" INT64_FORMAT "'::pg_catalog.int8", value);
}

static char *
timestamp_text(int64 value)
{
	struct pg_tm tm;
	fsec_t fsec;
	char buffer[MAXDATELEN + 1];

	if (TIMESTAMP_NOT_FINITE(value))
		EncodeSpecialTimestamp(value, buffer);
	else if (timestamp2tm(value, NULL, &tm, &fsec, NULL, NULL) == 0)
		EncodeDateTime(&tm, fsec, false, 0, NULL, USE_ISO_DATES, buffer);
	else
		elog(ERROR, "timestamp out of range");
	return pstrdup(buffer);
}

static char *
date_text(DateADT value)
{
	struct pg_tm tm;
	char buffer[MAXDATELEN + 1];

	if (DATE_NOT_FINITE(value))
		EncodeSpecialDate(value, buffer);
	else
	{
		j2date(value + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, buffer);
	}
	return pstrdup(buffer);
}

/* A constant of a value type as an SQL literal. */
char *
AtomLiteralSql(ValueType type, Datum value)
{
	switch (type)
	{
		case VALUE_TEXT:
		case VALUE_SET:
			return quote_literal_cstr(TextDatumGetCString(value));
		case VALUE_INT:
			return int_literal(DatumGetInt64(value));
		case VALUE_MONTH_DAY:
			return int_literal(DatumGetInt32(value));
		case VALUE_NUMERIC:
			return psprintf("'%s'::pg_catalog.numeric",
							DatumGetCString(DirectFunctionCall1(numeric_out, value)));
		case VALUE_FLOAT4:
			return psprintf("'%s'::pg_catalog.float4",
							DatumGetCString(DirectFunctionCall1(float4out, value)));
		case VALUE_FLOAT8:
			return psprintf("'%s'::pg_catalog.float8",
							DatumGetCString(DirectFunctionCall1(float8out, value)));
		case VALUE_BOOL:
			return pstrdup(DatumGetBool(value) ? "true" : "false");
		case VALUE_DATE:
			return psprintf("'%s'::pg_catalog.date", date_text(DatumGetDateADT(value)));
		case VALUE_TIME:
			return psprintf("'%s'::pg_catalog.time",
							DatumGetCString(DirectFunctionCall1(time_out, value)));
		case VALUE_TIMESTAMP:
			return psprintf("'%s'::pg_catalog.timestamp", timestamp_text(DatumGetTimestamp(value)));
		case VALUE_TIMESTAMPTZ:
			/* the ends of time have no zone */
			return psprintf("'%s%s'::pg_catalog.timestamptz",
							timestamp_text(DatumGetTimestampTz(value)),
							TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(value)) ? "" : "+00");
		case VALUE_NONE:
			break;
	}
	elog(ERROR, "no literal for value type %d", (int) type);
	return NULL;
}

static const char *
type_name(ValueType type)
{
	switch (type)
	{
		case VALUE_INT:
			return "pg_catalog.int8";
		case VALUE_MONTH_DAY:
			return "pg_catalog.int4";
		case VALUE_NUMERIC:
			return "pg_catalog.numeric";
		case VALUE_FLOAT4:
			return "pg_catalog.float4";
		case VALUE_FLOAT8:
			return "pg_catalog.float8";
		case VALUE_BOOL:
			return "pg_catalog.bool";
		case VALUE_TIME:
			return "pg_catalog.time";
		default:
			return "pg_catalog.text";
	}
}

static void
append_array(StringInfo out, const Atom *atom)
{
	int i;

	appendStringInfoString(out, "ARRAY[");
	for (i = 0; i < atom->nconstants; i++)
		appendStringInfo(out, "%s%s", i ? ", " : "",
						 AtomLiteralSql(atom->value_type, atom->constants[i]));
	appendStringInfo(out, "]::%s[]", type_name(atom->value_type));
}

/* ----- boundaries ----- */

static const char *
now_call(const SqlContext *context)
{
	return context->now_sql ? context->now_sql : "segments.now()";
}

static void
append_now_call(StringInfo out, const Boundary *boundary, const SqlContext *context,
				const char *phrase_function, const char *span_function)
{
	bool span = (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END);

	appendStringInfo(out, "segments.%s(", span ? span_function : phrase_function);
	append_text(out, boundary->text);
	if (span)
		appendStringInfoString(out, boundary->forward ? ", true" : ", false");
	appendStringInfoString(out, ", ");
	append_text(out, context->table->timezone);
	appendStringInfo(out, ", %s)", now_call(context));
}

/* What a boundary is as a function of now. */
static void
append_moving(StringInfo out, const Atom *atom, const Boundary *boundary, const SqlContext *context)
{
	bool start = (boundary->kind == MOMENT_PHRASE_START || boundary->kind == MOMENT_SPAN_START);

	if (atom->value_type == VALUE_DATE)
	{
		if (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END)
		{
			appendStringInfoString(out, "segments_internal.local_day(");
			append_now_call(out, boundary, context, NULL, start ? "span_start" : "span_end");
			appendStringInfoString(out, ", ");
			append_text(out, context->table->timezone);
			appendStringInfoChar(out, ')');
			return;
		}
		appendStringInfoChar(out, '(');
		append_now_call(out, boundary, context, start ? "phrase_first_day" : "phrase_last_day",
						NULL);
		appendStringInfoString(out, start ? ")" : " + 1)");
		return;
	}
	if (atom->value_type == VALUE_TIMESTAMP)
		appendStringInfoChar(out, '(');
	append_now_call(out, boundary, context, start ? "phrase_start" : "phrase_end",
					start ? "span_start" : "span_end");
	if (atom->value_type == VALUE_TIMESTAMP)
		appendStringInfoString(out, " AT TIME ZONE 'UTC')");
}

/*
 * Where a boundary stands, as SQL.
 */
static void
append_boundary(StringInfo out, const Atom *atom, const Boundary *boundary,
				const SqlContext *context)
{
	Datum value = boundary->constant;

	if (boundary->kind != MOMENT_CONSTANT && !context->pinned)
	{
		append_moving(out, atom, boundary, context);
		return;
	}
	(void) BoundaryDatum(boundary, atom->value_type, context->table, "UTC", context->now, &value);
	appendStringInfoString(out, AtomLiteralSql(atom->value_type, value));
}

/* ----- tests on one row ----- */

static const char *
byte_collate(const Atom *atom)
{
	return atom->byte_collation ? "" : " COLLATE \"C\"";
}

/* The days of the year as of now, as a constant. */
static void
append_days(StringInfo out, const Atom *atom, const SqlContext *context)
{
	int32 days[PHRASE_YEAR_DAYS];
	DateADT first;
	DateADT last;
	int n = 0;
	int i;

	if (PhraseAnniversaryWindow(atom->anniversary, context->table->zone, context->now, &first,
								&last))
		n = PhraseAnniversaryDays(first, last, days);
	appendStringInfoString(out, "ARRAY[");
	for (i = 0; i < n; i++)
		appendStringInfo(out, "%s%d", i ? ", " : "", days[i]);
	appendStringInfoString(out, "]::pg_catalog.int4[]");
}

static void
append_anniversary(StringInfo out, const Atom *atom, const SqlContext *context)
{
	bool span = atom->anniversary->span;

	appendStringInfo(out, "%s = ANY (", atom->value);
	if (context->pinned)
		append_days(out, atom, context);
	else
	{
		appendStringInfo(out, "segments.%s(", span ? "span_anniversary" : "phrase_anniversary");
		append_text(out, atom->anniversary_text);
		if (span)
			appendStringInfoString(out, atom->anniversary->after > 0 ? ", true" : ", false");
		appendStringInfoString(out, ", ");
		append_text(out, context->table->timezone);
		appendStringInfo(out, ", %s)", now_call(context));
	}
	appendStringInfoChar(out, ')');
}

static void
append_any(StringInfo out, const Atom *atom, const SqlContext *context)
{
	if (atom->value_type == VALUE_MONTH_DAY)
	{
		append_anniversary(out, atom, context);
		return;
	}
	appendStringInfo(out, "%s%s = ", atom->value,
					 atom->value_type == VALUE_TEXT ? byte_collate(atom) : "");
	if (atom->nconstants == 1)
		appendStringInfoString(out, AtomLiteralSql(atom->value_type, atom->constants[0]));
	else
	{
		appendStringInfoString(out, "ANY (");
		append_array(out, atom);
		appendStringInfoChar(out, ')');
	}
}

static void
append_range(StringInfo out, const Atom *atom, const SqlContext *context)
{
	if (!atom->lower.given && !atom->upper.given)
		appendStringInfo(out, "%s IS NOT NULL", atom->value);
	if (atom->lower.given)
	{
		appendStringInfo(out, "%s %s ", atom->value, atom->lower.inclusive ? ">=" : ">");
		append_boundary(out, atom, &atom->lower, context);
	}
	if (atom->upper.given)
	{
		appendStringInfo(out, "%s%s %s ", atom->lower.given ? " AND " : "", atom->value,
						 atom->upper.inclusive ? "<=" : "<");
		append_boundary(out, atom, &atom->upper, context);
	}
}

/*
 * The test on one row: alias c for scope CONTACT, and for an AGGREGATE; r for
 * a related row.
 */
void
AtomRowSql(StringInfo out, const Atom *atom, const SqlContext *context)
{
	switch (atom->test)
	{
		case TEST_ANY:
			append_any(out, atom, context);
			break;
		case TEST_RANGE:
			append_range(out, atom, context);
			break;
		case TEST_NULL:
			appendStringInfo(out, "%s IS NULL", atom->value);
			break;
		case TEST_NOT_BLANK:
			appendStringInfo(out, "%s%s <> ''", atom->value, byte_collate(atom));
			break;
		case TEST_LIKE:
			appendStringInfo(out, "%s%s LIKE ", atom->value, byte_collate(atom));
			append_text(out, atom->pattern);
			break;
		case TEST_REGEXP:
			appendStringInfo(out, "(%s) COLLATE %s ~* ", atom->value, RegexpCollationSql());
			append_text(out, atom->pattern);
			break;
		case TEST_OVERLAP:
		case TEST_CONTAINS:
			appendStringInfo(out, "%s%s %s ", atom->value, byte_collate(atom),
							 atom->test == TEST_OVERLAP ? "&&" : "@>");
			append_array(out, atom);
			break;
		case TEST_HAS_ELEMENT:
			appendStringInfo(out, "pg_catalog.cardinality(%s) > 0", atom->value);
			break;
		case TEST_EXISTS:
			appendStringInfoString(out, "true");
			break;
	}
}
