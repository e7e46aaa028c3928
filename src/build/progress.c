/*
 * progress.c - how far building, rebuilding and checking are: the view
 * segments.progress.
 *
 * Rows of a transaction at work are invisible to others, so this uses what the
 * server's own commands use (pg_stat_progress_*): counters of the backend in
 * shared memory.  A command number that the server does not know keeps them out
 * of its views.  The server clears them on error.
 */
#include "postgres.h"

#include "build/progress.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/srf.h"
#include "definition/access.h"

/* "SEGM", beyond every ProgressCommandType */
#define SEGMENTS_COMMAND ((ProgressCommandType) 0x5345474d)

enum
{
	PARAM_COMMAND,
	PARAM_PHASE,
	PARAM_SEGMENTS,
	PARAM_TOTAL,
	PARAM_DONE,
	PARAM_CHANGES,
	PARAM_STARTED
};

/* A command at work; a build can build those that refer to it. */
typedef struct Command
{
	struct Command *outer;
	SubTransactionId subxact;
} Command;

static int64 done = 0;
static int64 changes = 0;
static Command *present = NULL;

static bool
is_ours(void)
{
	return present != NULL && present->outer == NULL;
}

/* The transaction's memory holds them, and the server clears the counters. */
static void
forget(XactEvent event, void *arg)
{
	present = NULL;
}

/* Commands that an error left behind are of subtransactions that are gone. */
static void
forget_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB || present == NULL)
		return;
	while (present != NULL && present->subxact >= mine)
		present = present->outer;
	if (present == NULL)
		pgstat_progress_end_command();
}

static void
register_callbacks(void)
{
	static bool registered = false;

	if (registered)
		return;
	RegisterXactCallback(forget, NULL);
	RegisterSubXactCallback(forget_subtransaction, NULL);
	registered = true;
}

/*
 * A command begins; commands inside it are part of it.
 */
void
ProgressBegin(ProgressCommand command, Oid contact_table, int segments)
{
	Command *begun = MemoryContextAllocZero(TopTransactionContext, sizeof(Command));

	register_callbacks();
	begun->outer = present;
	begun->subxact = GetCurrentSubTransactionId();
	present = begun;
	if (!is_ours())
		return;
	done = 0;
	changes = 0;
	pgstat_progress_start_command(SEGMENTS_COMMAND, contact_table);
	pgstat_progress_update_param(PARAM_COMMAND, command);
	pgstat_progress_update_param(PARAM_SEGMENTS, segments);
	pgstat_progress_update_param(PARAM_STARTED, GetCurrentTimestamp());
}

void
ProgressEnd(void)
{
	Command *ended = present;

	present = ended->outer;
	if (present == NULL)
		pgstat_progress_end_command();
	pfree(ended);
}

void
ProgressEnter(ProgressPhase phase)
{
	if (is_ours())
		pgstat_progress_update_param(PARAM_PHASE, phase);
}

/*
 * A scan begins, of about so many contacts.
 */
void
ProgressTotal(double contacts)
{
	if (!is_ours())
		return;
	done = 0;
	pgstat_progress_update_param(PARAM_TOTAL, (int64) Max(contacts, 0));
	pgstat_progress_update_param(PARAM_DONE, 0);
}

void
ProgressContacts(int64 more)
{
	done += more;
	if (is_ours())
		pgstat_progress_update_param(PARAM_DONE, done);
}

void
ProgressChanges(int64 more)
{
	changes += more;
	if (is_ours())
		pgstat_progress_update_param(PARAM_CHANGES, changes);
}

/* ----- reading ----- */

static const char *const command_words[] = {NULL, "create", "rebuild", "check", "import"};
static const char *const phase_words[] = {
	NULL,      "evaluating", "comparing", "waiting for writers", "catching up", "writing",
	"reading", "matching",   "adding"};

static void
set_word(Datum *value, bool *isnull, const char *const *words, int n, int64 number)
{
	*isnull = (number < 1 || number >= n);
	if (!*isnull)
		*value = CStringGetTextDatum(words[number]);
}

static void
store_backend(const PgBackendStatus *backend, Tuplestorestate *store, TupleDesc desc)
{
	const int64 *params = backend->st_progress_param;
	Datum values[9];
	bool nulls[9] = {0};

	values[0] = Int32GetDatum(backend->st_procpid);
	values[1] = ObjectIdGetDatum(backend->st_progress_command_target);
	set_word(&values[2], &nulls[2], command_words, lengthof(command_words), params[PARAM_COMMAND]);
	set_word(&values[3], &nulls[3], phase_words, lengthof(phase_words), params[PARAM_PHASE]);
	values[4] = Int64GetDatum(params[PARAM_SEGMENTS]);
	values[5] = Int64GetDatum(params[PARAM_TOTAL]);
	nulls[5] = (params[PARAM_TOTAL] == 0);
	values[6] = Int64GetDatum(params[PARAM_DONE]);
	values[7] = Int64GetDatum(params[PARAM_CHANGES]);
	values[8] = TimestampTzGetDatum(params[PARAM_STARTED]);
	tuplestore_putvalues(store, desc, values, nulls);
}

/* Is it at work on segments of this database, of a table that the user may look at? */
static bool
may_be_shown(const PgBackendStatus *backend)
{
	Oid relid = backend->st_progress_command_target;

	return backend->st_progress_command == SEGMENTS_COMMAND &&
		   backend->st_databaseid == MyDatabaseId &&
		   SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) && AccessMayMonitor(relid);
}

/*
 * segments_internal.backend_progress() -> (pid, contact_table, command, phase, segments,
 * contacts_total, contacts_done, changes, started)
 */
PG_FUNCTION_INFO_V1(segments_backend_progress);
Datum
segments_backend_progress(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	int n = pgstat_fetch_stat_numbackends();
	int i;

	for (i = 1; i <= n; i++)
	{
		LocalPgBackendStatus *local = BackendStatusByIndex(i);

		if (local && may_be_shown(&local->backendStatus))
			store_backend(&local->backendStatus, store, desc);
	}
	PG_RETURN_NULL();
}

static ProgressPhase
phase_of_word(const char *word)
{
	int i;

	for (i = 1; i < lengthof(phase_words); i++)
		if (strcmp(phase_words[i], word) == 0)
			return i;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized phase of an import \"%s\"", word)));
}

/*
 * segments_internal.report_import(contact_table, phase, total, more)
 */
PG_FUNCTION_INFO_V1(segments_report_import);
Datum
segments_report_import(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
	{
		if (present != NULL)
			ProgressEnd();
		PG_RETURN_VOID();
	}
	if (present == NULL)
		ProgressBegin(PROGRESS_IMPORT, PG_GETARG_OID(0), 1);
	ProgressEnter(phase_of_word(text_to_cstring(PG_GETARG_TEXT_PP(1))));
	if (!PG_ARGISNULL(2))
		ProgressTotal(PG_GETARG_INT64(2));
	if (!PG_ARGISNULL(3))
		ProgressContacts(PG_GETARG_INT64(3));
	PG_RETURN_VOID();
}
