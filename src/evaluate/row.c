/*
 * row.c - facets and atoms of one row in memory.
 *
 * A row version (OLD, NEW, or as read) gives its facets' values when first
 * asked; atoms are tests on them.  Values live in the program's per-tuple
 * memory until the caller resets it.
 */
#include "postgres.h"

#include "evaluate/row.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/vector.h"
#include "evaluate/field_context.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "predicate/predicate_time.h"
#include "program/facet.h"
#include "program/image.h"
#include "program/program.h"
#include "text/like.h"
#include "text/regexp.h"
#include "time/phrase_anniversary.h"

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
	return FacetNormalize(facet, value);
}

static void
keep_value(RowVersion *row, Facet *facet, FacetState *state)
{
	if (!state->isnull)
		state->value = flatten_value(facet->image, state->value);
	state->known = row->stamp;
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
	keep_value(row, facet, state);
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

/*
 * The same, where it was computed elsewhere, in the program's per-tuple memory.
 */
FacetState *
RowFacetKeep(Program *program, RowVersion *row, Facet *facet, Datum value, bool isnull)
{
	FacetState *state = &row->facets[facet->id];
	MemoryContext old = MemoryContextSwitchTo(program->econtext->ecxt_per_tuple_memory);

	state->value = value;
	state->isnull = isnull;
	keep_value(row, facet, state);
	MemoryContextSwitchTo(old);
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

static void
look_up_patterns(Program *program, Facet *facet, FacetState *state)
{
	MemoryContext old = MemoryContextSwitchTo(program->econtext->ecxt_per_tuple_memory);
	IntVector found = {0};

	FacetFindPatterns(program, facet, state->value, &found);
	state->elements = found.items;
	state->nelements = found.n;
	MemoryContextSwitchTo(old);
}

/*
 * The facet's value on this row as integers: constant, rank, and elements or
 * patterns.
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
		if (facet->image->npatterns > 0)
			look_up_patterns(program, facet, state);
	}
	return state;
}

/*
 * Has the set this element, matches the text this pattern (a constant of the facet)?
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
	if (atom->test == TEST_LIKE || atom->test == TEST_REGEXP)
		return FacetStateHasElement(state, ProgramItems(program, atom->ids)[0]);
	if (atom->test == TEST_ANY)
		return state->constant >= 0 &&
			   holds_id(ProgramItems(program, atom->ids), atom->ids.n, state->constant);
	return test_elements(state, atom->test, ProgramItems(program, atom->ids), atom->ids.n);
}

static void
place_range(Program *program, ProgramAtom *patom, TimestampTz now)
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
place_boundaries(Program *program, ProgramAtom *patom, TimestampTz now)
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
		place_range(program, patom, now);
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
			place_boundaries(program, patom, now);
			return in_range(patom, state->value);
		case TEST_ANY:
			place_boundaries(program, patom, now);
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
