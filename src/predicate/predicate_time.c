/*
 * predicate_time.c - when a bound predicate moves with time.
 *
 * The next instant at which some phrase in it means something else.
 */
#include "postgres.h"

#include "predicate/predicate_time.h"

#include "miscadmin.h"

#include "definition/contact_table.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "time/local_time.h"
#include "time/phrase.h"
#include "time/phrase_next.h"

static TimestampTz
boundary_next_move(const Boundary *boundary, const Atom *atom, ContactTable *table, TimestampTz now)
{
	bool days = (atom->value_type == VALUE_DATE);

	if (!BoundaryMoves(boundary))
		return DT_NOEND;
	/* inLast and inNext end at now: on instants they move all the time */
	if (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END)
	{
		if (!days)
			return now;
		if (boundary->span.unit < PHRASE_DAY)
			return Min(PhraseNextMidnight(table->zone, now), now + USECS_PER_MINUTE);
		return PhraseNextMidnight(table->zone, now);
	}
	return PhraseNextMove(boundary->phrase, table->zone, now, days);
}

/*
 * The next move of one atom: DT_NOEND when it never moves, now itself when it
 * moves all the time.
 */
TimestampTz
AtomNextMove(const Atom *atom, ContactTable *table, TimestampTz now)
{
	TimestampTz inner = DT_NOEND;

	if (!atom->moves)
		return DT_NOEND;
	if (atom->group != NULL)
		inner = PredicateNextMove(atom->group->predicate, table, now);
	if (atom->value_type == VALUE_MONTH_DAY)
		return Min(inner, PhraseNextMove(atom->anniversary, table->zone, now, true));
	inner = Min(inner, boundary_next_move(&atom->lower, atom, table, now));
	return Min(inner, boundary_next_move(&atom->upper, atom, table, now));
}

/* Does the boundary move at local midnights only? */
static bool
moves_by_the_day(const Boundary *boundary, bool days)
{
	if (!BoundaryMoves(boundary))
		return true;
	if (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END)
		return days && boundary->span.unit >= PHRASE_DAY;
	return boundary->phrase->kind == PHRASE_DAYS;
}

/*
 * Can the atom have moved after one instant and up to another?  Most move at
 * local midnights: whether there was one is the caller's to know.
 */
bool
AtomMovesWithin(const Atom *atom, ContactTable *table, TimestampTz from, TimestampTz to,
				bool midnight)
{
	bool days = (atom->value_type == VALUE_DATE);

	if (!atom->moves)
		return false;
	if (!midnight &&
		(atom->value_type == VALUE_MONTH_DAY ||
		 (moves_by_the_day(&atom->lower, days) && moves_by_the_day(&atom->upper, days))))
		return false;
	return AtomNextMove(atom, table, from) <= to;
}

TimestampTz
PredicateNextMove(const Predicate *predicate, ContactTable *table, TimestampTz now)
{
	TimestampTz result = DT_NOEND;
	int i;

	check_stack_depth();
	if (predicate->kind == PREDICATE_ATOM)
		return AtomNextMove(predicate->atom, table, now);
	for (i = 0; i < predicate->nargs; i++)
		result = Min(result, PredicateNextMove(predicate->args[i], table, now));
	return result;
}
