/*
 * phrase_move.h - the parts of a phrase ("+1 month -2 days"), applied.
 */
#ifndef SEGMENTS_PHRASE_MOVE_H
#define SEGMENTS_PHRASE_MOVE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

#include "time/phrase.h"

extern DateADT PhraseMoveDay(const Phrase *phrase, DateADT day);
extern bool PhrasePartElapses(const PhrasePart *part);
extern int PhraseStepLength(const PhrasePart *parts, int nparts);
extern Timestamp PhraseMoveLocal(const PhrasePart *parts, int nparts, Timestamp local);
extern TimestampTz PhraseApplyStep(const PhrasePart *parts, int nparts, pg_tz *zone,
								   TimestampTz instant);
extern TimestampTz PhraseMoveInstant(const PhrasePart *parts, int nparts, pg_tz *zone,
									 TimestampTz instant);

#endif /* SEGMENTS_PHRASE_MOVE_H */
