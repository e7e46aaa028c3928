/*
 * change_log.c - which number a transaction has in the log, and which numbers
 * a snapshot has seen.
 *
 * An entry of the log stands under its top-level transaction's 64-bit id. These
 * ids mean something in one cluster only; a log that was dumped and restored
 * into another would be mixed up with what is written there.  So the upper 16
 * bits are an era: 0 where the first contact table was attached, one more in
 * every cluster that the database was restored into since.  All that was
 * written in earlier eras has ended, and comes before all of this one; within
 * an era numbers compare as ids do.
 *
 * segments.log_era, which is dumped, says which cluster wrote which era.  A
 * cluster that is not its newest one is a new era, and its first writer adds
 * it.  Several who do at the same time write the same row, and none waits.
 *
 * Invariant: whoever sees a state of the database computes the same era for
 * this cluster, whether the row is there yet or not.
 */
#include "postgres.h"

#include "log/change_log.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

#include "base/relation_cache.h"
#include "base/vector.h"
#include "definition/contact_table.h"

PG_FUNCTION_INFO_V1(segments_log_number);
PG_FUNCTION_INFO_V1(segments_log_horizon);

#define ERA_SHIFT 48 /* bits of a transaction's id */

/* segments.log_era */
#define Anum_era_era 1
#define Anum_era_system_identifier 2
#define Natts_era 2

/* ----- eras ----- */

static int known_era = -1;
static bool era_is_stored = false; /* by somebody who has committed */
static Oid era_relid = InvalidOid; /* where they were read */

/* A dump that is being restored brings eras: a trigger tells everybody. */
static void
forget_era(Oid relid)
{
	if (OidIsValid(relid) && relid != era_relid)
		return;
	known_era = -1;
	era_is_stored = false;
}

static void
register_callback(void)
{
	static bool registered = false;

	if (registered)
		return;
	RelationWatch(forget_era);
	registered = true;
}

