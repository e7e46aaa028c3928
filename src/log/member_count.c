/*
 * member_count.c - segments.count(): exact, under the caller's snapshot, and
 * as fast for a million members as for ten.
 *
 * Counting rows takes as long as there are rows, and a counter in the segment's
 * row would make all who write to it take turns.  But the log already says who
 * joined and left.  So segments.member_count holds the numbers as of some
 * snapshot S, segments.count_state says which S, and the answer under snapshot
 * R is
 *
 *     the number settled under S + joins - leaves that R sees and S didn't.
 *
 * Why that is exact.  Members change in no other way than with an entry of the
 * log in the same transaction, and row and entry become visible together, for
 * aborted subtransactions too.  So what S saw of the members is the sum of the
 * entries that it saw, and likewise R; and R sees all that S saw: the row with
 * S was written by a transaction that took S itself, and R sees that row, so
 * everything that had ended before S ended before R.  (A function in SQL can
 * look with a snapshot older than a settling of its own transaction.  So where
 * the row is our own, we ask whether S is within R, and count rows if not.)
 *
 * Whether S saw an entry is decided by its transaction's number alone: S saw
 * those below its high end that were not in progress.  A transaction that was
 * in progress when S was taken is in the list of these, whatever it had written
 * by then, before or after; none of its entries were counted, and all of them
 * are once R sees them.  Nothing depends on the order in which entries were
 * written, or on where they lie.  The settling transaction itself counts as in
 * progress, except when it settles at its very end.
 *
 * The numbers are believed for the files they were computed for only: a table
 * that was truncated or rewritten has another file, and a restored dump has no
 * numbers (they are not dumped).  Unlogged tables are emptied by a crash, so
 * theirs are never believed.  Then rows are counted, until member_settle.c has
 * done so once for all.
 *
 * Works on a hot standby: what is read was decided on the primary.
 */
#include "postgres.h"

#include "log/member_count.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "base/result.h"
#include "base/secure.h"
#include "base/srf.h"
#include "base/subtransaction.h"
#include "definition/access.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "definition/segment_find.h"
#include "definition/table_beside.h"
#include "log/change_log.h"
#include "log/change_log_scan.h"
#include "log/log_index.h"
#include "log/read_table.h"

PG_FUNCTION_INFO_V1(segments_count);
PG_FUNCTION_INFO_V1(segments_member_counts);

/* segments.count_state */
#define Anum_state_contact_table 1
#define Anum_state_member_file 2
#define Anum_state_change_file 3
#define Anum_state_high 4
#define Anum_state_in_progress 5
#define Natts_state 5

/* segments.member_count */
#define Anum_count_contact_table 1
#define Anum_count_segment_id 2
#define Anum_count_members 3
#define Anum_count_joins 4
#define Anum_count_leaves 5
#define Anum_count_last_change 6
#define Natts_count 6

/* Reading the log is given up for counting rows when it is this much longer. */
#define ENTRIES_OF_PAGE 90
#define FREE_ENTRIES 100000

/* ----- up to where the log is settled ----- */

static bool
is_of_these_files(CountSource *source, Datum *values)
{
	Relation members = ReadTableOpen(source->table, BESIDE_MEMBER, AccessShareLock);
	Oid file = members->rd_rel->relfilenode;

	table_close(members, AccessShareLock);
	return DatumGetObjectId(values[Anum_state_member_file - 1]) == file &&
		   DatumGetObjectId(values[Anum_state_change_file - 1]) == source->log->rd_rel->relfilenode;
}

/* Has the reader seen all that was settled? */
static bool
is_within(CountSource *source)
{
	LogHorizon reader;

	if (!TransactionIdIsCurrentTransactionId(source->state.xmin))
		return true;
	HorizonOfSnapshot(&reader, source->snapshot);
	return HorizonIsWithin(&source->state.horizon, &reader);
}

