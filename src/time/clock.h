/*
 * clock.h - the instant at which everything is evaluated, and time zones by
 * name.
 */
#ifndef SEGMENTS_CLOCK_H
#define SEGMENTS_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

#define CLOCK_DEFAULT_ZONE "UTC" /* as that of segments.contact_table */

extern void ClockDefineSettings(void);
extern TimestampTz SegmentsNow(void);
extern void ClockReadDefaultZone(void);
extern pg_tz *ClockZone(const char *name);

#endif /* SEGMENTS_CLOCK_H */
