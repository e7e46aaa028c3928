/*
 * set_aside.c - segments that can't be evaluated are set aside.
 *
 * A segment that cannot be evaluated for a reason nobody foresaw (a right was
 * taken away, something was dropped while our event triggers were off) must not
 * stop the writes of contacts, nor other segments.  It keeps its members and is
 * not evaluated any more, until segments.rebuild() or a change of its filters
 * brings it back.  Segments that refer to it go on by the members that it has.
 *
 * That a segment has failed is said by a row of segments.segment_failure.
 * Everybody who runs into it writes one of his own: a writer must not wait for
 * another one, and if that one rolls back the segment has failed all the same.
 * The segment's own row says so too, unless somebody else has it locked; then
 * the next refresh or failure brings it in line (segments_internal.note_failures).
 */
#include "postgres.h"

#include "maintain/set_aside.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/subtransaction.h"
#include "definition/access.h"
#include "definition/aside.h"
#include "definition/contact_table.h"
#include "definition/definition_version.h"
#include "definition/segment.h"
#include "predicate/bind.h"
#include "program/facet.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "time/clock.h"

/* segments.segment_failure */
#define Anum_failure_segment_id 1
#define Anum_failure_number 2
#define Anum_failure_failed_at 3
#define Anum_failure_error 4
#define Natts_failure 4

/* ----- storing ----- */

/* Without a query: a write of contacts may be at REPEATABLE READ. */
static void
add_failure(const AsideSegment *segment)
{
	Relation rel = table_open(CatalogRelid("segment_failure"), RowExclusiveLock);
	Datum values[Natts_failure];
	bool nulls[Natts_failure] = {0};
	HeapTuple tuple;

	values[Anum_failure_segment_id - 1] = Int64GetDatum(segment->id);
	values[Anum_failure_number - 1] = Int64GetDatum((int64) DefinitionRandomNumber());
	values[Anum_failure_failed_at - 1] = TimestampTzGetDatum(SegmentsNow());
	values[Anum_failure_error - 1] = CStringGetTextDatum(segment->reason);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, RowExclusiveLock);
}

