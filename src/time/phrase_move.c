/*
 * phrase_move.c - the parts of a phrase ("+1 month -2 days"), applied.
 */
#include "postgres.h"

#include "time/phrase_move.h"

#include "common/int.h"

#include "time/calendar.h"
#include "time/local_time.h"
#include "time/phrase.h"

static DateADT
add_part(DateADT day, const PhrasePart *part)
{
	switch (part->unit)
	{
		case PHRASE_DAY:
			return AddDays(day, part->n);
		case PHRASE_WEEK:
			return AddDays(day, part->n * 7);
		case PHRASE_MONTH:
			return CalendarAddMonths(day, part->n);
		case PHRASE_QUARTER:
			return CalendarAddMonths(day, part->n * 3);
		case PHRASE_YEAR:
			return CalendarAddMonths(day, part->n * MONTHS_PER_YEAR);
		default:
			elog(ERROR, "unit %d does not move the calendar", (int) part->unit);
	}
	return day; /* keep compiler quiet */
}

/* The day that the parts lead to from a day, in the order written. */
DateADT
PhraseMoveDay(const Phrase *phrase, DateADT day)
{
	int i;

	for (i = 0; i < phrase->nparts; i++)
		day = add_part(day, &phrase->parts[i]);
	return day;
}

/* Microseconds of a unit that elapses; 0 for those that move the calendar. */
static int64
unit_usecs(PhraseUnit unit)
{
	switch (unit)
	{
		case PHRASE_SECOND:
			return USECS_PER_SEC;
		case PHRASE_MINUTE:
			return USECS_PER_MINUTE;
		case PHRASE_HOUR:
			return USECS_PER_HOUR;
		default:
			return 0;
	}
}

/* Or does it move the calendar? */
bool
PhrasePartElapses(const PhrasePart *part)
{
	return unit_usecs(part->unit) != 0;
}

static TimestampTz
elapse(TimestampTz instant, const PhrasePart *part)
{
	int64 result;

	/* The parser's limit on n keeps the product in range. */
	if (TIMESTAMP_NOT_FINITE(instant))
		return instant;
	if (pg_add_s64_overflow(instant, part->n * unit_usecs(part->unit), &result))
		return part->n < 0 ? DT_NOBEGIN : DT_NOEND;
	return ClampTimestamp(result);
}

/* How many parts from the first one on make one step of PhraseApplyStep()? */
int
PhraseStepLength(const PhrasePart *parts, int nparts)
{
	int n = 0;

	while (n < nparts && !PhrasePartElapses(&parts[n]))
		n++;
	return Max(n, 1);
}

/* The wall clock after a step of calendar parts; the time of day stays. */
Timestamp
PhraseMoveLocal(const PhrasePart *parts, int nparts, Timestamp local)
{
	DateADT day = DayOfLocal(local);
	DateADT target = day;
	int i;

	for (i = 0; i < nparts; i++)
		target = add_part(target, &parts[i]);
	if (DATE_NOT_FINITE(target))
		return DayStart(target);
	return DayStart(target) + (local - DayStart(day));
}

/*
 * One step of an instant phrase: a part that elapses, or a run of parts that
 * move the local clock.  A clock that does not move keeps its instant: through
 * the wall clock and back, a doubled hour would lose one.
 */
TimestampTz
PhraseApplyStep(const PhrasePart *parts, int nparts, pg_tz *zone, TimestampTz instant)
{
	Timestamp local;
	Timestamp moved;

	if (PhrasePartElapses(parts))
		return elapse(instant, parts);
	local = PhraseToLocal(instant, zone);
	moved = PhraseMoveLocal(parts, nparts, local);
	return moved == local ? instant : PhraseToInstant(moved, zone);
}

TimestampTz
PhraseMoveInstant(const PhrasePart *parts, int nparts, pg_tz *zone, TimestampTz instant)
{
	int i;
	int n;

	for (i = 0; i < nparts; i += n)
	{
		n = PhraseStepLength(parts + i, nparts - i);
		instant = PhraseApplyStep(parts + i, n, zone, instant);
	}
	return instant;
}
