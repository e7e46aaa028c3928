/*
 * worker_status.h - what a worker says of itself.
 */
#ifndef SEGMENTS_WORKER_STATUS_H
#define SEGMENTS_WORKER_STATUS_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef enum WorkerState
{
	WORKER_IDLE = 1,
	WORKER_REFRESHING,
	WORKER_TRIMMING,
	WORKER_FAILING
} WorkerState;

extern void WorkerReportState(WorkerState state);
extern void WorkerReportRun(TimestampTz started, TimestampTz due, int64 changes);

#endif /* SEGMENTS_WORKER_STATUS_H */
