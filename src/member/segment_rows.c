/*
 * segment_rows.c - what happens to a segment's rows beside the contact table
 * when the segment itself goes, or loses its filters.
 *
 * Called by the triggers of segments.segment only.  The rows belong to the
 * owner of the contact table and may have triggers, so they are written with
 * that owner's rights, never with the extension's.
 *
 * Invariant: writers of the contact table are locked out first, and everything
 * is read as last committed, so that no row of a segment outlives it, at any
 * isolation level.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/table_tree.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "log/change_log.h"
#include "log/change_number.h"
#include "time/clock.h"

PG_FUNCTION_INFO_V1(segments_forget_members);
PG_FUNCTION_INFO_V1(segments_keep_members);

/* The contact table, with its writers locked out; NULL when it is gone. */
static ContactTable *
lock_contact_table(Oid relid)
{
	/* first whoever changes a definition, whom a request for more would make writers wait for */
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	TableTreeLock(relid, ShareRowExclusiveLock, LockRelationOid);
	return CatalogContactTable(relid, true);
}

/*
 * Run one statement on the rows as last committed.  $1 is the segment, $2 the
 * transaction, $3 the instant, $4 the user, $5 the number of the next entry of
 * the log.  Gives the number of rows written.
 */
static int
run(const char *sql, int64 segment_id)
{
	Oid types[5] = {INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, INT4OID};
	Datum values[5];
	SPIPlanPtr plan = SPI_prepare(sql, lengthof(types), types);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	values[0] = Int64GetDatum(segment_id);
	values[1] = Int64GetDatum(ChangeLogTransaction());
	values[2] = TimestampTzGetDatum(SegmentsNow());
	values[3] = CStringGetTextDatum(AccessUserName());
	values[4] = Int32GetDatum(ChangeNumberNext(0));
	if (SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot, false, true,
							 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	SPI_freeplan(plan);
	return (int) SPI_processed;
}

static void
forget_members(ContactTable *table, int64 segment_id)
{
	int leaves;

	leaves = run(
		psprintf(
			"WITH gone AS (DELETE FROM %s WHERE segment_id = $1 RETURNING contact_id, since) "
			"INSERT INTO %s (xact, n, segment_id, contact_id, joined, cause, at) "
			"SELECT $2, $5 - 1 + row_number() OVER (ORDER BY contact_id), $1, contact_id, false, "
			"'definition', " LEFT_AT("$3") " FROM gone",
			CatalogRelationName(table->member_table), CatalogRelationName(table->change_table)),
		segment_id);
	(void) ChangeNumberNext(leaves);
	(void) run(psprintf("DELETE FROM %s WHERE segment_id = $1",
						CatalogRelationName(table->override_table)),
			   segment_id);
}

static void
keep_members(ContactTable *table, int64 segment_id)
{
	(void) run(psprintf("INSERT INTO %s (segment_id, contact_id, included, since, by_user) "
						"SELECT segment_id, contact_id, true, $3, $4 FROM %s WHERE segment_id = $1 "
						"ON CONFLICT DO NOTHING",
						CatalogRelationName(table->override_table),
						CatalogRelationName(table->member_table)),
			   segment_id);
}

/* Do one of the above as the owner of the contact table. */
static void
as_owner(Oid relid, int64 segment_id, void (*work)(ContactTable *, int64))
{
	ContactTable *table = lock_contact_table(relid);
	SecureContext secure;

	if (table == NULL)
		return;
	SecureEnter(&secure, table->owner);
	SPI_connect();
	work(table, segment_id);
	SPI_finish();
	SecureLeave(&secure);
}

/* segments_internal.forget_members(contact_table, segment_id) */
Datum
segments_forget_members(PG_FUNCTION_ARGS)
{
	as_owner(PG_GETARG_OID(0), PG_GETARG_INT64(1), forget_members);
	PG_RETURN_VOID();
}

/* segments_internal.keep_members(contact_table, segment_id) */
Datum
segments_keep_members(PG_FUNCTION_ARGS)
{
	as_owner(PG_GETARG_OID(0), PG_GETARG_INT64(1), keep_members);
	PG_RETURN_VOID();
}
