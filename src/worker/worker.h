/*
 * worker.h - background processes that let time pass: a launcher, and a worker
 * for each database.
 */
#ifndef SEGMENTS_WORKER_H
#define SEGMENTS_WORKER_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* What pg_stat_activity shows as the type of these processes. */
#define LAUNCHER_TYPE "segments launcher"
#define WORKER_TYPE "segments worker"

/* worker_settings.c */
extern bool WorkerEnabled(void);
extern int WorkerNaptime(void);
extern const char *WorkerRole(void);
extern int WorkerLogRetention(void);
extern void WorkerDefineSettings(void);

/* launcher.c */
extern void LauncherRegister(void);

/* worker_status.c: what a worker says of itself */
typedef enum WorkerState
{
	WORKER_IDLE = 1,
	WORKER_REFRESHING,
	WORKER_TRIMMING,
	WORKER_FAILING
} WorkerState;

extern void WorkerReportState(WorkerState state);
extern void WorkerReportRun(TimestampTz started, TimestampTz due, int64 changes);

#endif /* SEGMENTS_WORKER_H */
