/*
 * trimmed.c - up to when entries are missing from a log.
 *
 * A trigger on the log takes the rows that a statement deleted from it, whoever
 * did so and in whatever order, and keeps the latest instant of each segment in
 * segments.log_trimmed.  Numbers do not tell: those of entries are forgotten when
 * a table gets another file, and the oldest entry that is left can be older than
 * one that is gone.
 *
 * Invariant: every entry of a segment after its instant there is in the log.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/secure.h"
#include "base/vector.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/segment_find.h"
#include "definition/table_beside.h"
#include "log/change_log_scan.h"
#include "log/member_count.h"

PG_FUNCTION_INFO_V1(segments_after_trim);
PG_FUNCTION_INFO_V1(segments_trimmed_until);

/* segments.log_trimmed */
#define Anum_trimmed_contact_table 1
#define Anum_trimmed_segment_id 2
#define Anum_trimmed_at 3

#define ALL_SEGMENTS 0 /* as their id, where the log was truncated */

/* ----- keeping it ----- */

/* The contact table whose log it is, laid out as one; NULL: it is none. */
static ContactTable *
table_of_log(Oid log)
{
	Oid relid = CatalogContactTableBeside(log);
	ContactTable *table = OidIsValid(relid) ? CatalogContactTable(relid, true) : NULL;

	if (table == NULL || table->change_table != log)
		return NULL;
	/* the rows are read by number of column */
	RelationClose(BesideOpenOf(table, BESIDE_CHANGE, AccessShareLock));
	return table;
}

/* The rows that are gone, by segment. */
static HTAB *
gone_entries(TriggerData *data)
{
	HTAB *counts = MemberCountHash();
	TupleTableSlot *slot =
		MakeSingleTupleTableSlot(RelationGetDescr(data->tg_relation), &TTSOpsMinimalTuple);
	LogEntry entry = {0};

	tuplestore_rescan(data->tg_oldtable);
	while (tuplestore_gettupleslot(data->tg_oldtable, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		ChangeLogEntry(slot, &entry);
		MemberCountAdd(&entry, counts);
	}
	ExecDropSingleTupleTableSlot(slot);
	return counts;
}

static void
keep_latest(Oid contact_table, HTAB *counts)
{
	int n = (int) hash_get_num_entries(counts);
	Datum *segments = palloc(sizeof(Datum) * n);
	Datum *instants = palloc(sizeof(Datum) * n);
	Oid types[3] = {REGCLASSOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID};
	Datum values[3];
	HASH_SEQ_STATUS status;
	MemberCount *count;
	int i = 0;

	hash_seq_init(&status, counts);
	while ((count = hash_seq_search(&status)) != NULL)
	{
		segments[i] = Int64GetDatum(count->segment);
		instants[i++] = TimestampTzGetDatum(count->last_change);
	}
	values[0] = ObjectIdGetDatum(contact_table);
	values[1] = Int64Array(segments, n);
	values[2] = PointerGetDatum(
		construct_array(instants, n, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	/* in one order, as others may be doing so */
	if (SPI_execute_with_args(
			"INSERT INTO segments.log_trimmed AS t (contact_table, segment_id, at) "
			"SELECT $1, s.id, u.at FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) u(id, at) "
			"JOIN segments.segment s ON s.id = u.id ORDER BY s.id "
			"ON CONFLICT (contact_table, segment_id) DO UPDATE SET at = EXCLUDED.at WHERE t.at < EXCLUDED.at",
			3, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not keep up to when the log was trimmed");
}

/*
 * segments_internal.after_trim(): the trigger on a log, after entries of it were
 * deleted.  Everybody may put it on tables of their own, where it does nothing.
 */
Datum
segments_after_trim(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	ContactTable *table;
	SecureContext secure;
	HTAB *gone;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(data->tg_event) ||
		data->tg_oldtable == NULL)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" was not called by a trigger with the old rows of a "
							   "DELETE",
							   "segments_internal.after_trim")));
	table = table_of_log(RelationGetRelid(data->tg_relation));
	if (table == NULL || tuplestore_tuple_count(data->tg_oldtable) == 0)
		return PointerGetDatum(NULL);
	SPI_connect();
	gone = gone_entries(data);
	SecureEnter(&secure, CatalogOwner());
	keep_latest(table->relid, gone);
	SecureLeave(&secure);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* ----- asking ----- */

static TimestampTz
read_instant(Oid contact_table, int64 segment)
{
	ScanKeyData keys[2];
	CatalogScan scan;
	TimestampTz at = DT_NOBEGIN;
	bool isnull;

	ScanKeyInit(&keys[0], Anum_trimmed_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	ScanKeyInit(&keys[1], Anum_trimmed_segment_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(segment));
	CatalogScanByKey(&scan, "log_trimmed", NULL, 2, keys);
	if (CatalogScanNext(&scan))
		at = DatumGetTimestampTz(
			heap_getattr(scan.tuple, Anum_trimmed_at, RelationGetDescr(scan.rel), &isnull));
	CatalogScanEnd(&scan);
	return at;
}

/*
 * segments_internal.trimmed_until(contact_table, segment) -> timestamptz
 *
 * As last committed: a truncated log is empty for older snapshots too.
 */
Datum
segments_trimmed_until(PG_FUNCTION_ARGS)
{
	Oid relid = AccessContactTable(PG_GETARG_OID(0))->relid;
	int64 segment = PG_GETARG_INT64(1);
	TimestampTz at = read_instant(relid, ALL_SEGMENTS);

	if (SegmentIsVisible(segment))
		at = Max(at, read_instant(relid, segment));
	PG_RETURN_TIMESTAMPTZ(at);
}
