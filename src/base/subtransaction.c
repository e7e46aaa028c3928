/*
 * subtransaction.c - the only place that catches errors.
 *
 * An error leaves things half done: locks, buffers, relcache references, SPI
 * connections, the user and the settings of whoever was at work.  Aborting a
 * subtransaction gives them back, and nothing else does.  So what may be
 * caught runs in one, and the subtransaction is gone before anybody looks at
 * the error: whoever catches it next, further up, finds the subtransaction
 * that he has begun himself.
 */
#include "postgres.h"

#include "base/subtransaction.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "utils/resowner.h"

/*
 * Can a subtransaction be started?  Not during a parallel operation.
 */
bool
SubtransactionPossible(void)
{
	return !IsInParallelMode();
}

/*
 * Does the error tell of the moment, and not of what was tried?  The same may
 * succeed the next time: a cancel, a lock that was not got, memory that ran
 * out, a transaction that has to be tried again, a limit.
 */
static bool
is_of_the_moment(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/* The body, in the caller's memory, and its effects made part of the caller's transaction. */
static void
run(SubtransactionBody body, void *arg, MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	body(arg);
	ReleaseCurrentSubTransaction();
}

/*
 * Run code in a subtransaction.  NULL: it has succeeded.  Otherwise what it
 * did is undone, and the error is given back, in the caller's memory, if it is
 * an expected one.  Any other goes on.  NULL for `expected` expects what is
 * not of the moment.  The memory context and the resource owner are the
 * caller's again in every case.
 *
 * Where there can be no subtransaction the body runs without, and all its
 * errors go on.
 *
 * The body must leave nothing behind for others when it fails: what it sets
 * outside of the transaction (*arg, caches), it sets last.
 */
ErrorData *
InSubtransaction(SubtransactionBody body, void *arg, ExpectedError expected)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	if (!SubtransactionPossible())
	{
		body(arg);
		return NULL;
	}
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		run(body, arg, caller);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (error != NULL && !(expected ? expected(error) : !is_of_the_moment(error)))
		ReThrowError(error);
	return error;
}
