/*
 * row_effects.c - what related rows that came, went or changed do to the atoms
 * over them, and to the values made of them.
 *
 * A row's atoms are tested on OLD and NEW in memory: those that differ, and which
 * way the filters on the row's contact can have gone by it.
 */
#include "postgres.h"

#include "maintain/row_effects.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/vector.h"
#include "definition/field.h"
#include "evaluate/candidates.h"
#include "evaluate/flips.h"
#include "evaluate/measure.h"
#include "evaluate/related_rows.h"
#include "evaluate/row.h"
#include "evaluate/row_group.h"
#include "predicate/predicate.h"
#include "program/facet.h"
#include "program/image.h"
#include "program/program.h"

static void
note_direction(AtomFlips *flips, int id, bool rises)
{
	Bitmapset **atoms = rises ? &flips->rising : &flips->falling;

	*atoms = bms_add_member(*atoms, id);
}

/* A count or sum over the contact's rows grew, or shrank. */
static void
note_growth(RowEffects *effects, const Atom *atom, int id, bool grew)
{
	if (atom->lower.given)
		note_direction(&effects->flips, id, grew);
	if (atom->upper.given)
		note_direction(&effects->flips, id, !grew);
}

/* 1, -1 or 0: what a row adds to a sum; NaN and infinity could be anything. */
static int
addend_sign(RowEffects *effects, RowVersion *row, int id, bool *known)
{
	Facet *argument = ProgramAtomGet(effects->program, id)->argument;
	FacetState *state = RowFacet(effects->program, row, argument);
	int64 value;

	*known = true;
	if (state->isnull)
		return 0;
	if (argument->image->sql_type == NUMERICOID)
	{
		Numeric number = DatumGetNumeric(state->value);

		*known = !numeric_is_nan(number) && !numeric_is_inf(number);
		return FacetCompare(VALUE_NUMERIC, state->value,
							DirectFunctionCall1(int8_numeric, Int64GetDatum(0)));
	}
	*known = argument->image->sql_type == INT2OID || argument->image->sql_type == INT4OID ||
			 argument->image->sql_type == INT8OID;
	if (!*known)
		return 0;
	value = DatumGetInt64(FacetWiden(argument->image->sql_type, state->value));
	return (value > 0) - (value < 0);
}

/* What a row that came or went does to a sum: by its sign.  False: not known. */
static bool
note_sum(RowEffects *effects, RowVersion *row, int id, bool came)
{
	bool known;
	int sign = addend_sign(effects, row, id, &known);

	if (known && sign != 0)
		note_growth(effects, ProgramAtomGet(effects->program, id)->atom, id, came == (sign > 0));
	return known;
}

/*
 * A row came or went that an aggregate is made of.  A count follows its rows,
 * a sum their signs.  A maximum can only rise by a row that comes, from NULL
 * too, which no end lets pass; a minimum can only fall.  False: not known.
 */
static bool
note_aggregate(RowEffects *effects, RowVersion *row, int id, bool came)
{
	ProgramAtom *patom = ProgramAtomGet(effects->program, id);
	Atom *atom = patom->atom;

	if (atom->test != TEST_RANGE || !RelatedRowsReadable(effects->program, id))
		return false;
	switch (patom->aggregate)
	{
		case AGGREGATE_COUNT:
			note_growth(effects, atom, id, came);
			return true;
		case AGGREGATE_SUM:
			return note_sum(effects, row, id, came);
		case AGGREGATE_MIN:
		case AGGREGATE_MAX:
			if (patom->aggregate == AGGREGATE_MIN ? atom->lower.given : atom->upper.given)
				return false;
			note_direction(&effects->flips, id, came);
			return true;
		default:
			return false;
	}
}

/*
 * May the atom have become true for the row's contact, or false?  Where some
 * row has to satisfy a test, the way the test went on this row.
 */
static void
note_flip(RowEffects *effects, RowVersion *old_row, RowVersion *new_row, int id)
{
	ProgramAtom *patom = ProgramAtomGet(effects->program, id);

	if (patom->atom->scope == ATOM_ROWS && !FacetIsOpaque(patom->facet) &&
		!FacetIsOpaque(patom->condition))
	{
		bool before = AtomOnRow(effects->program, old_row, id, effects->now);
		bool after = AtomOnRow(effects->program, new_row, id, effects->now);

		if (before != after)
		{
			note_direction(&effects->flips, id, after);
			return;
		}
	}
	if (patom->atom->scope == ATOM_AGGREGATE && (old_row->slot == NULL || new_row->slot == NULL) &&
		note_aggregate(effects, old_row->slot ? old_row : new_row, id, old_row->slot == NULL))
		return;
	note_direction(&effects->flips, id, true);
	note_direction(&effects->flips, id, false);
}

/* The segments that hold an atom are concerned. */
static void
note_segments(RowEffects *effects, int id)
{
	ImageList segments = effects->program->atoms[id].segments;
	uint32 i;

	for (i = 0; i < segments.n; i++)
		effects->segments =
			bms_add_member(effects->segments, ProgramItems(effects->program, segments)[i]);
}

/*
 * What a row that came or went does to a row group of which it is no inner
 * row: there are more rows that count, or fewer.  Otherwise anything.
 */
