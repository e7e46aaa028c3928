/*
 * launcher.c - keeps a worker for each database that has moving segments.
 *
 * The launcher is connected to no database, so that it is in nobody's way.  It
 * starts a worker for each database; one that finds nothing to do leaves by
 * itself, and is started again later.  With shared_preload_libraries there is
 * one launcher for all databases; segments.start_worker() starts one for a
 * single database.
 */
#include "postgres.h"

#include "worker/launcher.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "worker/worker_settings.h"

#define LOOK_EVERY 1000     /* ms; how long a worker that has left is missed at most */
#define RETRY_FIRST 2000    /* ms; pause before a database is tried again */
#define RETRY_LONGEST 60000 /* the pause doubles up to this */
#define LIVED_LONG 10000    /* a worker that has lived so long had something to do */

/* A database, as this launcher knows it. */
typedef struct Charge
{
	Oid database;
	BackgroundWorkerHandle *handle; /* of its worker, or NULL */
	TimestampTz started;
	TimestampTz next_try;
	int pause; /* ms */
	bool is_there;
} Charge;

extern PGDLLEXPORT void segments_launcher_main(Datum argument);

static void
describe(BackgroundWorker *worker, const char *type, const char *function, Oid database)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_library_name, "segments", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
	if (OidIsValid(database))
		snprintf(worker->bgw_name, BGW_MAXLEN, "%s %u", type, database);
	else
		strlcpy(worker->bgw_name, type, BGW_MAXLEN);
	worker->bgw_main_arg = ObjectIdGetDatum(database);
}

/*
 * The launcher for all databases, where the library is preloaded.
 */
void
LauncherRegister(void)
{
	BackgroundWorker worker;

	if (!process_shared_preload_libraries_in_progress)
		return;
	describe(&worker, LAUNCHER_TYPE, "segments_launcher_main", InvalidOid);
	worker.bgw_restart_time = 5;
	RegisterBackgroundWorker(&worker);
}

/*
 * The role that workers run as; InvalidOid for the one that owns the cluster.
 * False, and said once, when it does not exist.
 */
static bool
find_role(Oid *role)
{
	static bool complained = false;

	*role = WorkerRole()[0] == '\0' ? InvalidOid : get_role_oid(WorkerRole(), true);
	if (OidIsValid(*role) || WorkerRole()[0] == '\0')
	{
		complained = false;
		return true;
	}
	if (!complained)
		ereport(LOG, (errcode(ERRCODE_UNDEFINED_OBJECT),
					  errmsg("role \"%s\" of segments.worker_role does not exist", WorkerRole())));
	complained = true;
	return false;
}

/* ----- which databases there are ----- */

static Charge *
find_charge(List *charges, Oid database)
{
	ListCell *cell;

	foreach (cell, charges)
		if (((Charge *) lfirst(cell))->database == database)
			return lfirst(cell);
	return NULL;
}

static void
note_database(List **charges, Oid database)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Charge *charge = find_charge(*charges, database);

	if (charge == NULL)
	{
		charge = palloc0(sizeof(Charge));
		charge->database = database;
		charge->pause = RETRY_FIRST;
		*charges = lappend(*charges, charge);
	}
	charge->is_there = true;
	MemoryContextSwitchTo(old);
}

/* Forget the databases that are gone. */
static void
forget_dropped(List **charges)
{
	ListCell *cell;

	foreach (cell, *charges)
	{
		Charge *charge = lfirst(cell);

		if (charge->is_there)
			continue;
		*charges = foreach_delete_current (*charges, cell);
		pfree(charge);
	}
}

/* Look which databases one can connect to; `only` names a single one. */
static void
look_for_databases(List **charges, Oid only)
{
	Relation rel = table_open(DatabaseRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(rel, 0, NULL);
	HeapTuple tuple;
	ListCell *cell;

	foreach (cell, *charges)
		((Charge *) lfirst(cell))->is_there = false;
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn && !database->datistemplate &&
			(!OidIsValid(only) || database->oid == only))
			note_database(charges, database->oid);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	forget_dropped(charges);
}

/* ----- their workers ----- */

static bool
is_running(Charge *charge)
{
	pid_t pid;
	BgwHandleStatus status;

	if (charge->handle == NULL)
		return false;
	status = GetBackgroundWorkerPid(charge->handle, &pid);
	if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED)
		return true;
	pfree(charge->handle);
	charge->handle = NULL;
	return false;
}

/* A worker that leaves at once has nothing to do: ask less often. */
static void
worker_left(Charge *charge, TimestampTz now)
{
	if (TimestampDifferenceExceeds(charge->started, now, LIVED_LONG))
		charge->pause = RETRY_FIRST;
	else
		charge->pause = Min(charge->pause * 2, RETRY_LONGEST);
	charge->next_try = TimestampTzPlusMilliseconds(now, charge->pause);
}

static void
start_worker(Charge *charge, Oid role, TimestampTz now)
{
	BackgroundWorker worker;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	describe(&worker, WORKER_TYPE, "segments_worker_main", charge->database);
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	memcpy(worker.bgw_extra, &role, sizeof(Oid));
	charge->started = now;
	if (!RegisterDynamicBackgroundWorker(&worker, &charge->handle))
	{
		charge->handle = NULL;
		worker_left(charge, now);
	}
	MemoryContextSwitchTo(old);
}

static void
tend(Charge *charge, Oid role)
{
	TimestampTz now = GetCurrentTimestamp();
	bool had_worker = charge->handle != NULL;

	if (is_running(charge))
		return;
	if (had_worker)
		worker_left(charge, now);
	if (charge->next_try <= now)
		start_worker(charge, role, now);
}

static void
tend_all(List **charges, Oid only)
{
	ListCell *cell;
	Oid role;
	bool found;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	look_for_databases(charges, only);
	found = find_role(&role);
	CommitTransactionCommand();
	foreach (cell, *charges)
		if (found)
			tend(lfirst(cell), role);
}

static void
stop(SIGNAL_ARGS)
{
	ShutdownRequestPending = true;
	SetLatch(MyLatch);
}

/*
 * The launcher.  The argument is the database that it is for, or InvalidOid.
 * It leaves for good, with exit code 0, when it is told to or its database is
 * gone; anything else makes the server start it again.
 */
void
segments_launcher_main(Datum argument)
{
	Oid only = DatumGetObjectId(argument);
	List *charges = NIL;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, stop);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname(MyBgworkerEntry->bgw_name);
	while (!ShutdownRequestPending)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (WorkerEnabled())
			tend_all(&charges, only);
		if (OidIsValid(only) && WorkerEnabled() && charges == NIL)
			break;
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_EVERY,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	proc_exit(0);
}

/* ----- from SQL ----- */

/*
 * segments_internal.start_launcher() -> boolean: a launcher for this database; false
 * when there is no room for another process.
 */
PG_FUNCTION_INFO_V1(segments_start_launcher);
Datum
segments_start_launcher(PG_FUNCTION_ARGS)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	pid_t pid;

	describe(&worker, LAUNCHER_TYPE, "segments_launcher_main", MyDatabaseId);
	worker.bgw_restart_time = 5;
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(WaitForBackgroundWorkerStartup(handle, &pid) == BGWH_STARTED);
}
