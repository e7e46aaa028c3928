/*
 * access.h - who the application's user is, and which segments they see.
 */
#ifndef SEGMENTS_ACCESS_H
#define SEGMENTS_ACCESS_H

#include "postgres.h"

#include "utils/guc.h"

/* What a segment is found by and judged by. */
typedef struct SegmentHandle
{
	int64 id;
	Oid contact_table;
	bool is_global;
	bool has_creator;
	int64 created_by;
	char *created_by_user; /* or NULL */
} SegmentHandle;

/* access.c */
extern bool AccessCheckUserId(char **newval, void **extra, GucSource source);
extern bool AccessOwns(Oid role, Oid relid);
extern bool AccessMaySeeStatus(Oid relid);
extern bool AccessUserId(int64 *id);
extern char *AccessUserName(void);
extern bool AccessMaySee(const SegmentHandle *segment);
extern bool AccessMaySeeAs(Oid role, const SegmentHandle *segment);

/* lookup.c */
extern bool SegmentFind(const char *word, SegmentHandle *segment);
extern void SegmentFindVisible(const char *word, SegmentHandle *segment);
extern void SegmentCheckVisible(int64 id);

#endif /* SEGMENTS_ACCESS_H */
