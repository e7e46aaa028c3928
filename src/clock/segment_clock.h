/*
 * segment_clock.h - up to which instant moving segments were brought forward:
 * rows of segments.contact_clock and segments.segment_clock.
 */
#ifndef SEGMENTS_SEGMENT_CLOCK_H
#define SEGMENTS_SEGMENT_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "definition/contact_table.h"
#include "program/program.h"

/* segments.contact_clock */
#define Anum_contact_clock_contact_table 1
#define Anum_contact_clock_evaluated_at 2
#define Anum_contact_clock_covered_until 3

/* segments.segment_clock */
#define Anum_clock_segment_id 1
#define Anum_clock_contact_table 2
#define Anum_clock_next_move 3
#define Anum_clock_evaluated_at 4
#define Anum_clock_covered_until 5
#define Anum_clock_pending_at 6
#define Anum_clock_pending_xmax 7

extern Datum ClockColumn(CatalogScan *scan, int number, bool *isnull);
extern TimestampTz ClockInstant(CatalogScan *scan, int number);
extern bool ClockIsNull(CatalogScan *scan, int number);
extern void ClockBeginOwn(CatalogScan *scan, Oid contact_table);
extern bool ClockRead(int64 segment, TimestampTz *evaluated_at);
extern bool ClockIsAhead(Oid contact_table, TimestampTz now);
extern void ClockLoad(Program *program);
extern bool ClockIsDue(Oid contact_table, TimestampTz now);
extern List *ClockDueTables(TimestampTz now);

#endif /* SEGMENTS_SEGMENT_CLOCK_H */
