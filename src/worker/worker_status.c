/*
 * worker_status.c - what workers say of themselves: the view segments.worker.
 *
 * By the counters that the server keeps for each backend (as in progress.c),
 * under a command number of our own.  They are cleared by an error, and by a
 * build inside a refresh, so all are written anew each time.
 */
#include "postgres.h"

#include "worker/worker_status.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/srf.h"

/* "SEGW" */
#define WORKER_COMMAND ((ProgressCommandType) 0x53454757)

enum
{
	PARAM_STATE,
	PARAM_LAST_RUN,
	PARAM_DURATION, /* microseconds */
	PARAM_LAG,      /* microseconds; -1: it can't be told */
	PARAM_CHANGES,
	PARAM_COUNT
};

static int64 params[PARAM_COUNT];

static void
publish(void)
{
	int i;

	pgstat_progress_start_command(WORKER_COMMAND, InvalidOid);
	for (i = 0; i < PARAM_COUNT; i++)
		pgstat_progress_update_param(i, params[i]);
}

void
WorkerReportState(WorkerState state)
{
	params[PARAM_STATE] = state;
	publish();
}

/*
 * A refresh has ended that began at `started`, for what was due at `due`.
 */
void
WorkerReportRun(TimestampTz started, TimestampTz due, int64 changes)
{
	params[PARAM_LAST_RUN] = started;
	params[PARAM_DURATION] = GetCurrentTimestamp() - started;
	params[PARAM_LAG] = TIMESTAMP_NOT_FINITE(due) ? -1 : Max(started - due, 0);
	params[PARAM_CHANGES] += changes;
	publish();
}

static const char *const state_words[] = {NULL, "idle", "refreshing", "trimming", "failing"};

static void
store_worker(const PgBackendStatus *backend, Tuplestorestate *store, TupleDesc desc)
{
	const int64 *from = backend->st_progress_param;
	int64 state = from[PARAM_STATE];
	Datum values[7];
	bool nulls[7] = {0};

	values[0] = Int32GetDatum(backend->st_procpid);
	values[1] = ObjectIdGetDatum(backend->st_databaseid);
	nulls[2] = (state < 1 || state >= lengthof(state_words));
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(state_words[state]);
	values[3] = TimestampTzGetDatum(from[PARAM_LAST_RUN]);
	values[4] = Int64GetDatum(from[PARAM_DURATION]);
	values[5] = Int64GetDatum(from[PARAM_LAG]);
	values[6] = Int64GetDatum(from[PARAM_CHANGES]);
	nulls[3] = nulls[4] = nulls[5] = (from[PARAM_LAST_RUN] == 0);
	nulls[5] = nulls[5] || from[PARAM_LAG] < 0;
	tuplestore_putvalues(store, desc, values, nulls);
}

/*
 * segments_internal.backend_workers() -> (pid, database, state, last_run, duration, lag,
 * changes), the last three but one in microseconds
 */
PG_FUNCTION_INFO_V1(segments_backend_workers);
Datum
segments_backend_workers(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	int n = pgstat_fetch_stat_numbackends();
	int i;

	for (i = 1; i <= n; i++)
	{
		LocalPgBackendStatus *local = BackendStatusByIndex(i);

		if (local && local->backendStatus.st_progress_command == WORKER_COMMAND)
			store_worker(&local->backendStatus, store, desc);
	}
	PG_RETURN_NULL();
}
