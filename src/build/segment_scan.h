/*
 * segment_scan.h - many segments in one scan of the contact table.
 */
#ifndef SEGMENTS_SEGMENT_SCAN_H
#define SEGMENTS_SEGMENT_SCAN_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "utils/snapshot.h"

#include "program/program.h"

/* A segment (index in the program) that a contact matches */
typedef void (*SegmentScanVisit)(void *arg, int index, Datum key);

extern void SegmentScan(Program *program, Bitmapset *segments, TimestampTz now, Snapshot snapshot,
						SegmentScanVisit visit, void *arg);

#endif /* SEGMENTS_SEGMENT_SCAN_H */
