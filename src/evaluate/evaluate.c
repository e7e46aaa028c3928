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

#include "base/compat.h"
#include "evaluate/evaluate.h"
#include "text/like.h"
#include "text/regexp.h"

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
flatten_value(const ImageFacet *facet, Datum value)
{
	if (facet->type == VALUE_TEXT || facet->type == VALUE_NUMERIC)
		return PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	return FacetNormalise(facet, value);
}

static void
compute_facet(Program *program, RowVersion *row, Facet *facet, FacetState *state)
{
	MemoryContext old = MemoryContextSwitchTo(program->econtext->ecxt_per_tuple_memory);

	if (facet->image->attnum > 0)
		state->value = slot_getattr(row->slot, facet->image->attnum, &state->isnull);
	else
	{
		FieldContext context;
		ExprState *expression;

		FieldContextOfFacet(&context, program, facet);
		expression = FacetPrepare(program, facet);
		program->econtext->ecxt_scantuple = row->slot;
		state->value = ExecEvalExpr(expression, program->econtext, &state->isnull);
		FieldContextEnd(&context);
	}
	if (!state->isnull)
		state->value = flatten_value(facet->image, state->value);
	state->known = row->stamp;
	MemoryContextSwitchTo(old);
}

/*
 * The facet's value on this row.
 */
FacetState *
RowFacet(Program *program, RowVersion *row, Facet *facet)
{
	FacetState *state = &row->facets[facet->id];

	if (state->known != row->stamp)
		compute_facet(program, row, facet, state);
	return state;
}

static void
look_up_elements(Program *program, const ImageFacet *facet, FacetState *state)
{
	MemoryContext old = MemoryContextSwitchTo(program->econtext->ecxt_per_tuple_memory);
	Datum *elements;
	int n;
	int i;

	deconstruct_array(DatumGetArrayTypeP(state->value), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  NULL, &n);
	state->cardinality = n;
	state->elements = palloc(sizeof(int) * Max(n, 1));
	state->nelements = 0;
	for (i = 0; i < n; i++)
	{
		int id = FacetFindConstant(program->image, facet, elements[i]);

		if (id >= 0)
			state->elements[state->nelements++] = id;
	}
	MemoryContextSwitchTo(old);
}

/*
 * The facet's value on this row as integers: constant and rank, or elements.
 */
FacetState *
RowFacetLookedUp(Program *program, RowVersion *row, Facet *facet)
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
	if (facet->image->type == VALUE_SET)
		look_up_elements(program, facet->image, state);
	else
	{
		state->constant = FacetFindConstant(program->image, facet->image, state->value);
		if (facet->image->nboundaries > 0)
			state->rank = FacetRank(program->image, facet->image, state->value);
	}
	return state;
}

/*
 * Has the set this element (a constant of the facet)?
 */
bool
FacetStateHasElement(const FacetState *state, int id)
{
	int i;

	for (i = 0; state && i < state->nelements; i++)
		if (state->elements[i] == id)
			return true;
	return false;
}

/* ----- atoms on a row ----- */

