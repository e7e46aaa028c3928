/*
 * phrase_anniversary.c - phrases of kind PHRASE_ANNIVERSARY.
 */
#include "postgres.h"

#include "time/phrase_anniversary.h"

#include "utils/datetime.h"

#include "time/local_time.h"
#include "time/phrase.h"
#include "time/phrase_move.h"

/* The local days on which an anniversary must fall. */
bool
PhraseAnniversaryWindow(const Phrase *phrase, pg_tz *zone, TimestampTz now, DateADT *first,
						DateADT *last)
{
	DateADT target = PhraseMoveDay(phrase, PhraseLocalDay(now, zone));

	*first = *last = target;
	if (DATE_NOT_FINITE(target))
		return false;
	*first = AddDays(target, -phrase->before);
	*last = AddDays(target, phrase->after);
	return !DATE_NOT_FINITE(*first) && !DATE_NOT_FINITE(*last);
}

/*
 * Whoever was born on 29 February celebrates on the 28th of common years.
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
