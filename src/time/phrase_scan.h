/*
 * phrase_scan.h - words, numbers and blanks of a phrase, one after the other.
 */
#ifndef SEGMENTS_PHRASE_SCAN_H
#define SEGMENTS_PHRASE_SCAN_H

#include "postgres.h"

#define MAX_WORD 16 /* longer than any word of the grammar */

typedef struct Scanner
{
	const char *at;     /* what comes next */
	const char *detail; /* why the parse failed */
} Scanner;

static inline bool
ScanIsBlank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
ScanIsDigit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ScanIsLetter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ScanIsSign(char c)
{
	return c == '+' || c == '-';
}

extern bool ScanFail(Scanner *scan, const char *detail);
extern bool ScanFailHere(Scanner *scan);
extern void ScanSkipBlanks(Scanner *scan);
extern bool ScanAtEnd(Scanner *scan);
extern bool ScanWord(Scanner *scan, char *word);
extern bool ScanKeyword(Scanner *scan, const char *keyword);
extern bool ScanDigits(Scanner *scan, int n, int *value);
extern bool ScanPair(Scanner *scan, int *value);
extern bool ScanNumber(Scanner *scan, int64 *n);

#endif /* SEGMENTS_PHRASE_SCAN_H */
