/*
 * refresh_window.c - the values that moving boundaries passed.
 *
 * Atoms of all segments -> for each value they are over, windows on its line:
 * from where a boundary stood to where it stands.  Equal and overlapping
 * windows are read once, in one query for each value, by the value's own index:
 * the cost follows the contacts found and the boundaries that moved, not the
 * segments (a delta window, ENGINE §1.2 of the design). Which boundary passed a
 * contact's value is told in memory.
 *
 * Gives more contacts than change, never fewer: they are evaluated afterwards.
 */
#include "postgres.h"

#include "refresh/refresh_window.h"

#include "common/int.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "evaluate/row_time.h"
#include "predicate/bind_place.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "predicate/predicate_time.h"
#include "program/image.h"
#include "program/program.h"
#include "time/local_time.h"
#include "time/phrase.h"
#include "time/phrase_anniversary.h"

#define MANY_DAYS 370 /* beyond, every month and day has passed */
#define NEAR_TRANSITION (2 * USECS_PER_DAY)

typedef struct WindowSearch
{
	Program *program;
	TimestampTz from;
	TimestampTz to;
	bool midnight; /* a local midnight lies between */
	List *values;  /* of PassedValue */
} WindowSearch;

/* ----- the line of a value ----- */

/*
 * The value of one row.  An aggregate's is that of some row: of a minimum, a
 * maximum, the latest.
 */
