/*
 * evaluate.c - atoms and predicates on one row in memory.
 *
 * Step 9a: a row version (OLD, NEW, or as read) gives its facets' values when
 * first asked; atoms are tests on them.  FlippedAtoms compares two versions of
 * a row and finds, through the facets' indexes, the atoms whose truth differs:
 * its cost follows the columns that changed and what flipped, not how many
 * atoms there are.  Values live in the program's per-tuple memory until the
 * caller resets it.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "evaluate.h"

/* ----- facets of a row ----- */

/*
 * A row version over `slot` (NULL: no row), allocated for its source's facets.
 */
void
RowVersionInit(RowVersion *row, RowSource *source, TupleTableSlot *slot)
{
	memset(row, 0, sizeof(RowVersion));
	row->source = source;
	row->slot = slot;
	row->facets = palloc0(sizeof(FacetState) * Max(source->nfacets, 1));
	row->stamp = 1;
}

/* Another row in the same place. */
void
RowVersionReset(RowVersion *row, TupleTableSlot *slot)
{
	row->slot = slot;
	row->stamp++;
}

static Datum
flatten_value(const Facet *facet, Datum value)
{
	if (facet->type == VALUE_TEXT || facet->type == VALUE_NUMERIC)
		return PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	return FacetNormalise(facet, value);
}

/*
 * The facet's value on this row.
 */
FacetState *
RowFacet(Program *program, RowVersion *row, Facet *facet)
{
	FacetState *state = &row->facets[facet->id];

	if (state->known != row->stamp)
	{
		MemoryContext old = MemoryContextSwitchTo(program->econtext->ecxt_per_tuple_memory);

		program->econtext->ecxt_scantuple = row->slot;
		state->value = ExecEvalExpr(facet->state, program->econtext, &state->isnull);
		if (!state->isnull)
			state->value = flatten_value(facet, state->value);
		state->known = row->stamp;
		MemoryContextSwitchTo(old);
	}
	return state;
}

