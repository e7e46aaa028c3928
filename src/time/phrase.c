/*
 * phrase.c - what a date phrase stands for at an instant, and when that
 * changes next.
 *
 * Takes a parsed Phrase, a time zone and an instant; gives instants, local
 * days, and the next move.  Nothing here raises or reads a setting: what falls
 * off either end of PostgreSQL's calendar becomes infinite and stays so.
 *
 * Two clocks are at work.  Days and longer move the local clock, hours and
 * shorter elapse.  The zone's rules join the two: an instant always has one
 * local time, a local time can have one instant, none (skipped) or two
 * (doubled).  Hence every "when does it change" below is answered by walking
 * the zone's transitions, between which the two clocks run in step, and never
 * by assuming that a local midnight exists, comes once, or comes in order.
 */
#include "postgres.h"

#include "time/phrase.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/datetime.h"

#define EPOCH_SHIFT ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)
#define FIRST_DAY (DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE)
#define END_DAY (TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)

/* Each part makes at most four days one (by clamping the 28th to the 31st). */
#define MAX_EQUAL_DAYS (4 * PHRASE_MAX_PARTS)

/* Breakpoints that next_day_of_instant() looks at before it gives up. */
#define MAX_BREAKPOINTS 256

static int64
floor_div(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

static TimestampTz
clamp_timestamp(int64 t)
{
	if (t < MIN_TIMESTAMP)
		return DT_NOBEGIN;
	return t < END_TIMESTAMP ? t : DT_NOEND;
}

static DateADT
clamp_day(int64 day)
{
	if (day < FIRST_DAY)
		return DATEVAL_NOBEGIN;
	return day < END_DAY ? (DateADT) day : DATEVAL_NOEND;
}

static DateADT
add_days(DateADT day, int64 n)
{
	return DATE_NOT_FINITE(day) ? day : clamp_day(day + n);
}

static pg_time_t
to_unix(TimestampTz instant)
{
	return (pg_time_t) (floor_div(instant, USECS_PER_SEC) + EPOCH_SHIFT);
}

/* A zone has transitions beyond the calendar: those never come. */
static TimestampTz
from_unix(pg_time_t seconds)
{
	int64 shifted = (int64) seconds - EPOCH_SHIFT;

	return shifted < END_TIMESTAMP / USECS_PER_SEC ? shifted * USECS_PER_SEC : DT_NOEND;
}

/* The local midnight that starts a day, as a wall clock reading. */
static Timestamp
day_start(DateADT day)
{
	if (DATE_IS_NOBEGIN(day))
		return DT_NOBEGIN;
	if (DATE_IS_NOEND(day))
		return DT_NOEND;
	return day * USECS_PER_DAY;
}

static DateADT
day_of_local(Timestamp local)
{
	if (TIMESTAMP_IS_NOBEGIN(local))
		return DATEVAL_NOBEGIN;
	if (TIMESTAMP_IS_NOEND(local))
		return DATEVAL_NOEND;
	return (DateADT) floor_div(local, USECS_PER_DAY);
}

static DateADT
day_of_instant(TimestampTz instant, pg_tz *zone)
{
	return day_of_local(PhraseToLocal(instant, zone));
}

/* The local day that holds an instant. */
DateADT
PhraseLocalDay(TimestampTz instant, pg_tz *zone)
{
	return day_of_instant(instant, zone);
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
		return clamp_timestamp(instant);
	if (pg_add_s64_overflow(instant, tm->tm_gmtoff * USECS_PER_SEC, &local))
		return DT_NOEND;
	return clamp_timestamp(local);
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
	day = day_of_local(local);
	seconds = (int) ((local - day_start(day)) / USECS_PER_SEC);
	memset(&tm, 0, sizeof(tm));
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_hour = seconds / SECS_PER_HOUR;
	tm.tm_min = seconds / SECS_PER_MINUTE % MINS_PER_HOUR;
	tm.tm_sec = seconds % SECS_PER_MINUTE;
	tm.tm_isdst = -1;
	west = DetermineTimeZoneOffset(&tm, zone);
	if (pg_add_s64_overflow(local, west * USECS_PER_SEC, &instant))
		return DT_NOEND;
	return clamp_timestamp(instant);
}

/*
 * The first transition of a zone after an instant, and the offsets (seconds
 * east) before and after it.  False when there is none; *before holds anyway.
 */
static bool
next_transition(pg_tz *zone, TimestampTz instant, TimestampTz *boundary, int64 *before,
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
	return !next_transition(zone, from, &boundary, &before, &after) || boundary > to;
}

/*
 * The first instant after now whose local day is not in [first, last], which
 * holds now's.  A clock that is put back over midnight leaves through the
 * front.
 */
static TimestampTz
leave_days(pg_tz *zone, TimestampTz now, DateADT first, DateADT last)
{
	TimestampTz boundary;
	TimestampTz midnight;
	int64 before;
	int64 after;

	if (TIMESTAMP_NOT_FINITE(now))
		return now;
	if (DATE_NOT_FINITE(add_days(last, 1)))
		return DT_NOEND;
	for (;;)
	{
		bool found = next_transition(zone, now, &boundary, &before, &after);
		int64 day;

		midnight = day_start(add_days(last, 1)) - before * USECS_PER_SEC;
		if (!found || midnight < boundary)
			return clamp_timestamp(midnight);
		day = floor_div(boundary + after * USECS_PER_SEC, USECS_PER_DAY);
		if (day < first || day > last)
			return boundary;
		now = boundary;
	}
}

TimestampTz
PhraseNextMidnight(pg_tz *zone, TimestampTz now)
{
	DateADT today = day_of_instant(now, zone);

	return leave_days(zone, now, today, today);
}

/* The first day of a month counted from January of the year 0. */
static DateADT
month_start(int64 month)
{
	int64 year = floor_div(month, MONTHS_PER_YEAR);

	if (year < JULIAN_MINYEAR + 1)
		return DATEVAL_NOBEGIN;
	if (year >= JULIAN_MAXYEAR)
		return DATEVAL_NOEND;
	return clamp_day(date2j((int) year, (int) (month - year * MONTHS_PER_YEAR) + 1, 1) -
					 POSTGRES_EPOCH_JDATE);
}

/* The month of a finite day, counted likewise, and the day within it from 0. */
static int64
month_of_day(DateADT day, int *rest)
{
	int year;
	int month;
	int mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	*rest = mday - 1;
	return (int64) year * MONTHS_PER_YEAR + month - 1;
}

/* Months later, on the same day of the month or the last one it has. */
static DateADT
add_months(DateADT day, int64 n)
{
	int rest;
	int64 month;
	DateADT start;
	DateADT end;

	if (DATE_NOT_FINITE(day))
		return day;
	month = month_of_day(day, &rest) + n;
	start = month_start(month);
	end = month_start(month + 1);
	if (DATE_NOT_FINITE(start) || DATE_NOT_FINITE(end))
		return start;
	return start + Min(rest, end - start - 1);
}

static DateADT
add_part(DateADT day, const PhrasePart *part)
{
	switch (part->unit)
	{
		case PHRASE_DAY:
			return add_days(day, part->n);
		case PHRASE_WEEK:
			return add_days(day, part->n * 7);
		case PHRASE_MONTH:
			return add_months(day, part->n);
		case PHRASE_QUARTER:
			return add_months(day, part->n * 3);
		case PHRASE_YEAR:
			return add_months(day, part->n * MONTHS_PER_YEAR);
		default:
			elog(ERROR, "unit %d does not move the calendar", (int) part->unit);
	}
	return day; /* keep compiler quiet */
}

/* The day that the parts lead to from a day, in the order written. */
static DateADT
move_day(const Phrase *phrase, DateADT day)
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

static TimestampTz
elapse(TimestampTz instant, const PhrasePart *part)
{
	int64 result;

	/* The parser's limit on n keeps the product in range. */
	if (TIMESTAMP_NOT_FINITE(instant))
		return instant;
	if (pg_add_s64_overflow(instant, part->n * unit_usecs(part->unit), &result))
		return part->n < 0 ? DT_NOBEGIN : DT_NOEND;
	return clamp_timestamp(result);
}

/* How many parts from the first one on make one step of apply_step()? */
static int
step_length(const PhrasePart *parts, int nparts)
{
	int n = 0;

	while (n < nparts && unit_usecs(parts[n].unit) == 0)
		n++;
	return Max(n, 1);
}

/* The wall clock after a step of calendar parts; the time of day stays. */
static Timestamp
move_local(const PhrasePart *parts, int nparts, Timestamp local)
{
	DateADT day = day_of_local(local);
	DateADT target = day;
	int i;

	for (i = 0; i < nparts; i++)
		target = add_part(target, &parts[i]);
	if (DATE_NOT_FINITE(target))
		return day_start(target);
	return day_start(target) + (local - day_start(day));
}

/*
 * One step of an instant phrase: a part that elapses, or a run of parts that
 * move the local clock.  A clock that does not move keeps its instant: through
 * the wall clock and back, a doubled hour would lose one.
 */
static TimestampTz
apply_step(const PhrasePart *parts, int nparts, pg_tz *zone, TimestampTz instant)
{
	Timestamp local;
	Timestamp moved;

	if (unit_usecs(parts->unit) != 0)
		return elapse(instant, parts);
	local = PhraseToLocal(instant, zone);
	moved = move_local(parts, nparts, local);
	return moved == local ? instant : PhraseToInstant(moved, zone);
}

static TimestampTz
move_instant(const PhrasePart *parts, int nparts, pg_tz *zone, TimestampTz instant)
{
	int i;
	int n;

	for (i = 0; i < nparts; i += n)
	{
		n = step_length(parts + i, nparts - i);
		instant = apply_step(parts + i, n, zone, instant);
	}
	return instant;
}

/*
 * The period that holds a day, moved by offset periods: [*start, *end).
 */
static void
period_of_day(DateADT day, PhraseUnit unit, int offset, DateADT *start, DateADT *end)
{
	int months = 1;
	int rest;
	int64 month;

	*start = *end = day;
	if (DATE_NOT_FINITE(day))
		return;
	if (unit == PHRASE_WEEK)
	{
		/* j2day() counts from Sunday, weeks start on Monday. */
		int weekday = (j2day(day + POSTGRES_EPOCH_JDATE) + 6) % 7;

		*start = add_days(day, offset * 7 - weekday);
		*end = add_days(*start, 7);
		return;
	}
	if (unit == PHRASE_QUARTER)
		months = 3;
	else if (unit == PHRASE_YEAR)
		months = MONTHS_PER_YEAR;
	month = (floor_div(month_of_day(day, &rest), months) + offset) * months;
	*start = month_start(month);
	*end = month_start(month + months);
}

/* The month whose first or last day is meant: [*start, *end). */
static void
month_of_phrase(const Phrase *phrase, DateADT today, DateADT *start, DateADT *end)
{
	int64 month;

	if (phrase->month == 0)
	{
		period_of_day(today, PHRASE_MONTH, phrase->offset, start, end);
		return;
	}
	if (phrase->year != 0)
		month = (int64) phrase->year * MONTHS_PER_YEAR;
	else if (DATE_NOT_FINITE(today))
	{
		*start = *end = today;
		return;
	}
	else
	{
		int rest;

		month = month_of_day(today, &rest);
		month -= month % MONTHS_PER_YEAR;
	}
	*start = month_start(month + phrase->month - 1);
	*end = month_start(month + phrase->month);
}

/* The local days of a PHRASE_DAYS when today is this day. */
static void
days_of_phrase(const Phrase *phrase, DateADT today, DateADT *start, DateADT *end)
{
	switch (phrase->anchor)
	{
		case PHRASE_ANCHOR_TODAY:
			*start = move_day(phrase, today);
			*end = add_days(*start, 1);
			break;
		case PHRASE_ANCHOR_PERIOD:
			period_of_day(today, phrase->unit, phrase->offset, start, end);
			break;
		case PHRASE_ANCHOR_FIRST_DAY:
			month_of_phrase(phrase, today, start, end);
			*end = add_days(*start, 1);
			break;
		case PHRASE_ANCHOR_LAST_DAY:
			month_of_phrase(phrase, today, start, end);
			*start = add_days(*end, -1);
			break;
	}
}

/* Does the meaning change as time passes? */
bool
PhraseMoves(const Phrase *phrase)
{
	switch (phrase->kind)
	{
		case PHRASE_DAYS:
			return phrase->month == 0 || phrase->year == 0;
		case PHRASE_INSTANT:
		case PHRASE_ANNIVERSARY:
			return true;
		case PHRASE_DATE:
		case PHRASE_LOCAL_TIME:
		case PHRASE_ABSOLUTE:
			break;
	}
	return false;
}

/* The interval [*start, *end) of a phrase; an instant is both of its ends. */
void
PhraseInstants(const Phrase *phrase, pg_tz *zone, TimestampTz now, TimestampTz *start,
			   TimestampTz *end)
{
	DateADT first;
	DateADT last;

	switch (phrase->kind)
	{
		case PHRASE_INSTANT:
			*start = *end = move_instant(phrase->parts, phrase->nparts, zone, now);
			break;
		case PHRASE_LOCAL_TIME:
			/* A width elapses, so that a skipped minute is not turned round. */
			*start = PhraseToInstant(phrase->local, zone);
			*end = clamp_timestamp(*start + phrase->width);
			break;
		case PHRASE_ABSOLUTE:
			*start = phrase->instant;
			*end = clamp_timestamp(*start + phrase->width);
			break;
		default:
			PhraseDays(phrase, zone, now, &first, &last);
			*start = PhraseToInstant(day_start(first), zone);
			*end = PhraseToInstant(day_start(last), zone);
			break;
	}
}

/* The local days [*start, *end) of a phrase. */
void
PhraseDays(const Phrase *phrase, pg_tz *zone, TimestampTz now, DateADT *start, DateADT *end)
{
	TimestampTz instant;
	TimestampTz unused;

	switch (phrase->kind)
	{
		case PHRASE_DAYS:
			days_of_phrase(phrase, day_of_instant(now, zone), start, end);
			break;
		case PHRASE_DATE:
			*start = phrase->date;
			*end = add_days(*start, 1);
			break;
		case PHRASE_INSTANT:
		case PHRASE_LOCAL_TIME:
		case PHRASE_ABSOLUTE:
			PhraseInstants(phrase, zone, now, &instant, &unused);
			*start = day_of_instant(instant, zone);
			*end = add_days(*start, 1);
			break;
		case PHRASE_ANNIVERSARY:
			elog(ERROR, "an anniversary is no interval");
			break;
	}
}

/* The local days on which an anniversary must fall. */
bool
PhraseAnniversaryWindow(const Phrase *phrase, pg_tz *zone, TimestampTz now, DateADT *first,
						DateADT *last)
{
	DateADT target = move_day(phrase, day_of_instant(now, zone));

	*first = *last = target;
	if (DATE_NOT_FINITE(target))
		return false;
	*first = add_days(target, -phrase->before);
	*last = add_days(target, phrase->after);
	return !DATE_NOT_FINITE(*first) && !DATE_NOT_FINITE(*last);
}

/*
 * Who was born on 29 February celebrates on the 28th of common years.
 */
bool
PhraseAnniversaryFalls(int32 month_day, DateADT first, DateADT last)
{
	int year;
	int last_year;
	int month;
	int mday;

	if (last - first >= PHRASE_YEAR_DAYS - 1)
		return true;
	j2date(last + POSTGRES_EPOCH_JDATE, &last_year, &month, &mday);
	j2date(first + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	for (; year <= last_year; year++)
	{
		int day = month_day % 100;
		DateADT at;

		if (month_day == 229 && !isleap(year))
			day = 28;
		at = date2j(year, month_day / 100, day) - POSTGRES_EPOCH_JDATE;
		if (at >= first && at <= last)
			return true;
	}
	return false;
}

int
PhraseAnniversaryDays(DateADT first, DateADT last, int32 *days)
{
	int n = 0;
	int month;

	for (month = 1; month <= MONTHS_PER_YEAR; month++)
	{
		int mday;

		for (mday = 1; mday <= day_tab[1][month - 1]; mday++)
			if (PhraseAnniversaryFalls(month * 100 + mday, first, last))
				days[n++] = month * 100 + mday;
	}
	return n;
}

/* The ends of inLast and inNext as instants, both included. */
void
PhraseSpanInstants(const PhrasePart *span, bool forward, pg_tz *zone, TimestampTz now,
				   TimestampTz *start, TimestampTz *end)
{
	PhrasePart part = *span;
	TimestampTz other;

	if (!forward)
		part.n = -part.n;
	other = move_instant(&part, 1, zone, now);
	*start = forward ? now : other;
	*end = forward ? other : now;
}

/* The same as local days, both included. */
void
PhraseSpanDays(const PhrasePart *span, bool forward, pg_tz *zone, TimestampTz now, DateADT *start,
			   DateADT *end)
{
	TimestampTz from;
	TimestampTz to;

	PhraseSpanInstants(span, forward, zone, now, &from, &to);
	*start = day_of_instant(from, zone);
	*end = day_of_instant(to, zone);
}

/*
 * The days around today for which the parts lead to the same day: a clamped
 * phrase ("-1 month" at the end of March) rests for some days.
 */
static void
days_of_equal_target(const Phrase *phrase, DateADT today, DateADT *first, DateADT *last)
{
	DateADT target = move_day(phrase, today);
	int i;

	*first = *last = today;
	for (i = 0; i < MAX_EQUAL_DAYS; i++)
	{
		if (move_day(phrase, add_days(*last, 1)) != target)
			break;
		*last = add_days(*last, 1);
	}
	for (i = 0; i < MAX_EQUAL_DAYS; i++)
	{
		if (move_day(phrase, add_days(*first, -1)) != target)
			break;
		*first = add_days(*first, -1);
	}
}

/* The days around today during which a phrase that counts days rests. */
static void
days_of_rest(const Phrase *phrase, DateADT today, DateADT *first, DateADT *last)
{
	DateADT end;

	if (phrase->anchor == PHRASE_ANCHOR_TODAY)
	{
		days_of_equal_target(phrase, today, first, last);
		return;
	}
	period_of_day(today, phrase->month != 0 ? PHRASE_YEAR : phrase->unit, 0, first, &end);
	*last = add_days(end, -1);
}

/*
 * How long the clock of a zone, on its way forward from a local time, keeps
 * the offset that PhraseToInstant() gives that time.  At a transition, from a
 * gap as from an overlap, the new offset counts from the wall clock reading
 * that the transition itself sets.
 */
static int64
time_to_new_offset(pg_tz *zone, Timestamp local)
{
	TimestampTz at;
	int64 before;
	int64 after;

	at = PhraseToInstant(local, zone);
	if (TIMESTAMP_NOT_FINITE(at))
		return PG_INT64_MAX;
	/* Start well before: a gap of up to a day may lie between. */
	at -= 2 * USECS_PER_DAY;
	while (next_transition(zone, at, &at, &before, &after))
	{
		if (at + after * USECS_PER_SEC > local)
			return at + after * USECS_PER_SEC - local;
	}
	return PG_INT64_MAX;
}

/* How long it is from an instant to the next local midnight; after the last one, for ever. */
static int64
time_to_midnight(pg_tz *zone, TimestampTz instant)
{
	TimestampTz midnight = PhraseNextMidnight(zone, instant);

	return TIMESTAMP_NOT_FINITE(midnight) ? PG_INT64_MAX : midnight - instant;
}

/*
 * How long a step of calendar parts keeps its distance while time passes from
 * an instant: to the next local midnight (the length of months counts by the
 * day), transition, or change of the offset at its target.
 */
static int64
time_to_new_distance(const PhrasePart *parts, int nparts, pg_tz *zone, TimestampTz instant)
{
	Timestamp target = move_local(parts, nparts, PhraseToLocal(instant, zone));
	TimestampTz boundary;
	int64 wait;
	int64 before;
	int64 after;

	wait = time_to_midnight(zone, instant);
	if (next_transition(zone, instant, &boundary, &before, &after))
		wait = Min(wait, boundary - instant);
	if (!TIMESTAMP_NOT_FINITE(target))
		wait = Min(wait, time_to_new_offset(zone, target));
	return wait;
}

/*
 * How long, from now, an instant phrase keeps its distance from now and its
 * local day; 0 when it is infinite.
 */
static int64
time_to_breakpoint(const Phrase *phrase, pg_tz *zone, TimestampTz now)
{
	TimestampTz instant = now;
	int64 wait = PG_INT64_MAX;
	int i;
	int n;

	for (i = 0; i < phrase->nparts; i += n)
	{
		const PhrasePart *parts = &phrase->parts[i];

		n = step_length(parts, phrase->nparts - i);
		if (unit_usecs(parts->unit) == 0)
			wait = Min(wait, time_to_new_distance(parts, n, zone, instant));
		instant = apply_step(parts, n, zone, instant);
		if (TIMESTAMP_NOT_FINITE(instant))
			return 0;
	}
	return Min(wait, time_to_midnight(zone, instant));
}

/*
 * The next instant at which the local day of an instant phrase changes: from
 * breakpoint to breakpoint, between which the phrase keeps its distance.
 */
static TimestampTz
next_day_of_instant(const Phrase *phrase, pg_tz *zone, TimestampTz now)
{
	DateADT day;
	DateADT other;
	DateADT unused;
	int i;

	PhraseDays(phrase, zone, now, &day, &unused);
	for (i = 0; i < MAX_BREAKPOINTS; i++)
	{
		int64 wait = time_to_breakpoint(phrase, zone, now);

		if (wait == 0)
			return PhraseNextMidnight(zone, now);
		if (pg_add_s64_overflow(now, wait, &now))
			return DT_NOEND;
		now = clamp_timestamp(now);
		if (TIMESTAMP_NOT_FINITE(now))
			break;
		PhraseDays(phrase, zone, now, &other, &unused);
		if (other != day)
			break;
	}

	/* To name an instant too early is harmless: the caller asks again then. */
	return now;
}

TimestampTz
PhraseNextMove(const Phrase *phrase, pg_tz *zone, TimestampTz now, bool days)
{
	DateADT today;
	DateADT first;
	DateADT last;

	if (!PhraseMoves(phrase))
		return DT_NOEND;
	if (TIMESTAMP_NOT_FINITE(now))
		return now;
	if (phrase->kind == PHRASE_INSTANT)
		return days ? next_day_of_instant(phrase, zone, now) : now;
	today = day_of_instant(now, zone);
	days_of_rest(phrase, today, &first, &last);
	return leave_days(zone, now, first, last);
}
