/*
 * check.c - segments.check(): is every membership what it should be?
 *
 * The differences (difference.c), as rows, by the snapshot of the query that
 * asks.  Few segments, and all of a small table, are asked by their SQL, which
 * shares nothing with what maintains them; many of a large table in one scan.
 * Either can be asked for.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/srf.h"
#include "base/subtransaction.h"
#include "base/table_tree.h"
#include "build/build_set.h"
#include "build/difference.h"
#include "build/progress.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "definition/owner_message.h"
#include "definition/segment.h"
#include "definition/wanted_key.h"
#include "program/program_cache.h"
#include "program/session.h"

typedef struct Check
{
	ContactTable *table;
	bool all; /* no segment was named */
	DifferenceMethod method;
	Tuplestorestate *store;
	TupleDesc desc;
	Oid wanted;        /* type of keys */
	Oid contact_table; /* at hand, and the segments of it */
	List *ids;
	Tuplestorestate *found; /* what is told only when all of these could be evaluated */
	bool complained;        /* about the caller's arguments */
} Check;

static const char *
reason_of(const Difference *difference)
{
	if (!difference->stored)
		return "is not a member but should be";
	if (!difference->exists)
		return "does not exist";
	return difference->excluded ? "is excluded by hand" : "is a member but does not match";
}

static bool
is_whole_number(Oid type)
{
	Oid base = getBaseType(type);

	return base == INT2OID || base == INT4OID || base == INT8OID;
}

static char *
key_text(const ContactTable *table, Datum key)
{
	Oid output;
	bool varlena;

	getTypeOutputInfo(table->key_type, &output, &varlena);
	return OidOutputFunctionCall(output, key);
}

/* Keys are given as bigint unless asked for otherwise. */
static void
check_key_type(Check *check, const Difference *difference)
{
	char *key_type = format_type_be(check->table->key_type);
	SegmentRow *row;

	if (TupleDescAttr(check->desc, 1)->atttypid != INT8OID ||
		is_whole_number(check->table->key_type))
		return;
	row = SegmentById(difference->segment);
	check->complained = true;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("keys of contact table \"%s\" are of type %s, not bigint",
					get_rel_name(check->table->relid), key_type),
			 errdetail("Contact %s of segment \"%s\" differs: it %s.",
					   key_text(check->table, difference->key), row->alias, reason_of(difference)),
			 errhint("Use segments.check(%s, NULL::%s).",
					 check->all ? "NULL" : quote_literal_cstr(row->alias), key_type)));
}

static void
store_difference(void *arg, const Difference *difference)
{
	Check *check = arg;
	Datum values[5];
	bool nulls[5] = {0};

	check_key_type(check, difference);
	values[0] = Int64GetDatum(difference->segment);
	check->complained = true;
	values[1] = WantedKeyValue(check->table, difference->key, check->wanted);
	check->complained = false;
	values[2] = BoolGetDatum(difference->stored);
	values[3] = BoolGetDatum(!difference->stored);
	values[4] = CStringGetTextDatum(reason_of(difference));
	tuplestore_putvalues(check->found, check->desc, values, nulls);
	ProgressChanges(1);
}

/* A query each reads so little that an independent answer costs nothing. */
static bool
is_small(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	double rows;
	bool small = TableTreeSize(rel, &rows) < SMALL_TABLE_BLOCKS;

	table_close(rel, AccessShareLock);
	return small;
}

static void
check_table(void *arg)
{
	Check *check = arg;
	DifferenceSearch search = {check->contact_table, check->ids, GetActiveSnapshot(),
							   check->method};
	OwnerMessage message;

	if (check->method == DIFFERENCE_CHOOSE && is_small(check->contact_table))
		search.method = DIFFERENCE_QUERY;
	search.by_hand = true;
	search.visit = store_difference;
	search.arg = check;
	check->table = CatalogContactTable(check->contact_table, false);
	check->wanted = TupleDescAttr(check->desc, 1)->atttypid;
	SessionBegin(ProgramGet(check->contact_table));
	SessionEnter();
	ProgressBegin(PROGRESS_CHECK, check->contact_table, list_length(check->ids));
	OwnerMessageBegin(&message, check->contact_table);
	DifferencesFind(&search);
	OwnerMessageEnd(&message);
	ProgressEnd();
	SessionEnd();
}

