/*
 * phrase_anniversary.h - phrases of kind PHRASE_ANNIVERSARY.
 */
#ifndef SEGMENTS_PHRASE_ANNIVERSARY_H
#define SEGMENTS_PHRASE_ANNIVERSARY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

#include "time/phrase.h"

/*
 * The local days on which the anniversary of a value must fall: the same one
 * twice unless it is of a span.  False when they are out of range.
 */
extern bool PhraseAnniversaryWindow(const Phrase *phrase, pg_tz *zone, TimestampTz now,
									DateADT *first, DateADT *last);

/* Does the anniversary of a month * 100 + day fall on one of these days? */
extern bool PhraseAnniversaryFalls(int32 month_day, DateADT first, DateADT last);

/*
 * The values whose anniversary does, as month * 100 + day; 29 February falls on
 * the 28th of common years.  The array must have room for PHRASE_YEAR_DAYS.
 * Returns how many.
 */
#define PHRASE_YEAR_DAYS 366
extern int PhraseAnniversaryDays(DateADT first, DateADT last, int32 *days);

#endif /* SEGMENTS_PHRASE_ANNIVERSARY_H */
