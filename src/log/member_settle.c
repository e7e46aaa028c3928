/*
 * member_settle.c - brings the numbers that segments.count() starts from up to
 * date.
 *
 * Takes the log since the last settling, gives new rows of
 * segments.member_count and a new horizon in segments.count_state; what they
 * mean, and why they are right, is in member_count.c.  Called by refresh_due()
 * once in a while, by a transaction that has written a lot when it commits, and
 * before entries of the log are deleted.
 *
 * Invariants.  Only who has locked the row of count_state settles, so numbers
 * are settled one after another.  Nobody waits for that lock except whoever
 * deletes from the log: others leave it to the one who has it.  The snapshot is
 * the transaction's, and the row that is locked must be the one that it sees:
 * so what is settled now includes all that was settled before, also at
 * REPEATABLE READ, and nobody fails.  At SERIALIZABLE reading the log could
 * make transactions fail, so there only whoever deletes from it settles.
 *
 * Our own entries are left to a later settling, unless we are about to commit
 * and write no more: a statement around us may be in the middle of writing
 * some.  Therefore who deletes entries that it may have written itself gives
 * the numbers up; rows are counted next time.
 */
#include "postgres.h"

#include "log/member_settle.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/subtransaction.h"
#include "base/vector.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "definition/table_beside.h"
#include "log/change_log.h"
#include "log/change_log_scan.h"
#include "log/change_number.h"
#include "log/log_index.h"
#include "log/member_count.h"
#include "log/read_table.h"

PG_FUNCTION_INFO_V1(segments_settle_counts);

#define MANY_CHANGES 50000 /* a transaction with more settles when it commits */
#define MANY_PAGES 64      /* more than these are worth telling the index */
#define MANY_BETWEEN 1000  /* ids that subtransactions beside us can have taken */

/* ----- who settles ----- */

/*
 * Lock the row that the snapshot saw; false when somebody else has it, or has
 * settled since.
 */
