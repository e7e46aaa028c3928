/*
 * refresh_read.c - the contacts that have values which moving boundaries passed.
 *
 * By the index of the value, where there is one, a range at a time; else by one
 * scan of the table.
 */
#include "postgres.h"

#include "refresh/refresh_read.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/kept_plan.h"
#include "base/result.h"
#include "base/secure.h"
#include "base/type_name.h"
#include "definition/contact_table.h"
#include "definition/related_sql.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "program/program.h"
#include "refresh/passed_contacts.h"
#include "refresh/refresh_window.h"
#include "refresh/value_index.h"

#define FETCH_ROWS 1000

static Datum
from_integer(ValueType type, int64 value)
{
	if (type == VALUE_DATE || type == VALUE_MONTH_DAY)
		return Int32GetDatum((int32) Max(Min(value, PG_INT32_MAX), PG_INT32_MIN));
	return Int64GetDatum(value);
}

typedef struct LineType
{
	Oid type;
	Oid array_type;
	const char *name;
	int len;
	bool byval;
	char align;
} LineType;

static LineType
line_type(ValueType type)
{
	static const LineType date = {DATEOID, DATEARRAYOID, "pg_catalog.date", 4, true, TYPALIGN_INT};
	static const LineType month_day = {INT4OID, INT4ARRAYOID, "pg_catalog.int4",
									   4,       true,         TYPALIGN_INT};
	static const LineType local = {TIMESTAMPOID,    TIMESTAMPARRAYOID, "pg_catalog.timestamp", 8,
								   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE};
	static const LineType absolute = {TIMESTAMPTZOID,           TIMESTAMPTZARRAYOID,
									  "pg_catalog.timestamptz", 8,
									  FLOAT8PASSBYVAL,          TYPALIGN_DOUBLE};

	switch (type)
	{
		case VALUE_DATE:
			return date;
		case VALUE_MONTH_DAY:
			return month_day;
		case VALUE_TIMESTAMP:
			return local;
		default:
			return absolute;
	}
}

/* Does a row, or its link, have the very key of its contact? */
static bool
rows_have_keys(const RelatedRows *rows, ContactTable *table)
{
	Oid relid = OidIsValid(rows->link_relid) ? rows->link_relid : rows->relid;

	return rows->contact_reference == NULL &&
		   getBaseType(get_atttype(relid, get_attnum(relid, rows->contact_column))) ==
			   table->key_type;
}

/*
 * SELECT, for the rows of all contacts, where the keys are those of contacts
 * also without looking at these; NULL where they are not.
 */
static char *
rows_sql(ContactTable *table, const PassedValue *value, const char *type)
{
	const RelatedRows *rows = value->atom->rows;
	char *from;
	char *key;
	const char *column;

	if (!rows_have_keys(rows, table) ||
		!RowsOfAllSql(rows, value->condition, table, &from, &key, &column))
		return NULL;
	return psprintf("SELECT (%s)::%s AS k, (%s)::%s AS v %s", key,
					UnmodifiedTypeName(table->key_type), value->sql, type, from);
}

/*
 * Keys and values of the contacts in a range, which is given as SQL.  windows:
 * what stands first in FROM.  Rows without a contact may have keys too.
 */
static char *
contacts_sql(ContactTable *table, const PassedValue *value, const char *windows, const char *low,
			 const char *high)
{
	const Atom *atom = value->atom;
	const char *type = line_type(atom->value_type).name;
	char *rows;

	if (atom->scope == ATOM_CONTACT)
		return psprintf("SELECT c.%s, (%s)::%s FROM %s%s c WHERE %s >= %s AND %s <= %s", table->key,
						value->sql, type, windows, table->name, value->sql, low, value->sql, high);
	rows = rows_sql(table, value, type);
	if (rows != NULL)
		return psprintf("SELECT x.k, x.v FROM %sLATERAL (%s AND %s >= %s AND %s <= %s) x", windows,
						rows, value->sql, low, value->sql, high);
	return psprintf(
		"SELECT c.%s, x.v FROM %s%s c, LATERAL (SELECT (%s)::%s AS v %s AND %s >= %s AND %s <= %s) x",
		table->key, windows, table->name, value->sql, type,
		RowsFromSql(atom->rows, value->condition, "c", table), value->sql, low, value->sql, high);
}

/*
 * Range by range through the index: the planner does not know how short they
 * are.  For the planning of one query; returns the level to go back to.
 */
