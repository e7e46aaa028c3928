/*
 * member_write.c - joins and leaves -> rows of the member table and the log.
 *
 * All joins of a statement in one query and all leaves in another, sorted by
 * segment and contact.  What was done by hand is respected here, in one place:
 * nobody who is excluded joins, nobody who is included leaves. Writing what is
 * so already does nothing, and logs nothing.
 */
#include "postgres.h"

#include "member/member_write.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "base/spi.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/table_beside.h"
#include "log/change_log.h"
#include "log/change_number.h"
#include "member/change_set.h"
#include "member/member_direct.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/session.h"
#include "time/clock.h"

#define WRITE_ROWS 100000 /* in one query */

static Datum
transaction_datum(void)
{
	return Int64GetDatum(ChangeLogTransaction());
}

/* ----- writing ----- */

static SPIPlanPtr
write_plan(Program *program, bool join)
{
	ContactTable *table = program->table;
	Oid types[8];
	char *member = CatalogRelationName(table->member_table);
	char *override = CatalogRelationName(table->override_table);
	char *change = CatalogRelationName(table->change_table);
	char *sql;

	types[0] = INT8ARRAYOID;
	types[1] = program->key_array_type;
	types[2] = TIMESTAMPTZOID;
	types[3] = INT8OID;
	types[4] = INT4OID;
	types[5] = TEXTOID;
	types[6] = TEXTOID;
	types[7] = TEXTOID;
	if (join)
		sql = psprintf(
			"WITH moved AS ("
			"INSERT INTO %s (segment_id, contact_id, since) "
			"SELECT u.s, u.k, $3 FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(s, k) "
			"WHERE NOT EXISTS (SELECT FROM %s o WHERE o.segment_id = u.s AND o.contact_id = u.k AND NOT o.included) "
			"ON CONFLICT DO NOTHING RETURNING segment_id, contact_id) "
			"INSERT INTO %s (xact, n, segment_id, contact_id, joined, cause, at, source, reference) "
			"SELECT $4, $5 + pg_catalog.row_number() OVER () - 1, segment_id, contact_id, true, $6, $3, $7, $8 FROM moved",
			member, override, change);
	else
		sql = psprintf(
			"WITH moved AS ("
			"DELETE FROM %s m USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(s, k) "
			"WHERE m.segment_id = u.s AND m.contact_id = u.k "
			"AND NOT EXISTS (SELECT FROM %s o WHERE o.segment_id = u.s AND o.contact_id = u.k AND o.included) "
			"RETURNING m.segment_id, m.contact_id, m.since) "
			"INSERT INTO %s (xact, n, segment_id, contact_id, joined, cause, at, source, reference) "
			"SELECT $4, $5 + pg_catalog.row_number() OVER () - 1, segment_id, contact_id, false, $6, " LEFT_AT(
				"$3") ", $7, $8 FROM moved",
			member, override, change);
	return ProgramPlan(program, join ? &program->join_plan : &program->leave_plan, sql, 8, types);
}

static int
write_run(Program *program, Change *changes, int n, const char *cause, const ChangeOrigin *origin)
{
	Datum values[8];
	char nulls[] = "        ";
	Datum *segments = palloc(sizeof(Datum) * n);
	Datum *keys = palloc(sizeof(Datum) * n);
	int written;
	int i;

	for (i = 0; i < n; i++)
	{
		segments[i] = Int64GetDatum(changes[i].segment);
		keys[i] = changes[i].key;
	}
	values[0] = Int64Array(segments, n);
	values[1] = ProgramKeyArray(program, keys, n);
	values[2] = TimestampTzGetDatum(SegmentsNow());
	values[3] = transaction_datum();
	values[4] = Int32GetDatum(ChangeNumberNext(n));
	values[5] = CStringGetTextDatum(cause);
	SpiSetText(values, nulls, 6, origin->source);
	SpiSetText(values, nulls, 7, origin->reference);
	SpiExecuteNulls(write_plan(program, changes[0].joined), values, nulls, SPI_OK_INSERT);
	written = (int) SPI_processed;
	(void) ChangesWritten(written);
	pfree(segments);
	pfree(keys);
	pfree(DatumGetPointer(values[0]));
	pfree(DatumGetPointer(values[1]));
	return written;
}