static void
fill_state(CountSource *source, HeapTuple tuple, TupleDesc desc)
{
	CountState *state = &source->state;
	Datum values[Natts_state];
	bool nulls[Natts_state];

	heap_deform_tuple(tuple, desc, values, nulls);
	state->exists = true;
	state->tid = tuple->t_self;
	state->xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	if (nulls[Anum_state_member_file - 1] || nulls[Anum_state_change_file - 1] ||
		nulls[Anum_state_high - 1] || nulls[Anum_state_in_progress - 1])
		return;
	HorizonOfStored(&state->horizon, DatumGetInt64(values[Anum_state_high - 1]),
					DatumGetArrayTypePCopy(values[Anum_state_in_progress - 1]));
	state->believed =
		source->table->is_logged && is_of_these_files(source, values) && is_within(source);
}

static void
read_state(CountSource *source)
{
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_state_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(source->table->contact_table));
	CatalogScanByKey(&scan, "count_state", source->snapshot, 1, &key);
	if (CatalogScanNext(&scan))
		fill_state(source, scan.tuple, RelationGetDescr(scan.rel));
	CatalogScanEnd(&scan);
}

/*
 * Open a contact table's log, and find out what of it is settled.
 */
void
CountSourceOpen(CountSource *source, ReadTable *table, Snapshot snapshot)
{
	LogWanted wanted = {&source->state.horizon};

	memset(source, 0, sizeof(CountSource));
	source->table = table;
	source->snapshot = snapshot;
	source->log = ReadTableOpen(table, BESIDE_CHANGE, AccessShareLock);
	read_state(source);
	if (source->state.believed)
		source->pages =
			ChangeLogPages(source->log, table->change_index, &wanted, snapshot, &source->npages);
}

void
CountSourceClose(CountSource *source)
{
	table_close(source->log, AccessShareLock);
}

/* ----- settled numbers ----- */

static void
fill_count(MemberCount *count, HeapTuple tuple, TupleDesc desc)
{
	Datum values[Natts_count];
	bool nulls[Natts_count];

	heap_deform_tuple(tuple, desc, values, nulls);
	count->segment = DatumGetInt64(values[Anum_count_segment_id - 1]);
	count->members = DatumGetInt64(values[Anum_count_members - 1]);
	count->joins = DatumGetInt64(values[Anum_count_joins - 1]);
	count->leaves = DatumGetInt64(values[Anum_count_leaves - 1]);
	count->last_change = nulls[Anum_count_last_change - 1]
							 ? DT_NOBEGIN
							 : DatumGetTimestampTz(values[Anum_count_last_change - 1]);
}

/* One segment's; none is zero. */
static void
read_settled(CountSource *source, MemberCount *count)
{
	CatalogScan scan;
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_count_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(source->table->contact_table));
	ScanKeyInit(&keys[1], Anum_count_segment_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(count->segment));
	CatalogScanByKey(&scan, "member_count", source->snapshot, 2, keys);
	if (CatalogScanNext(&scan))
		fill_count(count, scan.tuple, RelationGetDescr(scan.rel));
	CatalogScanEnd(&scan);
}

static void
read_all_settled(CountSource *source, HTAB *counts)
{
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_count_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(source->table->contact_table));
	CatalogScanByKey(&scan, "member_count", source->snapshot, 1, &key);
	while (CatalogScanNext(&scan))
	{
		MemberCount count;

		fill_count(&count, scan.tuple, RelationGetDescr(scan.rel));
		*MemberCountIn(counts, count.segment) = count;
	}
	CatalogScanEnd(&scan);
}

/* ----- all segments of a contact table ----- */

/*
 * An empty hash of MemberCount by segment, in the current memory context.
 */
