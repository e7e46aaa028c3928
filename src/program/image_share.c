/*
 * image_share.c - images in shared memory: compiled once, read by every backend.
 *
 * A registry of fixed size says which image of which contact table lies in
 * which dynamic shared memory segment.  A connection that writes its first
 * contact attaches to it instead of compiling thousands of segments. The
 * registry needs shared_preload_libraries = 'segments' before PostgreSQL 17;
 * without it, and whenever shared memory runs short, every backend has images
 * of its own, and nothing else is different.
 *
 * An image is found by the version of the definitions (definition_version.c).
 * The registry keeps one for each contact table, the last that was published;
 * one that was replaced lives until its last backend leaves.
 */
#include "postgres.h"

#include "program/image_share.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/resowner.h"

#include "base/compat.h"
#include "program/image.h"

#define SHARE_NAME "segments"
#define SHARE_SLOTS 128 /* contact tables, of all databases */

typedef struct ShareSlot
{
	Oid database;
	Oid relid;
	uint64 version;
	dsm_handle handle; /* DSM_HANDLE_INVALID: free */
	uint64 used;       /* the share's count when it was last published */
} ShareSlot;

typedef struct Share
{
	LWLock lock;
	uint64 count;
	ShareSlot slots[SHARE_SLOTS];
} Share;

static Share *share = NULL;

/* ----- start ----- */

static void
NAMED_SHARE_INIT(initialise_share, memory)
{
	Share *fresh = memory;
	int i;

	NamedLockInitialize(&fresh->lock, SHARE_NAME);
	fresh->count = 0;
	for (i = 0; i < SHARE_SLOTS; i++)
		fresh->slots[i].handle = DSM_HANDLE_INVALID;
}

#ifdef PRELOADED_SHARE
static void (*previous_request)(void) = NULL;
static shmem_startup_hook_type previous_startup = NULL;

static void
request_share(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(sizeof(Share));
}

static void
start_share(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	share = ShmemInitStruct(SHARE_NAME, sizeof(Share), &found);
	if (!found)
		initialise_share(share);
	LWLockRelease(AddinShmemInitLock);
	NamedLockRegister(&share->lock, SHARE_NAME);
}

/*
 * When the server starts: ask for the registry.
 */
void
ImageShareInit(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	ShareRequestHook(request_share, previous_request);
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = start_share;
}

static bool
have_share(void)
{
	return share != NULL;
}
#else
void
ImageShareInit(void)
{
}

static bool
have_share(void)
{
	bool found;

	if (share == NULL)
	{
		share = NamedShare(SHARE_NAME, sizeof(Share), initialise_share, &found);
		NamedLockRegister(&share->lock, SHARE_NAME);
	}
	return true;
}
#endif

/* ----- slots; the lock is held ----- */

static ShareSlot *
slot_of(Oid relid)
{
	int i;

	for (i = 0; i < SHARE_SLOTS; i++)
		if (share->slots[i].handle != DSM_HANDLE_INVALID && share->slots[i].relid == relid &&
			share->slots[i].database == MyDatabaseId)
			return &share->slots[i];
	return NULL;
}

/* A free slot, or the one published longest ago. */
static ShareSlot *
slot_to_take(void)
{
	ShareSlot *best = &share->slots[0];
	int i;

	for (i = 0; i < SHARE_SLOTS; i++)
	{
		if (share->slots[i].handle == DSM_HANDLE_INVALID)
			return &share->slots[i];
		if (share->slots[i].used < best->used)
			best = &share->slots[i];
	}
	return best;
}

/* ----- use ----- */

/* What is asked of shared memory. */
typedef struct Request
{
	Oid relid;
	uint64 version;
	Size size;
	dsm_segment *segment; /* the answer, or NULL */
} Request;

/* Whatever the reason why there is no memory, it must not stop a write. */
static void
attempt(void (*step)(Request *request), Request *request)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		step(request);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		if (ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_OPERATOR_INTERVENTION)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction(); /* and the lock */
		request->segment = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
}

static void
find_segment(Request *request)
{
	ShareSlot *slot;

	LWLockAcquire(&share->lock, LW_SHARED);
	slot = slot_of(request->relid);
	if (slot != NULL && slot->version == request->version)
	{
		/* one that a transaction which failed has left attached */
		request->segment = dsm_find_mapping(slot->handle);
		if (request->segment == NULL)
			request->segment = dsm_attach(slot->handle);
		if (request->segment != NULL)
			dsm_pin_mapping(request->segment);
	}
	LWLockRelease(&share->lock);
}

static void
create_segment(Request *request)
{
	request->segment = dsm_create(request->size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (request->segment != NULL)
		dsm_pin_mapping(request->segment);
}

/*
 * The image of this version of a contact table's definitions, or NULL.  It
 * stays until ImageShareLeave(*segment).
 */
const Image *
ImageShareFind(Oid relid, uint64 version, dsm_segment **segment)
{
	Request request = {relid, version};
	const Image *image;

	if (!have_share())
		return NULL;
	attempt(find_segment, &request);
	if (request.segment == NULL)
		return NULL;
	image = dsm_segment_address(request.segment);
	/* one of another build of this library is not ours to read */
	if (image->magic != IMAGE_MAGIC || image->version != version)
	{
		dsm_detach(request.segment);
		return NULL;
	}
	*segment = request.segment;
	return image;
}

/*
 * Publish an image that was built here.  Returns the shared one, which may be
 * one that somebody else was faster to publish; NULL when there is no sharing.
 */
const Image *
ImageSharePublish(const Image *image, dsm_segment **segment)
{
	Request request = {image->relid, image->version, image->size};
	const Image *found;
	ShareSlot *slot;

	if (!have_share())
		return NULL;
	found = ImageShareFind(image->relid, image->version, segment);
	if (found != NULL)
		return found;
	attempt(create_segment, &request);
	if (request.segment == NULL)
		return NULL;
	memcpy(dsm_segment_address(request.segment), image, image->size);
	/* of two that come at once, the later replaces the earlier: they are the same */
	LWLockAcquire(&share->lock, LW_EXCLUSIVE);
	slot = slot_of(image->relid);
	if (slot == NULL)
		slot = slot_to_take();
	if (slot->handle != DSM_HANDLE_INVALID)
		dsm_unpin_segment(slot->handle);
	dsm_pin_segment(request.segment);
	slot->database = image->database;
	slot->relid = image->relid;
	slot->version = image->version;
	slot->handle = dsm_segment_handle(request.segment);
	slot->used = ++share->count;
	LWLockRelease(&share->lock);
	*segment = request.segment;
	return dsm_segment_address(request.segment);
}

/*
 * This backend does not use an image any more.
 */
void
ImageShareLeave(dsm_segment *segment)
{
	dsm_detach(segment);
}
