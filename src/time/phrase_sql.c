/*
 * phrase_sql.c - date phrases as SQL functions, for planned queries and for
 * display.
 *
 * Each takes the text of a phrase, the name of a time zone and an instant.
 * Raises 22007 when the text is no phrase, 22023 for an unrecognized zone or a
 * phrase of the other kind (an interval where an anniversary is asked for).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "time/clock.h"
#include "time/phrase.h"
#include "time/phrase_parse.h"

#include "time/local_time.h"
#include "time/phrase_anniversary.h"
#include "time/phrase_next.h"

/* The arguments phrase, zone and at, which all functions share. */
typedef struct PhraseCall
{
	Phrase phrase;
	pg_tz *zone;
	TimestampTz at;
} PhraseCall;

static void
read_phrase(FunctionCallInfo fcinfo, PhraseCall *call)
{
	char *string = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *detail = NULL;

	if (!PhraseParse(string, &call->phrase, &detail))
		ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
						errmsg("invalid date phrase \"%s\"", string),
						errdetail_internal("%s", detail), errhint(PHRASE_HINT)));
	call->zone = ClockZone(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	call->at = PG_GETARG_TIMESTAMPTZ(2);
}

/* Read the arguments of a function about an interval. */
static void
read_interval_phrase(FunctionCallInfo fcinfo, PhraseCall *call)
{
	read_phrase(fcinfo, call);
	if (call->phrase.kind == PHRASE_ANNIVERSARY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("date phrase \"%s\" is not an interval",
							   text_to_cstring(PG_GETARG_TEXT_PP(0))),
						errhint("Use segments.phrase_anniversary().")));
}

PG_FUNCTION_INFO_V1(segments_phrase_start);
Datum
segments_phrase_start(PG_FUNCTION_ARGS)
{
	PhraseCall call;
	TimestampTz start;
	TimestampTz end;

	read_interval_phrase(fcinfo, &call);
	PhraseInstants(&call.phrase, call.zone, call.at, &start, &end);
	PG_RETURN_TIMESTAMPTZ(start);
}

PG_FUNCTION_INFO_V1(segments_phrase_end);
Datum
segments_phrase_end(PG_FUNCTION_ARGS)
{
	PhraseCall call;
	TimestampTz start;
	TimestampTz end;

	read_interval_phrase(fcinfo, &call);
	PhraseInstants(&call.phrase, call.zone, call.at, &start, &end);
	PG_RETURN_TIMESTAMPTZ(end);
}

PG_FUNCTION_INFO_V1(segments_phrase_first_day);
Datum
segments_phrase_first_day(PG_FUNCTION_ARGS)
{
	PhraseCall call;
	DateADT start;
	DateADT end;

	read_interval_phrase(fcinfo, &call);
	PhraseDays(&call.phrase, call.zone, call.at, &start, &end);
	PG_RETURN_DATEADT(start);
}

PG_FUNCTION_INFO_V1(segments_phrase_last_day);
Datum
segments_phrase_last_day(PG_FUNCTION_ARGS)
{
	PhraseCall call;
	DateADT start;
	DateADT end;

	read_interval_phrase(fcinfo, &call);
	PhraseDays(&call.phrase, call.zone, call.at, &start, &end);
	PG_RETURN_DATEADT(DATE_NOT_FINITE(end) ? end : end - 1);
}

