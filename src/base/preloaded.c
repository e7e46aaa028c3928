/*
 * preloaded.c - pieces of shared memory that are asked for while the server
 * starts.
 */
#include "postgres.h"

#include "base/preloaded.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "base/compat.h"

static PreloadedPiece *pieces = NULL;
static void (*previous_request)(void) = NULL;
static shmem_startup_hook_type previous_startup = NULL;

static void
request(void)
{
	PreloadedPiece *piece;

	if (previous_request)
		previous_request();
	for (piece = pieces; piece != NULL; piece = piece->next)
		RequestAddinShmemSpace(piece->size);
}

static void
start(void)
{
	PreloadedPiece *piece;
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (piece = pieces; piece != NULL; piece = piece->next)
	{
		*piece->memory = ShmemInitStruct(piece->name, piece->size, &found);
		if (!found)
			piece->init(*piece->memory);
		NamedLockRegister((LWLock *) *piece->memory, piece->name);
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * Ask for a piece, which lives as long as the process.  False where the library
 * is not preloaded: then there will be none.
 */
bool
PreloadedRequest(PreloadedPiece *piece)
{
	bool first = pieces == NULL;

	if (!process_shared_preload_libraries_in_progress)
		return false;
	piece->next = pieces;
	pieces = piece;
	ShareRequestAtOnce(piece->size);
	if (first)
	{
		ShareRequestHook(request, previous_request);
		previous_startup = shmem_startup_hook;
		shmem_startup_hook = start;
	}
	return true;
}
