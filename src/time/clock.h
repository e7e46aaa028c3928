/*
 * clock.h - the instant at which everything is evaluated, and time zones by
 * name.
 */
#ifndef SEGMENTS_CLOCK_H
#define SEGMENTS_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

extern void ClockDefineSettings(void);
extern TimestampTz SegmentsNow(void);
extern pg_tz *ClockZone(const char *name);

#endif /* SEGMENTS_CLOCK_H */
