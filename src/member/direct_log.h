/*
 * direct_log.h - entries of joins and leaves written straight into the log.
 */
#ifndef SEGMENTS_DIRECT_LOG_H
#define SEGMENTS_DIRECT_LOG_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "member/change_set.h"
#include "member/direct_table.h"

/* An entry of what happened after the others' instant. */
typedef struct LaterEntry
{
	int row; /* among those that are written next */
	TimestampTz at;
} LaterEntry;

typedef struct DirectLog
{
	DirectTable table;
	Datum now;
	Datum transaction;
	Datum cause;
	Datum source; /* 0: not said, and neither is the reference */
	Datum reference;
	int number; /* of the next entry */
	int nlater;
	int later_size;
	LaterEntry *later; /* in their order */
} DirectLog;

extern void DirectLogBegin(DirectLog *log, const ChangeOrigin *origin, const char *cause,
						   Datum now);
extern void DirectLogAddLater(DirectLog *log, int row, TimestampTz at);
extern void DirectLogWrite(DirectLog *log, const Change *changes, int n, CommandId command);

#endif /* SEGMENTS_DIRECT_LOG_H */