/* The days of the year whose anniversary falls when a phrase says, as int4[]. */
static Datum
anniversary_days(const PhraseCall *call)
{
	int32 days[PHRASE_YEAR_DAYS];
	Datum elements[PHRASE_YEAR_DAYS];
	DateADT first;
	DateADT last;
	int count = 0;
	int i;

	if (PhraseAnniversaryWindow(&call->phrase, call->zone, call->at, &first, &last))
		count = PhraseAnniversaryDays(first, last, days);
	for (i = 0; i < count; i++)
		elements[i] = Int32GetDatum(days[i]);
	return PointerGetDatum(
		construct_array(elements, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(segments_phrase_anniversary);
Datum
segments_phrase_anniversary(PG_FUNCTION_ARGS)
{
	PhraseCall call;

	read_phrase(fcinfo, &call);
	if (call.phrase.kind != PHRASE_ANNIVERSARY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("date phrase \"%s\" is not an anniversary",
							   text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	PG_RETURN_DATUM(anniversary_days(&call));
}

/*
 * segments.span_anniversary(span, forward, zone, at): of inLast and inNext.
 */
PG_FUNCTION_INFO_V1(segments_span_anniversary);
Datum
segments_span_anniversary(PG_FUNCTION_ARGS)
{
	char *string = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *detail = NULL;
	PhraseCall call;

	if (!PhraseParseAnniversarySpan(string, PG_GETARG_BOOL(1), &call.phrase, &detail))
		ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
						errmsg("invalid span of an anniversary \"%s\"", string),
						detail ? errdetail_internal("%s", detail) : 0,
						errhint("It is \"anniversary N days\".")));
	call.zone = ClockZone(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	call.at = PG_GETARG_TIMESTAMPTZ(3);
	PG_RETURN_DATUM(anniversary_days(&call));
}

PG_FUNCTION_INFO_V1(segments_phrase_next_move);
Datum
segments_phrase_next_move(PG_FUNCTION_ARGS)
{
	PhraseCall call;

	read_phrase(fcinfo, &call);
	PG_RETURN_TIMESTAMPTZ(PhraseNextMove(&call.phrase, call.zone, call.at, PG_GETARG_BOOL(3)));
}

/* The ends of inLast and inNext: arguments span, forward, zone and at. */
static void
span_ends(FunctionCallInfo fcinfo, TimestampTz *start, TimestampTz *end)
{
	char *string = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *detail = NULL;
	PhrasePart span;

	if (!PhraseParseSpan(string, &span, &detail))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				 errmsg("invalid length of time \"%s\"", string), errdetail_internal("%s", detail),
				 errhint("A length of time is a number and a unit, such as \"7 days\".")));
	PhraseSpanInstants(&span, PG_GETARG_BOOL(1), ClockZone(text_to_cstring(PG_GETARG_TEXT_PP(2))),
					   PG_GETARG_TIMESTAMPTZ(3), start, end);
}

PG_FUNCTION_INFO_V1(segments_span_start);
Datum
segments_span_start(PG_FUNCTION_ARGS)
{
	TimestampTz start;
	TimestampTz end;

	span_ends(fcinfo, &start, &end);
	PG_RETURN_TIMESTAMPTZ(start);
}

PG_FUNCTION_INFO_V1(segments_span_end);
Datum
segments_span_end(PG_FUNCTION_ARGS)
{
	TimestampTz start;
	TimestampTz end;

	span_ends(fcinfo, &start, &end);
	PG_RETURN_TIMESTAMPTZ(end);
}

/*
 * segments.instant(timestamp, zone) and segments_internal.local_day(timestamptz, zone):
 * as AT TIME ZONE, but never out of range.  What falls off either end of the
 * calendar is infinite, so that no value of a column can make a filter fail.
 */
PG_FUNCTION_INFO_V1(segments_instant);
Datum
segments_instant(PG_FUNCTION_ARGS)
{
	pg_tz *zone = ClockZone(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_TIMESTAMPTZ(PhraseToInstant(PG_GETARG_TIMESTAMP(0), zone));
}

PG_FUNCTION_INFO_V1(segments_local_day);
Datum
segments_local_day(PG_FUNCTION_ARGS)
{
	pg_tz *zone = ClockZone(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_DATEADT(PhraseLocalDay(PG_GETARG_TIMESTAMPTZ(0), zone));
}

/*
 * segments.instant(date, zone): the first instant of a local day, never out of
 * range either.
 */
PG_FUNCTION_INFO_V1(segments_day_instant);
Datum
segments_day_instant(PG_FUNCTION_ARGS)
{
	pg_tz *zone = ClockZone(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_TIMESTAMPTZ(PhraseToInstant(DayStart(ClampDay(PG_GETARG_DATEADT(0))), zone));
}