/* Say so in the rows of the segments that nobody has locked. */
static void
note_failures(Oid contact_table)
{
	Oid type = REGCLASSOID;
	Datum value = ObjectIdGetDatum(contact_table);
	char null = OidIsValid(contact_table) ? ' ' : 'n';
	SecureContext secure;

	/* a row that was changed since our snapshot would make us fail */
	if (IsolationUsesXactSnapshot())
		return;
	SecureEnter(&secure, CatalogOwner());
	SPI_connect();
	if (SPI_execute_with_args("SELECT segments_internal.note_failures($1)", 1, &type, &value, &null,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not note failures");
	SPI_finish();
	SecureLeave(&secure);
}

static bool
any_failure(void)
{
	CatalogScan scan;
	bool found;

	CatalogScanBegin(&scan, "segment_failure", InvalidOid, NULL, 0, NULL);
	found = CatalogScanNext(&scan);
	CatalogScanEnd(&scan);
	return found;
}

/*
 * Failures that the rows of their segments don't tell of yet, as they were
 * locked, are told of.
 */
void
SetAsideNote(void)
{
	if (!IsolationUsesXactSnapshot() && any_failure())
		note_failures(InvalidOid);
}

/* Does who writes see the segment?  We may be at work as somebody else. */
static bool
is_seen(const SegmentRow *row)
{
	Oid role = GetCurrentRoleId();

	return AccessMaySeeAs(OidIsValid(role) ? role : GetSessionUserId(), &row->handle);
}

static void
warn(const AsideSegment *segment)
{
	SegmentRow *row = SegmentById(segment->id);

	if (row == NULL)
		return;
	if (!is_seen(row))
		ereport(WARNING, (errmsg("a segment of contact table \"%s\" is set aside",
								 get_rel_name(segment->contact_table))));
	else
		ereport(WARNING, (errmsg("segment \"%s\" is set aside: %s", row->alias, segment->reason),
						  errdetail("It keeps its members and is not kept up to date any more."),
						  errhint("Remove the cause, then use segments.rebuild(%s).",
								  quote_literal_cstr(row->alias))));
}

/*
 * Store the failures that were met since the last time, for the segments of one
 * contact table.  The program at hand may be used on, as aside.c tells which
 * segments to leave alone.
 */
void
SetAsideStore(Oid contact_table)
{
	List *segments = AsideUnstored(contact_table);
	ListCell *cell;

	if (segments == NIL)
		return;
	foreach (cell, segments)
	{
		AsideSegment *segment = lfirst(cell);

		add_failure(segment);
		segment->stored = true;
		warn(segment);
	}
	ProgramInvalidate(contact_table);
	CommandCounterIncrement();
	note_failures(contact_table);
}

/*
 * Rows of a source can't be read: the segments that do are set aside.
 */
void
SetAsideReading(Program *program, RowSource *source, const ErrorData *error)
{
	Bitmapset *segments = ProgramSegmentsReading(program, source);
	int index = -1;

	while ((index = bms_next_member(segments, index)) >= 0)
		AsideAdd(program->relid, program->segments[index].id, error);
	SetAsideStore(program->relid);
}

/* ----- segments without meaning ----- */

typedef struct Binding
{
	SegmentRow *row;
	ContactTable *table;
} Binding;

static void
bind_stored(void *arg)
{
	Binding *binding = arg;

	(void) BindEvaluated(binding->row->filters, binding->table);
}

static bool
binds(Oid contact_table, SegmentRow *row)
{
	Binding binding = {row, CatalogContactTable(contact_table, false)};
	ErrorData *error = InSubtransaction(bind_stored, &binding, NULL);

	if (error == NULL)
		return true;
	AsideAdd(contact_table, row->id, error);
	return false;
}

/*
 * Set aside the segments of a contact table whose filters have lost their
 * meaning; returns whether there are any.
 */
bool
SetAsideUnbound(Oid contact_table)
{
	ContactTable *table = CatalogContactTable(contact_table, false);
	List *rows = SegmentsOfContactTable(contact_table);
	SecureContext secure;
	bool found = false;
	ListCell *cell;

	SecureEnter(&secure, table->owner);
	foreach (cell, rows)
	{
		SegmentRow *row = lfirst(cell);

		if (row->is_published && !row->is_aside && !AsideContains(row->id))
			found |= !binds(contact_table, row);
	}
	SecureLeave(&secure);
	SetAsideStore(contact_table);
	return found;
}

/* Expressions are prepared when they are first asked for; here before. */
static void
prepare_expressions(void *arg)
{
	Program *program = arg;
	int i;
	int j;

	for (i = 0; i < program->nsources; i++)
		for (j = 0; j < program->sources[i]->nfacets; j++)
			if (program->sources[i]->facets[j].image->attnum == 0)
				(void) FacetPrepare(program, &program->sources[i]->facets[j]);
}

/*
 * The image may be of a time when functions were there that are gone.  Compiled
 * anew, the segments that need them are known.
 */
static Program *
with_functions(Program *program)
{
	ErrorData *error = NULL;

	if (program->image->foreign_functions && !program->prepared)
		error = InSubtransaction(prepare_expressions, program, NULL);
	program->prepared = true;
	return error == NULL ? program : ProgramGetAnew(program->relid);
}

/*
 * The program of a contact table, for whoever writes: segments that it could not
 * compile are set aside, once.
 */
Program *
SetAsideUncompiled(Program *program)
{
	Oid contact_table = program->relid;

	program = with_functions(program);
	if (program->image->nunbound == 0)
		return program;
	if (!SetAsideUnbound(contact_table))
		ProgramInvalidate(contact_table); /* it has its meaning again */
	CommandCounterIncrement();
	return ProgramGet(contact_table);
}

/*
 * segments_internal.forget_aside(segment_id): it is about to be built anew
 */
PG_FUNCTION_INFO_V1(segments_forget_aside);
Datum
segments_forget_aside(PG_FUNCTION_ARGS)
{
	AsideForget(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}
