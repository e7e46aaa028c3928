/*
 * local_time.c - instants, wall clocks and days of a time zone.
 */
#include "postgres.h"

#include "time/local_time.h"

#include "common/int.h"
#include "utils/datetime.h"

#define EPOCH_SHIFT ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

static pg_time_t
to_unix(TimestampTz instant)
{
	return (pg_time_t) (FloorDivide(instant, USECS_PER_SEC) + EPOCH_SHIFT);
}

/* A zone has transitions beyond the calendar: those never come. */
static TimestampTz
from_unix(pg_time_t seconds)
{
	int64 shifted = (int64) seconds - EPOCH_SHIFT;

	return shifted < END_TIMESTAMP / USECS_PER_SEC ? shifted * USECS_PER_SEC : DT_NOEND;
}

/* The local day that holds an instant. */
DateADT
PhraseLocalDay(TimestampTz instant, pg_tz *zone)
{
	return DayOfLocal(PhraseToLocal(instant, zone));
}

/* What the clocks of a zone show at an instant. */
Timestamp
PhraseToLocal(TimestampTz instant, pg_tz *zone)
{
	struct pg_tm *tm;
	pg_time_t seconds;
	int64 local;

	if (TIMESTAMP_NOT_FINITE(instant))
		return instant;
	seconds = to_unix(instant);
	tm = pg_localtime(&seconds, zone);
	if (tm == NULL)
		return ClampTimestamp(instant);
	if (pg_add_s64_overflow(instant, tm->tm_gmtoff * USECS_PER_SEC, &local))
		return DT_NOEND;
	return ClampTimestamp(local);
}

/*
 * The instant at which the clocks of a zone show a time.  A skipped time takes
 * the offset before the gap, a doubled one standard time: the rule of
 * timestamp AT TIME ZONE, by the same function.
 */
TimestampTz
PhraseToInstant(Timestamp local, pg_tz *zone)
{
	struct pg_tm tm;
	DateADT day;
	int64 instant;
	int seconds;
	int west;

	if (TIMESTAMP_NOT_FINITE(local))
		return local;
	day = DayOfLocal(local);
	seconds = (int) ((local - DayStart(day)) / USECS_PER_SEC);
	memset(&tm, 0, sizeof(tm));
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_hour = seconds / SECS_PER_HOUR;
	tm.tm_min = seconds / SECS_PER_MINUTE % MINS_PER_HOUR;
	tm.tm_sec = seconds % SECS_PER_MINUTE;
	tm.tm_isdst = -1;
	west = DetermineTimeZoneOffset(&tm, zone);
	if (pg_add_s64_overflow(local, west * USECS_PER_SEC, &instant))
		return DT_NOEND;
	return ClampTimestamp(instant);
}

/*
 * The first transition of a zone after an instant, and the offsets (seconds
 * east) before and after it.  False when there is none; *before holds anyway.
 */
bool
ZoneNextTransition(pg_tz *zone, TimestampTz instant, TimestampTz *boundary, int64 *before,
				   int64 *after)
{
	pg_time_t from = to_unix(instant);
	pg_time_t at = 0;
	long before_offset = 0;
	long after_offset = 0;
	int before_dst;
	int after_dst;
	int found;

	found = pg_next_dst_boundary(&from, &before_offset, &before_dst, &at, &after_offset, &after_dst,
								 zone);
	*before = before_offset;
	*after = after_offset;
	*boundary = found > 0 ? from_unix(at) : DT_NOEND;
	return *boundary != DT_NOEND;
}

bool
PhraseZoneIsSteady(pg_tz *zone, TimestampTz from, TimestampTz to)
{
	TimestampTz boundary;
	int64 before;
	int64 after;

	if (TIMESTAMP_NOT_FINITE(from) || TIMESTAMP_NOT_FINITE(to))
		return false;
	return !ZoneNextTransition(zone, from, &boundary, &before, &after) || boundary > to;
}

/*
 * The first instant after now whose local day is not in [first, last], which
 * holds now's.  A clock that is put back over midnight leaves through the
 * front.
 */
TimestampTz
ZoneLeaveDays(pg_tz *zone, TimestampTz now, DateADT first, DateADT last)
{
	TimestampTz boundary;
	TimestampTz midnight;
	int64 before;
	int64 after;

	if (TIMESTAMP_NOT_FINITE(now))
		return now;
	if (DATE_NOT_FINITE(AddDays(last, 1)))
		return DT_NOEND;
	for (;;)
	{
		bool found = ZoneNextTransition(zone, now, &boundary, &before, &after);
		int64 day;

		midnight = DayStart(AddDays(last, 1)) - before * USECS_PER_SEC;
		if (!found || midnight < boundary)
			return ClampTimestamp(midnight);
		day = FloorDivide(boundary + after * USECS_PER_SEC, USECS_PER_DAY);
		if (day < first || day > last)
			return boundary;
		now = boundary;
	}
}

TimestampTz
PhraseNextMidnight(pg_tz *zone, TimestampTz now)
{
	DateADT today = PhraseLocalDay(now, zone);

	return ZoneLeaveDays(zone, now, today, today);
}
