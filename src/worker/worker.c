/*
 * worker.c - brings the moving segments of one database forward, by itself.
 *
 * It sleeps until the next move, or a nap where segments move all the time,
 * and looks once a nap whether a definition has brought a sooner one: one
 * look-up by index.  Everything else is the work of functions that anybody may
 * call, with the rights that they take.  An error is reported and tried again;
 * whatever the worker does not expect ends it, and the launcher starts another.
 *
 * The worker is in nobody's way: it holds no transaction open while it sleeps,
 * and leaves when its database is about to be dropped.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/subtransaction.h"
#include "definition/contact_table.h"
#include "worker/launcher.h"
#include "worker/worker_settings.h"
#include "worker/worker_status.h"

#define LONGEST_NAP 1000  /* ms; a sooner move is seen after this at the latest */
#define TRIM_EVERY 600000 /* ms */
#define AFTER_ERROR 5000  /* ms */

extern PGDLLEXPORT void segments_worker_main(Datum argument);

/* One look at the database. */
typedef struct Look
{
	bool leave;       /* there is nothing to do here */
	TimestampTz next; /* when a segment moves next; infinity: none does */
	int64 changes;
	const char *error;
} Look;

/* ----- queries ----- */

static Datum
ask(const char *sql, bool *isnull)
{
	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run \"%s\"", sql);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

/* When a segment moves next: -infinity where one moves all the time. */
static TimestampTz
next_move(void)
{
	bool isnull;
	Datum value = ask("SELECT pg_catalog.min(next_move) FROM segments.segment_clock", &isnull);

	return isnull ? DT_NOEND : DatumGetTimestampTz(value);
}

static void
refresh(void *arg)
{
	bool isnull;

	((Look *) arg)->changes = DatumGetInt64(ask("SELECT segments.refresh_due()", &isnull));
}

/* With the rights of the log's owner, as its triggers may be anybody's. */
static void
trim_table(Oid contact_table)
{
	ContactTable *table = CatalogContactTable(contact_table, true);
	SecureContext secure;
	bool isnull;

	if (table == NULL)
		return;
	SecureEnter(&secure, table->owner);
	(void) ask(
		psprintf(
			"SELECT segments.trim_changes(pg_catalog.make_interval(mins => %d), %u::pg_catalog.regclass)",
			WorkerLogRetention(), contact_table),
		&isnull);
	SecureLeave(&secure);
}

static void
trim_one(void *arg)
{
	trim_table(*(Oid *) arg);
}

/* Does anybody hold the database's lock who drops or renames it? */
static bool
is_being_dropped(void)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

static bool
has_work(void)
{
	return OidIsValid(get_extension_oid("segments", true)) && CatalogContactTables() != NIL;
}

/* ----- turns ----- */

/* A transaction of the worker's; SPI is connected. */
static void
begin_turn(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
end_turn(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
look(Look *look)
{
	begin_turn();
	look->leave = is_being_dropped() || !has_work();
	look->next = look->leave ? DT_NOEND : next_move();
	end_turn();
}

/* The message in memory that outlives the transaction, or NULL. */
static const char *
keep_error(const ErrorData *error)
{
	if (error == NULL)
		return NULL;
	ereport(LOG, (errcode(error->sqlerrcode), errmsg("segments worker: %s", error->message)));
	return MemoryContextStrdup(TopMemoryContext, error->message);
}

static void
forget_error(const char *error)
{
	if (error != NULL)
		pfree(unconstify(char *, error));
}

/* Bring the segments forward, in a transaction of its own. */
static void
refresh_turn(Look *look)
{
	TimestampTz started = GetCurrentTimestamp();
	TimestampTz due = look->next;

	WorkerReportState(WORKER_REFRESHING);
	pgstat_report_activity(STATE_RUNNING, "segments.refresh_due()");
	begin_turn();
	look->changes = 0;
	forget_error(look->error);
	look->error = NULL;
	look->error = keep_error(InSubtransaction(refresh, look, NULL));
	end_turn();
	WorkerReportState(look->error ? WORKER_FAILING : WORKER_IDLE);
	if (look->error == NULL)
		WorkerReportRun(started, due, look->changes);
}

/* One contact table after the other: a failing one is left for the next time. */
static void
trim_turn(void)
{
	ListCell *cell;

	if (WorkerLogRetention() < 0)
		return;
	WorkerReportState(WORKER_TRIMMING);
	pgstat_report_activity(STATE_RUNNING, "segments.trim_changes()");
	begin_turn();
	foreach (cell, CatalogContactTables())
		forget_error(keep_error(InSubtransaction(trim_one, &lfirst_oid(cell), NULL)));
	end_turn();
	WorkerReportState(WORKER_IDLE);
}

/* Keep the last error where segments.worker shows it; NULL: there is none. */
static void
store_error(const char *error)
{
	Oid types[1] = {TEXTOID};
	Datum values[1];
	char nulls[1] = {error ? ' ' : 'n'};

	begin_turn();
	values[0] = error ? CStringGetTextDatum(error) : (Datum) 0;
	if (has_work())
		(void) SPI_execute_with_args("SELECT segments_internal.store_worker_error($1)", 1, types,
									 values, nulls, false, 1);
	end_turn();
}

/* ----- the process ----- */

static void
nap(TimestampTz next)
{
	long wait = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);

	wait = Min(Max(wait, WorkerNaptime()), Max(LONGEST_NAP, WorkerNaptime()));
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

static void
reload_settings(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
}

static void
run(void)
{
	Look now = {0};
	bool stored = false; /* is an error stored? */
	TimestampTz trimmed = GetCurrentTimestamp();

	store_error(NULL);
	WorkerReportState(WORKER_IDLE);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		reload_settings();
		look(&now);
		if (now.leave || !WorkerEnabled())
			return;
		if (now.next <= GetCurrentTimestamp())
		{
			refresh_turn(&now);
			if (now.error != NULL || stored)
				store_error(now.error);
			stored = now.error != NULL;
		}
		if (TimestampDifferenceExceeds(trimmed, GetCurrentTimestamp(), TRIM_EVERY))
		{
			trim_turn();
			trimmed = GetCurrentTimestamp();
		}
		nap(now.error ? TimestampTzPlusMilliseconds(GetCurrentTimestamp(), AFTER_ERROR) : now.next);
	}
}

/*
 * The worker of the database that is its argument; the role is in bgw_extra.
 */
void
segments_worker_main(Datum argument)
{
	Oid role;

	memcpy(&role, MyBgworkerEntry->bgw_extra, sizeof(Oid));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(argument), role, 0);
	pgstat_report_appname(WORKER_TYPE);
	/* as autovacuum: counts are not settled by serializable transactions */
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	run();
	proc_exit(0);
}
