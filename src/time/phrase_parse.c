/*
 * phrase_parse.c - the grammar of date phrases.
 *
 * Takes the text of a phrase, gives a Phrase (or one sentence about why there
 * is none).  Only the bytes of the text count: not the clock, not a time zone,
 * not DateStyle, not the locale; nothing here raises.  What is accepted is a
 * promise: phrases are stored as written and parsed again for ever.
 *
 *	phrase      = day | period | edge | parts | anniversary | written
 *	day         = "today" | "yesterday" | "tomorrow"
 *	period      = ("this" | "last" | "next") ("week" | "month" | "quarter" | "year")
 *	edge        = ("first" | "last") "day" "of" (which "month" | MONTH [YYYY])
 *	which       = "this" | "last" | "previous" | "next"
 *	parts       = part {part}
 *	part        = [sign] N unit | N unit {N unit} "ago"
 *	anniversary = ("anniversary" | "birthday") [parts]
 *	written     = YYYY-MM-DD [("T" | blank) HH:MM [:SS [.fraction]] [offset]]
 *	offset      = "Z" | sign HH [[:] MM [[:] SS]]
 *
 * "ago" turns the whole run of parts before it, back to the start or to the
 * previous "ago": "1 month 2 days ago" is a month and two days before today.
 * None of them may have a sign of its own, for that would say it twice.
 */
#include "postgres.h"

#include "time/phrase_parse.h"

#include "mb/pg_wchar.h"
#include "utils/date.h"
#include "utils/datetime.h"

#include "time/phrase.h"

#define MAX_WORD 16   /* longer than any word of the grammar */
#define MAX_QUOTED 40 /* bytes of the text shown in a detail */

typedef struct Scanner
{
	const char *at;     /* what comes next */
	const char *detail; /* why the parse failed */
} Scanner;

typedef struct UnitWord
{
	const char *word; /* singular */
	PhraseUnit unit;
	int64 limit; /* how many make 10,000 years */
} UnitWord;

/*
 * The limits keep every sum of PHRASE_MAX_PARTS parts well inside 64 bits and
 * below the end of PostgreSQL's calendar; they are far beyond any use.
 */
static const UnitWord unit_words[] = {{"second", PHRASE_SECOND, INT64CONST(315569520000)},
									  {"minute", PHRASE_MINUTE, INT64CONST(5259492000)},
									  {"hour", PHRASE_HOUR, 87658200},
									  {"day", PHRASE_DAY, 3652425},
									  {"week", PHRASE_WEEK, 521775},
									  {"month", PHRASE_MONTH, 120000},
									  {"quarter", PHRASE_QUARTER, 40000},
									  {"year", PHRASE_YEAR, 10000}};

static const char *const month_words[12] = {"january",   "february", "march",    "april",
											"may",       "june",     "july",     "august",
											"september", "october",  "november", "december"};

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_sign(char c)
{
	return c == '+' || c == '-';
}

static bool
is_day_unit(PhraseUnit unit)
{
	return unit >= PHRASE_DAY;
}

static bool
fail(Scanner *scan, const char *detail)
{
	scan->detail = detail;
	return false;
}

/* Fail at the present place, quoting the rest of the text. */
static bool
fail_here(Scanner *scan)
{
	int len = strlen(scan->at);

	if (len == 0)
		return fail(scan, "The text breaks off.");
	while (len > 0 && is_blank(scan->at[len - 1]))
		len--;
	len = pg_mbcliplen(scan->at, len, MAX_QUOTED);
	return fail(scan, psprintf("\"%.*s\" is not understood.", len, scan->at));
}

static void
skip_blanks(Scanner *scan)
{
	while (is_blank(*scan->at))
		scan->at++;
}

/* Is nothing left but blanks? */
static bool
at_end(Scanner *scan)
{
	skip_blanks(scan);
	return *scan->at == '\0';
}

/*
 * Take the next word in lower case.  False, with nothing taken, when there is
 * none; a word too long for the grammar gives one that matches nothing.
 */
static bool
scan_word(Scanner *scan, char *word)
{
	int len = 0;

	skip_blanks(scan);
	while (is_letter(scan->at[len]))
	{
		if (len < MAX_WORD - 1)
			word[len] = pg_ascii_tolower((unsigned char) scan->at[len]);
		len++;
	}
	word[Min(len, MAX_WORD - 1)] = '\0';
	scan->at += len;
	return len > 0;
}

/* Take the next word if it is this one. */
static bool
scan_keyword(Scanner *scan, const char *keyword)
{
	const char *start;
	char word[MAX_WORD];

	skip_blanks(scan);
	start = scan->at;
	if (scan_word(scan, word) && strcmp(word, keyword) == 0)
		return true;
	scan->at = start;
	return false;
}

