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
 *	written     : phrase_written.c
 *
 * "ago" turns the whole run of parts before it, back to the start or to the
 * previous "ago": "1 month 2 days ago" is a month and two days before today.
 * None of them may have a sign of its own, for that would say it twice.
 */
#include "postgres.h"

#include "time/phrase_parse.h"

#include "time/phrase.h"
#include "time/phrase_anniversary.h"
#include "time/phrase_scan.h"
#include "time/phrase_written.h"

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
is_day_unit(PhraseUnit unit)
{
	return unit >= PHRASE_DAY;
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
	return ScanFail(scan, psprintf("The number of %ss is out of range: at most " INT64_FORMAT ".",
								   unit->word, unit->limit));
}

/* "N unit", without a sign. */
static bool
scan_count(Scanner *scan, PhrasePart *part)
{
	const UnitWord *unit;
	char word[MAX_WORD];
	const char *start;

	ScanSkipBlanks(scan);
	if (!ScanNumber(scan, &part->n))
		return ScanFailHere(scan);
	ScanSkipBlanks(scan);
	start = scan->at;
	if (!ScanWord(scan, word))
		return ScanFail(scan, "A number needs a unit: second, minute, hour, day, week, month, "
							  "quarter or year.");
	unit = find_unit(word);
	if (unit == NULL || ScanIsDigit(*scan->at))
	{
		scan->at = start;
		return ScanFailHere(scan);
	}
	part->unit = unit->unit;
	return check_limit(scan, part->n, unit);
}

/* Turn the run of parts that "ago" ends, when it comes next. */
static bool
scan_ago(Scanner *scan, Phrase *phrase, int *run, bool *has_sign)
{
	if (!ScanKeyword(scan, "ago"))
		return true;
	if (ScanIsDigit(*scan->at))
		return ScanFailHere(scan);
	if (*has_sign)
		return ScanFail(scan, "A sign and \"ago\" cannot go together.");
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
			return ScanFail(scan,
							psprintf("A date phrase has at most %d parts.", PHRASE_MAX_PARTS));
		part = &phrase->parts[phrase->nparts++];
		ScanSkipBlanks(scan);
		sign = *scan->at;
		if (ScanIsSign(sign))
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
	} while (!ScanAtEnd(scan));
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
	if (ScanAtEnd(scan))
		return true;
	if (!scan_parts(scan, phrase))
		return false;
	if (has_time_parts(phrase))
		return ScanFail(scan,
						"An anniversary moves by days, weeks, months, quarters or years only.");
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

	ScanSkipBlanks(scan);
	start = scan->at;
	phrase->kind = PHRASE_DAYS;
	phrase->anchor = PHRASE_ANCHOR_PERIOD;
	phrase->offset = offset;
	if (!ScanWord(scan, word))
		return ScanFailHere(scan);
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
		return ScanFailHere(scan);
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
	if (!ScanKeyword(scan, "day") || !ScanKeyword(scan, "of"))
		return ScanFailHere(scan);
	ScanSkipBlanks(scan);
	start = scan->at;
	if (!ScanWord(scan, word))
		return ScanFailHere(scan);
	if (strcmp(word, "previous") == 0)
		strcpy(word, "last");
	if (find_which(word, &phrase->offset))
		return ScanKeyword(scan, "month") ? true : ScanFailHere(scan);
	phrase->month = find_month(word);
	if (phrase->month == 0)
	{
		scan->at = start;
		return ScanFailHere(scan);
	}
	if (ScanAtEnd(scan))
		return true;
	if (!ScanIsDigit(*scan->at))
		return ScanFailHere(scan);
	if (!ScanDigits(scan, 4, &phrase->year) || phrase->year == 0)
		return ScanFail(scan, "A year has four digits, from 0001 on.");
	return true;
}

/* A phrase that starts with a word. */
static bool
parse_words(Scanner *scan, Phrase *phrase)
{
	char word[MAX_WORD];
	const char *start = scan->at;
	int offset;

	if (!ScanWord(scan, word))
		return ScanFailHere(scan);
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

		if (offset == -1 && ScanKeyword(scan, "day"))
		{
			scan->at = next;
			return parse_edge(scan, phrase, PHRASE_ANCHOR_LAST_DAY);
		}
		return parse_period(scan, phrase, offset);
	}
	if (strcmp(word, "now") == 0)
		return ScanFail(scan, "The present instant is written \"0 minutes\".");
	scan->at = start;
	return ScanFailHere(scan);
}

static bool
parse_phrase(Scanner *scan, Phrase *phrase)
{
	if (ScanAtEnd(scan))
		return ScanFail(scan, "A date phrase cannot be empty.");
	if (PhraseLooksWritten(scan->at))
		return PhraseScanWritten(scan, phrase);
	if (ScanIsDigit(*scan->at) || ScanIsSign(*scan->at))
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
	if (parse_phrase(&scan, phrase) && (ScanAtEnd(&scan) || ScanFailHere(&scan)))
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
	if (ScanAtEnd(&scan))
		ScanFail(&scan, "A length of time cannot be empty.");
	else if (ScanIsSign(*scan.at))
		ScanFail(&scan, "A length of time has no sign.");
	else if (scan_count(&scan, span) && (ScanAtEnd(&scan) || ScanFailHere(&scan)))
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

		if (pg_strncasecmp(text, words[i], len) == 0 &&
			(text[len] == '\0' || ScanIsBlank(text[len])))
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
	while (ScanIsBlank(*text))
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

	while (len > 0 && ScanIsBlank(text[len - 1]))
		len--;
	if (len > 4 && ScanIsBlank(text[len - 4]) && pg_strncasecmp(text + len - 3, "UTC", 3) == 0)
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
