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


#include "time/calendar.h"
#include "time/local_time.h"
#include "time/phrase_move.h"

/* The month whose first or last day is meant: [*start, *end). */
static void
month_of_phrase(const Phrase *phrase, DateADT today, DateADT *start, DateADT *end)
{
	int64 month;

	if (phrase->month == 0)
	{
		CalendarPeriod(today, PHRASE_MONTH, phrase->offset, start, end);
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

		month = CalendarMonth(today, &rest);
		month -= month % MONTHS_PER_YEAR;
	}
	*start = CalendarMonthStart(month + phrase->month - 1);
	*end = CalendarMonthStart(month + phrase->month);
}

/* The local days of a PHRASE_DAYS when today is this day. */
static void
days_of_phrase(const Phrase *phrase, DateADT today, DateADT *start, DateADT *end)
{
	switch (phrase->anchor)
	{
		case PHRASE_ANCHOR_TODAY:
			*start = PhraseMoveDay(phrase, today);
			*end = AddDays(*start, 1);
			break;
		case PHRASE_ANCHOR_PERIOD:
			CalendarPeriod(today, phrase->unit, phrase->offset, start, end);
			break;
		case PHRASE_ANCHOR_FIRST_DAY:
			month_of_phrase(phrase, today, start, end);
			*end = AddDays(*start, 1);
			break;
		case PHRASE_ANCHOR_LAST_DAY:
			month_of_phrase(phrase, today, start, end);
			*start = AddDays(*end, -1);
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
			*start = *end = PhraseMoveInstant(phrase->parts, phrase->nparts, zone, now);
			break;
		case PHRASE_LOCAL_TIME:
			/* A width elapses, so that a skipped minute is not turned round. */
			*start = PhraseToInstant(phrase->local, zone);
			*end = ClampTimestamp(*start + phrase->width);
			break;
		case PHRASE_ABSOLUTE:
			*start = phrase->instant;
			*end = ClampTimestamp(*start + phrase->width);
			break;
		default:
			PhraseDays(phrase, zone, now, &first, &last);
			*start = PhraseToInstant(DayStart(first), zone);
			*end = PhraseToInstant(DayStart(last), zone);
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
			days_of_phrase(phrase, PhraseLocalDay(now, zone), start, end);
			break;
		case PHRASE_DATE:
			*start = phrase->date;
			*end = AddDays(*start, 1);
			break;
		case PHRASE_INSTANT:
		case PHRASE_LOCAL_TIME:
		case PHRASE_ABSOLUTE:
			PhraseInstants(phrase, zone, now, &instant, &unused);
			*start = PhraseLocalDay(instant, zone);
			*end = AddDays(*start, 1);
			break;
		case PHRASE_ANNIVERSARY:
			elog(ERROR, "an anniversary is no interval");
			break;
	}
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
	other = PhraseMoveInstant(&part, 1, zone, now);
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
	*start = PhraseLocalDay(from, zone);
	*end = PhraseLocalDay(to, zone);
}