/* Take exactly n digits, no blanks before them. */
static bool
scan_digits(Scanner *scan, int n, int *value)
{
	int i;

	*value = 0;
	for (i = 0; i < n; i++)
	{
		if (!is_digit(scan->at[i]))
			return false;
		*value = *value * 10 + (scan->at[i] - '0');
	}
	if (is_digit(scan->at[n]))
		return false;
	scan->at += n;
	return true;
}

/* Two digits, where more digits may follow. */
static bool
scan_pair(Scanner *scan, int *value)
{
	if (!is_digit(scan->at[0]) || !is_digit(scan->at[1]))
		return false;
	*value = (scan->at[0] - '0') * 10 + (scan->at[1] - '0');
	scan->at += 2;
	return true;
}

/* Take any number of digits; more than 64 bits hold stay at the maximum. */
static bool
scan_number(Scanner *scan, int64 *n)
{
	if (!is_digit(*scan->at))
		return false;
	*n = 0;
	for (; is_digit(*scan->at); scan->at++)
	{
		if (*n > (PG_INT64_MAX - 9) / 10)
			*n = PG_INT64_MAX;
		else
			*n = *n * 10 + (*scan->at - '0');
	}
	return true;
}

/* Look up a unit, singular or plural. */
static const UnitWord *
find_unit(const char *word)
{
	int i;

	for (i = 0; i < lengthof(unit_words); i++)
	{
		int len = strlen(unit_words[i].word);

		if (strncmp(word, unit_words[i].word, len) == 0 &&
			(word[len] == '\0' || strcmp(word + len, "s") == 0))
			return &unit_words[i];
	}
	return NULL;
}

/* Look up a month, in full or its first three letters; 0 when it is none. */
static int
find_month(const char *word)
{
	int i;

	for (i = 0; i < 12; i++)
	{
		if (strcmp(word, month_words[i]) == 0 ||
			(strlen(word) == 3 && strncmp(word, month_words[i], 3) == 0))
			return i + 1;
	}
	return 0;
}

/* "this", "last" and "next" as a number of periods from the present one. */
static bool
find_which(const char *word, int *offset)
{
	if (strcmp(word, "this") == 0)
		*offset = 0;
	else if (strcmp(word, "last") == 0)
		*offset = -1;
	else if (strcmp(word, "next") == 0)
		*offset = 1;
	else
		return false;
	return true;
}

/* Check N of a part against its unit's limit. */
static bool
check_limit(Scanner *scan, int64 n, const UnitWord *unit)
{
	if (n >= -unit->limit && n <= unit->limit)
		return true;
	return fail(scan, psprintf("The number of %ss is out of range: at most " INT64_FORMAT ".",
							   unit->word, unit->limit));
}

/* "N unit", without a sign. */
static bool
scan_count(Scanner *scan, PhrasePart *part)
{
	const UnitWord *unit;
	char word[MAX_WORD];
	const char *start;

	skip_blanks(scan);
	if (!scan_number(scan, &part->n))
		return fail_here(scan);
	skip_blanks(scan);
	start = scan->at;
	if (!scan_word(scan, word))
		return fail(scan, "A number needs a unit: second, minute, hour, day, week, month, "
						  "quarter or year.");
	unit = find_unit(word);
	if (unit == NULL || is_digit(*scan->at))
	{
		scan->at = start;
		return fail_here(scan);
	}
	part->unit = unit->unit;
	return check_limit(scan, part->n, unit);
}

/* Turn the run of parts that "ago" ends, when it comes next. */
static bool
scan_ago(Scanner *scan, Phrase *phrase, int *run, bool *has_sign)
{
	if (!scan_keyword(scan, "ago"))
		return true;
	if (is_digit(*scan->at))
		return fail_here(scan);
	if (*has_sign)
		return fail(scan, "A sign and \"ago\" cannot go together.");
	for (; *run < phrase->nparts; (*run)++)
		phrase->parts[*run].n = -phrase->parts[*run].n;
	*has_sign = false;
	return true;
}

