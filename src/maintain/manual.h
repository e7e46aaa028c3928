/*
 * manual.h - members added, removed and reset by hand.
 */
#ifndef SEGMENTS_MANUAL_H
#define SEGMENTS_MANUAL_H

#include "postgres.h"

#include "definition/segment.h"
#include "member/change_set.h"
#include "program/program.h"

typedef enum ManualAction
{
	MANUAL_INCLUDE,
	MANUAL_EXCLUDE,
	MANUAL_RESET
} ManualAction;

extern int ManualLock(Program *program, Datum *keys, int nkeys, Datum **locked);
extern void ManualApply(Program *program, SegmentRow *row, ManualAction action, Datum *keys,
						int nkeys, const ChangeOrigin *origin);

#endif /* SEGMENTS_MANUAL_H */
