/*
 * row_aggregate.c - what is made of a contact's related rows, in memory.
 *
 * Aggregates of fields, and row groups whose rows are told by themselves.  The
 * rows are tested by the program's facets, so values are those of the atom's SQL
 * (predicate_sql.c).  What is compared must be the aggregate itself, of a type
 * that is compared as it is; the rest is asked of the database.
 */
#include "postgres.h"

#include "evaluate/row_aggregate.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/addend.h"
#include "definition/field.h"
#include "evaluate/row.h"
#include "evaluate/row_group.h"
#include "evaluate/row_siblings.h"
#include "predicate/bind_place.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "program/facet.h"
#include "program/program.h"

/* ----- what can be made ----- */

/* Values of this SQL type are compared as they are. */
static bool
is_plain_value(ValueType type, Oid sql_type)
{
	switch (type)
	{
		case VALUE_INT:
			return sql_type == INT2OID || sql_type == INT4OID || sql_type == INT8OID;
		case VALUE_NUMERIC:
			return sql_type == NUMERICOID;
		case VALUE_FLOAT4:
			return sql_type == FLOAT4OID;
		case VALUE_FLOAT8:
			return sql_type == FLOAT8OID;
		case VALUE_BOOL:
			return sql_type == BOOLOID;
		case VALUE_DATE:
			return sql_type == DATEOID;
		case VALUE_TIME:
			return sql_type == TIMEOID;
		case VALUE_TIMESTAMP:
			return sql_type == TIMESTAMPOID;
		case VALUE_TIMESTAMPTZ:
			return sql_type == TIMESTAMPTZOID;
		default:
			return false;
	}
}

/* Is what the atom tests the aggregate itself, not something made of it? */
static bool
tests_aggregate(Program *program, const Atom *atom)
{
	BindPlace place = {0};
	char *value;

	place.table = program->table;
	place.field = atom->field;
	value = BindRawValue(&place);
	if (atom->field->aggregate == AGGREGATE_SUM)
		value = psprintf("%s::pg_catalog.numeric", value);
	return strcmp(value, atom->value) == 0;
}

static bool
has_order(const Facet *order)
{
	return order == NULL ||
		   (!OidIsValid(get_typcollation(order->image->sql_type)) &&
			OidIsValid(lookup_type_cache(order->image->sql_type, TYPECACHE_CMP_PROC_FINFO)
						   ->cmp_proc_finfo.fn_oid));
}

static bool
is_plain_sum(const Atom *atom, const Facet *argument)
{
	return atom->value_type == VALUE_NUMERIC && argument != NULL &&
		   (is_plain_value(VALUE_INT, argument->image->sql_type) ||
			argument->image->sql_type == NUMERICOID);
}

static bool
is_plain_aggregate(const Atom *atom, const ProgramAtom *patom)
{
	const Facet *argument = patom->argument;

	switch (patom->aggregate)
	{
		case AGGREGATE_EXISTS:
			return atom->test == TEST_EXISTS;
		case AGGREGATE_COUNT:
			return atom->value_type == VALUE_INT;
		case AGGREGATE_SUM:
			return is_plain_sum(atom, argument);
		case AGGREGATE_MIN:
		case AGGREGATE_MAX:
			return argument != NULL && is_plain_value(atom->value_type, argument->image->sql_type);
		case AGGREGATE_LATEST:
			return argument != NULL &&
				   is_plain_value(atom->value_type, argument->image->sql_type) &&
				   has_order(patom->order);
		default:
			return false;
	}
}

/*
 * Can the value that an atom compares be made in memory?  One whose definition
 * has changed meanwhile is not looked at any more.
 */