/* One or more parts, up to the end of the text. */
static bool
scan_parts(Scanner *scan, Phrase *phrase)
{
	int run = 0;           /* first part that "ago" would turn */
	bool has_sign = false; /* has one of them a sign? */

	do
	{
		PhrasePart *part;
		char sign;

		if (phrase->nparts == PHRASE_MAX_PARTS)
			return fail(scan, psprintf("A date phrase has at most %d parts.", PHRASE_MAX_PARTS));
		part = &phrase->parts[phrase->nparts++];
		skip_blanks(scan);
		sign = *scan->at;
		if (is_sign(sign))
		{
			scan->at++;
			has_sign = true;
		}
		if (!scan_count(scan, part))
			return false;
		if (sign == '-')
			part->n = -part->n;
		if (!scan_ago(scan, phrase, &run, &has_sign))
			return false;
	} while (!at_end(scan));
	return true;
}

static bool
has_time_parts(const Phrase *phrase)
{
	int i;

	for (i = 0; i < phrase->nparts; i++)
	{
		if (!is_day_unit(phrase->parts[i].unit))
			return true;
	}
	return false;
}

static bool
parse_parts(Scanner *scan, Phrase *phrase)
{
	phrase->anchor = PHRASE_ANCHOR_TODAY;
	if (!scan_parts(scan, phrase))
		return false;
	phrase->kind = has_time_parts(phrase) ? PHRASE_INSTANT : PHRASE_DAYS;
	return true;
}

static bool
parse_anniversary(Scanner *scan, Phrase *phrase)
{
	phrase->kind = PHRASE_ANNIVERSARY;
	phrase->anchor = PHRASE_ANCHOR_TODAY;
	if (at_end(scan))
		return true;
	if (!scan_parts(scan, phrase))
		return false;
	if (has_time_parts(phrase))
		return fail(scan, "An anniversary moves by days, weeks, months, quarters or years only.");
	return true;
}

/* "today" and its neighbours are today moved by a part. */
static bool
parse_day(Phrase *phrase, int n)
{
	phrase->kind = PHRASE_DAYS;
	phrase->anchor = PHRASE_ANCHOR_TODAY;
	if (n != 0)
	{
		phrase->nparts = 1;
		phrase->parts[0].n = n;
		phrase->parts[0].unit = PHRASE_DAY;
	}
	return true;
}

static bool
parse_period(Scanner *scan, Phrase *phrase, int offset)
{
	char word[MAX_WORD];
	const char *start;

	skip_blanks(scan);
	start = scan->at;
	phrase->kind = PHRASE_DAYS;
	phrase->anchor = PHRASE_ANCHOR_PERIOD;
	phrase->offset = offset;
	if (!scan_word(scan, word))
		return fail_here(scan);
	if (strcmp(word, "week") == 0)
		phrase->unit = PHRASE_WEEK;
	else if (strcmp(word, "month") == 0)
		phrase->unit = PHRASE_MONTH;
	else if (strcmp(word, "quarter") == 0)
		phrase->unit = PHRASE_QUARTER;
	else if (strcmp(word, "year") == 0)
		phrase->unit = PHRASE_YEAR;
	else
	{
		scan->at = start;
		return fail_here(scan);
	}
	return true;
}

/* After "first" or "last": "day of" a month. */
static bool
parse_edge(Scanner *scan, Phrase *phrase, PhraseAnchor anchor)
{
	char word[MAX_WORD];
	const char *start;

	phrase->kind = PHRASE_DAYS;
	phrase->anchor = anchor;
	phrase->unit = PHRASE_MONTH;
	if (!scan_keyword(scan, "day") || !scan_keyword(scan, "of"))
		return fail_here(scan);
	skip_blanks(scan);
	start = scan->at;
	if (!scan_word(scan, word))
		return fail_here(scan);
	if (strcmp(word, "previous") == 0)
		strcpy(word, "last");
	if (find_which(word, &phrase->offset))
		return scan_keyword(scan, "month") ? true : fail_here(scan);
	phrase->month = find_month(word);
	if (phrase->month == 0)
	{
		scan->at = start;
		return fail_here(scan);
	}
	if (at_end(scan))
		return true;
	if (!is_digit(*scan->at))
		return fail_here(scan);
	if (!scan_digits(scan, 4, &phrase->year) || phrase->year == 0)
		return fail(scan, "A year has four digits, from 0001 on.");
	return true;
}

/* YYYY-MM-DD */
static bool
scan_date(Scanner *scan, DateADT *date)
{
	int year, month, day;

	if (!scan_digits(scan, 4, &year) || *scan->at++ != '-' || !scan_digits(scan, 2, &month) ||
		*scan->at++ != '-' || !scan_digits(scan, 2, &day))
		return fail(scan, "A day is written YYYY-MM-DD.");
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1])
		return fail(scan, "There is no such day in the calendar.");
	*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Digits after the point, as microseconds; what is finer is dropped. */
