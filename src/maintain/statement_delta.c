/*
 * statement_delta.c - what a statement changed, row by row.
 *
 * OLD and NEW rows of one update stand in the same order in their stores, as
 * the server adds both at once.  But where a row moves to another partition,
 * whose trigger takes it away, only the OLD one is there: then nothing says
 * which belong together, and there are not as many of one kind as of the other.
 */
#include "postgres.h"

#include "maintain/statement_delta.h"

#include "miscadmin.h"

/*
 * Do rows of both kinds belong together, one by one?
 */
bool
StatementDeltaIsPaired(const StatementDelta *delta)
{
	return delta->old_rows == NULL || delta->new_rows == NULL ||
		   tuplestore_tuple_count(delta->old_rows) == tuplestore_tuple_count(delta->new_rows);
}

void
StatementDeltaRewind(StatementDelta *delta)
{
	if (delta->old_rows)
		tuplestore_rescan(delta->old_rows);
	if (delta->new_rows)
		tuplestore_rescan(delta->new_rows);
}

/*
 * The next row, of each kind that there is; false: there are no more.
 */
bool
StatementDeltaNext(StatementDelta *delta, TupleTableSlot *old_slot, TupleTableSlot *new_slot)
{
	bool more = false;

	CHECK_FOR_INTERRUPTS();
	if (delta->old_rows)
		more = tuplestore_gettupleslot(delta->old_rows, true, false, old_slot);
	if (delta->new_rows)
		more = tuplestore_gettupleslot(delta->new_rows, true, false, new_slot);
	return more;
}
