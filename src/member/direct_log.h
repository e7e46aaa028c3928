/*
 * direct_log.h - entries of joins and leaves written straight into the log.
 */
#ifndef SEGMENTS_DIRECT_LOG_H
#define SEGMENTS_DIRECT_LOG_H

#include "postgres.h"

#include "member/change_set.h"
#include "member/direct_table.h"

typedef struct DirectLog
{
	DirectTable table;
	Datum now;
	Datum transaction;
	Datum cause;
	Datum source; /* 0: not said, and neither is the reference */
	Datum reference;
	int number; /* of the next entry */
} DirectLog;

extern void DirectLogBegin(DirectLog *log, const ChangeOrigin *origin, const char *cause,
						   Datum now);
extern void DirectLogWrite(DirectLog *log, const Change *changes, int n, CommandId command);

#endif /* SEGMENTS_DIRECT_LOG_H */
