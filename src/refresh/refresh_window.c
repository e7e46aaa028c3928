/*
 * refresh_window.c - the values that moving boundaries passed, and the contacts
 * that have them.
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

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/kept_plan.h"
#include "base/result.h"
#include "base/secure.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/related_sql.h"
#include "evaluate/row_time.h"
#include "predicate/bind_place.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "predicate/predicate_time.h"
#include "program/image.h"
#include "program/program.h"
#include "refresh/value_index.h"
#include "time/phrase.h"

#define MANY_DAYS 370 /* beyond, every month and day has passed */
#define FETCH_ROWS 1000
#define MAX_PASSED 10000 /* contacts kept before they are evaluated */
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
static const char *
row_value(const Atom *atom, ContactTable *table)
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
	const char *sql = row_value(atom, search->program->table);
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

	if (value->nwindows == value->windows_size)
	{
		value->windows_size = Max(16, value->windows_size * 2);
		value->windows =
			value->windows == NULL
				? palloc(sizeof(PassedWindow) * value->windows_size)
				: repalloc_huge(value->windows, sizeof(PassedWindow) * value->windows_size);
	}
	window = &value->windows[value->nwindows++];
	window->low = low;
	window->high = high;
	window->atom = id;
}

/* ----- where boundaries stood and stand ----- */

static int64
to_integer(ValueType type, Datum value)
{
	if (type == VALUE_DATE)
		return DatumGetDateADT(value);
	if (type == VALUE_MONTH_DAY)
		return DatumGetInt32(value);
	return DatumGetTimestampTz(value);
}

/* The type of values that move, in a query's result. */
static Oid
value_type_oid(ValueType type)
{
	switch (type)
	{
		case VALUE_DATE:
			return DATEOID;
		case VALUE_MONTH_DAY:
			return INT4OID;
		case VALUE_TIMESTAMP:
			return TIMESTAMPOID;
		default:
			return TIMESTAMPTZOID;
	}
}

static Datum
from_integer(ValueType type, int64 value)
{
	if (type == VALUE_DATE || type == VALUE_MONTH_DAY)
		return Int32GetDatum((int32) Max(Min(value, PG_INT32_MAX), PG_INT32_MIN));
	return Int64GetDatum(value);
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
	low = Min(to_integer(atom->value_type, stood), to_integer(atom->value_type, stands));
	high = Max(to_integer(atom->value_type, stood), to_integer(atom->value_type, stands));
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
	int steps;

	for (steps = 0; at <= search->to && steps < MANY_DAYS; steps++)
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
	if (steps == MANY_DAYS)
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

/* ----- reading the contacts ----- */

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

/*
 * Keys and values of the contacts in a range, which is given as SQL.  windows:
 * what stands before the contact table in FROM.
 */
static char *
contacts_sql(ContactTable *table, const PassedValue *value, const char *windows, const char *low,
			 const char *high)
{
	const Atom *atom = value->atom;
	const char *type = line_type(atom->value_type).name;

	if (atom->scope == ATOM_CONTACT)
		return psprintf("SELECT c.%s, (%s)::%s FROM %s%s c WHERE %s >= %s AND %s <= %s", table->key,
						value->sql, type, windows, table->name, value->sql, low, value->sql, high);
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
	return ValueIndexAdvice(row_value(atom, table), rows_relid(atom, table), rows_alias(atom),
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
keep_contact(Program *program, PassedContacts *contacts, const PassedValue *value, Datum key,
			 int64 at, int range)
{
	MemoryContext old = MemoryContextSwitchTo(contacts->context);
	PassedContact *contact;

	if (contacts->n == contacts->size)
	{
		contacts->size = Max(256, contacts->size * 2);
		contacts->items =
			contacts->items == NULL
				? palloc(sizeof(PassedContact) * contacts->size)
				: repalloc_huge(contacts->items, sizeof(PassedContact) * contacts->size);
	}
	contact = &contacts->items[contacts->n++];
	contact->key = datumCopy(key, program->key_byval, program->key_len);
	contact->value = value;
	contact->at = at;
	contact->range = range;
	MemoryContextSwitchTo(old);
}

static void
keep_fetched(Program *program, PassedContacts *contacts, const PassedValue *value)
{
	uint64 i;

	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		Datum key = ResultValue(SPI_tuptable, i, 1, program->table->key_type, &isnull);
		int64 at = to_integer(
			value->atom->value_type,
			ResultValue(SPI_tuptable, i, 2, value_type_oid(value->atom->value_type), &isnull));
		int range = isnull ? -1 : find_range(value, at);

		if (range >= 0)
			keep_contact(program, contacts, value, key, at, range);
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Find the contacts with a value in its ranges.  When there are too many to
 * keep, `full` is called with those found, to empty the set.  Needs SPI.
 */
void
PassedFind(Program *program, const PassedValue *value, PassedContacts *contacts, PassedFull full,
		   void *arg)
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
		if (contacts->n >= MAX_PASSED)
			full(contacts, arg);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(portal);
	SecureLeave(&secure);
}
