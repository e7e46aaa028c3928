/*
 * segment_clock.c - up to which instant moving segments were brought forward:
 * rows of segments.contact_clock and segments.segment_clock.
 *
 * All moving segments of a contact table are brought forward together and share
 * one row of contact_clock, so that a refresh writes one row and a backend
 * reads one, whatever the number of segments.  A segment that was built by
 * itself has its own clock until the next refresh that reaches it takes it
 * along with the others.
 *
 * Rows are read as last committed, or changed by ourselves.
 */
#include "postgres.h"

#include "clock/segment_clock.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "datatype/timestamp.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "definition/contact_table.h"
#include "program/program.h"
#include "program/program_cache.h"

#define FEW_OWN 16 /* segments with their own clock that are looked at at once */

Datum
ClockColumn(CatalogScan *scan, int number, bool *isnull)
{
	return heap_getattr(scan->tuple, number, RelationGetDescr(scan->rel), isnull);
}

TimestampTz
ClockInstant(CatalogScan *scan, int number)
{
	bool isnull;

	return DatumGetTimestampTz(ClockColumn(scan, number, &isnull));
}

bool
ClockIsNull(CatalogScan *scan, int number)
{
	bool isnull;

	(void) ClockColumn(scan, number, &isnull);
	return isnull;
}

/* How far the segments of a contact table are that don't have their own clock. */
static bool
read_contact_clock(Oid contact_table, TimestampTz *evaluated_at, TimestampTz *covered_until)
{
	ScanKeyData key;
	CatalogScan scan;
	bool found;

	ScanKeyInit(&key, Anum_contact_clock_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanByKey(&scan, "contact_clock", NULL, 1, &key);
	found = CatalogScanNext(&scan);
	if (found)
	{
		*evaluated_at = ClockInstant(&scan, Anum_contact_clock_evaluated_at);
		*covered_until = ClockInstant(&scan, Anum_contact_clock_covered_until);
	}
	CatalogScanEnd(&scan);
	return found;
}

void
ClockBeginOwn(CatalogScan *scan, Oid contact_table)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_clock_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	CatalogScanBegin(scan, "segment_clock", CatalogRelid("segment_clock_own_idx"), NULL, 1, &key);
}

/*
 * When a segment was last brought forward; false when it never moves.
 */
bool
ClockRead(int64 segment, TimestampTz *evaluated_at)
{
	ScanKeyData key;
	CatalogScan scan;
	TimestampTz covered_until;
	Oid contact_table = InvalidOid;
	bool found;

	ScanKeyInit(&key, Anum_clock_segment_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(segment));
	CatalogScanByKey(&scan, "segment_clock", NULL, 1, &key);
	found = CatalogScanNext(&scan);
	if (found && ClockIsNull(&scan, Anum_clock_evaluated_at))
	{
		bool isnull;

		contact_table = DatumGetObjectId(ClockColumn(&scan, Anum_clock_contact_table, &isnull));
	}
	else if (found)
		*evaluated_at = ClockInstant(&scan, Anum_clock_evaluated_at);
	CatalogScanEnd(&scan);
	if (OidIsValid(contact_table))
		return read_contact_clock(contact_table, evaluated_at, &covered_until);
	return found;
}

/*
 * May some segment of a contact table have been brought beyond an instant?
 * Says yes, too, where it would take long to tell.
 */
bool
ClockIsAhead(Oid contact_table, TimestampTz now)
{
	TimestampTz evaluated_at;
	TimestampTz covered_until;
	CatalogScan scan;
	bool ahead = false;
	int read = 0;

	if (read_contact_clock(contact_table, &evaluated_at, &covered_until) && evaluated_at > now)
		return true;
	ClockBeginOwn(&scan, contact_table);
	while (!ahead && CatalogScanNext(&scan))
		ahead = ++read > FEW_OWN || ClockInstant(&scan, Anum_clock_evaluated_at) > now;
	CatalogScanEnd(&scan);
	return ahead;
}

/*
 * Read for a program how far its moving segments were brought: all at least to
 * moved_from, some as far as moved_to.  Kept until somebody writes a clock row
 * (or takes that back), of which an invalidation message tells.  We accept
 * messages here: who has its transaction id only since a refresh must know
 * what the refresh before it wrote, whatever locks it has had for how long.
 */
void
ClockLoad(Program *program)
{
	TimestampTz evaluated_at;
	TimestampTz covered_until;
	CatalogScan scan;
	uint64 generation;

	AcceptInvalidationMessages();
	generation = ProgramClockGeneration();
	if (program->clock_generation == generation)
		return;
	program->clock_generation = 0; /* until it is read: an error leaves the program */
	program->moved_from = DT_NOEND;
	program->moved_to = DT_NOBEGIN;
	if (read_contact_clock(program->relid, &evaluated_at, &covered_until))
	{
		program->moved_from = covered_until;
		program->moved_to = evaluated_at;
	}
	ClockBeginOwn(&scan, program->relid);
	while (CatalogScanNext(&scan))
	{
		program->moved_from =
			Min(program->moved_from, ClockInstant(&scan, Anum_clock_covered_until));
		program->moved_to = Max(program->moved_to, ClockInstant(&scan, Anum_clock_evaluated_at));
	}
	CatalogScanEnd(&scan);
	program->clock_generation = generation;
}

/* Is the first of the contact table's segments to move due? */
bool
ClockIsDue(Oid contact_table, TimestampTz now)
{
	ScanKeyData keys[2];
	CatalogScan scan;
	bool found;

	ScanKeyInit(&keys[0], Anum_clock_contact_table, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(contact_table));
	ScanKeyInit(&keys[1], Anum_clock_next_move, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(now));
	CatalogScanBegin(&scan, "segment_clock", CatalogRelid("segment_clock_next_move_idx"), NULL, 2,
					 keys);
	found = CatalogScanNext(&scan);
	CatalogScanEnd(&scan);
	return found;
}

/*
 * Contact tables with a segment that may have moved, in the order of their
 * OIDs.
 */
List *
ClockDueTables(TimestampTz now)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, CatalogContactTables())
		if (ClockIsDue(lfirst_oid(cell), now))
			result = lappend_oid(result, lfirst_oid(cell));
	list_sort(result, list_oid_cmp);
	return result;
}