static void
tell_found(Check *check)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(check->desc, &TTSOpsMinimalTuple);

	WantedKeysConstrain(CatalogContactTable(check->contact_table, false), check->found, check->desc,
						2);
	while (tuplestore_gettupleslot(check->found, true, false, slot))
		tuplestore_puttupleslot(check->store, slot);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Check some segments of a contact table; the error, when that is not possible.
 * A segment that was named must be checked: then it is raised.
 */
static ErrorData *
check_ids(Check *check, List *ids)
{
	ErrorData *error;

	check->ids = ids;
	check->found = tuplestore_begin_heap(false, false, work_mem);
	error = InSubtransaction(check_table, check, NULL);
	if (error != NULL && (!check->all || check->complained))
		ReThrowError(error);
	if (error == NULL)
		tell_found(check);
	tuplestore_end(check->found);
	return error;
}

/* What could not be checked is not known to be right. */
static void
warn_unchecked(int64 id, const char *what, const ErrorData *error)
{
	SegmentRow *row = SegmentById(id);

	if (row == NULL)
		return;
	ereport(WARNING,
			(errcode(error ? error->sqlerrcode : ERRCODE_WARNING),
			 errmsg("segment \"%s\" %s", row->alias, what),
			 error ? errdetail_internal("%s", AsideReasonFor(row->contact_table, error)) : 0,
			 errhint("Remove the cause, then use segments.rebuild(%s).",
					 quote_literal_cstr(row->alias))));
}

/*
 * All segments of a contact table at once; where that fails, one by one: those
 * that can be evaluated are checked, the others are told of.
 */
static void
check_each(Check *check, List *ids)
{
	ErrorData *error = check_ids(check, ids);
	ListCell *cell;

	if (error == NULL)
		return;
	if (list_length(ids) == 1)
	{
		warn_unchecked(*(int64 *) linitial(ids), "could not be checked", error);
		return;
	}
	foreach (cell, ids)
	{
		CHECK_FOR_INTERRUPTS();
		check_each(check, list_make1(lfirst(cell)));
	}
}

/* Without those that were set aside, unless one was named. */
static List *
maintained(Check *check, List *ids)
{
	List *rest;
	List *failed;
	ListCell *cell;

	if (!check->all)
		return ids;
	failed = SegmentsFailed(ids, &rest);
	foreach (cell, failed)
		warn_unchecked(*(int64 *) lfirst(cell), "is set aside and was not checked", NULL);
	return rest;
}

/*
 * segments_internal.check_segments(ids bigint[], key anyelement, by_query boolean)
 *   -> (segment_id, contact_id, stored, evaluated, reason); ids null: all that
 * one sees
 */
PG_FUNCTION_INFO_V1(segments_check_segments);
Datum
segments_check_segments(PG_FUNCTION_ARGS)
{
	Check check = {0};
	Oid type = INT8ARRAYOID;
	Datum ids = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	char is_null = PG_ARGISNULL(0) ? 'n' : ' ';
	SPITupleTable *tables;
	uint64 n;
	uint64 i;

	check.all = PG_ARGISNULL(0);
	check.method = PG_ARGISNULL(2)     ? DIFFERENCE_CHOOSE
				   : PG_GETARG_BOOL(2) ? DIFFERENCE_QUERY
									   : DIFFERENCE_SCAN;
	check.store = SrfBegin(fcinfo, &check.desc);
	SPI_connect();
	if (SPI_execute_with_args(
			"SELECT s.contact_table::pg_catalog.oid, pg_catalog.array_agg(s.id ORDER BY s.id) "
			"FROM segments.segment s WHERE s.is_published AND ($1 IS NULL OR s.id = ANY ($1)) "
			"GROUP BY s.contact_table ORDER BY pg_catalog.min(s.id)",
			1, &type, &ids, &is_null, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read segments");
	tables = SPI_tuptable;
	n = SPI_processed;
	for (i = 0; i < n; i++)
	{
		bool isnull;
		Datum table = SPI_getbinval(tables->vals[i], tables->tupdesc, 1, &isnull);
		Datum list = SPI_getbinval(tables->vals[i], tables->tupdesc, 2, &isnull);
		List *some;

		check.contact_table = DatumGetObjectId(table);
		some = maintained(&check, BuildIds(DatumGetArrayTypeP(list)));
		if (some != NIL)
			check_each(&check, some);
	}
	SPI_finish();
	PG_RETURN_NULL();
}
