/*
 * phrase_parse.h - the grammar of date phrases.
 */
#ifndef SEGMENTS_PHRASE_PARSE_H
#define SEGMENTS_PHRASE_PARSE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "time/phrase.h"

/*
 * Parse.  False when the text is not a phrase; *detail then says why in one
 * sentence (a constant or palloc'd string).  Never raises.
 */
extern bool PhraseParse(const char *text, Phrase *phrase, const char **detail);

/* "N unit" of inLast and inNext: one part, N >= 0, no sign. */
extern bool PhraseParseSpan(const char *text, PhrasePart *span, const char **detail);

/*
 * "anniversary N days" of inLast and inNext: an anniversary on one of the days
 * from then until today, or from today until then.  False, with *detail, for
 * what is no such thing; for a plain span *detail is NULL.
 */
extern bool PhraseParseAnniversarySpan(const char *text, bool forward, Phrase *phrase,
									   const char **detail);

/*
 * A moment written out, for the setting segments.now: UTC unless an offset is
 * given.  False when the text is none.  Never raises.
 */
extern bool PhraseParseInstant(const char *text, TimestampTz *instant);

#endif /* SEGMENTS_PHRASE_PARSE_H */
