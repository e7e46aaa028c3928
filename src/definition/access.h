/*
 * access.h - who the application's user is, which segments they see, and what
 * they may ask and change.
 */
#ifndef SEGMENTS_ACCESS_H
#define SEGMENTS_ACCESS_H

#include "postgres.h"

#include "definition/contact_table.h"
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
extern bool AccessUserId(int64 *id);
extern char *AccessUserName(void);
extern bool AccessMaySee(const SegmentHandle *segment);
extern bool AccessIsOwner(Oid relid);
extern bool AccessMaySeeAs(Oid role, const SegmentHandle *segment);
extern bool AccessMayRead(Oid relid);
extern bool AccessIsOwner(Oid relid);
extern bool AccessAskerIsOwner(Oid relid);
extern bool AccessMayChange(Oid contact_table);
extern bool AccessMayMonitor(Oid contact_table);
extern bool AccessHidesRows(Oid relid);
extern bool AccessMaySeeValueAs(Oid role, const ContactTable *table, const Field *field);
extern ContactTable *AccessContactTable(Oid relid);
extern void AccessCheckChange(Oid contact_table);
extern void AccessCheckOwner(Oid relid);
extern Oid AccessViewer(Oid role);

/* owner_message.c */
typedef struct OwnerMessage
{
	ErrorContextCallback callback;
	Oid relid;
} OwnerMessage;

extern void OwnerMessageHide(Oid relid, const char *message);
extern void OwnerMessageBegin(OwnerMessage *context, Oid contact_table);
extern void OwnerMessageEnd(OwnerMessage *context);

/* lookup.c */
extern bool SegmentFind(const char *word, SegmentHandle *segment);
extern void SegmentFindVisible(const char *word, SegmentHandle *segment);
extern bool SegmentIsVisible(int64 id);
extern void SegmentCheckVisible(int64 id);

#endif /* SEGMENTS_ACCESS_H */