static bool
holds_id(const int32 *ids, uint32 nids, int id)
{
	uint32 i;

	for (i = 0; i < nids; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool
test_elements(const FacetState *state, AtomTest test, const int32 *ids, uint32 nids)
{
	uint32 i;

	for (i = 0; i < nids; i++)
		if (FacetStateHasElement(state, ids[i]) != (test == TEST_CONTAINS))
			return test != TEST_CONTAINS;
	return test == TEST_CONTAINS;
}

static bool
test_indexed(Program *program, RowVersion *row, const ImageAtom *atom)
{
	FacetState *state = RowFacetLookedUp(program, row, &row->source->facets[atom->facet]);

	if (state->isnull)
		return false;
	if (atom->test == TEST_RANGE)
		return state->rank >= atom->lower && state->rank < atom->upper;
	if (atom->test == TEST_ANY)
		return state->constant >= 0 &&
			   holds_id(ProgramItems(program, atom->ids), atom->ids.n, state->constant);
	return test_elements(state, atom->test, ProgramItems(program, atom->ids), atom->ids.n);
}

static void
settle_range(Program *program, ProgramAtom *patom, TimestampTz now)
{
	Atom *atom = patom->atom;

	patom->lower_at = atom->lower.constant;
	patom->upper_at = atom->upper.constant;
	if (atom->lower.given)
		(void) BoundaryDatum(&atom->lower, atom->value_type, program->table, "UTC", now,
							 &patom->lower_at);
	if (atom->upper.given)
		(void) BoundaryDatum(&atom->upper, atom->value_type, program->table, "UTC", now,
							 &patom->upper_at);
}

/* Where the atom's boundaries stand at now. */
static void
settle_boundaries(Program *program, ProgramAtom *patom, TimestampTz now)
{
	Atom *atom = patom->atom;
	TimestampTz until;

	if (patom->at <= now && now < patom->at_until)
		return;
	/* most phrases move once a day or less */
	until = Max(AtomNextMove(atom, program->table, now), now + 1);
	patom->at_until = DT_NOBEGIN; /* until all is known: an error leaves the program */
	if (atom->value_type == VALUE_MONTH_DAY)
		patom->falls = PhraseAnniversaryWindow(atom->anniversary, program->table->zone, now,
											   &patom->first_day, &patom->last_day);
	else
		settle_range(program, patom, now);
	patom->at = now;
	patom->at_until = until;
}

static bool
in_range(const ProgramAtom *patom, Datum value)
{
	const Atom *atom = patom->atom;
	int order;

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
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(text);
	int len = VARSIZE_ANY_EXHDR(text);
	bool result =
		patom->like ? LikeMatches(patom->like, data, len) : RegexpMatches(patom->regexp, data, len);

	MemoryContextSwitchTo(old);
	return result;
}

static bool
test_other(Program *program, RowVersion *row, ProgramAtom *patom, TimestampTz now)
{
	FacetState *state = RowFacet(program, row, patom->facet);
	Atom *atom = patom->atom;

	if (atom->test == TEST_NULL)
		return state->isnull;
	if (state->isnull)
		return false;
	switch (atom->test)
	{
		case TEST_NOT_BLANK:
			return VARSIZE_ANY_EXHDR(DatumGetPointer(state->value)) > 0;
		case TEST_HAS_ELEMENT:
			return RowFacetLookedUp(program, row, patom->facet)->cardinality > 0;
		case TEST_LIKE:
		case TEST_REGEXP:
			return test_pattern(program, patom, state->value);
		case TEST_RANGE:
			settle_boundaries(program, patom, now);
			return in_range(patom, state->value);
		case TEST_ANY:
			settle_boundaries(program, patom, now);
			return patom->falls && PhraseAnniversaryFalls(DatumGetInt32(state->value),
														  patom->first_day, patom->last_day);
		default:
			elog(ERROR, "unexpected test %d", (int) atom->test);
	}
	return false;
}

/*
 * Does a related row count: does the atom's fixed condition hold?
 */
bool
RowCounts(Program *program, RowVersion *row, const ProgramAtom *patom)
{
	FacetState *state;

	/* what holds a subquery may hold */
	if (patom->condition == NULL || patom->condition->image->opaque)
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
	const ImageAtom *atom = &program->atoms[id];
	ProgramAtom *patom;

	if (row->slot == NULL)
		return false;
	if ((atom->flags & IMAGE_ATOM_INDEXED) && atom->condition < 0)
		return test_indexed(program, row, atom);
	patom = ProgramAtomGet(program, id);
	if (!RowCounts(program, row, patom))
		return false;
	if (atom->test == TEST_EXISTS)
		return true;
	return (atom->flags & IMAGE_ATOM_INDEXED) ? test_indexed(program, row, atom)
											  : test_other(program, row, patom, now);
}

static void
settle_ends(Program *program, ProgramAtom *patom, TimestampTz from, TimestampTz to)
{
	Atom *atom = patom->atom;

	if (BoundaryMoves(&atom->lower))
	{
		(void) BoundaryDatum(&atom->lower, atom->value_type, program->table, "UTC", from,
							 &patom->lower_from);
		(void) BoundaryDatum(&atom->lower, atom->value_type, program->table, "UTC", to,
							 &patom->lower_to);
	}
	if (BoundaryMoves(&atom->upper))
	{
		(void) BoundaryDatum(&atom->upper, atom->value_type, program->table, "UTC", from,
							 &patom->upper_from);
		(void) BoundaryDatum(&atom->upper, atom->value_type, program->table, "UTC", to,
							 &patom->upper_to);
	}
}

/* Where the atom's boundaries stand at both ends of a window. */
static void
settle_window(Program *program, ProgramAtom *patom, TimestampTz from, TimestampTz to)
{
	Atom *atom = patom->atom;

	if (patom->window_from == from && patom->window_to == to)
		return;
	/* most phrases move once a day or less: look no further until then */
	if (patom->window_from == from && patom->still && to < patom->still_until)
		return;
	patom->window_from = DT_NOEND; /* none, until all is known: an error leaves the program */
	patom->still_until = AtomNextMove(atom, program->table, from);
	patom->still = to < patom->still_until;
	if (!patom->still && atom->value_type != VALUE_MONTH_DAY)
		settle_ends(program, patom, from, to);
	patom->window_from = from;
	patom->window_to = to;
}

/*
 * Does the atom mean the same all through a window?  *until says when that can
 * end.
 */
bool
AtomIsStill(Program *program, int id, TimestampTz from, TimestampTz to, TimestampTz *until)
{
	ProgramAtom *patom = ProgramAtomGet(program, id);

	settle_window(program, patom, from, to);
	*until = patom->still_until;
	return patom->still;
}

/*
 * A sum that stops at the ends of what an instant or a day can be.
 */
int64
ClampedSum(int64 a, int64 b)
{
	int64 sum;

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
	int64 slack = BoundarySlack(boundary);
	int64 a;
	int64 b;
	int64 at;

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
	return at >= ClampedSum(Min(a, b), -slack) && at <= ClampedSum(Max(a, b), slack);
}

/*
 * Can the atom's truth on this row have changed between two instants by time
 * alone?  Only when a boundary has passed its value.
 */
bool
AtomMovesOnRow(Program *program, RowVersion *row, int id, TimestampTz from, TimestampTz to)
{
	ProgramAtom *patom = ProgramAtomGet(program, id);
	Atom *atom = patom->atom;
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
 * A predicate of the image on a contact (IMAGE_OP).  Atoms that are not on its
 * row are asked of its batch.
 */
bool
PredicateOnRow(Program *program, RowVersion *row, const uint32 *code, TimestampTz now)
{
	uint32 operand = IMAGE_OPERAND(code);
	ImageOp op = IMAGE_OP(code);
	const uint32 *end = code + 1 + operand;
	const uint32 *arg;

	switch (op)
	{
		case IMAGE_OP_FALSE:
			return false;
		case IMAGE_OP_TRUE:
			return true;
		case IMAGE_OP_ATOM:
			if (program->atoms[operand].query < 0)
				return AtomOnRow(program, row, operand, now);
			return BatchAnswer(row->batch, row->position, operand);
		case IMAGE_OP_NOT:
			return !PredicateOnRow(program, row, code + 1, now);
		case IMAGE_OP_AND:
		case IMAGE_OP_OR:
			for (arg = code + 1; arg < end; arg = IMAGE_NEXT(arg))
				if (PredicateOnRow(program, row, arg, now) == (op == IMAGE_OP_OR))
					return op == IMAGE_OP_OR;
			return op == IMAGE_OP_AND;
	}
	return false;
}

/*
 * A segment's whole filter on a contact.
 */
bool
SegmentOnRow(Program *program, RowVersion *row, int segment, TimestampTz now)
{
	return PredicateOnRow(program, row, ProgramCode(program, segment), now);
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
	int16 len;
	bool byval;

	if (before->isnull || after->isnull)
		return before->isnull && after->isnull;
	get_typlenbyval(facet->image->sql_type, &len, &byval);
	return datumIsEqual(before->value, after->value, byval, len);
}

/*
 * Mark the columns that the source's facets read and that differ; false when
 * none does.  `changed` has a bit for each column of the table, from 0.
 */
bool
RowColumnsChanged(RowVersion *old_row, RowVersion *new_row, bitmapword *changed)
{
	RowSource *source = old_row->source;
	TupleDesc desc = old_row->slot->tts_tupleDescriptor;
	bool any = false;
	int column = -1;

	memset(changed, 0, sizeof(bitmapword) * COLUMN_WORDS(desc->natts));
	while ((column = bms_next_member(source->columns, column)) >= 0)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);
		bool old_null;
		bool new_null;
		Datum old_value = slot_getattr(old_row->slot, column, &old_null);
		Datum new_value = slot_getattr(new_row->slot, column, &new_null);

		if (old_null == new_null &&
			(old_null ||
			 datumIsEqual(old_value, new_value, attribute->attbyval, attribute->attlen)))
			continue;
		changed[column / BITS_PER_BITMAPWORD] |= (bitmapword) 1 << (column % BITS_PER_BITMAPWORD);
		any = true;
	}
	return any;
}

/*
 * Does any column that the source's facets read differ?
 */
bool
RowChanged(RowVersion *old_row, RowVersion *new_row)
{
	bitmapword changed[COLUMN_WORDS(MaxHeapAttributeNumber)];

	return RowColumnsChanged(old_row, new_row, changed);
}

/*
 * Does a facet read a column that changed?
 */
bool
FacetChanged(const Facet *facet, const bitmapword *changed)
{
	int i;

	if (facet->image->opaque)
		return true;
	for (i = 0; facet->columns && i < facet->columns->nwords; i++)
		if (facet->columns->words[i] & changed[i])
			return true;
	return false;
}

static void
add_atoms(Program *program, IntVector *out, ImageList atoms)
{
	const int32 *items = ProgramItems(program, atoms);
	uint32 i;

	for (i = 0; i < atoms.n; i++)
		IntVectorAdd(out, items[i]);
}

static void
add_elements_not_in(Program *program, const ImageConstant *constants, const FacetState *state,
					const FacetState *other, IntVector *out)
{
	int i;

	for (i = 0; state && i < state->nelements; i++)
		if (!FacetStateHasElement(other, state->elements[i]))
			add_atoms(program, out, constants[state->elements[i]].atoms);
}

/* Range atoms whose value came or went: no boundary was crossed. */
static void
add_true_ranges(Program *program, const ImageFacet *facet, const FacetState *state, IntVector *out)
{
	const int32 *ranges = ProgramItems(program, facet->ranges);
	uint32 i;

	for (i = 0; i < facet->ranges.n; i++)
	{
		const ImageAtom *atom = &program->atoms[ranges[i]];

		if (state->rank >= atom->lower && state->rank < atom->upper)
			IntVectorAdd(out, ranges[i]);
	}
}

static void
add_ranges(Program *program, const ImageFacet *facet, const FacetState *old_state,
		   const FacetState *new_state, IntVector *out)
{
	const ImageBoundary *boundaries = IMAGE_AT(program->image, facet->boundaries, ImageBoundary);
	int i;

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
		for (i = Min(old_state->rank, new_state->rank); i < Max(old_state->rank, new_state->rank);
			 i++)
			add_atoms(program, out, boundaries[i].atoms);
}

static void
add_constants(Program *program, const ImageFacet *facet, const FacetState *old_state,
			  const FacetState *new_state, IntVector *out)
{
	const ImageConstant *constants = IMAGE_AT(program->image, facet->constants, ImageConstant);
	int old_id = (old_state && !old_state->isnull) ? old_state->constant : -1;
	int new_id = (new_state && !new_state->isnull) ? new_state->constant : -1;

	if (facet->type == VALUE_SET)
	{
		add_elements_not_in(program, constants, old_state, new_state, out);
		add_elements_not_in(program, constants, new_state, old_state, out);
		return;
	}
	if (old_id == new_id)
		return;
	if (old_id >= 0)
		add_atoms(program, out, constants[old_id].atoms);
	if (new_id >= 0)
		add_atoms(program, out, constants[new_id].atoms);
}

/*
 * A related row's phrase may have moved over its value since the segments were
 * last brought forward: then its contact's membership is due, and the row that
 * says so may be on its way out.
 */
bool
AtomIsDue(Program *program, RowVersion *old_row, RowVersion *new_row, int id, TimestampTz now)
{
	const ImageAtom *atom = &program->atoms[id];

	if (!(atom->flags & IMAGE_ATOM_MOVES) || atom->facet < 0 || (atom->flags & IMAGE_ATOM_OPAQUE))
		return false;
	/* a segment that is ahead of us is judged at its own instant */
	if (program->moved_to > now)
		return true;
	return AtomMovesOnRow(program, old_row, id, program->moved_from, now) ||
		   AtomMovesOnRow(program, new_row, id, program->moved_from, now);
}

static void
add_others(Program *program, Facet *facet, RowVersion *old_row, RowVersion *new_row,
		   TimestampTz now, IntVector *out)
{
	const int32 *others = ProgramItems(program, facet->image->others);
	uint32 i;

	for (i = 0; i < facet->image->others.n; i++)
	{
		int id = others[i];

		if (facet->image->opaque || AtomIsDue(program, old_row, new_row, id, now) ||
			AtomOnRow(program, old_row, id, now) != AtomOnRow(program, new_row, id, now))
			IntVectorAdd(out, id);
	}
}

static void
add_facet_flips(Program *program, Facet *facet, RowVersion *old_row, RowVersion *new_row,
				TimestampTz now, IntVector *out)
{
	FacetState *old_state = NULL;
	FacetState *new_state = NULL;

	if (facet->image->nconstants > 0 || facet->image->nboundaries > 0)
	{
		if (old_row->slot)
			old_state = RowFacetLookedUp(program, old_row, facet);
		if (new_row->slot)
			new_state = RowFacetLookedUp(program, new_row, facet);
		add_constants(program, facet->image, old_state, new_state, out);
		add_ranges(program, facet->image, old_state, new_state, out);
	}
	add_others(program, facet, old_row, new_row, now, out);
}

/* ----- atoms of related rows that are more than a test on one facet ----- */

static bool
facet_changed(const Facet *facet, const bitmapword *changed, bool both)
{
	return facet != NULL && (!both || FacetChanged(facet, changed));
}

static bool
condition_truth(Program *program, RowVersion *row, const ProgramAtom *patom)
{
	return row->slot != NULL && RowCounts(program, row, patom);
}

/*
 * Aggregates, row counts, and conditions: an atom is touched when a row that
 * counts comes, goes, or changes in what is aggregated.
 */
static bool
row_touches(Program *program, ProgramAtom *patom, RowVersion *old_row, RowVersion *new_row,
			const bitmapword *changed, bool both)
{
	bool old_counts;
	bool new_counts;

	/* a subquery sees rows that don't count themselves */
	if ((patom->condition && patom->condition->image->opaque) ||
		(patom->argument && patom->argument->image->opaque))
		return true;
	old_counts = condition_truth(program, old_row, patom);
	new_counts = condition_truth(program, new_row, patom);
	if (!old_counts && !new_counts)
		return false;
	if (old_counts != new_counts)
		return true;
	if (patom->atom->scope == ATOM_AGGREGATE)
		return facet_changed(patom->argument, changed, both) ||
			   facet_changed(patom->order, changed, both);
	return patom->facet != NULL && facet_changed(patom->facet, changed, both);
}

/* Atoms that no facet's index finds. */
static void
add_source_flips(Program *program, RowVersion *old_row, RowVersion *new_row,
				 const bitmapword *changed, bool both, TimestampTz now, IntVector *out)
{
	ImageList loose = old_row->source->image->loose;
	ImageList conditional = old_row->source->image->conditional;
	uint32 i;

	for (i = 0; i < loose.n; i++)
	{
		int id = ProgramItems(program, loose)[i];
		const ImageAtom *atom = &program->atoms[id];
		bool single = (atom->facet >= 0 && atom->condition < 0 && atom->scope == ATOM_ROWS);

		if (AtomIsDue(program, old_row, new_row, id, now) ||
			(!single &&
			 row_touches(program, ProgramAtomGet(program, id), old_row, new_row, changed, both)))
			IntVectorAdd(out, id);
	}
	/* a row that comes or goes brings its value, by which they are found */
	for (i = 0; both && i < conditional.n; i++)
	{
		int id = ProgramItems(program, conditional)[i];
		const Facet *condition = &old_row->source->facets[program->atoms[id].condition];

		if (FacetChanged(condition, changed) &&
			row_touches(program, ProgramAtomGet(program, id), old_row, new_row, changed, both))
			IntVectorAdd(out, id);
	}
}

/* Leave out atoms whose fixed condition says that nothing changed. */
static void
drop_uncounted(Program *program, RowVersion *old_row, RowVersion *new_row, TimestampTz now,
			   IntVector *out)
{
	int kept = 0;
	int i;

	for (i = 0; i < out->n; i++)
	{
		int id = out->items[i];
		const ImageAtom *atom = &program->atoms[id];
		bool exact =
			atom->scope == ATOM_ROWS && atom->facet >= 0 && !(atom->flags & IMAGE_ATOM_OPAQUE) &&
			!(atom->condition >= 0 && old_row->source->facets[atom->condition].image->opaque);

		if (!exact || AtomIsDue(program, old_row, new_row, id, now) ||
			AtomOnRow(program, old_row, id, now) != AtomOnRow(program, new_row, id, now))
			out->items[kept++] = id;
	}
	out->n = kept;
}

/*
 * Atoms whose truth on a related row can differ between two versions of it
 * (either may be absent): all that flipped, and few that did not.  The
 * versions must belong to the same contact.
 */
void
FlippedAtoms(Program *program, RowVersion *old_row, RowVersion *new_row, TimestampTz now,
			 IntVector *out)
{
	RowSource *source = old_row->source;
	bool both = (old_row->slot != NULL && new_row->slot != NULL);
	bitmapword changed[COLUMN_WORDS(MaxHeapAttributeNumber)];
	int i;

	if (both && !RowColumnsChanged(old_row, new_row, changed))
		return;
	for (i = 0; i < source->nfacets; i++)
		if (facet_changed(&source->facets[i], changed, both))
			add_facet_flips(program, &source->facets[i], old_row, new_row, now, out);
	add_source_flips(program, old_row, new_row, changed, both, now, out);
	drop_uncounted(program, old_row, new_row, now, out);
}
