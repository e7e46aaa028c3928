/*
 * row_time.c - what the passing of time does to the atoms of one row.
 *
 * Where boundaries stood at two instants is kept with the atom, as most phrases
 * move once a day or less.
 */
#include "postgres.h"

#include "evaluate/row_time.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "evaluate/row.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "predicate/predicate_time.h"
#include "program/image.h"
#include "program/program.h"

static void
place_ends(Program *program, ProgramAtom *patom, TimestampTz from, TimestampTz to)
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
place_window(Program *program, ProgramAtom *patom, TimestampTz from, TimestampTz to)
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
		place_ends(program, patom, from, to);
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

	place_window(program, patom, from, to);
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
	place_window(program, patom, from, to);
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
