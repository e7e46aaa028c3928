/*
 * phrase_written.c - days and moments that are written out.
 *
 *	written     = YYYY-MM-DD [("T" | blank) HH:MM [:SS [.fraction]] [offset]]
 *	offset      = "Z" | sign HH [[:] MM [[:] SS]]
 */
#include "postgres.h"

#include "time/phrase_written.h"

#include "utils/datetime.h"

#include "time/phrase.h"
#include "time/phrase_scan.h"

/* YYYY-MM-DD */
static bool
scan_date(Scanner *scan, DateADT *date)
{
	int year, month, day;

	if (!ScanDigits(scan, 4, &year) || *scan->at++ != '-' || !ScanDigits(scan, 2, &month) ||
		*scan->at++ != '-' || !ScanDigits(scan, 2, &day))
		return ScanFail(scan, "A day is written YYYY-MM-DD.");
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1])
		return ScanFail(scan, "There is no such day in the calendar.");
	*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Digits after the point, as microseconds; what is finer is dropped. */
static bool
scan_fraction(Scanner *scan, int64 *usecs)
{
	int64 scale = USECS_PER_SEC / 10;

	if (!ScanIsDigit(*scan->at))
		return false;
	for (; ScanIsDigit(*scan->at); scan->at++)
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
	if (!ScanDigits(scan, 2, &hour) || *scan->at != ':')
		return ScanFail(scan, shape);
	scan->at++;
	if (!ScanDigits(scan, 2, &minute))
		return ScanFail(scan, shape);
	if (*scan->at == ':')
	{
		scan->at++;
		*width = USECS_PER_SEC;
		if (!ScanDigits(scan, 2, &second))
			return ScanFail(scan, shape);
		if (*scan->at == '.')
		{
			scan->at++;
			*width = 1;
			if (!scan_fraction(scan, usecs))
				return ScanFail(scan, shape);
		}
	}
	if (hour > 23 || minute > 59 || second > 59)
		return ScanFail(scan, "There is no such time of day.");
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
	if (ScanPair(scan, value))
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
	if (!ScanIsSign(sign))
		return ScanFailHere(scan);
	scan->at++;
	if (!ScanPair(scan, &hour))
		return ScanFail(scan, "An offset is written Z, +HH, +HHMM or +HH:MM.");
	if (scan_offset_pair(scan, &minute))
		scan_offset_pair(scan, &second);
	if (hour > MAX_TZDISP_HOUR || minute > 59 || second > 59)
		return ScanFail(scan, "There is no such offset from UTC.");
	*east = ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	if (sign == '-')
		*east = -*east;
	return true;
}

/* A calendar day or a moment written out. */
bool
PhraseScanWritten(Scanner *scan, Phrase *phrase)
{
	int64 usecs, east;

	phrase->kind = PHRASE_DATE;
	if (!scan_date(scan, &phrase->date))
		return false;
	if (*scan->at == 'T' || *scan->at == 't')
		scan->at++;
	else if (ScanAtEnd(scan))
		return true;
	else if (!ScanIsBlank(scan->at[-1]))
		return ScanFailHere(scan);

	phrase->kind = PHRASE_LOCAL_TIME;
	if (!scan_time(scan, &usecs, &phrase->width))
		return false;
	phrase->local = phrase->date * USECS_PER_DAY + usecs;
	phrase->date = 0;
	if (ScanAtEnd(scan))
		return true;

	phrase->kind = PHRASE_ABSOLUTE;
	if (!scan_offset(scan, &east))
		return false;
	phrase->instant = phrase->local - east;
	phrase->local = 0;
	return true;
}

/* Is the text a number followed at once by what separates a date's numbers? */
bool
PhraseLooksWritten(const char *text)
{
	int len = 0;

	while (ScanIsDigit(text[len]))
		len++;
	return len > 0 && text[len] != '\0' && strchr("-/:", text[len]) != NULL;
}
