/*
 * target_phrase.c - date phrases, in all zones and at all instants.
 *
 * An input is a phrase; behind a line end the name of a zone; all of it also
 * chooses instants, beside those at the ends of the calendar.
 */
#include "fuzz.h"

#include "utils/timestamp.h"

#include "time/clock.h"
#include "time/local_time.h"
#include "time/phrase.h"
#include "time/phrase_anniversary.h"
#include "time/phrase_next.h"
#include "time/phrase_parse.h"

static const char *const zones[] = {"UTC",
									"Europe/Paris",
									"America/New_York",
									"Asia/Kathmandu",
									"Pacific/Apia",
									"Africa/Casablanca",
									"America/Havana",
									"Antarctica/Troll",
									"Pacific/Kiritimati"};

static bool
is_timestamp(TimestampTz instant)
{
	return TIMESTAMP_NOT_FINITE(instant) || IS_VALID_TIMESTAMP(instant);
}

static bool
is_date(DateADT day)
{
	return DATE_NOT_FINITE(day) || IS_VALID_DATE(day);
}

static void
check_interval(const Phrase *phrase, pg_tz *zone, TimestampTz now)
{
	TimestampTz start;
	TimestampTz end;
	DateADT first;
	DateADT last;

	PhraseInstants(phrase, zone, now, &start, &end);
	PhraseDays(phrase, zone, now, &first, &last);
	if (!is_timestamp(start) || !is_timestamp(end) || !is_date(first) || !is_date(last))
		FuzzFail("out of range at " INT64_FORMAT, now);
	if (start > end || first > last)
		FuzzFail("ends before it starts at " INT64_FORMAT " in %s", now,
				 pg_get_timezone_name(zone));
}

static void
check_anniversary(const Phrase *phrase, pg_tz *zone, TimestampTz now)
{
	int32 days[PHRASE_YEAR_DAYS];
	DateADT first;
	DateADT last;
	int n;

	if (!PhraseAnniversaryWindow(phrase, zone, now, &first, &last))
		return;
	if (!is_date(first) || !is_date(last) || first > last)
		FuzzFail("anniversaries out of range at " INT64_FORMAT, now);
	n = PhraseAnniversaryDays(first, last, days);
	if (n < 1 || n > PHRASE_YEAR_DAYS)
		FuzzFail("%d days of a year", n);
	while (n-- > 0)
	{
		if (days[n] < 101 || days[n] > 1231 || days[n] % 100 < 1 || days[n] % 100 > 31)
			FuzzFail("no day of a year: %d", days[n]);
	}
}

/* Moves go forward, and arrive somewhere. */
static void
check_moves(const Phrase *phrase, pg_tz *zone, TimestampTz now, bool days)
{
	TimestampTz next = PhraseNextMove(phrase, zone, now, days);
	bool always = phrase->kind == PHRASE_INSTANT && !days;

	if (!is_timestamp(next))
		FuzzFail("next move out of range at " INT64_FORMAT, now);
	if (TIMESTAMP_NOT_FINITE(now))
		return;
	if (always ? next != now : next <= now)
		FuzzFail("next move " INT64_FORMAT " is not after " INT64_FORMAT " in %s", next, now,
				 pg_get_timezone_name(zone));
}

static void
check_phrase(const Phrase *phrase, pg_tz *zone, TimestampTz now)
{
	if (phrase->kind == PHRASE_ANNIVERSARY)
		check_anniversary(phrase, zone, now);
	else
		check_interval(phrase, zone, now);
	check_moves(phrase, zone, now, true);
	check_moves(phrase, zone, now, false);
}

static void
check_span(const PhrasePart *span, pg_tz *zone, TimestampTz now)
{
	int forward;

	for (forward = 0; forward <= 1; forward++)
	{
		TimestampTz start;
		TimestampTz end;
		DateADT first;
		DateADT last;

		PhraseSpanInstants(span, forward, zone, now, &start, &end);
		PhraseSpanDays(span, forward, zone, now, &first, &last);
		if (!is_timestamp(start) || !is_timestamp(end) || !is_date(first) || !is_date(last))
			FuzzFail("span out of range at " INT64_FORMAT, now);
	}
}

/* Instants of use, and a random one in the part of the calendar that is in use. */
static TimestampTz
choose_instant(int number, uint64 random)
{
	static const TimestampTz ends[] = {DT_NOBEGIN,
									   DT_NOEND,
									   MIN_TIMESTAMP,
									   MIN_TIMESTAMP + 1,
									   0,
									   -1,
									   END_TIMESTAMP - 1,
									   END_TIMESTAMP - USECS_PER_DAY,
									   MIN_TIMESTAMP + USECS_PER_DAY};

	if (number < lengthof(ends))
		return ends[number];
	if (number == lengthof(ends)) /* within 150 years of 2000 */
		return (int64) (random % (UINT64CONST(300) * 366 * USECS_PER_DAY)) -
			   INT64CONST(150) * 366 * USECS_PER_DAY;
	/* The calendar is longer than half of 64 bits: the sum is of unsigned numbers. */
	return (int64) ((uint64) MIN_TIMESTAMP +
					random % ((uint64) END_TIMESTAMP - (uint64) MIN_TIMESTAMP));
}

#define INSTANTS 11

static void
run_phrase(const char *data, int len)
{
	uint64 random = FuzzHash(data, len);
	char *text = pnstrdup(data, len);
	char *name = strchr(text, '\n');
	const char *detail = NULL;
	TimestampTz instant;
	PhrasePart span;
	Phrase phrase;
	pg_tz *zone = pg_tzset(zones[random % lengthof(zones)]);
	bool is_phrase;
	bool is_span;
	int i;

	if (name != NULL)
		*name++ = '\0';
	is_phrase = PhraseParse(text, &phrase, &detail);
	is_span = PhraseParseSpan(text, &span, &detail);
	if (PhraseParseInstant(text, &instant) && !is_timestamp(instant))
		FuzzFail("instant out of range");
	for (i = 0; i < INSTANTS; i++)
	{
		TimestampTz now = choose_instant(i, random * UINT64CONST(0x9E3779B97F4A7C15));

		if (is_phrase)
			check_phrase(&phrase, zone, now);
		if (is_span)
			check_span(&span, zone, now);
	}
	if (name != NULL && is_phrase)
		check_phrase(&phrase, ClockZone(name), 0);
}

const FuzzTarget phrase_target = {"phrase", run_phrase, NULL, "22023", true, false};