const char *
PassedRowValue(const Atom *atom, ContactTable *table)
{
	BindPlace place = {0};
	Field *field = atom->scope == ATOM_GROUP ? atom->group->of : atom->field;

	if (atom->scope != ATOM_AGGREGATE && atom->scope != ATOM_GROUP)
		return atom->value;
	place.table = table;
	place.field = field;
	if (atom->value_type == VALUE_MONTH_DAY)
		return BindLocalCall(&place, "month_day", field->value);
	if (atom->value_type == VALUE_TIMESTAMPTZ && field->value_type != TIMESTAMPTZOID)
		return psprintf("segments.instant(%s, %s)", field->value,
						quote_literal_cstr(field->timezone));
	return field->value;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_rows(const Atom *a, const Atom *b)
{
	if ((a->rows == NULL) != (b->rows == NULL))
		return false;
	return a->rows == NULL || (strcmp(a->rows->name, b->rows->name) == 0 &&
							   same_text(a->field->condition, b->field->condition));
}

/* Of memberships only those of the segments that row groups name count. */
static char *
named_memberships(Program *program)
{
	StringInfoData out;
	int id;
	uint32 i;

	initStringInfo(&out);
	for (id = 0; id < program->natoms; id++)
	{
		ImageList segments;
		const int32 *halves;

		if (!(program->atoms[id].flags & IMAGE_ATOM_MEMBERSHIPS))
			continue;
		segments = ProgramGroup(program, id)->segments;
		halves = ProgramItems(program, segments);
		for (i = 0; i < segments.n; i += 2)
			appendStringInfo(&out, "%s" INT64_FORMAT, out.len ? "," : "",
							 ImageId(halves[i], halves[i + 1]));
	}
	return psprintf("r.segment_id = ANY ('{%s}'::pg_catalog.int8[])", out.data);
}

static const char *
condition_of(WindowSearch *search, const Atom *atom)
{
	if (atom->rows != NULL && FieldRowsAreMemberships(atom->rows))
		return named_memberships(search->program);
	return atom->field->condition;
}

static PassedValue *
value_of(WindowSearch *search, const Atom *atom)
{
	const char *sql = PassedRowValue(atom, search->program->table);
	PassedValue *value;
	ListCell *cell;

	foreach (cell, search->values)
	{
		value = lfirst(cell);
		if (value->atom->value_type == atom->value_type && strcmp(value->sql, sql) == 0 &&
			same_rows(value->atom, atom))
			return value;
	}
	value = palloc0(sizeof(PassedValue));
	value->atom = atom;
	value->sql = sql;
	value->condition = condition_of(search, atom);
	search->values = lappend(search->values, value);
	return value;
}

static void
add_window(WindowSearch *search, int id, int64 low, int64 high)
{
	PassedValue *value = value_of(search, ProgramAtomBound(search->program, id));
	PassedWindow *window;

	VectorMakeRoom(value->windows, value->nwindows, value->windows_size, 16);
	window = &value->windows[value->nwindows++];
	window->low = low;
	window->high = high;
	window->atom = id;
}

/* ----- where boundaries stood and stand ----- */

int64
PassedInteger(ValueType type, Datum value)
{
	if (type == VALUE_DATE)
		return DatumGetDateADT(value);
	if (type == VALUE_MONTH_DAY)
		return DatumGetInt32(value);
	return DatumGetTimestampTz(value);
}

static bool
near_transition(WindowSearch *search, TimestampTz low, TimestampTz high)
{
	return !PhraseZoneIsSteady(search->program->table->zone, ClampedSum(low, -NEAR_TRANSITION),
							   ClampedSum(high, NEAR_TRANSITION));
}

static bool
elapses(PhraseUnit unit)
{
	return unit <= PHRASE_HOUR;
}

/*
 * Did the boundary only go forward on its way?  Then nothing outside the two
 * ends was passed.  Not where a clock was changed, now or there; not, with the
 * time of day, where a month's end holds up several days (BoundarySlack).
 */
static bool
went_forward(WindowSearch *search, const Atom *atom, const Boundary *boundary, TimestampTz low,
			 TimestampTz high)
{
	bool span = (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END);
	bool days = (atom->value_type == VALUE_DATE);
	PhraseUnit unit;

	if (span)
		unit = boundary->span.unit;
	else if (boundary->phrase->kind == PHRASE_DAYS)
		unit = PHRASE_DAY;
	else if (boundary->phrase->nparts == 1)
		unit = boundary->phrase->parts[0].unit;
	else
		return false;
	if (elapses(unit) && !days)
		return true;
	if (near_transition(search, search->from, search->to) || near_transition(search, low, high))
		return false;
	return unit < PHRASE_MONTH || days || !search->midnight;
}

/* A day of local time as an instant, near enough to look for transitions. */
static TimestampTz
near_instant(const Atom *atom, int64 at)
{
	TimestampTz result;

	if (atom->value_type != VALUE_DATE)
		return at;
	if (pg_mul_s64_overflow(at, USECS_PER_DAY, &result))
		return at < 0 ? DT_NOBEGIN : DT_NOEND;
	return result;
}

static void
passed_by(WindowSearch *search, int id, const Boundary *boundary)
{
	const Atom *atom = ProgramAtomGet(search->program, id)->atom;
	ContactTable *table = search->program->table;
	Datum stood;
	Datum stands;
	int64 low;
	int64 high;
	int64 slack;

	if (!BoundaryMoves(boundary))
		return;
	(void) BoundaryDatum(boundary, atom->value_type, table, "UTC", search->from, &stood);
	(void) BoundaryDatum(boundary, atom->value_type, table, "UTC", search->to, &stands);
	low = Min(PassedInteger(atom->value_type, stood), PassedInteger(atom->value_type, stands));
	high = Max(PassedInteger(atom->value_type, stood), PassedInteger(atom->value_type, stands));
	slack = BoundarySlack(boundary);
	if (slack > 0 &&
		went_forward(search, atom, boundary, near_instant(atom, low), near_instant(atom, high)))
		slack = 0;
	if (atom->value_type == VALUE_DATE)
		slack = (slack + USECS_PER_DAY - 1) / USECS_PER_DAY;
	add_window(search, id, ClampedSum(low, -slack), ClampedSum(high, slack));
}

/* The months and days whose anniversary is on one day. */
static void
passed_day(WindowSearch *search, int id, DateADT day)
{
	int32 days[PHRASE_YEAR_DAYS];
	int n = PhraseAnniversaryDays(day, day, days);
	int i;

	for (i = 0; i < n; i++)
		add_window(search, id, days[i], days[i]);
}

/*
 * Months and days on which an anniversary stood; of a span, which came into it
 * or left it.
 */
static void
passed_anniversary(WindowSearch *search, int id)
{
	const Atom *atom = ProgramAtomGet(search->program, id)->atom;
	pg_tz *zone = search->program->table->zone;
	TimestampTz at = search->from;
	int ndays;

	for (ndays = 0; at <= search->to && ndays < MANY_DAYS; ndays++)
	{
		DateADT first;
		DateADT last;

		if (PhraseAnniversaryWindow(atom->anniversary, zone, at, &first, &last))
		{
			passed_day(search, id, first);
			if (last != first)
				passed_day(search, id, last);
		}
		at = PhraseNextMidnight(zone, at);
	}
	if (ndays == MANY_DAYS)
		add_window(search, id, 0, PG_INT32_MAX);
}

/* ----- ranges: windows that overlap ----- */

static int
compare_windows(const void *a, const void *b)
{
	const PassedWindow *left = a;
	const PassedWindow *right = b;

	if (left->low != right->low)
		return left->low < right->low ? -1 : 1;
	return left->high < right->high ? -1 : left->high > right->high;
}

static void
make_ranges(PassedValue *value)
{
	PassedRange *range = NULL;
	int i;

	qsort(value->windows, value->nwindows, sizeof(PassedWindow), compare_windows);
	value->ranges =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PassedRange) * value->nwindows);
	for (i = 0; i < value->nwindows; i++)
	{
		const PassedWindow *window = &value->windows[i];

		if (range == NULL || window->low > range->high)
		{
			range = &value->ranges[value->nranges++];
			range->low = window->low;
			range->high = window->high;
			range->first = i;
		}
		range->high = Max(range->high, window->high);
		range->last = i;
	}
}

/*
 * The values over which boundaries moved between two instants, with their
 * windows: a List of PassedValue.
 */
List *
PassedValues(Program *program, TimestampTz from, TimestampTz to)
{
	WindowSearch search = {0};
	ListCell *cell;
	int id;

	search.program = program;
	search.from = from;
	search.to = to;
	search.midnight = PhraseNextMidnight(program->table->zone, from) <= to;
	for (id = 0; id < program->natoms; id++)
	{
		const Atom *atom;

		if (!(program->atoms[id].flags & IMAGE_ATOM_MOVES))
			continue;
		atom = ProgramAtomGet(program, id)->atom;
		if (!AtomMovesWithin(atom, program->table, from, to, search.midnight))
			continue;
		if (atom->value_type == VALUE_MONTH_DAY)
			passed_anniversary(&search, id);
		else
		{
			passed_by(&search, id, &atom->lower);
			passed_by(&search, id, &atom->upper);
		}
	}
	foreach (cell, search.values)
		make_ranges(lfirst(cell));
	return search.values;
}
