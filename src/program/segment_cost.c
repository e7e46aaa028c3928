/*
 * segment_cost.c - how often each segment was evaluated, and how long that took.
 *
 * Counted where the library is preloaded, from the start of the server on.  A
 * backend counts in a direct-mapped table of its own, which costs a few
 * nanoseconds an evaluation, and one evaluation in SAMPLE_EVERY is timed, at
 * random distances, for as many.  What was counted is added to shared memory
 * when a transaction ends, once a second at most; when two segments want one
 * place in the backend's table; when the numbers are asked for; and when the
 * backend ends.
 *
 * The shared table is set-associative, as caches of processors are: a segment
 * has one of WAYS places in its set, and where all are taken that with the
 * fewest evaluations gives way.  So memory is bounded whatever comes, nothing
 * is ever rehashed, and what is forgotten is what was cheap.
 *
 * A segment is named by its number and the table of its members, which lives
 * as long as its contact table is attached: numbers that come again after that
 * are others.
 */
#include "postgres.h"

#include "program/segment_cost.h"

#include "access/tupdesc.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/preloaded.h"
#include "base/srf.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/segment_find.h"
#include "program/program.h"

#define COST_NAME "segments cost"
#define SETS 4096
#define WAYS 8
#define PLACES 65536    /* the kernel gives memory to those that are used */
#define LOCKED_ADDS 512 /* then others have the lock for a moment */
#define SAMPLE_EVERY 64
#define FLUSH_MSEC 1000

typedef struct SegmentCost
{
	Oid database;
	Oid member_table; /* InvalidOid: a free place */
	int64 segment;
	int64 evaluations;
	double seconds; /* estimated */
} SegmentCost;

typedef struct CostShare
{
	LWLock lock;
	SegmentCost sets[SETS][WAYS];
} CostShare;

/* Not there: nothing is counted. */
static CostShare *share = NULL;

/* What this backend has counted and not yet added; `used` lists the places taken. */
static SegmentCost places[PLACES];
static int used[PLACES];
static int nused = 0;
static TimestampTz flushed_at = 0;
static uint32 until_sample = SAMPLE_EVERY;
static uint32 chance = 2463534242U;

/* ----- start ----- */

static void
initialize_share(void *memory)
{
	CostShare *fresh = memory;

	memset(fresh, 0, sizeof(CostShare));
	NamedLockInitialize(&fresh->lock, COST_NAME);
}

static PreloadedPiece piece = {COST_NAME, sizeof(CostShare), initialize_share, (void **) &share};

/* ----- the shared table; its lock is held ----- */

/* The place of a segment in its set; else a free one, or that of the cheapest. */
static SegmentCost *
shared_place(const SegmentCost *cost)
{
	SegmentCost *set =
		share->sets[murmurhash32((uint32) cost->segment ^ cost->member_table) % SETS];
	SegmentCost *best = set;
	int i;

	for (i = 0; i < WAYS; i++)
	{
		if (set[i].segment == cost->segment && set[i].member_table == cost->member_table &&
			set[i].database == cost->database)
			return &set[i];
		if (set[i].evaluations < best->evaluations)
			best = &set[i];
	}
	memset(best, 0, sizeof(SegmentCost));
	return best;
}

static void
add_to_share(const SegmentCost *cost)
{
	SegmentCost *place = shared_place(cost);

	place->database = cost->database;
	place->member_table = cost->member_table;
	place->segment = cost->segment;
	place->evaluations += cost->evaluations;
	place->seconds += cost->seconds;
}

/* ----- the backend's own ----- */

/* Nothing here raises: transactions end with it. */
static void
flush(void)
{
	int i;

	while (nused > 0)
	{
		int until = Max(nused - LOCKED_ADDS, 0);

		LWLockAcquire(&share->lock, LW_EXCLUSIVE);
		for (i = until; i < nused; i++)
			add_to_share(&places[used[i]]);
		LWLockRelease(&share->lock);
		for (i = until; i < nused; i++)
			places[used[i]].member_table = InvalidOid;
		nused = until;
	}
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	TimestampTz now;

	if (nused == 0 || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT))
		return;
	now = GetCurrentTimestamp();
	if (!TimestampDifferenceExceeds(flushed_at, now, FLUSH_MSEC))
		return;
	flushed_at = now;
	flush();
}

