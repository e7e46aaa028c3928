/*
 * row_group.c - which row groups can a change of a related row concern?
 *
 * A row counts for a group when it satisfies the group's predicate, which is
 * evaluated on the row in memory.  A row that counts neither before nor after,
 * nor did at the instant that the segments stand at, changes nothing.  Inner
 * groups read other rows: of them nothing is known, and rows of theirs are told
 * from others in the same way.
 */
#include "postgres.h"

#include "evaluate/row_group.h"

#include "access/htup_details.h"
#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "evaluate/row_time.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "program/program.h"

/* What a predicate says of one row, whatever inner groups say. */
typedef enum RowTruth
{
	ROW_FALSE = 0,
	ROW_TRUE,
	ROW_UNKNOWN
} RowTruth;

static RowTruth
negation(RowTruth truth)
{
	return truth == ROW_UNKNOWN ? ROW_UNKNOWN : truth == ROW_TRUE ? ROW_FALSE : ROW_TRUE;
}

static RowTruth
atom_truth(Program *program, RowVersion *row, int id, TimestampTz now)
{
	const ImageAtom *atom = &program->atoms[id];

	if (atom->scope == ATOM_GROUP || (atom->flags & IMAGE_ATOM_OPAQUE))
		return ROW_UNKNOWN;
	return AtomOnRow(program, row, id, now) ? ROW_TRUE : ROW_FALSE;
}

static RowTruth
code_truth(Program *program, RowVersion *row, const uint32 *code, TimestampTz now)
{
	uint32 operand = IMAGE_OPERAND(code);
	ImageOp op = IMAGE_OP(code);
	RowTruth decides = (op == IMAGE_OP_OR) ? ROW_TRUE : ROW_FALSE;
	RowTruth result = negation(decides);
	const uint32 *end = code + 1 + operand;
	const uint32 *arg;

	switch (op)
	{
		case IMAGE_OP_FALSE:
			return ROW_FALSE;
		case IMAGE_OP_TRUE:
			return ROW_TRUE;
		case IMAGE_OP_ATOM:
			return atom_truth(program, row, operand, now);
		case IMAGE_OP_NOT:
			return negation(code_truth(program, row, code + 1, now));
		default:
			break;
	}
	check_stack_depth();
	for (arg = code + 1; arg < end; arg = IMAGE_NEXT(arg))
	{
		RowTruth truth = code_truth(program, row, arg, now);

		if (truth == decides)
			return truth;
		if (truth == ROW_UNKNOWN)
			result = ROW_UNKNOWN;
	}
	return result;
}

/* Does the row count for the group? */
static RowTruth
row_counts(Program *program, RowVersion *row, int id, TimestampTz now)
{
	ProgramAtom *patom = ProgramAtomGet(program, id);
	RowTruth truth;

	if (row->slot == NULL || !RowCounts(program, row, patom))
		return ROW_FALSE;
	truth = code_truth(program, row,
					   IMAGE_AT(program->image, ProgramGroup(program, id)->code, uint32), now);
	return truth == ROW_TRUE && FacetIsOpaque(patom->condition) ? ROW_UNKNOWN : truth;
}

/*
 * Does the row count for a group without inner ones that reads the row alone?
 */
bool
RowGroupCounts(Program *program, RowVersion *row, int id, TimestampTz now)
{
	return row_counts(program, row, id, now) == ROW_TRUE;
}

static bool
any_changed(RowVersion *row, const int32 *facets, uint32 n, const bitmapword *changed)
{
	uint32 i;

	for (i = 0; i < n; i++)
		if (FacetChanged(&row->source->facets[facets[i]], changed))
			return true;
	return false;
}

/* A row that stays: does the group read something of it that differs? */
static bool
reads_changed(Program *program, RowVersion *row, int id, const bitmapword *changed)
{
	const ImageGroup *group = ProgramGroup(program, id);
	ProgramAtom *patom = ProgramAtomGet(program, id);

	return (patom->condition && FacetChanged(patom->condition, changed)) ||
		   any_changed(row, ProgramItems(program, group->row_facets), group->row_facets.n,
					   changed) ||
		   any_changed(row, ProgramItems(program, group->value_facets), group->value_facets.n,
					   changed);
}

