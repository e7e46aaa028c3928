/*
 * access.h - who the application's user is, which segments they see, and what
 * they may ask and change.
 */
#ifndef SEGMENTS_ACCESS_H
#define SEGMENTS_ACCESS_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/guc.h"

#include "definition/contact_table.h"
#include "definition/field.h"

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

extern char *AccessUserName(void);
extern char *AccessUserKey(void);
extern bool AccessMaySeeAs(Oid role, const SegmentHandle *segment);
extern bool AccessMaySee(const SegmentHandle *segment);
extern bool AccessSeesAll(Oid contact_table);
extern bool AccessCheckUserId(char **newval, void **extra, GucSource source);
extern bool AccessCheckUserName(char **newval, void **extra, GucSource source);
extern bool AccessOwns(Oid role, Oid relid);
extern bool AccessMayRead(Oid relid);
extern bool AccessIsOwner(Oid relid);
extern bool AccessAskerIsOwner(Oid relid);
extern bool AccessMayMonitor(Oid contact_table);
extern bool AccessHidesRows(Oid relid);
extern ContactTable *AccessContactTable(Oid relid);
extern void AccessCheckChange(Oid contact_table);
extern void AccessCheckOwner(Oid relid);
extern Oid AccessViewer(Oid role);
extern bool AccessMaySeeValueAs(Oid role, const ContactTable *table, const Field *field);

#endif /* SEGMENTS_ACCESS_H */