bool
RowAggregateIsPlain(Program *program, int id)
{
	ProgramAtom *patom = ProgramAtomGet(program, id);
	const Atom *atom = ProgramAtomStored(program, id);

	if (atom == NULL)
		return false;
	if (atom->test != TEST_ANY && atom->test != TEST_RANGE && atom->test != TEST_EXISTS)
		return false;
	if (atom->scope == ATOM_GROUP ? !ProgramGroup(program, id)->plain
								  : !tests_aggregate(program, atom))
		return false;
	return is_plain_aggregate(atom, patom);
}

/* ----- making it ----- */

/* Rows, and which of them count. */
typedef struct Rows
{
	Program *program;
	ProgramAtom *patom;
	int id;
	RowVersion *rows;
	int n;
	TimestampTz now;
} Rows;

static bool
counts(const Rows *rows, int i)
{
	if (rows->patom->atom->scope == ATOM_GROUP)
		return RowGroupCounts(rows->program, &rows->rows[i], rows->id, rows->now);
	return RowCounts(rows->program, &rows->rows[i], rows->patom);
}

/* The value aggregated, on one of the rows. */
static FacetState *
argument_of(const Rows *rows, int i)
{
	Facet *argument = rows->patom->argument;

	if (FacetIsOpaque(argument))
		return RowSiblingsFacet(rows->program, argument, rows->rows, rows->n, i);
	return RowFacet(rows->program, &rows->rows[i], argument);
}

static int64
count_rows(const Rows *rows)
{
	int64 n = 0;
	int i;

	for (i = 0; i < rows->n; i++)
		n += counts(rows, i);
	return n;
}

static bool
has_row(const Rows *rows)
{
	int i;

	for (i = 0; i < rows->n; i++)
		if (counts(rows, i))
			return true;
	return false;
}

/* False: it does not fit. */
static bool
sum_rows(const Rows *rows, Datum *value)
{
	Facet *argument = rows->patom->argument;
	bool is_numeric = (argument->image->sql_type == NUMERICOID);
	Datum sum = DirectFunctionCall1(int8_numeric, Int64GetDatum(0));
	int64 whole = 0;
	int i;

	for (i = 0; i < rows->n; i++)
	{
		FacetState *state;

		if (!counts(rows, i))
			continue;
		state = argument_of(rows, i);
		if (state->isnull)
			continue;
		if (is_numeric)
			sum = DirectFunctionCall2(numeric_add, sum, Addend(state->value));
		else if (pg_add_s64_overflow(
					 whole, DatumGetInt64(FacetWiden(argument->image->sql_type, state->value)),
					 &whole))
			return false;
	}
	*value = is_numeric ? sum : DirectFunctionCall1(int8_numeric, Int64GetDatum(whole));
	return true;
}

/* False: there is none. */
static bool
extreme_of_rows(const Rows *rows, Datum *best)
{
	ProgramAtom *patom = rows->patom;
	int sign = patom->aggregate == AGGREGATE_MIN ? -1 : 1;
	bool found = false;
	int i;

	for (i = 0; i < rows->n; i++)
	{
		FacetState *state;
		Datum value;

		if (!counts(rows, i))
			continue;
		state = argument_of(rows, i);
		if (state->isnull)
			continue;
		value = FacetWiden(patom->argument->image->sql_type, state->value);
		if (!found || FacetCompare(patom->atom->value_type, value, *best) * sign > 0)
			*best = value;
		found = true;
	}
	return found;
}

/* Descending, NULL last: does a come before b? */
static int
compare_latest(TypeCacheEntry *type, const FacetState *a, const FacetState *b)
{
	if (a->isnull || b->isnull)
		return (int) a->isnull - (int) b->isnull;
	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, InvalidOid, b->value, a->value));
}

