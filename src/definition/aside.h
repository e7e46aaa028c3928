/*
 * aside.h - segments that this transaction could not evaluate.
 */
#ifndef SEGMENTS_ASIDE_H
#define SEGMENTS_ASIDE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* A segment that is not evaluated any more. */
typedef struct AsideSegment
{
	Oid contact_table;
	int64 id;
	char *reason;
	bool stored; /* the reason is in the segment's failures */
	SubTransactionId subxact;
} AsideSegment;

/* aside.c */
extern char *AsideReason(const ErrorData *error);
extern char *AsideReasonFor(Oid contact_table, const ErrorData *error);
extern void AsideAdd(Oid contact_table, int64 segment, const ErrorData *error);
extern bool AsideContains(int64 segment);
extern List *AsideUnstored(Oid contact_table);
extern void AsideForget(int64 segment);

#endif /* SEGMENTS_ASIDE_H */