static bool
scan_fraction(Scanner *scan, int64 *usecs)
{
	int64 scale = USECS_PER_SEC / 10;

	if (!is_digit(*scan->at))
		return false;
	for (; is_digit(*scan->at); scan->at++)
	{
		*usecs += (*scan->at - '0') * scale;
		scale /= 10;
	}
	return true;
}

/* HH:MM [:SS [.fraction]]; width is how long what is written lasts. */
static bool
scan_time(Scanner *scan, int64 *usecs, int64 *width)
{
	static const char *const shape = "A time is written HH:MM or HH:MM:SS.";
	int hour, minute, second = 0;

	*usecs = 0;
	*width = USECS_PER_MINUTE;
	if (!scan_digits(scan, 2, &hour) || *scan->at != ':')
		return fail(scan, shape);
	scan->at++;
	if (!scan_digits(scan, 2, &minute))
		return fail(scan, shape);
	if (*scan->at == ':')
	{
		scan->at++;
		*width = USECS_PER_SEC;
		if (!scan_digits(scan, 2, &second))
			return fail(scan, shape);
		if (*scan->at == '.')
		{
			scan->at++;
			*width = 1;
			if (!scan_fraction(scan, usecs))
				return fail(scan, shape);
		}
	}
	if (hour > 23 || minute > 59 || second > 59)
		return fail(scan, "There is no such time of day.");
	*usecs += ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	return true;
}

/* One more pair of digits of an offset, with or without a colon before it. */
static bool
scan_offset_pair(Scanner *scan, int *value)
{
	const char *start = scan->at;

	if (*scan->at == ':')
		scan->at++;
	if (scan_pair(scan, value))
		return true;
	scan->at = start;
	return false;
}

/* Z or ±HH[[:]MM[[:]SS]], as microseconds east. */
static bool
scan_offset(Scanner *scan, int64 *east)
{
	char sign = *scan->at;
	int hour, minute = 0, second = 0;

	*east = 0;
	if (sign == 'Z' || sign == 'z')
	{
		scan->at++;
		return true;
	}
	if (!is_sign(sign))
		return fail_here(scan);
	scan->at++;
	if (!scan_pair(scan, &hour))
		return fail(scan, "An offset is written Z, +HH, +HHMM or +HH:MM.");
	if (scan_offset_pair(scan, &minute))
		scan_offset_pair(scan, &second);
	if (hour > MAX_TZDISP_HOUR || minute > 59 || second > 59)
		return fail(scan, "There is no such offset from UTC.");
	*east = ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	if (sign == '-')
		*east = -*east;
	return true;
}

/* A calendar day or a moment written out. */
static bool
parse_written(Scanner *scan, Phrase *phrase)
{
	int64 usecs, east;

	phrase->kind = PHRASE_DATE;
	if (!scan_date(scan, &phrase->date))
		return false;
	if (*scan->at == 'T' || *scan->at == 't')
		scan->at++;
	else if (at_end(scan))
		return true;
	else if (!is_blank(scan->at[-1]))
		return fail_here(scan);

	phrase->kind = PHRASE_LOCAL_TIME;
	if (!scan_time(scan, &usecs, &phrase->width))
		return false;
	phrase->local = phrase->date * USECS_PER_DAY + usecs;
	phrase->date = 0;
	if (at_end(scan))
		return true;

	phrase->kind = PHRASE_ABSOLUTE;
	if (!scan_offset(scan, &east))
		return false;
	phrase->instant = phrase->local - east;
	phrase->local = 0;
	return true;
}

/* Is the text a number followed at once by what separates a date's numbers? */
static bool
looks_written(const char *text)
{
	int len = 0;

	while (is_digit(text[len]))
		len++;
	return len > 0 && text[len] != '\0' && strchr("-/:", text[len]) != NULL;
}

/* A phrase that starts with a word. */
static bool
parse_words(Scanner *scan, Phrase *phrase)
{
	char word[MAX_WORD];
	const char *start = scan->at;
	int offset;

	if (!scan_word(scan, word))
		return fail_here(scan);
	if (strcmp(word, "today") == 0)
		return parse_day(phrase, 0);
	if (strcmp(word, "yesterday") == 0)
		return parse_day(phrase, -1);
	if (strcmp(word, "tomorrow") == 0)
		return parse_day(phrase, 1);
	if (strcmp(word, "anniversary") == 0 || strcmp(word, "birthday") == 0)
		return parse_anniversary(scan, phrase);
	if (strcmp(word, "first") == 0)
		return parse_edge(scan, phrase, PHRASE_ANCHOR_FIRST_DAY);
	if (find_which(word, &offset))
	{
		const char *next = scan->at;

		if (offset == -1 && scan_keyword(scan, "day"))
		{
			scan->at = next;
			return parse_edge(scan, phrase, PHRASE_ANCHOR_LAST_DAY);
		}
		return parse_period(scan, phrase, offset);
	}
	if (strcmp(word, "now") == 0)
		return fail(scan, "The present instant is written \"0 minutes\".");
	scan->at = start;
	return fail_here(scan);
}

