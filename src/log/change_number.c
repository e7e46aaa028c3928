/*
 * change_number.c - numbers of entries of the log within one transaction.
 *
 * All logs of a transaction share one sequence of numbers, which begins at 1.
 */
#include "postgres.h"

#include "log/change_number.h"

#include "access/transam.h"
#include "access/xact.h"

/* Entries of the log that a transaction has written, or was given numbers for. */
static FullTransactionId numbered_transaction;
static int next_number = 1;

/*
 * Numbers for `count` entries of the log within this transaction: returns the
 * first.
 */
int
ChangeNumberNext(int count)
{
	FullTransactionId now = GetTopFullTransactionId();
	int first;

	if (!FullTransactionIdEquals(now, numbered_transaction))
	{
		numbered_transaction = now;
		next_number = 1;
	}
	first = next_number;
	next_number += count;
	return first;
}

/*
 * How many entries this transaction has written to logs; those that were
 * rolled back count too.
 */
int
ChangesLogged(void)
{
	FullTransactionId now = GetTopFullTransactionIdIfAny();

	if (!FullTransactionIdIsValid(now) || !FullTransactionIdEquals(now, numbered_transaction))
		return 0;
	return next_number - 1;
}

/*
 * How many joins and leaves this backend has written, after adding some.
 */
int64
ChangesWritten(int64 more)
{
	static int64 written = 0;

	written += more;
	return written;
}
