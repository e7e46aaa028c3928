/*
 * local_time.h - instants, wall clocks and days of a time zone; what is out of
 * the calendar is infinite.
 */
#ifndef SEGMENTS_LOCAL_TIME_H
#define SEGMENTS_LOCAL_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

#define FIRST_DAY (DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE)
#define END_DAY (TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)

static inline int64
FloorDivide(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

static inline TimestampTz
ClampTimestamp(int64 t)
{
	if (t < MIN_TIMESTAMP)
		return DT_NOBEGIN;
	return t < END_TIMESTAMP ? t : DT_NOEND;
}

static inline DateADT
ClampDay(int64 day)
{
	if (day < FIRST_DAY)
		return DATEVAL_NOBEGIN;
	return day < END_DAY ? (DateADT) day : DATEVAL_NOEND;
}

static inline DateADT
AddDays(DateADT day, int64 n)
{
	return DATE_NOT_FINITE(day) ? day : ClampDay(day + n);
}

/* The local midnight that starts a day, as a wall clock reading. */
static inline Timestamp
DayStart(DateADT day)
{
	if (DATE_IS_NOBEGIN(day))
		return DT_NOBEGIN;
	if (DATE_IS_NOEND(day))
		return DT_NOEND;
	return day * USECS_PER_DAY;
}

static inline DateADT
DayOfLocal(Timestamp local)
{
	if (TIMESTAMP_IS_NOBEGIN(local))
		return DATEVAL_NOBEGIN;
	if (TIMESTAMP_IS_NOEND(local))
		return DATEVAL_NOEND;
	return (DateADT) FloorDivide(local, USECS_PER_DAY);
}

extern DateADT PhraseLocalDay(TimestampTz instant, pg_tz *zone);
extern Timestamp PhraseToLocal(TimestampTz instant, pg_tz *zone);

/* Local wall clock -> instant, gaps and overlaps as AT TIME ZONE does, and back. */
extern TimestampTz PhraseToInstant(Timestamp local, pg_tz *zone);

extern bool ZoneNextTransition(pg_tz *zone, TimestampTz instant, TimestampTz *boundary,
							   int64 *before, int64 *after);
extern TimestampTz ZoneLeaveDays(pg_tz *zone, TimestampTz now, DateADT first, DateADT last);

/* Does the zone keep one offset from an instant to another? */
extern bool PhraseZoneIsSteady(pg_tz *zone, TimestampTz from, TimestampTz to);

/* The next local midnight after now. */
extern TimestampTz PhraseNextMidnight(pg_tz *zone, TimestampTz now);

#endif /* SEGMENTS_LOCAL_TIME_H */
