/*
 * trim.c - segments.trim_changes(): entries of the log that are old and read.
 *
 * Deletes as the owner of the contact table, whose triggers may be on the log.
 * All consumers count, whoever the caller sees.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "time/clock.h"

PG_FUNCTION_INFO_V1(segments_trim_changes);

static Datum
consumer_value(CatalogScan *scan, const char *column)
{
	bool isnull;

	return heap_getattr(scan->tuple, get_attnum(RelationGetRelid(scan->rel), column),
						RelationGetDescr(scan->rel), &isnull);
}

/* A column as a literal of its type. */
static char *
consumer_literal(CatalogScan *scan, const char *column, Oid output)
{
	return quote_literal_cstr(OidOutputFunctionCall(output, consumer_value(scan, column)));
}

/* AND NOT what a consumer has not read (change_read.c). */
static void
append_unread(StringInfo sql, CatalogScan *scan)
{
	appendStringInfo(sql,
					 " AND NOT ((l.xact >= " INT64_FORMAT
					 " OR l.xact = ANY (%s::pg_catalog.int8[])) AND NOT (l.xact < " INT64_FORMAT
					 " AND l.xact <> ALL (%s::pg_catalog.int8[])"
					 " AND (l.lsn, l.xact, l.n) <= (%s::pg_catalog.pg_lsn, " INT64_FORMAT ", %d)))",
					 DatumGetInt64(consumer_value(scan, "low")),
					 consumer_literal(scan, "low_in_progress", F_ARRAY_OUT),
					 DatumGetInt64(consumer_value(scan, "high")),
					 consumer_literal(scan, "in_progress", F_ARRAY_OUT),
					 consumer_literal(scan, "lsn", F_PG_LSN_OUT),
					 DatumGetInt64(consumer_value(scan, "xact")),
					 DatumGetInt32(consumer_value(scan, "n")));
}

/*
 * Does anybody still read it?  A role that is gone, or that may read the contact
 * table no more, keeps nothing.
 */
static bool
is_reading(CatalogScan *scan, Oid contact_table)
{
	Oid role = DatumGetObjectId(consumer_value(scan, "role"));

	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)) &&
		   pg_class_aclcheck(contact_table, role, ACL_SELECT) == ACLCHECK_OK;
}

static void
append_consumers(StringInfo sql, Oid contact_table)
{
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, get_attnum(CatalogRelid("consumer"), "contact_table"), BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(contact_table));
	CatalogScanBegin(&scan, "consumer", InvalidOid, GetActiveSnapshot(), 1, &key);
	while (CatalogScanNext(&scan))
		if (is_reading(&scan, contact_table))
			append_unread(sql, &scan);
	CatalogScanEnd(&scan);
}

static int64
trim(ContactTable *table, Datum before, bool keep_unread)
{
	SecureContext secure;
	StringInfoData sql;
	Oid type = TIMESTAMPTZOID;
	int64 trimmed;

	initStringInfo(&sql);
	appendStringInfo(&sql, "DELETE FROM %s l WHERE l.at < $1",
					 CatalogRelationName(table->change_table));
	if (keep_unread)
		append_consumers(&sql, table->relid);
	SecureEnter(&secure, table->owner);
	SPI_connect();
	if (SPI_execute_with_args(sql.data, 1, &type, &before, NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not trim the log");
	trimmed = (int64) SPI_processed;
	SPI_finish();
	SecureLeave(&secure);
	return trimmed;
}

/*
 * segments.trim_changes(older_than, contact_table, keep_unread) -> bigint
 */
Datum
segments_trim_changes(PG_FUNCTION_ARGS)
{
	Oid relid = PG_ARGISNULL(1) ? CatalogDefaultContactTable() : PG_GETARG_OID(1);
	ContactTable *table = CatalogContactTable(relid, false);
	Datum before;

	AccessCheckOwner(relid);
	if (PG_ARGISNULL(0))
		PG_RETURN_INT64(0);
	before = DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(SegmentsNow()),
								 PG_GETARG_DATUM(0));
	PG_RETURN_INT64(trim(table, before, PG_ARGISNULL(2) || PG_GETARG_BOOL(2)));
}
