/*
 * member_probe.c - is a contact stored as a member of a segment?  By index,
 * without a query.
 *
 * Members are read as the owner of their table reads them, past row security,
 * with the latest snapshot at the time of the first question.
 */
#include "postgres.h"

#include "evaluate/member_probe.h"

#include "access/table.h"
#include "access/xact.h"
#include "utils/fmgroids.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

#include "base/index_probe.h"
#include "definition/table_beside.h"
#include "program/keys.h"
#include "program/program.h"

static void
open_members(MemberProbe *members)
{
	Relation rel = BesideOpenOf(members->program->table, BESIDE_MEMBER, AccessShareLock);

	CommandCounterIncrement();
	IndexProbeOpen(&members->probe, rel, BesideKeyIndexNeeded(rel),
				   RegisterSnapshot(GetLatestSnapshot()));
	IndexProbeKey(&members->probe, InvalidOid, F_INT8EQ);
	ProgramProbeKey(&members->probe, members->program);
	members->open = true;
}

/*
 * Begin to look up members, as they are when first asked for.
 */
void
MemberProbeBegin(MemberProbe *members, Program *program)
{
	members->program = program;
	members->open = false;
}

/*
 * Is the contact stored as a member of the segment?
 */
bool
MemberProbeAsk(MemberProbe *members, int64 segment, Datum key)
{
	Datum values[2];

	if (!members->open)
		open_members(members);
	values[0] = Int64GetDatum(segment);
	values[1] = key;
	IndexProbeFind(&members->probe, values);
	return IndexProbeNext(&members->probe) != NULL;
}

void
MemberProbeEnd(MemberProbe *members)
{
	Relation rel = members->probe.rel;
	Snapshot snapshot = members->probe.snapshot;

	if (!members->open)
		return;
	IndexProbeClose(&members->probe);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
}