static void
note_group(RowEffects *effects, RowVersion *old_row, RowVersion *new_row, int id)
{
	const ImageGroup *group = ProgramGroup(effects->program, id);
	ProgramAtom *patom = ProgramAtomGet(effects->program, group->outermost);
	bool one = (old_row->slot == NULL || new_row->slot == NULL);
	bool came = (old_row->slot == NULL);

	if (one && group->outermost == id && patom->atom->test == TEST_EXISTS)
		note_direction(&effects->flips, id, came);
	else if (one && group->outermost == id && patom->atom->test == TEST_RANGE && group->grows)
		note_growth(effects, patom->atom, id, came);
	else
	{
		note_direction(&effects->flips, group->outermost, true);
		note_direction(&effects->flips, group->outermost, false);
	}
}

/*
 * A value made of the contact's rows is touched; which atoms it passes is told
 * when they are read.  Where they can't be, it helps to know which way it went.
 */
static void
note_measure(RowEffects *effects, RowVersion *old_row, RowVersion *new_row, int measure)
{
	int first =
		IMAGE_AT(effects->program->image, effects->source->image->measures, ImageFacet)[measure]
			.first;
	FieldAggregate aggregate = ProgramAtomGet(effects->program, first)->aggregate;
	bool came = (old_row->slot == NULL);
	bool known = (came || new_row->slot == NULL);
	int sign = 1;

	if (known && aggregate == AGGREGATE_SUM)
		sign = addend_sign(effects, came ? new_row : old_row, first, &known);
	effects->flips.measures = bms_add_member(effects->flips.measures, measure);
	if (!known || (sign != 0 && (sign > 0) == came))
		effects->flips.grown = bms_add_member(effects->flips.grown, measure);
	if (!known || (sign != 0 && (sign > 0) != came))
		effects->flips.shrunk = bms_add_member(effects->flips.shrunk, measure);
}

/* The same for row groups that the row can concern. */
static bool
note_groups(RowEffects *effects, RowVersion *old_row, RowVersion *new_row,
			const bitmapword *changed)
{
	int i;

	effects->groups.n = 0;
	FlippedGroups(effects->program, old_row, new_row, changed, effects->now, &effects->groups);
	for (i = 0; i < effects->groups.n; i++)
	{
		int id = effects->groups.items[i];

		if (effects->program->atoms[id].measure >= 0)
		{
			note_measure(effects, old_row, new_row, effects->program->atoms[id].measure);
			continue;
		}
		note_group(effects, old_row, new_row, id);
		note_segments(effects, id);
	}
	return effects->groups.n > 0;
}

/*
 * Add what a row does that was old_row and is new_row; false: nothing.
 */
bool
RowEffectsAdd(RowEffects *effects, RowVersion *old_row, RowVersion *new_row)
{
	bitmapword columns[COLUMN_WORDS(MaxHeapAttributeNumber)];
	const bitmapword *changed = NULL;
	int i;

	if (old_row->slot != NULL && new_row->slot != NULL)
	{
		if (!RowColumnsChanged(old_row, new_row, columns))
			return false;
		changed = columns;
	}
	effects->flipped.n = 0;
	effects->measures.n = 0;
	FlippedAtoms(effects->program, old_row, new_row, changed, effects->now, &effects->flipped,
				 &effects->measures);
	for (i = 0; i < effects->measures.n; i++)
		note_measure(effects, old_row, new_row, effects->measures.items[i]);
	for (i = 0; i < effects->flipped.n; i++)
	{
		note_flip(effects, old_row, new_row, effects->flipped.items[i]);
		note_segments(effects, effects->flipped.items[i]);
	}
	return note_groups(effects, old_row, new_row, changed) || effects->flipped.n > 0 ||
		   effects->measures.n > 0;
}

/*
 * Where what rows were before can't be told, all atoms over what is made of them
 * may have become anything.
 */
void
RowEffectsExpand(RowEffects *effects)
{
	IntVector atoms = {0};
	int measure = -1;
	int i;

	while ((measure = bms_next_member(effects->flips.measures, measure)) >= 0)
		MeasureAtoms(effects->program, effects->source, measure, &atoms);
	for (i = 0; i < atoms.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		note_direction(&effects->flips, atoms.items[i], true);
		note_direction(&effects->flips, atoms.items[i], false);
		note_segments(effects, atoms.items[i]);
	}
	bms_free(effects->flips.measures);
	effects->flips.measures = NULL;
}

/*
 * For rows of a source that are tested at an instant.
 */
void
RowEffectsInit(RowEffects *effects, Program *program, RowSource *source, TimestampTz now)
{
	memset(effects, 0, sizeof(RowEffects));
	effects->program = program;
	effects->source = source;
	effects->now = now;
}

/*
 * Forget what was added.
 */
void
RowEffectsClear(RowEffects *effects)
{
	bms_free(effects->segments);
	bms_free(effects->flips.rising);
	bms_free(effects->flips.falling);
	bms_free(effects->flips.measures);
	bms_free(effects->flips.grown);
	bms_free(effects->flips.shrunk);
	effects->segments = NULL;
	memset(&effects->flips, 0, sizeof(AtomFlips));
}