static int
insist_on_index(void)
{
	static const char *const settings[][2] = {
		{"enable_seqscan", "off"},   {"enable_bitmapscan", "off"}, {"enable_hashjoin", "off"},
		{"enable_mergejoin", "off"}, {"enable_indexscan", "on"},   {"enable_nestloop", "on"}};
	int nestlevel = NewGUCNestLevel();
	int i;

	for (i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nestlevel;
}

static Datum
ends_of_ranges(const PassedValue *value, const LineType *type, bool high)
{
	Datum *ends = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * value->nranges);
	int i;

	for (i = 0; i < value->nranges; i++)
		ends[i] = from_integer(value->atom->value_type,
							   high ? value->ranges[i].high : value->ranges[i].low);
	return PointerGetDatum(
		construct_array(ends, value->nranges, type->type, type->len, type->byval, type->align));
}

static Portal
open_cursor(const char *sql, Oid type, Datum low, Datum high)
{
	Oid types[2] = {type, type};
	Datum values[2] = {low, high};
	SPIPlanPtr plan = KeptPlan(sql, 2, types);
	Portal portal;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	portal = SPI_cursor_open(NULL, plan, values, NULL, true);
	PopActiveSnapshot();
	if (portal == NULL)
		elog(ERROR, "SPI_cursor_open failed: %s", SPI_result_code_string(SPI_result));
	return portal;
}

static Portal
open_by_index(ContactTable *table, const PassedValue *value, const LineType *type)
{
	char *sql = contacts_sql(
		table, value, "ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS w (low, high), ",
		"w.low", "w.high");
	int nestlevel = insist_on_index();
	Portal portal = open_cursor(sql, type->array_type, ends_of_ranges(value, type, false),
								ends_of_ranges(value, type, true));

	AtEOXact_GUC(false, nestlevel);
	return portal;
}

/* One scan for all ranges together. */
static Portal
open_by_scan(ContactTable *table, const PassedValue *value, const LineType *type)
{
	return open_cursor(
		contacts_sql(table, value, "", "$1", "$2"), type->type,
		from_integer(value->atom->value_type, value->ranges[0].low),
		from_integer(value->atom->value_type, value->ranges[value->nranges - 1].high));
}

static Oid
rows_relid(const Atom *atom, ContactTable *table)
{
	return atom->scope == ATOM_CONTACT ? table->relid : atom->rows->relid;
}

static const char *
rows_alias(const Atom *atom)
{
	return atom->scope == ATOM_CONTACT ? "c" : "r";
}

static Portal
open_contacts(ContactTable *table, const PassedValue *value)
{
	const Atom *atom = value->atom;
	LineType type = line_type(atom->value_type);

	if (ValueIsIndexed(value->sql, rows_relid(atom, table), rows_alias(atom), type.type))
		return open_by_index(table, value, &type);
	return open_by_scan(table, value, &type);
}

/* Does the atom move itself, not only what is in its row group? */
static bool
has_own_boundary(const Atom *atom)
{
	return atom->value_type == VALUE_MONTH_DAY || BoundaryMoves(&atom->lower) ||
		   BoundaryMoves(&atom->upper);
}

/*
 * The index that a refresh would need for an atom, as a command; NULL when the
 * atom does not move, or there is one.
 */
char *
PassedIndexAdvice(const Atom *atom, ContactTable *table)
{
	if (!atom->moves || !has_own_boundary(atom))
		return NULL;
	return ValueIndexAdvice(PassedRowValue(atom, table), rows_relid(atom, table), rows_alias(atom),
							line_type(atom->value_type).type);
}

/* The range that a point lies in, or -1. */
static int
find_range(const PassedValue *value, int64 at)
{
	int low = 0;
	int high = value->nranges - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;

		if (at < value->ranges[middle].low)
			high = middle - 1;
		else if (at > value->ranges[middle].high)
			low = middle + 1;
		else
			return middle;
	}
	return -1;
}

static void
keep_fetched(Program *program, PassedContacts *contacts, const PassedValue *value)
{
	Oid type = line_type(value->atom->value_type).type;
	uint64 i;

	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		Datum key = ResultValue(SPI_tuptable, i, 1, program->table->key_type, &isnull);
		int64 at =
			PassedInteger(value->atom->value_type, ResultValue(SPI_tuptable, i, 2, type, &isnull));
		int range = isnull ? -1 : find_range(value, at);

		if (range >= 0)
			PassedContactsAdd(contacts, key, value, at, range);
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Add the contacts with a value in its ranges.  Needs SPI.
 */
void
PassedFind(Program *program, const PassedValue *value, PassedContacts *contacts)
{
	SecureContext secure;
	Portal portal;

	SecureEnter(&secure, program->table->owner);
	portal = open_contacts(program->table, value);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		keep_fetched(program, contacts, value);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(portal);
	SecureLeave(&secure);
}
