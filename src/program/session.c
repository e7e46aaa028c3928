/*
 * session.c - a session of maintenance: SPI and the owner's rights, when needed.
 *
 * Most statements flip nothing, and for them connecting to SPI, changing the
 * role and fixing the settings would be most of the cost.  So a trigger opens
 * a session, which costs nothing, and whatever reads or writes tables enters
 * it first.  Sessions nest (a write of members can fire triggers that write
 * contacts); an error unwinds them with its transaction or subtransaction.
 */
#include "postgres.h"

#include "program/session.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/secure.h"
#include "program/program.h"

typedef struct Session
{
	struct Session *outer;
	SubTransactionId subxact;
	Program *program;
	bool entered;
	SecureContext secure;
	ExprContext *econtext; /* of the session around this one */
	MemoryContext caller;  /* where the session began, and ends */
} Session;

static Session *present = NULL;

/*
 * Sessions of this transaction: how many, and the latest command that any of
 * them was for.  A statement inside another (a function in its RETURNING, a
 * trigger of another table, a referential action) has a later command; what
 * the outer statement knows of its rows may then be out of date.
 */
static uint64 begun = 0;
static bool ran = false;
static CommandId ran_for = 0;

/* The values of the session around this one are its own again. */
static void
leave(bool is_commit)
{
	Program *program = present->program;
	ExprContext *own = program->econtext;

	program->econtext = present->econtext;
	if (own != present->econtext)
		FreeExprContext(own, is_commit);
	present = present->outer;
}

/*
 * Sessions that an error left behind are of subtransactions that are gone.
 * Their programs are still there: one that was replaced meanwhile goes with
 * the transaction's memory (program_cache.c), after this.  The server has
 * popped their SPI connections, and restores the user and the settings.
 */
static void
end_of_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (present != NULL && present->subxact >= mine)
			leave(false);
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	while (present != NULL)
		leave(false);
	ran = false;
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
 * Open a session for one program.
 */
void
SessionBegin(Program *program)
{
	/* the callbacks look at it when the statement's memory is gone */
	Session *session = MemoryContextAllocZero(TopTransactionContext, sizeof(Session));

	register_callbacks();
	session->outer = present;
	session->subxact = GetCurrentSubTransactionId();
	session->program = program;
	session->caller = CurrentMemoryContext;
	session->econtext = program->econtext;
	/* a statement inside another must not clear what that one computed */
	if (present != NULL)
		program->econtext = CreateExprContext(program->estate);
	present = session;
	begun++;
	if (ActiveSnapshotSet() && (!ran || GetActiveSnapshot()->curcid > ran_for))
	{
		ran_for = GetActiveSnapshot()->curcid;
		ran = true;
	}
}

/*
 * Has a statement inside the present one been maintained?  To be asked before
 * the present one's own session begins.
 */
bool
SessionRanInside(void)
{
	return ran && ActiveSnapshotSet() && ran_for > GetActiveSnapshot()->curcid;
}

/*
 * How many sessions this backend has begun.
 */
uint64
SessionsBegun(void)
{
	return begun;
}

/*
 * From here on as the contact table's owner, with SPI.  The current memory
 * context stays what it was.
 */
void
SessionEnter(void)
{
	MemoryContext caller = CurrentMemoryContext;

	if (present == NULL || present->entered)
		return;
	/* what is entered is left with the subtransaction: it must be the session's own */
	Assert(present->subxact == GetCurrentSubTransactionId());
	SecureEnter(&present->secure, present->program->table->owner);
	SPI_connect();
	MemoryContextSwitchTo(caller);
	present->entered = true;
}

/*
 * Close the session.  The current memory context is again the one in which it
 * began: that of now can be SPI's, which goes here, and the one to which SPI
 * returns, where the session was entered, can be gone.
 */
void
SessionEnd(void)
{
	Session *session = present;

	if (session->entered)
	{
		SPI_finish();
		MemoryContextSwitchTo(session->caller);
		SecureLeave(&session->secure);
	}
	MemoryContextSwitchTo(session->caller);
	leave(true);
	pfree(session);
}
