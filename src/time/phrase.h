/*
 * phrase.h - date phrases: what a text such as "last week" or "+1 month
 * -2 days" stands for at an instant, in a time zone, and when that changes.
 *
 * Functions of bytes, a zone and an instant: no catalog, no session setting
 * (neither TimeZone nor DateStyle) has any influence.
 */
#ifndef SEGMENTS_PHRASE_H
#define SEGMENTS_PHRASE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

#define PHRASE_MAX_PARTS 16

typedef enum PhraseKind
{
	PHRASE_DAYS = 1,   /* whole local days: [S, E) are midnights; moves */
	PHRASE_INSTANT,    /* T = now +- ... with parts below a day; moves always */
	PHRASE_DATE,       /* a calendar day written out; never moves */
	PHRASE_LOCAL_TIME, /* that minute or second, local; never moves */
	PHRASE_ABSOLUTE,   /* the same with an offset: an instant; never moves */
	PHRASE_ANNIVERSARY /* month and day of local today +- N unit; moves */
} PhraseKind;

typedef enum PhraseUnit
{
	PHRASE_SECOND = 1,
	PHRASE_MINUTE,
	PHRASE_HOUR,
	PHRASE_DAY,
	PHRASE_WEEK,
	PHRASE_MONTH,
	PHRASE_QUARTER,
	PHRASE_YEAR
} PhraseUnit;

typedef struct PhrasePart
{
	int64 n; /* signed */
	PhraseUnit unit;
} PhrasePart;

typedef enum PhraseAnchor
{
	PHRASE_ANCHOR_TODAY = 1, /* today, then parts */
	PHRASE_ANCHOR_PERIOD,    /* the calendar period `unit`, `offset` of them from this */
	PHRASE_ANCHOR_FIRST_DAY, /* first day of a month */
	PHRASE_ANCHOR_LAST_DAY   /* last day of a month */
} PhraseAnchor;

/* Plain data: copy it, keep it, compare it with memcmp (unused bytes are 0). */
typedef struct Phrase
{
	PhraseKind kind;
	PhraseAnchor anchor;
	PhraseUnit unit; /* of the period */
	int offset;      /* periods from the present one */
	int month;       /* FIRST_DAY, LAST_DAY: 1..12, or 0 for `offset` */
	int year;        /* with month: the year, or 0 for the present one */
	int nparts;
	PhrasePart parts[PHRASE_MAX_PARTS];
	DateADT date;        /* DATE */
	Timestamp local;     /* LOCAL_TIME: start, wall clock */
	TimestampTz instant; /* ABSOLUTE: start */
	bool span;           /* ANNIVERSARY: of inLast or inNext, on one of the days */
	int32 before;        /* from so many before the day */
	int32 after;         /* to so many after it */
	int64 width;         /* LOCAL_TIME, ABSOLUTE: microseconds (a minute or a
								 * second; 1 microsecond for fractions) */
} Phrase;

/* What to tell a user whose phrase was refused, as a hint. */
#define PHRASE_HINT                                                                                         \
	"A date phrase is \"today\", \"yesterday\", \"tomorrow\", "                                             \
	"\"this/last/next week/month/quarter/year\", \"+2 weeks\", \"5 days ago\", \"first/last day of ...\", " \
	"\"anniversary\", \"birthday\", \"YYYY-MM-DD\" or \"YYYY-MM-DD HH:MM\"."

extern bool PhraseMoves(const Phrase *phrase);

/* Instants S and E; for PHRASE_INSTANT both are T.  Not for ANNIVERSARY. */
extern void PhraseInstants(const Phrase *phrase, pg_tz *zone, TimestampTz now, TimestampTz *start,
						   TimestampTz *end);

/* Local days S and E (E exclusive); an instant stands for the day that holds it. */
extern void PhraseDays(const Phrase *phrase, pg_tz *zone, TimestampTz now, DateADT *start,
					   DateADT *end);

/*
 * inLast (forward false) and inNext: both ends included.  On instants
 * [*start, *end]; on dates the local days that hold the two ends.
 */
extern void PhraseSpanInstants(const PhrasePart *span, bool forward, pg_tz *zone, TimestampTz now,
							   TimestampTz *start, TimestampTz *end);

extern void PhraseSpanDays(const PhrasePart *span, bool forward, pg_tz *zone, TimestampTz now,
						   DateADT *start, DateADT *end);

#endif /* SEGMENTS_PHRASE_H */