/* A row that stays and counts as before: is something else made of it? */
static bool
gives_the_same(Program *program, RowVersion *row, int id, const bitmapword *changed)
{
	const ImageGroup *group = ProgramGroup(program, id);

	return !any_changed(row, ProgramItems(program, group->value_facets), group->value_facets.n,
						changed);
}

/* Has a phrase moved over the row since the segments were brought forward? */
static bool
is_due(Program *program, RowVersion *old_row, RowVersion *new_row, int id, TimestampTz now)
{
	ImageList moving = ProgramGroup(program, id)->moving;
	uint32 i;

	for (i = 0; i < moving.n; i++)
	{
		int atom = ProgramItems(program, moving)[i];

		if ((program->atoms[atom].flags & IMAGE_ATOM_OPAQUE) ||
			AtomIsDue(program, old_row, new_row, atom, now))
			return true;
	}
	return false;
}

/* `changed`: columns of a row that stays; NULL for one that came or went. */
static bool
is_concerned(Program *program, RowVersion *old_row, RowVersion *new_row, int id,
			 const bitmapword *changed, TimestampTz now)
{
	RowTruth before;
	RowTruth after;

	if (changed != NULL && !reads_changed(program, new_row, id, changed))
		return false;
	if (is_due(program, old_row, new_row, id, now))
		return true;
	before = row_counts(program, old_row, id, now);
	after = row_counts(program, new_row, id, now);
	if (before == ROW_FALSE && after == ROW_FALSE)
		return false;
	return changed == NULL || before != ROW_TRUE || after != ROW_TRUE ||
		   !gives_the_same(program, new_row, id, changed);
}

typedef struct GroupSearch
{
	Program *program;
	RowVersion *old_row;
	RowVersion *new_row;
	const bitmapword *changed;
	TimestampTz now;
	IntVector *out;
} GroupSearch;

static void
ask_groups(GroupSearch *search, ImageList groups)
{
	uint32 i;

	for (i = 0; i < groups.n; i++)
	{
		int id = ProgramItems(search->program, groups)[i];

		CHECK_FOR_INTERRUPTS();
		if (is_concerned(search->program, search->old_row, search->new_row, id, search->changed,
						 search->now))
			IntVectorAdd(search->out, id);
	}
}

/* Groups behind the constants that a row has in a facet. */
static void
ask_behind(GroupSearch *search, RowVersion *row, Facet *facet)
{
	FacetState *state = RowFacetLookedUp(search->program, row, facet);
	const ImageConstant *constants =
		IMAGE_AT(search->program->image, facet->image->constants, ImageConstant);
	int i;

	if (state->constant >= 0)
		ask_groups(search, constants[state->constant].behind);
	for (i = 0; i < state->nelements; i++)
		ask_groups(search, constants[state->elements[i]].behind);
}

/*
 * Row groups, inner ones too, for which it can matter that a row of theirs was
 * one and is the other (either may be absent): all for which it does, and few
 * others; some more than once.  The versions must belong to the same contact.
 * A row that comes or goes meets only the groups that its values let it count
 * for.  changed: as for FlippedAtoms.
 */
void
FlippedGroups(Program *program, RowVersion *old_row, RowVersion *new_row, const bitmapword *changed,
			  TimestampTz now, IntVector *out)
{
	RowSource *source = old_row->source;
	GroupSearch search = {program, old_row, new_row, changed, now, out};
	int i;

	if (source->image->groups.n == 0)
		return;
	if (changed != NULL)
	{
		ask_groups(&search, source->image->groups);
		return;
	}
	ask_groups(&search, source->image->open_groups);
	for (i = 0; i < source->nfacets; i++)
		if (source->facets[i].image->lets_in)
			ask_behind(&search, old_row->slot ? old_row : new_row, &source->facets[i]);
}