HTAB *
MemberCountHash(void)
{
	HASHCTL control = {0};

	control.keysize = sizeof(int64);
	control.entrysize = sizeof(MemberCount);
	control.hcxt = CurrentMemoryContext;
	return hash_create("segments counts", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

MemberCount *
MemberCountIn(HTAB *counts, int64 segment)
{
	bool found;
	MemberCount *count = hash_search(counts, &segment, HASH_ENTER, &found);

	if (!found)
	{
		memset(count, 0, sizeof(MemberCount));
		count->segment = segment;
		count->last_change = DT_NOBEGIN;
	}
	return count;
}

/*
 * Add an entry of the log to a hash; a LogEntryFunction.
 */
void
MemberCountAdd(const LogEntry *entry, void *counts)
{
	MemberCount *count = MemberCountIn(counts, entry->segment);

	count->members += entry->joined ? 1 : -1;
	count->joins += entry->joined;
	count->leaves += !entry->joined;
	count->last_change = Max(count->last_change, entry->at);
}

/*
 * Call a function for what the snapshot sees of the log beyond what is settled.
 */
static void
count_unsettled(CountSource *source, HTAB *counts, LogEntryFunction function)
{
	ChangeLogScan(source->log, source->pages, source->npages, &source->state.horizon,
				  source->snapshot, function, counts);
}

/* Run a query as the owner of the contact table, under the source's snapshot. */
static void
run_query(CountSource *source, const char *sql)
{
	SPIPlanPtr plan = SPI_prepare(sql, 0, NULL);

	if (plan == NULL || SPI_execute_snapshot(plan, NULL, NULL, source->snapshot, InvalidSnapshot,
											 true, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count members");
	SPI_freeplan(plan);
}

static void
add_rows(CountSource *source, HTAB *counts)
{
	SecureContext secure;
	uint64 i;

	SecureEnter(&secure, source->table->owner);
	SPI_connect();
	run_query(source, psprintf("SELECT segment_id, pg_catalog.count(*) FROM %s GROUP BY segment_id",
							   CatalogRelationName(source->table->member_table)));
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		int64 segment = DatumGetInt64(ResultValue(SPI_tuptable, i, 1, INT8OID, &isnull));

		MemberCountIn(counts, segment)->members =
			DatumGetInt64(ResultValue(SPI_tuptable, i, 2, INT8OID, &isnull));
	}
	SPI_finish();
	SecureLeave(&secure);
}

/* What the log says of an entry, without the members, who are counted. */
static void
add_history(const LogEntry *entry, void *counts)
{
	MemberCount *count = MemberCountIn(counts, entry->segment);

	count->joins += entry->joined;
	count->leaves += !entry->joined;
	count->last_change = Max(count->last_change, entry->at);
}

/*
 * Count all members and all of the log, whatever is settled.
 */
void
MemberCountsAfresh(CountSource *source, HTAB *counts)
{
	LogHorizon nothing = {0};
	LogWanted all = {&nothing};

	source->state.horizon = nothing;
	source->pages =
		ChangeLogPages(source->log, InvalidOid, &all, source->snapshot, &source->npages);
	count_unsettled(source, counts, add_history);
	add_rows(source, counts);
}

/* ----- one segment ----- */

static int64
count_rows(CountSource *source, int64 segment)
{
	SecureContext secure;
	bool isnull;
	int64 result;

	SecureEnter(&secure, source->table->owner);
	SPI_connect();
	run_query(source,
			  psprintf("SELECT pg_catalog.count(*) FROM %s WHERE segment_id = " INT64_FORMAT,
					   CatalogRelationName(source->table->member_table), segment));
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	SecureLeave(&secure);
	return result;
}

static void
add_to_one(const LogEntry *entry, void *arg)
{
	MemberCount *count = arg;

	if (entry->segment == count->segment)
		count->members += entry->joined ? 1 : -1;
}

/* Where nobody settles, counting the rows of a small segment is quicker. */
static bool
is_far_behind(CountSource *source, const MemberCount *count)
{
	int64 entries = (int64) LogPagesTotal(source->pages, source->npages) * ENTRIES_OF_PAGE;

	return entries > FREE_ENTRIES && entries > count->members;
}

static int64
count_members(ReadTable *table, int64 segment, Snapshot snapshot)
{
	CountSource source;
	MemberCount count = {0};

	count.segment = segment;
	CountSourceOpen(&source, table, snapshot);
	if (source.state.believed)
		read_settled(&source, &count);
	if (!source.state.believed || is_far_behind(&source, &count))
		count.members = count_rows(&source, segment);
	else
		ChangeLogScan(source.log, source.pages, source.npages, &source.state.horizon, snapshot,
					  add_to_one, &count);
	CountSourceClose(&source);
	return count.members;
}

/* segments.count(text) */
Datum
segments_count(PG_FUNCTION_ARGS)
{
	SegmentHandle segment;

	SegmentFindVisible(text_to_cstring(PG_GETARG_TEXT_PP(0)), &segment);
	PG_RETURN_INT64(
		count_members(ReadTableGet(segment.contact_table), segment.id, GetActiveSnapshot()));
}

/*
 * Is the number of a segment's members, from which everybody counts, that of
 * its rows?  Not where members were changed without a word in the log.
 */
bool
MemberCountIsRight(Oid contact_table, int64 segment)
{
	ReadTable *table = ReadTableGet(contact_table);
	Snapshot snapshot = GetActiveSnapshot();
	CountSource source;
	int64 rows;

	CountSourceOpen(&source, table, snapshot);
	rows = count_rows(&source, segment);
	CountSourceClose(&source);
	return count_members(table, segment, snapshot) == rows;
}

/* ----- status ----- */

/* Of all segments for the owner of the contacts, for others of those they see. */
static void
put_counts(HTAB *counts, bool all, Tuplestorestate *store, TupleDesc desc)
{
	HASH_SEQ_STATUS status;
	MemberCount *count;

	hash_seq_init(&status, counts);
	while ((count = hash_seq_search(&status)) != NULL)
	{
		Datum values[5];
		bool nulls[5] = {0};

		if (!all && !SegmentIsVisible(count->segment))
			continue;
		values[0] = Int64GetDatum(count->segment);
		values[1] = Int64GetDatum(count->members);
		values[2] = Int64GetDatum(count->joins);
		values[3] = Int64GetDatum(count->leaves);
		values[4] = TimestampTzGetDatum(count->last_change);
		nulls[4] = (count->last_change == DT_NOBEGIN);
		tuplestore_putvalues(store, desc, values, nulls);
	}
}

typedef struct CountAll
{
	Oid contact_table;
	HTAB *counts;
} CountAll;

static void
count_all(void *arg)
{
	CountAll *all = arg;
	CountSource source;

	CountSourceOpen(&source, ReadTableGet(all->contact_table), GetActiveSnapshot());
	if (source.state.believed)
	{
		read_all_settled(&source, all->counts);
		count_unsettled(&source, all->counts, MemberCountAdd);
	}
	else
		MemberCountsAfresh(&source, all->counts);
	CountSourceClose(&source);
}

/*
 * segments_internal.member_counts(contact_table)
 *   -> (segment_id, members, joins, leaves, last_change)
 *
 * The view status shows all contact tables: one that can't be read, with a
 * warning, as one without members.
 */
Datum
segments_member_counts(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	CountAll all = {PG_GETARG_OID(0), MemberCountHash()};
	ErrorData *error;

	if (!AccessMayMonitor(all.contact_table))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(all.contact_table));
	error = InSubtransaction(count_all, &all, NULL);
	if (error == NULL)
		put_counts(all.counts, AccessIsOwner(all.contact_table), store, desc);
	else
		ereport(WARNING, (errcode(error->sqlerrcode),
						  errmsg("members of contact table \"%s\" could not be counted: %s",
								 get_rel_name(all.contact_table),
								 AsideReasonFor(all.contact_table, error))));
	hash_destroy(all.counts);
	PG_RETURN_NULL();
}
