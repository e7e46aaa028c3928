/*
 * scan_choice.h - segments that a scan of the contacts leaves to queries.
 */
#ifndef SEGMENTS_SCAN_CHOICE_H
#define SEGMENTS_SCAN_CHOICE_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "build/difference.h"
#include "program/program.h"

extern List *ScanLeaveToQueries(DifferenceSearch *search, Program *program, Bitmapset **segments);

#endif /* SEGMENTS_SCAN_CHOICE_H */
