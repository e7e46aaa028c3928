/*
 * shared_piece.c - pieces of shared memory that all backends of the server have.
 *
 * Before PostgreSQL 17 they have to be asked for while the server starts, so
 * there are none where the library is not preloaded.  From 17 on whoever needs
 * one first makes it.
 */
#include "postgres.h"

#include "base/shared_piece.h"

#include "utils/elog.h"

#include "base/compat.h"
#include "base/preloaded.h"
#include "base/subtransaction.h"

#ifdef PRELOADED_SHARE
bool
SharedPieceRequest(SharedPiece *shared)
{
	return PreloadedRequest(&shared->piece);
}

bool
SharedPieceOpen(SharedPiece *shared)
{
	return *shared->piece.memory != NULL;
}
#else
static SharedPiece *opening = NULL;

/*
 * When the library is loaded.  False: there will be no such piece.
 */
bool
SharedPieceRequest(SharedPiece *shared)
{
	return true;
}

static void
NAMED_SHARE_INIT(initialize, memory)
{
	opening->piece.init(memory);
}

/* Another layout is another piece: the server outlives libraries. */
static void
open_step(void *arg)
{
	PreloadedPiece *piece = &((SharedPiece *) arg)->piece;
	const char *name = psprintf("%s %zu %d", piece->name, piece->size, opening->format);
	void *opened;
	bool found;

	opened = NamedShare(name, piece->size, initialize, &found);
	NamedLockRegister((LWLock *) opened, piece->name);
	*piece->memory = opened;
}

/*
 * Is the piece there?  Finds it, or makes it; where that fails there is none
 * now, and no error: shared memory saves work and is no condition of it.
 */
bool
SharedPieceOpen(SharedPiece *shared)
{
	if (*shared->piece.memory != NULL)
		return true;
	if (!SubtransactionPossible())
		return false;
	opening = shared;
	InSubtransaction(open_step, shared, SharedMemoryError);
	return *shared->piece.memory != NULL;
}
#endif

/*
 * What may come of a lack of shared memory, whatever the reason: it must not
 * stop a statement.  A cancel does.
 */
bool
SharedMemoryError(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_OPERATOR_INTERVENTION;
}