static void
look_up_elements(Program *program, Facet *facet, FacetState *state)
{
	MemoryContext old = MemoryContextSwitchTo(program->econtext->ecxt_per_tuple_memory);
	Datum	   *elements;
	int			n;
	int			i;

	deconstruct_array(DatumGetArrayTypeP(state->value), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	state->cardinality = n;
	state->elements = palloc(sizeof(int) * Max(n, 1));
	state->nelements = 0;
	for (i = 0; i < n; i++)
	{
		int			id = FacetFindConstant(facet, elements[i]);

		if (id >= 0)
			state->elements[state->nelements++] = id;
	}
	MemoryContextSwitchTo(old);
}

/* The value as integers: constant id and rank, or element ids. */
static FacetState *
looked_up_facet(Program *program, RowVersion *row, Facet *facet)
{
	FacetState *state = RowFacet(program, row, facet);

	if (state->looked_up == row->stamp)
		return state;
	state->looked_up = row->stamp;
	state->constant = -1;
	state->rank = -1;
	state->nelements = 0;
	state->cardinality = 0;
	if (state->isnull)
		return state;
	if (facet->type == VALUE_SET)
		look_up_elements(program, facet, state);
	else
	{
		state->constant = FacetFindConstant(facet, state->value);
		if (facet->nboundaries > 0)
			state->rank = FacetRank(facet, state->value);
	}
	return state;
}

/*
 * The id of the constant that the facet has on this row, or -1.
 */
int
RowConstant(Program *program, RowVersion *row, Facet *facet)
{
	return looked_up_facet(program, row, facet)->constant;
}

/* ----- atoms on a row ----- */

static bool
holds_id(const ProgramAtom *patom, int id)
{
	int			i;

	for (i = 0; i < patom->nids; i++)
		if (patom->ids[i] == id)
			return true;
	return false;
}

static bool
has_element(const FacetState *state, int id)
{
	int			i;

	for (i = 0; state && i < state->nelements; i++)
		if (state->elements[i] == id)
			return true;
	return false;
}

static bool
test_indexed(Program *program, RowVersion *row, ProgramAtom *patom)
{
	FacetState *state = looked_up_facet(program, row, patom->facet);
	int			i;

	if (state->isnull)
		return false;
	if (patom->atom->test == TEST_RANGE)
		return state->rank >= patom->lower && state->rank < patom->upper;
	if (patom->atom->test == TEST_ANY)
		return state->constant >= 0 && holds_id(patom, state->constant);
	if (patom->atom->test == TEST_CONTAINS)
	{
		for (i = 0; i < patom->nids; i++)
			if (!has_element(state, patom->ids[i]))
				return false;
		return true;
	}
	for (i = 0; i < state->nelements; i++)
		if (holds_id(patom, state->elements[i]))
			return true;
	return false;
}

/* Where the atom's boundaries stand at now. */
static void
settle_boundaries(Program *program, ProgramAtom *patom, TimestampTz now)
{
	Atom	   *atom = patom->atom;

	if (patom->at == now)
		return;
	patom->at = now;
	if (atom->value_type == VALUE_MONTH_DAY)
	{
		patom->ndays = PhraseAnniversary(atom->anniversary, program->table->zone, now, patom->days);
		return;
	}
	patom->lower_at = atom->lower.constant;
	patom->upper_at = atom->upper.constant;
	if (atom->lower.given)
		(void) BoundaryDatum(&atom->lower, atom->value_type, program->table, "UTC", now, &patom->lower_at);
	if (atom->upper.given)
		(void) BoundaryDatum(&atom->upper, atom->value_type, program->table, "UTC", now, &patom->upper_at);
}

static bool
in_range(const ProgramAtom *patom, Datum value)
{
	const Atom *atom = patom->atom;
	int			order;

	if (atom->lower.given)
	{
		order = FacetCompare(atom->value_type, value, patom->lower_at);
		if (order < 0 || (order == 0 && !atom->lower.inclusive))
			return false;
	}
	if (atom->upper.given)
	{
		order = FacetCompare(atom->value_type, value, patom->upper_at);
		if (order > 0 || (order == 0 && !atom->upper.inclusive))
			return false;
	}
	return true;
}

static bool
test_pattern(Program *program, ProgramAtom *patom, Datum value)
{
	MemoryContext old = MemoryContextSwitchTo(program->econtext->ecxt_per_tuple_memory);
	Oid			collation = patom->atom->test == TEST_REGEXP ? RegexpCollation() : C_COLLATION_OID;
	bool		result = DatumGetBool(FunctionCall2Coll(patom->function, collation, value, patom->pattern));

	MemoryContextSwitchTo(old);
	return result;
}

static bool
test_other(Program *program, RowVersion *row, ProgramAtom *patom, TimestampTz now)
{
	FacetState *state = RowFacet(program, row, patom->facet);
	Atom	   *atom = patom->atom;
	int			i;

	if (atom->test == TEST_NULL)
		return state->isnull;
	if (state->isnull)
		return false;
	switch (atom->test)
	{
		case TEST_NOT_BLANK:
			return VARSIZE_ANY_EXHDR(DatumGetPointer(state->value)) > 0;
		case TEST_HAS_ELEMENT:
			return looked_up_facet(program, row, patom->facet)->cardinality > 0;
		case TEST_LIKE:
		case TEST_REGEXP:
			return test_pattern(program, patom, state->value);
		case TEST_RANGE:
			settle_boundaries(program, patom, now);
			return in_range(patom, state->value);
		case TEST_ANY:
			settle_boundaries(program, patom, now);
			for (i = 0; i < patom->ndays; i++)
				if (DatumGetInt32(state->value) == patom->days[i])
					return true;
			return false;
		default:
			elog(ERROR, "unexpected test %d", (int) atom->test);
	}
	return false;
}

static bool
condition_holds(Program *program, RowVersion *row, const ProgramAtom *patom)
{
	FacetState *state;

	/* what holds a subquery may hold */
	if (patom->condition == NULL || patom->condition->opaque)
		return true;
	state = RowFacet(program, row, patom->condition);
	return !state->isnull && DatumGetBool(state->value);
}

/*
 * Does the row satisfy the atom's test, and the fixed condition of related
 * rows?  Not for aggregates, memberships, and what holds a subquery.
 */
bool
AtomOnRow(Program *program, RowVersion *row, int id, TimestampTz now)
{
	ProgramAtom *patom = &program->atoms[id];

	if (row->slot == NULL || !condition_holds(program, row, patom))
		return false;
	if (patom->atom->test == TEST_EXISTS)
		return true;
	return patom->indexed ? test_indexed(program, row, patom) : test_other(program, row, patom, now);
}

/* Where the atom's boundaries stand at both ends of a window. */
static void
settle_window(Program *program, ProgramAtom *patom, TimestampTz from, TimestampTz to)
{
	Atom	   *atom = patom->atom;

	if (patom->window_from == from && patom->window_to == to)
		return;
	/* most phrases move once a day or less: look no further until then */
	if (patom->window_from == from && patom->still && to < patom->still_until)
		return;
	patom->window_from = from;
	patom->window_to = to;
	patom->still_until = AtomNextMove(atom, program->table, from);
	patom->still = to < patom->still_until;
	if (patom->still || atom->value_type == VALUE_MONTH_DAY)
		return;
	if (BoundaryMoves(&atom->lower))
	{
		(void) BoundaryDatum(&atom->lower, atom->value_type, program->table, "UTC", from, &patom->lower_from);
		(void) BoundaryDatum(&atom->lower, atom->value_type, program->table, "UTC", to, &patom->lower_to);
	}
	if (BoundaryMoves(&atom->upper))
	{
		(void) BoundaryDatum(&atom->upper, atom->value_type, program->table, "UTC", from, &patom->upper_from);
		(void) BoundaryDatum(&atom->upper, atom->value_type, program->table, "UTC", to, &patom->upper_to);
	}
}

static int64
clamped_sum(int64 a, int64 b)
{
	int64		sum;

	if (pg_add_s64_overflow(a, b, &sum))
		return b < 0 ? PG_INT64_MIN : PG_INT64_MAX;
	return sum;
}

/*
 * Can a boundary that went from one point to another have passed the value?
 * On its way it may have been a little before both (BoundarySlack).
 */
static bool
passed(const Atom *atom, const Boundary *boundary, Datum value, Datum from, Datum to)
{
	int64		slack = BoundarySlack(boundary);
	int64		a;
	int64		b;
	int64		at;

	if (atom->value_type == VALUE_DATE)
	{
		a = DatumGetDateADT(from);
		b = DatumGetDateADT(to);
		at = DatumGetDateADT(value);
		slack = (slack + USECS_PER_DAY - 1) / USECS_PER_DAY;
	}
	else
	{
		a = DatumGetTimestamp(from);
		b = DatumGetTimestamp(to);
		at = DatumGetTimestamp(value);
	}
	return at >= clamped_sum(Min(a, b), -slack) && at <= clamped_sum(Max(a, b), slack);
}

/*
 * Can the atom's truth on this row have changed between two instants by time
 * alone?  Only when a boundary has passed its value.
 */
bool
AtomMovesOnRow(Program *program, RowVersion *row, int id, TimestampTz from, TimestampTz to)
{
	ProgramAtom *patom = &program->atoms[id];
	Atom	   *atom = patom->atom;
	FacetState *state;

	if (row->slot == NULL || from == to)
		return false;
	settle_window(program, patom, from, to);
	if (patom->still)
		return false;
	state = RowFacet(program, row, patom->facet);
	if (state->isnull)
		return false;
	if (atom->value_type == VALUE_MONTH_DAY)
		return true;
	return (BoundaryMoves(&atom->lower) &&
			passed(atom, &atom->lower, state->value, patom->lower_from, patom->lower_to)) ||
		(BoundaryMoves(&atom->upper) &&
		 passed(atom, &atom->upper, state->value, patom->upper_from, patom->upper_to));
}

/* ----- predicates on a contact ----- */

/*
 * The whole filter on a contact.  Atoms that are not on its row are asked of
 * its batch.
 */
bool
PredicateOnRow(Program *program, RowVersion *row, const Predicate *predicate, TimestampTz now)
{
	int			i;

	switch (predicate->kind)
	{
		case PREDICATE_FALSE:
			return false;
		case PREDICATE_TRUE:
			return true;
		case PREDICATE_ATOM:
			if (predicate->atom->scope == ATOM_CONTACT && !program->atoms[predicate->atom->id].facet->opaque)
				return AtomOnRow(program, row, predicate->atom->id, now);
			return BatchAnswer(row->batch, row->position, predicate->atom->id);
		case PREDICATE_NOT:
			return !PredicateOnRow(program, row, predicate->args[0], now);
		case PREDICATE_AND:
			for (i = 0; i < predicate->nargs; i++)
				if (!PredicateOnRow(program, row, predicate->args[i], now))
					return false;
			return true;
		case PREDICATE_OR:
			for (i = 0; i < predicate->nargs; i++)
				if (PredicateOnRow(program, row, predicate->args[i], now))
					return true;
			return false;
	}
	return false;
}

/* ----- what flipped between two versions ----- */

/*
 * Has a facet the same value (to the byte) on two rows?
 */
bool
FacetEqual(Program *program, RowVersion *old_row, RowVersion *new_row, Facet *facet)
{
	FacetState *before = RowFacet(program, old_row, facet);
	FacetState *after = RowFacet(program, new_row, facet);
	int16		len;
	bool		byval;

	if (before->isnull || after->isnull)
		return before->isnull && after->isnull;
	get_typlenbyval(facet->sql_type, &len, &byval);
	return datumIsEqual(before->value, after->value, byval, len);
}

static Bitmapset *
changed_columns(RowSource *source, TupleTableSlot *old_slot, TupleTableSlot *new_slot)
{
	Bitmapset  *changed = NULL;
	int			column = -1;

	while ((column = bms_next_member(source->columns, column)) >= 0)
	{
		Form_pg_attribute attribute = TupleDescAttr(source->desc, column - 1);
		bool		old_null;
		bool		new_null;
		Datum		old_value = slot_getattr(old_slot, column, &old_null);
		Datum		new_value = slot_getattr(new_slot, column, &new_null);

		if (old_null != new_null ||
			(!old_null && !datumIsEqual(old_value, new_value, attribute->attbyval, attribute->attlen)))
			changed = bms_add_member(changed, column);
	}
	return changed;
}

/*
 * Does any column that the source's facets read differ?
 */
bool
RowChanged(RowVersion *old_row, RowVersion *new_row)
{
	Bitmapset  *changed = changed_columns(old_row->source, old_row->slot, new_row->slot);
	bool		result = (changed != NULL);

	bms_free(changed);
	return result;
}


static void
add_atoms(IntVector *out, List *atoms)
{
	ListCell   *cell;

	foreach(cell, atoms)
		IntVectorAdd(out, lfirst_int(cell));
}

static void
add_elements_not_in(const Facet *facet, const FacetState *state, const FacetState *other, IntVector *out)
{
	int			i;

	for (i = 0; state && i < state->nelements; i++)
		if (!has_element(other, state->elements[i]))
			add_atoms(out, facet->constants[state->elements[i]].atoms);
}

/* Range atoms whose value came or went: no boundary was crossed. */
static void
add_true_ranges(Program *program, Facet *facet, const FacetState *state, IntVector *out)
{
	ListCell   *cell;

	foreach(cell, facet->ranges)
	{
		ProgramAtom *patom = &program->atoms[lfirst_int(cell)];

		if (state->rank >= patom->lower && state->rank < patom->upper)
			IntVectorAdd(out, lfirst_int(cell));
	}
}

static void
add_ranges(Program *program, Facet *facet, const FacetState *old_state, const FacetState *new_state, IntVector *out)
{
	int			i;

	if (facet->nboundaries == 0)
		return;
	if (old_state == NULL || old_state->isnull)
	{
		if (new_state && !new_state->isnull)
			add_true_ranges(program, facet, new_state, out);
	}
	else if (new_state == NULL || new_state->isnull)
		add_true_ranges(program, facet, old_state, out);
	else
		for (i = Min(old_state->rank, new_state->rank); i < Max(old_state->rank, new_state->rank); i++)
			add_atoms(out, facet->boundaries[i].atoms);
}

static void
add_constants(Facet *facet, const FacetState *old_state, const FacetState *new_state, IntVector *out)
{
	int			old_id = (old_state && !old_state->isnull) ? old_state->constant : -1;
	int			new_id = (new_state && !new_state->isnull) ? new_state->constant : -1;

	if (facet->type == VALUE_SET)
	{
		add_elements_not_in(facet, old_state, new_state, out);
		add_elements_not_in(facet, new_state, old_state, out);
		return;
	}
	if (old_id == new_id)
		return;
	if (old_id >= 0)
		add_atoms(out, facet->constants[old_id].atoms);
	if (new_id >= 0)
		add_atoms(out, facet->constants[new_id].atoms);
}

/*
 * A related row's phrase may have moved over its value since the segments were
 * last brought forward: then its contact's membership is due, and the row that
 * says so may be on its way out.
 */
static bool
is_due(Program *program, RowVersion *old_row, RowVersion *new_row, int id, TimestampTz now)
{
	ProgramAtom *patom = &program->atoms[id];

	if (old_row->source->rows == NULL || !patom->atom->moves || patom->facet == NULL || patom->facet->opaque)
		return false;
	/* a segment that is ahead of us is judged at its own instant */
	if (program->moved_to > now)
		return true;
	return AtomMovesOnRow(program, old_row, id, program->moved_from, now) ||
		AtomMovesOnRow(program, new_row, id, program->moved_from, now);
}

static void
add_others(Program *program, Facet *facet, RowVersion *old_row, RowVersion *new_row, TimestampTz now, IntVector *out)
{
	ListCell   *cell;

	foreach(cell, facet->others)
	{
		int			id = lfirst_int(cell);

		if (facet->opaque || is_due(program, old_row, new_row, id, now) ||
			AtomOnRow(program, old_row, id, now) != AtomOnRow(program, new_row, id, now))
			IntVectorAdd(out, id);
	}
}

static void
add_facet_flips(Program *program, Facet *facet, RowVersion *old_row, RowVersion *new_row, TimestampTz now,
				IntVector *out)
{
	FacetState *old_state = NULL;
	FacetState *new_state = NULL;

	if (facet->nconstants > 0 || facet->nboundaries > 0)
	{
		if (old_row->slot)
			old_state = looked_up_facet(program, old_row, facet);
		if (new_row->slot)
			new_state = looked_up_facet(program, new_row, facet);
		add_constants(facet, old_state, new_state, out);
		add_ranges(program, facet, old_state, new_state, out);
	}
	add_others(program, facet, old_row, new_row, now, out);
}

/* ----- atoms of related rows that are more than a test on one facet ----- */

static bool
facet_changed(const Facet *facet, const Bitmapset *changed, bool both)
{
	return facet != NULL && (!both || facet->opaque || bms_overlap(facet->columns, changed));
}

static bool
condition_truth(Program *program, RowVersion *row, const ProgramAtom *patom)
{
	return row->slot != NULL && condition_holds(program, row, patom);
}

/*
 * Aggregates, row counts, and conditions: an atom is touched when a row that
 * counts comes, goes, or changes in what is aggregated.
 */
static bool
row_touches(Program *program, ProgramAtom *patom, RowVersion *old_row, RowVersion *new_row,
			const Bitmapset *changed, bool both)
{
	bool		old_counts;
	bool		new_counts;

	/* a subquery sees rows that don't count themselves */
	if ((patom->condition && patom->condition->opaque) || (patom->argument && patom->argument->opaque))
		return true;
	old_counts = condition_truth(program, old_row, patom);
	new_counts = condition_truth(program, new_row, patom);
	if (!old_counts && !new_counts)
		return false;
	if (old_counts != new_counts)
		return true;
	if (patom->atom->scope == ATOM_AGGREGATE)
		return facet_changed(patom->argument, changed, both) || facet_changed(patom->order, changed, both);
	return patom->facet != NULL && facet_changed(patom->facet, changed, both);
}

static void
add_source_flips(Program *program, RowVersion *old_row, RowVersion *new_row, const Bitmapset *changed,
				 bool both, TimestampTz now, IntVector *out)
{
	ListCell   *cell;

	foreach(cell, old_row->source->atoms)
	{
		int			id = lfirst_int(cell);
		ProgramAtom *patom = &program->atoms[id];
		bool		single = (patom->facet != NULL && patom->condition == NULL && patom->atom->scope == ATOM_ROWS);

		if (is_due(program, old_row, new_row, id, now))
		{
			IntVectorAdd(out, id);
			continue;
		}

		if (!single && row_touches(program, patom, old_row, new_row, changed, both))
			IntVectorAdd(out, id);
	}
}

/* Leave out atoms whose fixed condition says that nothing changed. */
static void
drop_uncounted(Program *program, RowVersion *old_row, RowVersion *new_row, TimestampTz now, IntVector *out)
{
	int			kept = 0;
	int			i;

	for (i = 0; i < out->n; i++)
	{
		int			id = out->items[i];
		ProgramAtom *patom = &program->atoms[id];
		bool		exact = patom->atom->scope == ATOM_ROWS && patom->facet != NULL && !patom->facet->opaque &&
		!(patom->condition && patom->condition->opaque);

		if (!exact || is_due(program, old_row, new_row, id, now) || AtomOnRow(program, old_row, id, now) != AtomOnRow(program, new_row, id, now))
			out->items[kept++] = id;
	}
	out->n = kept;
}

/*
 * Atoms whose truth on the row can differ between two versions of it (either
 * may be absent): all that flipped, and few that did not.  For related rows
 * the versions must belong to the same contact.
 */
void
FlippedAtoms(Program *program, RowVersion *old_row, RowVersion *new_row, TimestampTz now, IntVector *out)
{
	RowSource  *source = old_row->source;
	bool		both = (old_row->slot != NULL && new_row->slot != NULL);
	Bitmapset  *changed = both ? changed_columns(source, old_row->slot, new_row->slot) : NULL;
	int			i;

	if (both && changed == NULL)
		return;
	for (i = 0; i < source->nfacets; i++)
	{
		Facet	   *facet = source->facets[i];

		if (facet_changed(facet, changed, both))
			add_facet_flips(program, facet, old_row, new_row, now, out);
	}
	if (source->rows != NULL)
	{
		add_source_flips(program, old_row, new_row, changed, both, now, out);
		drop_uncounted(program, old_row, new_row, now, out);
	}
}
