/*
 * phrase_written.h - days and moments that are written out.
 */
#ifndef SEGMENTS_PHRASE_WRITTEN_H
#define SEGMENTS_PHRASE_WRITTEN_H

#include "postgres.h"

#include "time/phrase.h"
#include "time/phrase_scan.h"

extern bool PhraseScanWritten(Scanner *scan, Phrase *phrase);
extern bool PhraseLooksWritten(const char *text);

#endif /* SEGMENTS_PHRASE_WRITTEN_H */