static bool
parse_phrase(Scanner *scan, Phrase *phrase)
{
	if (at_end(scan))
		return fail(scan, "A date phrase cannot be empty.");
	if (looks_written(scan->at))
		return parse_written(scan, phrase);
	if (is_digit(*scan->at) || is_sign(*scan->at))
		return parse_parts(scan, phrase);
	return parse_words(scan, phrase);
}

/*
 * Parse the text of a date phrase.  When false, *phrase is all zeros and
 * *detail a sentence, constant or in the current memory context.
 */
bool
PhraseParse(const char *text, Phrase *phrase, const char **detail)
{
	Scanner scan = {text, NULL};

	memset(phrase, 0, sizeof(Phrase));
	if (parse_phrase(&scan, phrase) && (at_end(&scan) || fail_here(&scan)))
		return true;
	memset(phrase, 0, sizeof(Phrase));
	*detail = scan.detail;
	return false;
}

/* Parse "N unit", the value of inLast and inNext. */
bool
PhraseParseSpan(const char *text, PhrasePart *span, const char **detail)
{
	Scanner scan = {text, NULL};

	memset(span, 0, sizeof(PhrasePart));
	if (at_end(&scan))
		fail(&scan, "A length of time cannot be empty.");
	else if (is_sign(*scan.at))
		fail(&scan, "A length of time has no sign.");
	else if (scan_count(&scan, span) && (at_end(&scan) || fail_here(&scan)))
		return true;
	memset(span, 0, sizeof(PhrasePart));
	*detail = scan.detail;
	return false;
}

/* The word that an anniversary begins with; 0: the text does not. */
static int
anniversary_word(const char *text)
{
	static const char *const words[] = {"anniversary", "birthday"};
	int i;

	for (i = 0; i < lengthof(words); i++)
	{
		int len = strlen(words[i]);

		if (pg_strncasecmp(text, words[i], len) == 0 && (text[len] == '\0' || is_blank(text[len])))
			return len;
	}
	return 0;
}

bool
PhraseParseAnniversarySpan(const char *text, bool forward, Phrase *phrase, const char **detail)
{
	PhrasePart part;
	int len;
	int64 days;

	*detail = NULL;
	while (is_blank(*text))
		text++;
	len = anniversary_word(text);
	if (len == 0 || !PhraseParseSpan(text + len, &part, detail))
		return false;
	if (part.unit != PHRASE_DAY && part.unit != PHRASE_WEEK)
	{
		*detail = "Anniversaries are looked for within days or weeks.";
		return false;
	}
	/* within a year every day has its anniversary */
	days = Min(part.n, PHRASE_YEAR_DAYS) * (part.unit == PHRASE_WEEK ? 7 : 1);
	memset(phrase, 0, sizeof(Phrase));
	phrase->kind = PHRASE_ANNIVERSARY;
	phrase->anchor = PHRASE_ANCHOR_TODAY;
	phrase->span = true;
	phrase->before = forward ? 0 : (int32) days;
	phrase->after = forward ? (int32) days : 0;
	return true;
}

/*
 * Parse a moment written out, as the clock's setting holds it: a text without
 * offset is UTC, a day alone its midnight, and "UTC" may stand for Z.
 */
bool
PhraseParseInstant(const char *text, TimestampTz *instant)
{
	Scanner scan = {text, NULL};
	Phrase phrase;
	char *bare = NULL;
	const char *detail;
	int len = strlen(text);
	bool parsed;

	while (len > 0 && is_blank(text[len - 1]))
		len--;
	if (len > 4 && is_blank(text[len - 4]) && pg_strncasecmp(text + len - 3, "UTC", 3) == 0)
		scan.at = bare = pnstrdup(text, len - 4);
	parsed = PhraseParse(scan.at, &phrase, &detail);
	if (bare != NULL)
		pfree(bare);
	if (!parsed)
		return false;
	if (phrase.kind == PHRASE_DATE)
		*instant = phrase.date * USECS_PER_DAY;
	else if (phrase.kind == PHRASE_LOCAL_TIME)
		*instant = phrase.local;
	else if (phrase.kind == PHRASE_ABSOLUTE && bare == NULL)
		*instant = phrase.instant;
	else
		return false;
	return true;
}
