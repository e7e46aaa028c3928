/*
 * phrase_scan.c - words, numbers and blanks of a phrase, one after the other.
 */
#include "postgres.h"

#include "time/phrase_scan.h"

#include "mb/pg_wchar.h"

#define MAX_QUOTED 40 /* bytes of the text shown in a detail */

bool
ScanFail(Scanner *scan, const char *detail)
{
	scan->detail = detail;
	return false;
}

/* Fail at the present place, quoting the rest of the text. */
bool
ScanFailHere(Scanner *scan)
{
	int len = strlen(scan->at);

	if (len == 0)
		return ScanFail(scan, "The text breaks off.");
	while (len > 0 && ScanIsBlank(scan->at[len - 1]))
		len--;
	len = pg_mbcliplen(scan->at, len, MAX_QUOTED);
	return ScanFail(scan, psprintf("\"%.*s\" is not understood.", len, scan->at));
}

void
ScanSkipBlanks(Scanner *scan)
{
	while (ScanIsBlank(*scan->at))
		scan->at++;
}

/* Is nothing left but blanks? */
bool
ScanAtEnd(Scanner *scan)
{
	ScanSkipBlanks(scan);
	return *scan->at == '\0';
}

/*
 * Take the next word in lower case.  False, with nothing taken, when there is
 * none; a word too long for the grammar gives one that matches nothing.
 */
bool
ScanWord(Scanner *scan, char *word)
{
	int len = 0;

	ScanSkipBlanks(scan);
	while (ScanIsLetter(scan->at[len]))
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
bool
ScanKeyword(Scanner *scan, const char *keyword)
{
	const char *start;
	char word[MAX_WORD];

	ScanSkipBlanks(scan);
	start = scan->at;
	if (ScanWord(scan, word) && strcmp(word, keyword) == 0)
		return true;
	scan->at = start;
	return false;
}

/* Take exactly n digits, no blanks before them. */
bool
ScanDigits(Scanner *scan, int n, int *value)
{
	int i;

	*value = 0;
	for (i = 0; i < n; i++)
	{
		if (!ScanIsDigit(scan->at[i]))
			return false;
		*value = *value * 10 + (scan->at[i] - '0');
	}
	if (ScanIsDigit(scan->at[n]))
		return false;
	scan->at += n;
	return true;
}

/* Two digits, where more digits may follow. */
bool
ScanPair(Scanner *scan, int *value)
{
	if (!ScanIsDigit(scan->at[0]) || !ScanIsDigit(scan->at[1]))
		return false;
	*value = (scan->at[0] - '0') * 10 + (scan->at[1] - '0');
	scan->at += 2;
	return true;
}

/* Take any number of digits; more than 64 bits hold stay at the maximum. */
bool
ScanNumber(Scanner *scan, int64 *n)
{
	if (!ScanIsDigit(*scan->at))
		return false;
	*n = 0;
	for (; ScanIsDigit(*scan->at); scan->at++)
	{
		if (*n > (PG_INT64_MAX - 9) / 10)
			*n = PG_INT64_MAX;
		else
			*n = *n * 10 + (*scan->at - '0');
	}
	return true;
}