/*
 * Write all changes; tells how many there really were.  The set is sorted,
 * leaves first, and kept.  Triggers of the member table may change contacts:
 * then what was written may be out of date, which is for the caller to mend.
 */
MemberWritten
MemberWrite(Program *program, ChangeSet *set, const char *cause)
{
	MemberWritten result = {0};
	int start = 0;
	uint64 before;

	ChangeSetSort(program, set);
	if (set->n == 0)
		return result;
	if (MemberWriteDirect(program, set, cause, &result.written))
	{
		(void) ChangesWritten(result.written);
		return result;
	}
	SessionEnter();
	before = SessionsBegun();
	while (start < set->n)
	{
		int end = start + 1;

		while (end < set->n && end - start < WRITE_ROWS &&
			   set->changes[end].joined == set->changes[start].joined)
			end++;
		result.written +=
			write_run(program, set->changes + start, end - start, cause, &set->origin);
		start = end;
	}
	result.disturbed = SessionsBegun() != before;
	return result;
}

/* ----- contacts that go, or change their key ----- */

static void
run_with_keys(Program *program, const char *sql, Datum *keys, int nkeys)
{
	Oid types[4];
	Datum values[4];

	SessionEnter();
	types[0] = program->key_array_type;
	types[1] = TIMESTAMPTZOID;
	types[2] = INT8OID;
	types[3] = INT4OID;
	values[0] = ProgramKeyArray(program, keys, nkeys);
	values[1] = TimestampTzGetDatum(SegmentsNow());
	values[2] = transaction_datum();
	values[3] = Int32GetDatum(ChangeNumberNext(0));
	SpiRun(sql, 4, types, values);
	(void) ChangeNumberNext((int) SPI_processed);
}

static void
delete_members(Program *program, const char *condition, Datum *keys, int nkeys)
{
	char *sql = psprintf(
		"WITH moved AS (DELETE FROM %s m WHERE %s RETURNING m.segment_id, m.contact_id, m.since) "
		"INSERT INTO %s (xact, n, segment_id, contact_id, joined, cause, at) "
		"SELECT $3, $4 + pg_catalog.row_number() OVER () - 1, segment_id, contact_id, false, '" CAUSE_FILTER
		"', " LEFT_AT("$2") " FROM moved",
		CatalogRelationName(program->table->member_table), condition,
		CatalogRelationName(program->table->change_table));

	run_with_keys(program, sql, keys, nkeys);
}

/*
 * Contacts are gone: so are their memberships and what was done by hand.
 */
void
MemberForgetContacts(Program *program, Datum *keys, int nkeys)
{
	BesideCheck(program->table);
	delete_members(program, "m.contact_id = ANY ($1)", keys, nkeys);
	run_with_keys(
		program,
		psprintf(
			"DELETE FROM %s WHERE contact_id = ANY ($1) AND $2 IS NOT NULL AND $3 > 0 AND $4 > 0",
			CatalogRelationName(program->table->override_table)),
		keys, nkeys);
}

/*
 * All contacts are gone (TRUNCATE).
 */
void
MemberForgetAll(Program *program)
{
	BesideCheck(program->table);
	delete_members(program, "$1 IS NOT NULL", NULL, 0);
	run_with_keys(
		program,
		psprintf("DELETE FROM %s WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND $3 > 0 AND $4 > 0",
				 CatalogRelationName(program->table->override_table)),
		NULL, 0);
}

/*
 * Memberships of unpublished segments are frozen: they follow the contact as
 * they are.  Reads them as arrays of segments, new keys and sinces; false when
 * there are none.  values: old and new keys.
 */
static bool
read_frozen(Program *program, Datum *values, Datum *members)
{
	Oid types[2];
	bool isnull = true;
	int i;

	SessionEnter();
	types[0] = program->key_array_type;
	types[1] = program->key_array_type;
	SpiRun(
		psprintf(
			"SELECT pg_catalog.array_agg(m.segment_id), pg_catalog.array_agg(u.n), pg_catalog.array_agg(m.since) "
			"FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(o, n) "
			"JOIN %s m ON m.contact_id = u.o JOIN segments.segment s ON s.id = m.segment_id "
			"WHERE NOT s.is_published",
			CatalogRelationName(program->table->member_table)),
		2, types, values);
	for (i = 0; i < 3; i++)
	{
		members[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull);
		if (!isnull)
			members[i] = datumCopy(members[i], false, -1);
	}
	SPI_freetuptable(SPI_tuptable);
	return !isnull;
}

