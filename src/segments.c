/*
 * segments.c - the library: magic block, settings, start.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "definition/access.h"
#include "evaluate/evaluate.h"
#include "log/member_count.h"
#include "text/regexp.h"
#include "time/phrase.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

static char *user_id_setting = NULL;
static char *user_name_setting = NULL;
static bool plain_evaluation = false;

void _PG_init(void);

void
_PG_init(void)
{
	ClockDefineSettings();
	ImageShareInit();
	DefineCustomStringVariable("segments.user_id",
							   "The id of the application's user, for stamps and row security.",
							   "Empty means the session's role.", &user_id_setting, "", PGC_USERSET,
							   0, AccessCheckUserId, NULL, NULL);
	DefineCustomStringVariable("segments.user_name",
							   "The name of the application's user, for stamps and row security.",
							   "Empty means the session's role.", &user_name_setting, "",
							   PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("segments.plain_evaluation",
							 "Evaluates every segment for each changed contact, without the index.",
							 "For tests: members must not depend on it.", &plain_evaluation, false,
							 PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
#ifdef SEGMENTS_FAULT_INJECTION
	FaultDefineSettings();
#endif
	RegexpDefineSettings();
	WorkerDefineSettings();
	MarkSettingsReserved("segments");
	MemberCountsRegister();
	LauncherRegister();
}

/*
 * segments.plain_evaluation: is the index of segments left aside?
 */
bool
PlainEvaluation(void)
{
	return plain_evaluation;
}
