/*
 * phrase_next.h - when a phrase next changes what it stands for.
 */
#ifndef SEGMENTS_PHRASE_NEXT_H
#define SEGMENTS_PHRASE_NEXT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

#include "time/phrase.h"

/*
 * The next instant after now at which the phrase's meaning changes: infinity
 * (DT_NOEND) when never; now itself when it moves all the time (PHRASE_INSTANT).
 * For days = true the meaning in local days, else in instants (differs only
 * for PHRASE_INSTANT, whose local day changes once a day).
 */
extern TimestampTz PhraseNextMove(const Phrase *phrase, pg_tz *zone, TimestampTz now, bool days);

#endif /* SEGMENTS_PHRASE_NEXT_H */