/* The newest era there is, and whether it is this cluster's; -1: none. */
static int
newest_era(bool *ours, bool *stored)
{
	Relation rel = table_open(CatalogRelid("log_era"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	int newest = -1;
	HeapTuple tuple;

	era_relid = RelationGetRelid(rel);
	*ours = *stored = false;
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		int era = DatumGetInt32(heap_getattr(tuple, Anum_era_era, RelationGetDescr(rel), &isnull));
		int64 system = DatumGetInt64(
			heap_getattr(tuple, Anum_era_system_identifier, RelationGetDescr(rel), &isnull));

		if (era < newest)
			continue;
		if (era > newest)
			*stored = false;
		newest = era;
		*ours = (system == (int64) GetSystemIdentifier());
		if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
			*stored = true;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return newest;
}

static int
current_era(void)
{
	bool ours;
	bool stored;
	int newest;

	if (known_era >= 0)
		return known_era;
	register_callback();
	newest = newest_era(&ours, &stored);
	known_era = ours ? newest : newest + 1;
	return known_era;
}

static void
store_era(int era)
{
	Relation rel = table_open(CatalogRelid("log_era"), RowExclusiveLock);
	Datum values[Natts_era];
	bool nulls[Natts_era] = {0};
	HeapTuple tuple;

	values[Anum_era_era - 1] = Int32GetDatum(era);
	values[Anum_era_system_identifier - 1] = Int64GetDatum((int64) GetSystemIdentifier());
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	simple_heap_insert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* Once per cluster: say that this era is ours. */
static void
claim_era(void)
{
	bool ours;
	int newest;

	register_callback();
	newest = newest_era(&ours, &era_is_stored);
	if (ours)
		return;
	era_is_stored = false;
	store_era(newest + 1);
}

/*
 * The number of a transaction of this cluster.
 */
static int64
log_number(uint64 xact)
{
	return ((int64) current_era() << ERA_SHIFT) | (int64) xact;
}

/*
 * The number of the present transaction, which is about to write to the log.
 */
int64
ChangeLogTransaction(void)
{
	if (!era_is_stored)
		claim_era();
	return log_number(U64FromFullTransactionId(GetTopFullTransactionId()));
}

/* segments_internal.log_number(bigint) */
Datum
segments_log_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(log_number((uint64) PG_GETARG_INT64(0)));
}

/* ----- horizons ----- */

/* All ids in a snapshot are within two billion before the next one. */
static int64
number_of(TransactionId xid, FullTransactionId next)
{
	uint64 epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return log_number(epoch << 32 | xid);
}

/*
 * What a snapshot sees of other transactions.  Top-level ones suffice, as the
 * log names no others.
 */
void
HorizonOfSnapshot(LogHorizon *horizon, Snapshot snapshot)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32 i;

	memset(horizon, 0, sizeof(LogHorizon));
	horizon->high = number_of(snapshot->xmax, next);
	horizon->progress = palloc(sizeof(int64) * Max(snapshot->xcnt, 1));
	for (i = 0; i < snapshot->xcnt; i++)
		horizon->progress[horizon->nprogress++] = number_of(snapshot->xip[i], next);
	qsort(horizon->progress, horizon->nprogress, sizeof(int64), CompareInt64);
	horizon->low = horizon->nprogress > 0 ? horizon->progress[0] : horizon->high;
}

static void
add_progress(LogHorizon *horizon, int64 xact)
{
	horizon->progress = repalloc(horizon->progress, sizeof(int64) * (horizon->nprogress + 1));
	horizon->progress[horizon->nprogress++] = xact;
}

/*
 * A snapshot says nothing of its own transaction: count it among those in
 * progress, or among those that are seen.  Ids between the snapshot's end and
 * ours belong to transactions that run beside us.
 */
void
HorizonAddOwn(LogHorizon *horizon, int64 xact, bool seen)
{
	if (!seen && xact < horizon->high)
		add_progress(horizon, xact);
	while (seen && horizon->high < xact)
		add_progress(horizon, horizon->high++);
	if (seen)
		horizon->high = Max(horizon->high, xact + 1);
	qsort(horizon->progress, horizon->nprogress, sizeof(int64), CompareInt64);
	horizon->low = horizon->nprogress > 0 ? horizon->progress[0] : horizon->high;
}

/*
 * segments_internal.log_horizon() -> (high, in_progress): what this statement sees of
 * other transactions.
 */
Datum
segments_log_horizon(PG_FUNCTION_ARGS)
{
	FullTransactionId own = GetTopFullTransactionIdIfAny();
	LogHorizon horizon;
	TupleDesc desc;
	Datum values[2];
	bool nulls[2] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	HorizonOfSnapshot(&horizon, GetActiveSnapshot());
	if (FullTransactionIdIsValid(own))
		HorizonAddOwn(&horizon, log_number(U64FromFullTransactionId(own)), false);
	values[0] = Int64GetDatum(horizon.high);
	values[1] = HorizonProgress(&horizon);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * A horizon as it is stored: an array of the server's own words.
 */
void
HorizonOfStored(LogHorizon *horizon, int64 high, ArrayType *progress)
{
	horizon->high = high;
	horizon->nprogress = ArrayGetNItems(ARR_NDIM(progress), ARR_DIMS(progress));
	horizon->progress = (int64 *) ARR_DATA_PTR(progress);
	horizon->low = horizon->nprogress > 0 ? horizon->progress[0] : horizon->high;
}

/*
 * Those in progress, as bigint[].
 */
Datum
HorizonProgress(const LogHorizon *horizon)
{
	Datum *values = palloc(sizeof(Datum) * Max(horizon->nprogress, 1));
	int i;

	for (i = 0; i < horizon->nprogress; i++)
		values[i] = Int64GetDatum(horizon->progress[i]);
	return Int64Array(values, horizon->nprogress);
}

static bool
is_in_progress(const LogHorizon *horizon, int64 xact)
{
	return horizon->nprogress > 0 && xact >= horizon->low &&
		   bsearch(&xact, horizon->progress, horizon->nprogress, sizeof(int64), CompareInt64) !=
			   NULL;
}

bool
HorizonSees(const LogHorizon *horizon, int64 xact)
{
	return xact < horizon->high && !is_in_progress(horizon, xact);
}

/* The first one in progress that is not below. */
static int
progress_from(const LogHorizon *horizon, int64 xact)
{
	int first = 0;
	int end = horizon->nprogress;

	while (first < end)
	{
		int middle = first + (end - first) / 2;

		if (horizon->progress[middle] < xact)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

/*
 * Does it see all numbers from one to another?
 */
bool
HorizonSeesAll(const LogHorizon *horizon, int64 from, int64 to)
{
	int next;

	if (to < horizon->low)
		return true;
	next = progress_from(horizon, from);
	return to < horizon->high && (next == horizon->nprogress || horizon->progress[next] > to);
}

/*
 * Does the outer one see all that the inner one sees?
 */
bool
HorizonIsWithin(const LogHorizon *inner, const LogHorizon *outer)
{
	int i;

	if (inner->high > outer->high)
		return false;
	for (i = 0; i < outer->nprogress; i++)
		if (HorizonSees(inner, outer->progress[i]))
			return false;
	return true;
}
