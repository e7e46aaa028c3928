/*
 * segments.c - the library: magic block, settings, start.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "definition/access.h"
#include "evaluate/candidates.h"
#include "log/member_settle.h"
#include "program/image_share.h"
#include "program/readers_share.h"
#include "program/segment_cost.h"
#include "text/regexp.h"
#include "time/clock.h"
#include "worker/launcher.h"
#include "worker/worker_settings.h"

PG_MODULE_MAGIC;

static char *user_id_setting = NULL;
static char *user_name_setting = NULL;

void _PG_init(void);

void
_PG_init(void)
{
	ClockDefineSettings();
	ClockReadDefaultZone();
	ImageShareInit();
	ReadersShareInit();
	SegmentCostInit();
	DefineCustomStringVariable("segments.user_id",
							   "The id of the application's user, for stamps and row security.",
							   "Empty means the session's role.", &user_id_setting, "", PGC_USERSET,
							   0, AccessCheckUserId, NULL, NULL);
	DefineCustomStringVariable("segments.user_name",
							   "The name of the application's user, for stamps and row security.",
							   "Empty means the session's role.", &user_name_setting, "",
							   PGC_USERSET, 0, AccessCheckUserName, NULL, NULL);
	CandidatesDefineSettings();
#ifdef SEGMENTS_FAULT_INJECTION
	FaultDefineSettings();
#endif
	RegexpDefineSettings();
	WorkerDefineSettings();
	MarkSettingsReserved("segments");
	MemberCountsRegister();
	LauncherRegister();
}
