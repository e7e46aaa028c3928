/*
 * worker_settings.c - settings of the background processes.
 */
#include "postgres.h"

#include "worker/worker_settings.h"

#include <limits.h>

#include "utils/guc.h"

static bool enabled = true;
static int naptime = 1000;
static char *role = NULL;
static int log_retention = 30 * 24 * 60;

void
WorkerDefineSettings(void)
{
	DefineCustomBoolVariable("segments.worker", "Lets background workers bring segments forward.",
							 NULL, &enabled, true, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"segments.worker_naptime", "Shortest pause between two runs of a background worker.", NULL,
		&naptime, 1000, 100, 60 * 60 * 1000, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"segments.worker_role", "Role that background workers run as.",
		"Empty means the role that owns the cluster.  Each contact table is brought forward with "
		"the rights of its owner in any case.",
		&role, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"segments.log_retention", "Age at which background workers delete entries of the log.",
		"Entries that a consumer has not read are kept.  -1 keeps all.", &log_retention,
		30 * 24 * 60, -1, INT_MAX, PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/*
 * segments.worker: may background workers run, in this database?
 */
bool
WorkerEnabled(void)
{
	return enabled;
}

/*
 * segments.worker_naptime, in milliseconds.
 */
int
WorkerNaptime(void)
{
	return naptime;
}

/*
 * segments.worker_role; "" for the role that owns the cluster.
 */
const char *
WorkerRole(void)
{
	return role ? role : "";
}

/*
 * segments.log_retention, in minutes; -1: for ever.
 */
int
WorkerLogRetention(void)
{
	return log_retention;
}
