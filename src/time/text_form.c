/*
 * text_form.c - the text of dates and instants that the like family and regular
 * expressions see, and the month and day of anniversaries.
 *
 * segments.text_form(date), (timestamp, zone, zone), (timestamptz, zone);
 * segments.month_day() of the same.  Unlike to_char() they never fail: any
 * value a column can hold has a text (infinity has none), so no filter can
 * block a write.  Independent of the session's settings.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "time/clock.h"
#include "time/local_time.h"

/* A calendar day and the second within it. */
typedef struct LocalTime
{
	int year;
	int month;
	int day;
	int second;
} LocalTime;

static void
split_day(DateADT day, LocalTime *local)
{
	j2date(day + POSTGRES_EPOCH_JDATE, &local->year, &local->month, &local->day);
	local->second = 0;
}

/* False for infinity. */
static bool
split_local(Timestamp value, LocalTime *local)
{
	int64 day;

	if (TIMESTAMP_NOT_FINITE(value))
		return false;
	day = DayOfLocal(value);
	split_day((DateADT) day, local);
	local->second = (int) ((value - day * USECS_PER_DAY) / USECS_PER_SEC);
	return true;
}

static bool
split_instant(TimestampTz instant, text *zone, LocalTime *local)
{
	if (TIMESTAMP_NOT_FINITE(instant))
		return false;
	return split_local(PhraseToLocal(instant, ClockZone(text_to_cstring(zone))), local);
}

/* A timestamp in one zone as seen in another. */
static bool
split_timestamp(Timestamp value, text *from, text *to, LocalTime *local)
{
	char *from_name = text_to_cstring(from);
	char *to_name = text_to_cstring(to);

	if (TIMESTAMP_NOT_FINITE(value))
		return false;
	if (strcmp(from_name, to_name) == 0)
		return split_local(value, local);
	return split_instant(PhraseToInstant(value, ClockZone(from_name)), to, local);
}

/* Years before 1 count as to_char() counts them. */
static int
shown_year(const LocalTime *local)
{
	return local->year > 0 ? local->year : 1 - local->year;
}

static Datum
day_text(const LocalTime *local)
{
	return CStringGetTextDatum(
		psprintf("%04d-%02d-%02d", shown_year(local), local->month, local->day));
}

static Datum
instant_text(const LocalTime *local)
{
	return CStringGetTextDatum(psprintf("%04d-%02d-%02d %02d:%02d:%02d", shown_year(local),
										local->month, local->day, local->second / 3600,
										local->second / 60 % 60, local->second % 60));
}

static Datum
month_day(const LocalTime *local)
{
	return Int32GetDatum(local->month * 100 + local->day);
}

PG_FUNCTION_INFO_V1(segments_text_form_date);
Datum
segments_text_form_date(PG_FUNCTION_ARGS)
{
	LocalTime local;

	if (DATE_NOT_FINITE(PG_GETARG_DATEADT(0)))
		PG_RETURN_NULL();
	split_day(PG_GETARG_DATEADT(0), &local);
	PG_RETURN_DATUM(day_text(&local));
}

PG_FUNCTION_INFO_V1(segments_text_form_timestamp);
Datum
segments_text_form_timestamp(PG_FUNCTION_ARGS)
{
	LocalTime local;

	if (!split_timestamp(PG_GETARG_TIMESTAMP(0), PG_GETARG_TEXT_PP(1), PG_GETARG_TEXT_PP(2),
						 &local))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(instant_text(&local));
}

PG_FUNCTION_INFO_V1(segments_text_form_timestamptz);
Datum
segments_text_form_timestamptz(PG_FUNCTION_ARGS)
{
	LocalTime local;

	if (!split_instant(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TEXT_PP(1), &local))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(instant_text(&local));
}

PG_FUNCTION_INFO_V1(segments_month_day_date);
Datum
segments_month_day_date(PG_FUNCTION_ARGS)
{
	LocalTime local;

	if (DATE_NOT_FINITE(PG_GETARG_DATEADT(0)))
		PG_RETURN_NULL();
	split_day(PG_GETARG_DATEADT(0), &local);
	PG_RETURN_DATUM(month_day(&local));
}

PG_FUNCTION_INFO_V1(segments_month_day_timestamp);
Datum
segments_month_day_timestamp(PG_FUNCTION_ARGS)
{
	LocalTime local;

	if (!split_timestamp(PG_GETARG_TIMESTAMP(0), PG_GETARG_TEXT_PP(1), PG_GETARG_TEXT_PP(2),
						 &local))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(month_day(&local));
}

PG_FUNCTION_INFO_V1(segments_month_day_timestamptz);
Datum
segments_month_day_timestamptz(PG_FUNCTION_ARGS)
{
	LocalTime local;

	if (!split_instant(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TEXT_PP(1), &local))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(month_day(&local));
}