static bool
latest_of_rows(const Rows *rows, Datum *value)
{
	Facet *argument = rows->patom->argument;
	Facet *order = rows->patom->order ? rows->patom->order : argument;
	TypeCacheEntry *order_type =
		lookup_type_cache(order->image->sql_type, TYPECACHE_CMP_PROC_FINFO);
	TypeCacheEntry *value_type =
		lookup_type_cache(argument->image->sql_type, TYPECACHE_CMP_PROC_FINFO);
	FacetState *best = NULL;
	FacetState *best_order = NULL;
	int i;

	for (i = 0; i < rows->n; i++)
	{
		FacetState *state;
		FacetState *state_order;
		int comparison;

		if (!counts(rows, i))
			continue;
		state = argument_of(rows, i);
		state_order = order == argument ? state : RowFacet(rows->program, &rows->rows[i], order);
		comparison = best == NULL ? -1 : compare_latest(order_type, state_order, best_order);
		if (comparison == 0)
			comparison = compare_latest(value_type, state, best);
		if (comparison >= 0)
			continue;
		best = state;
		best_order = state_order;
	}
	if (best == NULL || best->isnull)
		return false;
	*value = FacetWiden(argument->image->sql_type, best->value);
	return true;
}

/*
 * The value that a plain atom compares, over these rows.  False: a number that
 * does not fit in memory's arithmetic, or rows that are too many to compare.
 */
bool
RowAggregate(Program *program, int id, RowVersion *rows, int n, TimestampTz now, Datum *value,
			 bool *isnull)
{
	Rows all = {program, ProgramAtomGet(program, id), id, rows, n, now};

	*isnull = false;
	*value = (Datum) 0;
	if (FacetIsOpaque(all.patom->argument) && n > MANY_SIBLINGS)
		return false;
	switch (all.patom->aggregate)
	{
		case AGGREGATE_EXISTS:
			*value = BoolGetDatum(has_row(&all));
			return true;
		case AGGREGATE_COUNT:
			*value = Int64GetDatum(count_rows(&all));
			return true;
		case AGGREGATE_SUM:
			return sum_rows(&all, value);
		case AGGREGATE_LATEST:
			*isnull = !latest_of_rows(&all, value);
			return true;
		default:
			*isnull = !extreme_of_rows(&all, value);
			return true;
	}
}

/* Does a boundary let the value pass? */
static bool
passes(Program *program, const Atom *atom, const Boundary *boundary, bool is_lower, Datum value,
	   TimestampTz now)
{
	Datum at = boundary->constant;
	int order;

	if (!boundary->given)
		return true;
	(void) BoundaryDatum(boundary, atom->value_type, program->table, "UTC", now, &at);
	order = FacetCompare(atom->value_type, value, at);
	return order == 0 ? boundary->inclusive : (order > 0) == is_lower;
}

/*
 * Does a value that is not NULL satisfy the atom?
 */
bool
RowAggregateSatisfies(Program *program, int id, Datum value, TimestampTz now)
{
	const Atom *atom = ProgramAtomBound(program, id);
	int i;

	if (atom->test == TEST_EXISTS)
		return DatumGetBool(value);
	if (atom->test == TEST_RANGE)
		return passes(program, atom, &atom->lower, true, value, now) &&
			   passes(program, atom, &atom->upper, false, value, now);
	for (i = 0; i < atom->nconstants; i++)
		if (FacetCompare(atom->value_type, value, atom->constants[i]) == 0)
			return true;
	return false;
}

/*
 * Do more rows change nothing any more: a count beyond all that the atom
 * distinguishes, a row that is there?
 */
bool
RowAggregateIsDecided(Program *program, int id, Datum value)
{
	const Atom *atom = ProgramAtomBound(program, id);
	FieldAggregate aggregate = ProgramAtomGet(program, id)->aggregate;
	int64 n = DatumGetInt64(value);
	int i;

	if (aggregate == AGGREGATE_EXISTS)
		return DatumGetBool(value);
	if (aggregate != AGGREGATE_COUNT)
		return false;
	for (i = 0; i < atom->nconstants; i++)
		if (n <= DatumGetInt64(atom->constants[i]))
			return false;
	return (!atom->lower.given || n > DatumGetInt64(atom->lower.constant)) &&
		   (!atom->upper.given || n > DatumGetInt64(atom->upper.constant));
}
