/*
 * aside.c - segments that this transaction could not evaluate, in memory.
 *
 * Where a look-up fails for a reason that is neither of the moment nor of a
 * row, the segments that need it are noted here and left alone by all that
 * evaluates, until the program that knows them from their stored failures
 * (set_aside.c) takes over.  What a subtransaction has noted goes with it, as
 * what it stored does.
 */
#include "postgres.h"

#include "definition/aside.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "definition/access.h"
#include "definition/owner_message.h"

static List *aside = NIL; /* of AsideSegment, in TopTransactionContext */

/* Those of a subtransaction: gone with it, or its parent's. */
static void
end_of_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	ListCell *cell;

	foreach (cell, aside)
	{
		AsideSegment *segment = lfirst(cell);

		if (event == SUBXACT_EVENT_ABORT_SUB && segment->subxact >= mine)
			aside = foreach_delete_current (aside, cell);
		else if (event == SUBXACT_EVENT_COMMIT_SUB && segment->subxact == mine)
			segment->subxact = parent;
	}
}

/* The memory goes with the transaction. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PARALLEL_PRE_COMMIT &&
		event != XACT_EVENT_PRE_PREPARE)
		aside = NIL;
}

static void
register_callbacks(void)
{
	static bool registered = false;

	if (registered)
		return;
	RegisterSubXactCallback(end_of_subtransaction, NULL);
	RegisterXactCallback(end_of_transaction, NULL);
	registered = true;
}

/*
 * What may be told of an error to everybody who sees the segment.  Errors of
 * evaluation can hold values of rows.
 */
char *
AsideReason(const ErrorData *error)
{
	/* what is wrong with a filter is told as an invalid parameter */
	if (error->sqlerrcode == ERRCODE_INVALID_PARAMETER_VALUE ||
		!ErrorMayQuoteRow(error->sqlerrcode))
		return pstrdup(error->message);
	return psprintf("an error was raised (SQLSTATE %s)", unpack_sql_state(error->sqlerrcode));
}

/*
 * The same for whoever is told at once: the owner of the contact table may know
 * all.
 */
char *
AsideReasonFor(Oid contact_table, const ErrorData *error)
{
	return AccessIsOwner(contact_table) ? pstrdup(error->message) : AsideReason(error);
}

/*
 * From here on a segment is not evaluated in this transaction.
 */
void
AsideAdd(Oid contact_table, int64 segment, const ErrorData *error)
{
	MemoryContext old;
	AsideSegment *entry;

	if (AsideContains(segment))
		return;
	register_callbacks();
	old = MemoryContextSwitchTo(TopTransactionContext);
	entry = palloc0(sizeof(AsideSegment));
	entry->contact_table = contact_table;
	entry->id = segment;
	entry->reason = AsideReason(error);
	entry->subxact = GetCurrentSubTransactionId();
	aside = lappend(aside, entry);
	MemoryContextSwitchTo(old);
}

/*
 * Was a segment noted?
 */
bool
AsideContains(int64 segment)
{
	ListCell *cell;

	foreach (cell, aside)
		if (((AsideSegment *) lfirst(cell))->id == segment)
			return true;
	return false;
}

static int
compare_segments(const ListCell *a, const ListCell *b)
{
	int64 left = ((AsideSegment *) lfirst(a))->id;
	int64 right = ((AsideSegment *) lfirst(b))->id;

	return left < right ? -1 : left > right;
}

/*
 * Those of a contact table whose failure is not stored yet, by id.
 */
List *
AsideUnstored(Oid contact_table)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, aside)
	{
		AsideSegment *segment = lfirst(cell);

		if (segment->contact_table == contact_table && !segment->stored)
			result = lappend(result, segment);
	}
	list_sort(result, compare_segments);
	return result;
}

/*
 * A segment is evaluated again.
 */
void
AsideForget(int64 segment)
{
	ListCell *cell;

	foreach (cell, aside)
		if (((AsideSegment *) lfirst(cell))->id == segment)
			aside = foreach_delete_current (aside, cell);
}
