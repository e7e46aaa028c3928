/*
 * member_settle.h - brings the numbers that segments.count() starts from up to
 * date.
 */
#ifndef SEGMENTS_MEMBER_SETTLE_H
#define SEGMENTS_MEMBER_SETTLE_H

#include "postgres.h"

typedef enum SettlePurpose
{
	SETTLE_UPKEEP, /* all that others have written */
	SETTLE_COMMIT, /* that, and what we wrote, which commits now */
	SETTLE_TRIM    /* the log is about to lose entries */
} SettlePurpose;

extern void MemberCountsSettleAll(SettlePurpose purpose);
extern void MemberCountsRegister(void);
extern void MemberCountsGiveUp(Oid contact_table);

#endif /* SEGMENTS_MEMBER_SETTLE_H */