static bool
lock_state(const CountState *state, Snapshot snapshot, LockWaitPolicy policy)
{
	Relation rel = table_open(CatalogRelid("count_state"), RowShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ItemPointerData tid = state->tid;
	TM_FailureData failure;
	TM_Result result = table_tuple_lock(rel, &tid, snapshot, slot, GetCurrentCommandId(false),
										LockTupleNoKeyExclusive, policy, 0, &failure);

	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return result == TM_Ok;
}

/* ----- writing ----- */

static void
run(const char *sql, int nargs, Oid *types, Datum *values)
{
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not settle counts");
}

/* The columns of a hash as arrays: segment, members, joins, leaves, last change. */
static void
count_arrays(HTAB *counts, Datum *arrays)
{
	int n = (int) hash_get_num_entries(counts);
	Datum *columns[5];
	HASH_SEQ_STATUS status;
	MemberCount *count;
	int i;

	for (i = 0; i < 5; i++)
		columns[i] = palloc(sizeof(Datum) * Max(n, 1));
	i = 0;
	hash_seq_init(&status, counts);
	while ((count = hash_seq_search(&status)) != NULL)
	{
		columns[0][i] = Int64GetDatum(count->segment);
		columns[1][i] = Int64GetDatum(count->members);
		columns[2][i] = Int64GetDatum(count->joins);
		columns[3][i] = Int64GetDatum(count->leaves);
		columns[4][i++] = TimestampTzGetDatum(count->last_change);
	}
	for (i = 0; i < 4; i++)
		arrays[i] = Int64Array(columns[i], n);
	arrays[4] = PointerGetDatum(
		construct_array(columns[4], n, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Add to the numbers, and forget those of segments that are gone and empty. */
static void
write_counts(Oid contact_table, HTAB *counts)
{
	Oid types[6] = {REGCLASSOID,  INT8ARRAYOID, INT8ARRAYOID,
					INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID};
	Datum values[6];

	values[0] = ObjectIdGetDatum(contact_table);
	count_arrays(counts, &values[1]);
	run("INSERT INTO segments.member_count AS c (contact_table, segment_id, members, joins, leaves, last_change) "
		"SELECT $1, u.* FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), "
		"pg_catalog.unnest($5), pg_catalog.unnest($6)) u ON CONFLICT (contact_table, segment_id) DO UPDATE "
		"SET members = c.members + EXCLUDED.members, joins = c.joins + EXCLUDED.joins, "
		"leaves = c.leaves + EXCLUDED.leaves, last_change = GREATEST(c.last_change, EXCLUDED.last_change)",
		6, types, values);
	run("DELETE FROM segments.member_count c WHERE c.contact_table = $1 AND c.members = 0 "
		"AND NOT EXISTS (SELECT FROM segments.segment s WHERE s.id = c.segment_id)",
		1, types, values);
}

static Oid
file_of(const ReadTable *table, BesideKind kind)
{
	Relation rel = ReadTableOpen(table, kind, AccessShareLock);
	Oid file = rel->rd_rel->relfilenode;

	table_close(rel, AccessShareLock);
	return file;
}

static void
write_state(ReadTable *table, const LogHorizon *horizon)
{
	Oid types[5] = {REGCLASSOID, OIDOID, OIDOID, INT8OID, INT8ARRAYOID};
	Datum values[5];

	values[0] = ObjectIdGetDatum(table->contact_table);
	values[1] = ObjectIdGetDatum(file_of(table, BESIDE_MEMBER));
	values[2] = ObjectIdGetDatum(file_of(table, BESIDE_CHANGE));
	values[3] = Int64GetDatum(horizon->high);
	values[4] = HorizonProgress(horizon);
	run("UPDATE segments.count_state SET member_file = $2, change_file = $3, high = $4, in_progress = $5 "
		"WHERE contact_table = $1",
		5, types, values);
}

/* ----- settling ----- */

typedef struct Settling
{
	CountSource source;
	SettlePurpose purpose;
	int64 own;          /* our number */
	LogHorizon horizon; /* up to where the log will be settled */
	HTAB *counts;       /* what is new */
	bool anew;          /* nothing of the old is kept */
} Settling;

/* Entries that are settled now: all that we see, but for our own. */
static void
add_entry(const LogEntry *entry, void *arg)
{
	Settling *settling = arg;

	if (entry->xact != settling->own || settling->purpose == SETTLE_COMMIT)
		MemberCountAdd(entry, settling->counts);
}

/* The members counted afresh include those that we added ourselves. */
static void
take_own_back(const LogEntry *entry, void *arg)
{
	Settling *settling = arg;
	MemberCount *count;

	if (entry->xact != settling->own)
		return;
	count = MemberCountIn(settling->counts, entry->segment);
	count->members -= entry->joined ? 1 : -1;
	count->joins -= entry->joined;
	count->leaves -= !entry->joined;
}

static void
compute_counts(Settling *settling)
{
	CountSource *source = &settling->source;

	settling->counts = MemberCountHash();
	settling->anew = !source->state.believed;
	if (settling->anew)
		MemberCountsAfresh(source, settling->counts);
	ChangeLogScan(source->log, source->pages, source->npages, &source->state.horizon,
				  source->snapshot, settling->anew ? take_own_back : add_entry, settling);
}

/* False where that would take too many words. */
static bool
compute_horizon(Settling *settling)
{
	bool seen = (settling->purpose == SETTLE_COMMIT);

	HorizonOfSnapshot(&settling->horizon, settling->source.snapshot);
	if (seen && settling->own - settling->horizon.high > MANY_BETWEEN)
		return false;
	HorizonAddOwn(&settling->horizon, settling->own, seen);
	return true;
}

static void
write_settled(Settling *settling)
{
	ReadTable *table = settling->source.table;
	SecureContext secure;

	SecureEnter(&secure, CatalogOwner());
	SPI_connect();
	if (settling->anew)
	{
		Oid type = REGCLASSOID;
		Datum value = ObjectIdGetDatum(table->contact_table);

		run("DELETE FROM segments.member_count c WHERE c.contact_table = $1", 1, &type, &value);
	}
	write_counts(table->contact_table, settling->counts);
	write_state(table, &settling->horizon);
	SPI_finish();
	SecureLeave(&secure);
}

static void
summarize(CountSource *source)
{
	if (LogPagesStale(source->pages, source->npages) >= MANY_PAGES)
		ChangeLogSummarize(source->log, source->table->change_index, source->table->owner,
						   source->pages, source->npages);
}

static void
settle_locked(Settling *settling)
{
	settling->own = ChangeLogTransaction();
	if (!compute_horizon(settling))
		return;
	compute_counts(settling);
	if (settling->anew || hash_get_num_entries(settling->counts) > 0)
		write_settled(settling);
	/* a writer has done enough */
	if (settling->purpose == SETTLE_UPKEEP)
		summarize(&settling->source);
}

/*
 * Have a row of count_state where there is none: a dump was restored without
 * triggers.  The next one settles.
 */
static bool
create_state(Oid contact_table)
{
	Oid type = REGCLASSOID;
	Datum value = ObjectIdGetDatum(contact_table);
	SecureContext secure;

	/* a row that the snapshot doesn't see would make us fail */
	if (IsolationUsesXactSnapshot())
		return false;
	SecureEnter(&secure, CatalogOwner());
	SPI_connect();
	run("INSERT INTO segments.count_state (contact_table) VALUES ($1) ON CONFLICT DO NOTHING", 1,
		&type, &value);
	SPI_finish();
	SecureLeave(&secure);
	return true;
}

/*
 * Settle under the active snapshot; false: the row was changed meanwhile.  A
 * writer does not count all that there is; but what the log is about to lose
 * would be known from nowhere else.
 */
static bool
settle_once(ReadTable *table, SettlePurpose purpose)
{
	Settling settling = {{0}};
	CountState *state = &settling.source.state;
	bool done = true;

	settling.purpose = purpose;
	CountSourceOpen(&settling.source, table, GetActiveSnapshot());
	if (!state->exists && purpose != SETTLE_COMMIT)
		done = !create_state(table->contact_table);
	if (state->exists && (state->believed || purpose != SETTLE_COMMIT))
	{
		done = lock_state(state, settling.source.snapshot,
						  purpose == SETTLE_TRIM ? LockWaitBlock : LockWaitSkip);
		if (done)
			settle_locked(&settling);
	}
	CountSourceClose(&settling.source);
	return done;
}

static bool
may_settle(ReadTable *table, SettlePurpose purpose)
{
	if (RecoveryInProgress() || XactReadOnly || IsInParallelMode() || !table->is_logged)
		return false;
	/* what it reads could make transactions fail that would not otherwise */
	return purpose == SETTLE_TRIM || !IsolationIsSerializable();
}

/*
 * Settle the numbers of a contact table's segments.
 */
static void
settle_counts(Oid contact_table, SettlePurpose purpose)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "segments settling", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ReadTable *table = ReadTableGet(contact_table);
	bool settled = !may_settle(table, purpose);

	while (!settled)
	{
		CommandCounterIncrement();
		PushCopiedSnapshot(GetTransactionSnapshot());
		UpdateActiveSnapshotCommandId();
		settled = settle_once(table, purpose) || purpose != SETTLE_TRIM;
		PopActiveSnapshot();
		if (!settled && IsolationUsesXactSnapshot())
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("could not serialize access due to concurrent update")));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static List *
contact_tables(void)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, CatalogContactTables())
		if (CatalogContactTable(lfirst_oid(cell), true) != NULL)
			result = lappend_oid(result, lfirst_oid(cell));
	return result;
}

typedef struct SettleOne
{
	Oid contact_table;
	SettlePurpose purpose;
} SettleOne;

static void
settle_one(void *arg)
{
	SettleOne *one = arg;

	settle_counts(one->contact_table, one->purpose);
}

/*
 * Settle the numbers of every contact table.  One that can't be settled must not
 * hold up the others, nor a commit: numbers stay right as they are, and its log
 * longer.
 */
void
MemberCountsSettleAll(SettlePurpose purpose)
{
	ListCell *cell;

	foreach (cell, contact_tables())
	{
		SettleOne one = {lfirst_oid(cell), purpose};
		ErrorData *error = InSubtransaction(settle_one, &one, NULL);

		if (error != NULL)
			ereport(WARNING, (errcode(error->sqlerrcode),
							  errmsg("members of contact table \"%s\" could not be counted: %s",
									 get_rel_name(one.contact_table),
									 AsideReasonFor(one.contact_table, error))));
	}
}

/* ----- when a transaction commits ----- */

static void
before_commit(XactEvent event, void *arg)
{
	Oid namespace;

	if (event != XACT_EVENT_PRE_COMMIT || ChangesLogged() <= MANY_CHANGES)
		return;
	/* it may just have dropped the extension */
	namespace = get_namespace_oid("segments", true);
	if (OidIsValid(namespace) && OidIsValid(get_relname_relid("count_state", namespace)))
		MemberCountsSettleAll(SETTLE_COMMIT);
}

/*
 * Have transactions that write a lot settle; once, when the library is loaded.
 */
void
MemberCountsRegister(void)
{
	RegisterXactCallback(before_commit, NULL);
}

/*
 * The settled numbers of a contact table are wrong, or will be: rows are
 * counted next time.
 */
void
MemberCountsGiveUp(Oid contact_table)
{
	Oid type = REGCLASSOID;
	Datum value = ObjectIdGetDatum(contact_table);
	SecureContext secure;

	SecureEnter(&secure, CatalogOwner());
	SPI_connect();
	run("UPDATE segments.count_state SET high = NULL WHERE contact_table = $1", 1, &type, &value);
	SPI_finish();
	SecureLeave(&secure);
}

/* ----- called by SQL ----- */

/*
 * segments_internal.settle_counts(contact_table, purpose): upkeep, trim (entries of the
 * log are about to go) or anew (rows are counted next time).
 */
Datum
segments_settle_counts(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);
	char *purpose = text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (strcmp(purpose, "upkeep") == 0)
		settle_counts(contact_table, SETTLE_UPKEEP);
	else if (strcmp(purpose, "anew") == 0 || ChangesLogged() > 0)
		MemberCountsGiveUp(contact_table);
	else
		settle_counts(contact_table, SETTLE_TRIM);
	PG_RETURN_VOID();
}
