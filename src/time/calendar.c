/*
 * calendar.c - months and calendar periods.
 */
#include "postgres.h"

#include "time/calendar.h"

#include "utils/datetime.h"

#include "time/local_time.h"
#include "time/phrase.h"

/* The first day of a month counted from January of the year 0. */
DateADT
CalendarMonthStart(int64 month)
{
	int64 year = FloorDivide(month, MONTHS_PER_YEAR);

	if (year < JULIAN_MINYEAR + 1)
		return DATEVAL_NOBEGIN;
	if (year >= JULIAN_MAXYEAR)
		return DATEVAL_NOEND;
	return ClampDay(date2j((int) year, (int) (month - year * MONTHS_PER_YEAR) + 1, 1) -
					POSTGRES_EPOCH_JDATE);
}

/* The month of a finite day, counted likewise, and the day within it from 0. */
int64
CalendarMonth(DateADT day, int *rest)
{
	int year;
	int month;
	int mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	*rest = mday - 1;
	return (int64) year * MONTHS_PER_YEAR + month - 1;
}

/* Months later, on the same day of the month or the last one it has. */
DateADT
CalendarAddMonths(DateADT day, int64 n)
{
	int rest;
	int64 month;
	DateADT start;
	DateADT end;

	if (DATE_NOT_FINITE(day))
		return day;
	month = CalendarMonth(day, &rest) + n;
	start = CalendarMonthStart(month);
	end = CalendarMonthStart(month + 1);
	if (DATE_NOT_FINITE(start) || DATE_NOT_FINITE(end))
		return start;
	return start + Min(rest, end - start - 1);
}

/*
 * The period that holds a day, moved by offset periods: [*start, *end).
 */
void
CalendarPeriod(DateADT day, PhraseUnit unit, int offset, DateADT *start, DateADT *end)
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

		*start = AddDays(day, offset * 7 - weekday);
		*end = AddDays(*start, 7);
		return;
	}
	if (unit == PHRASE_QUARTER)
		months = 3;
	else if (unit == PHRASE_YEAR)
		months = MONTHS_PER_YEAR;
	month = (FloorDivide(CalendarMonth(day, &rest), months) + offset) * months;
	*start = CalendarMonthStart(month);
	*end = CalendarMonthStart(month + months);
}