static void
write_frozen(Program *program, Datum *members)
{
	Oid types[6];
	Datum values[6];

	types[0] = INT8ARRAYOID;
	types[1] = program->key_array_type;
	types[2] = TIMESTAMPTZARRAYOID;
	types[3] = TIMESTAMPTZOID;
	types[4] = INT8OID;
	types[5] = INT4OID;
	memcpy(values, members, sizeof(Datum) * 3);
	values[3] = TimestampTzGetDatum(SegmentsNow());
	values[4] = transaction_datum();
	values[5] = Int32GetDatum(ChangeNumberNext(0));
	SpiRun(
		psprintf(
			"WITH moved AS (INSERT INTO %s (segment_id, contact_id, since) "
			"SELECT u.s, u.k, u.t FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) u(s, k, t) "
			"ON CONFLICT DO NOTHING RETURNING segment_id, contact_id) "
			"INSERT INTO %s (xact, n, segment_id, contact_id, joined, cause, at) "
			"SELECT $5, $6 + pg_catalog.row_number() OVER () - 1, segment_id, contact_id, true, '" CAUSE_FILTER
			"', $4 FROM moved",
			CatalogRelationName(program->table->member_table),
			CatalogRelationName(program->table->change_table)),
		6, types, values);
	(void) ChangeNumberNext((int) SPI_processed);
}

/*
 * Contacts change their keys: old_keys[i] becomes new_keys[i].  They leave
 * under the old key; what was done by hand goes with them, and inclusions
 * join under the new key.  Filters are the caller's.
 */
void
MemberMoveContacts(Program *program, Datum *old_keys, Datum *new_keys, int nkeys)
{
	char *override = CatalogRelationName(program->table->override_table);
	Oid types[5];
	Datum values[5];
	Datum frozen_members[3];
	bool frozen;

	BesideCheck(program->table);
	types[0] = program->key_array_type;
	types[1] = program->key_array_type;
	types[2] = TIMESTAMPTZOID;
	types[3] = INT8OID;
	types[4] = INT4OID;
	values[0] = ProgramKeyArray(program, old_keys, nkeys);
	values[1] = ProgramKeyArray(program, new_keys, nkeys);
	values[2] = TimestampTzGetDatum(SegmentsNow());
	values[3] = transaction_datum();

	frozen = read_frozen(program, values, frozen_members);
	delete_members(program, "m.contact_id = ANY ($1)", old_keys, nkeys);
	if (frozen)
		write_frozen(program, frozen_members);
	values[4] = Int32GetDatum(ChangeNumberNext(0));
	/* all old rows go before the first new one comes: keys may be swapped */
	SpiRun(
		psprintf(
			"WITH gone AS (DELETE FROM %s o "
			"USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(o, n) "
			"WHERE o.contact_id = u.o RETURNING o.segment_id, u.n AS contact_id, o.included, o.since, o.by_user, "
			"o.source, o.reference), "
			"counted AS MATERIALIZED (SELECT pg_catalog.count(*) AS n FROM gone) "
			"INSERT INTO %s (segment_id, contact_id, included, since, by_user, source, reference) "
			"SELECT g.segment_id, g.contact_id, g.included, g.since, g.by_user, g.source, g.reference "
			"FROM counted, gone g WHERE counted.n > 0",
			override, override),
		2, types, values);
	SpiRun(
		psprintf(
			"WITH moved AS (INSERT INTO %s (segment_id, contact_id, since) "
			"SELECT o.segment_id, o.contact_id, $3 FROM %s o WHERE o.contact_id = ANY ($2) AND o.included "
			"AND $1 IS NOT NULL ON CONFLICT DO NOTHING RETURNING segment_id, contact_id) "
			"INSERT INTO %s (xact, n, segment_id, contact_id, joined, cause, at) "
			"SELECT $4, $5 + pg_catalog.row_number() OVER () - 1, segment_id, contact_id, true, '" CAUSE_FILTER
			"', $3 FROM moved",
			CatalogRelationName(program->table->member_table), override,
			CatalogRelationName(program->table->change_table)),
		5, types, values);
	(void) ChangeNumberNext((int) SPI_processed);
}