static void
end_of_backend(int code, Datum arg)
{
	if (nused > 0)
		flush();
}

/* A backend has its end told of when it counts for the first time. */
static void
begin_to_count(void)
{
	static bool begun = false;

	if (begun)
		return;
	begun = true;
	before_shmem_exit(end_of_backend, (Datum) 0);
}

static SegmentCost *
own_place(Program *program, int segment)
{
	int64 id = program->segments[segment].id;
	Oid member_table = program->table->member_table;
	int position = (uint64) id % PLACES;
	SegmentCost *place = &places[position];

	if (place->segment == id && place->member_table == member_table)
		return place;
	begin_to_count();
	if (OidIsValid(place->member_table))
		flush();
	place->database = MyDatabaseId;
	place->member_table = member_table;
	place->segment = id;
	place->evaluations = 0;
	place->seconds = 0;
	used[nused++] = position;
	return place;
}

/* Distances with a mean of SAMPLE_EVERY, so that no pattern of segments is always met alike. */
static bool
is_sample(void)
{
	if (--until_sample > 0)
		return false;
	chance ^= chance << 13;
	chance ^= chance >> 17;
	chance ^= chance << 5;
	until_sample = 1 + chance % (2 * SAMPLE_EVERY - 1);
	return true;
}

/*
 * A segment (its index) is about to be evaluated for a contact.  True when this
 * is to be timed.
 */
bool
SegmentCostCount(Program *program, int segment)
{
	if (share == NULL)
		return false;
	own_place(program, segment)->evaluations++;
	return is_sample();
}

/*
 * The evaluation that was begun at `start` has ended; it stands for others.
 */
void
SegmentCostTimed(Program *program, int segment, instr_time start)
{
	instr_time took;

	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, start);
	own_place(program, segment)->seconds += INSTR_TIME_GET_DOUBLE(took) * SAMPLE_EVERY;
}

/*
 * When the server starts: ask for the shared table.
 */
void
SegmentCostInit(void)
{
	if (PreloadedRequest(&piece))
		RegisterXactCallback(end_of_transaction, NULL);
}

/* ----- the numbers ----- */

static Datum
interval_of(double seconds)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = (int64) (seconds * USECS_PER_SEC);
	return IntervalPGetDatum(interval);
}

/* What is counted of a contact table, as it is now; returns how many. */
static int
copy_costs(Oid member_table, SegmentCost *costs)
{
	const SegmentCost *all = share->sets[0];
	int n = 0;
	int i;

	LWLockAcquire(&share->lock, LW_SHARED);
	for (i = 0; i < SETS * WAYS; i++)
		if (all[i].member_table == member_table && all[i].database == MyDatabaseId)
			costs[n++] = all[i];
	LWLockRelease(&share->lock);
	return n;
}

/*
 * segments_internal.segment_costs(contact_table)
 *   -> set of (segment_id, evaluations, evaluation_time)
 *
 * Of all segments for the owner of the contacts, for others of those they see;
 * 42501 for who may not read the contact table.
 */
PG_FUNCTION_INFO_V1(segments_segment_costs);
Datum
segments_segment_costs(PG_FUNCTION_ARGS)
{
	Oid contact_table = PG_GETARG_OID(0);
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	bool all = AccessIsOwner(contact_table);
	ContactTable *table;
	SegmentCost *costs;
	int n;
	int i;

	if (!AccessMayMonitor(contact_table))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(contact_table));
	table = CatalogContactTable(contact_table, true);
	if (share == NULL || table == NULL)
		PG_RETURN_NULL();
	if (nused > 0)
		flush();
	costs = palloc(sizeof(SegmentCost) * SETS * WAYS);
	n = copy_costs(table->member_table, costs);
	for (i = 0; i < n; i++)
	{
		Datum values[3];
		bool nulls[3] = {0};

		if (!all && !SegmentIsVisible(costs[i].segment))
			continue;
		values[0] = Int64GetDatum(costs[i].segment);
		values[1] = Int64GetDatum(costs[i].evaluations);
		values[2] = interval_of(costs[i].seconds);
		tuplestore_putvalues(store, desc, values, nulls);
	}
	PG_RETURN_NULL();
}
