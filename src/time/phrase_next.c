/*
 * phrase_next.c - when a phrase next changes what it stands for.
 */
#include "postgres.h"

#include "time/phrase_next.h"

#include "common/int.h"

#include "time/calendar.h"
#include "time/local_time.h"
#include "time/phrase.h"
#include "time/phrase_move.h"

/* Each part makes at most four days one (by clamping the 28th to the 31st). */
#define MAX_EQUAL_DAYS (4 * PHRASE_MAX_PARTS)

/* Breakpoints that next_day_of_instant() looks at before it gives up. */
#define MAX_BREAKPOINTS 256

/*
 * The days around today for which the parts lead to the same day: a clamped
 * phrase ("-1 month" at the end of March) rests for some days.
 */
static void
days_of_equal_target(const Phrase *phrase, DateADT today, DateADT *first, DateADT *last)
{
	DateADT target = PhraseMoveDay(phrase, today);
	int i;

	*first = *last = today;
	for (i = 0; i < MAX_EQUAL_DAYS; i++)
	{
		if (PhraseMoveDay(phrase, AddDays(*last, 1)) != target)
			break;
		*last = AddDays(*last, 1);
	}
	for (i = 0; i < MAX_EQUAL_DAYS; i++)
	{
		if (PhraseMoveDay(phrase, AddDays(*first, -1)) != target)
			break;
		*first = AddDays(*first, -1);
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
	CalendarPeriod(today, phrase->month != 0 ? PHRASE_YEAR : phrase->unit, 0, first, &end);
	*last = AddDays(end, -1);
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
	while (ZoneNextTransition(zone, at, &at, &before, &after))
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
	Timestamp target = PhraseMoveLocal(parts, nparts, PhraseToLocal(instant, zone));
	TimestampTz boundary;
	int64 wait;
	int64 before;
	int64 after;

	wait = time_to_midnight(zone, instant);
	if (ZoneNextTransition(zone, instant, &boundary, &before, &after))
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

		n = PhraseStepLength(parts, phrase->nparts - i);
		if (!PhrasePartElapses(parts))
			wait = Min(wait, time_to_new_distance(parts, n, zone, instant));
		instant = PhraseApplyStep(parts, n, zone, instant);
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
		now = ClampTimestamp(now);
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
	today = PhraseLocalDay(now, zone);
	days_of_rest(phrase, today, &first, &last);
	return ZoneLeaveDays(zone, now, first, last);
}
