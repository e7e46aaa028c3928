/*
 * image_share.c - images in shared memory: compiled once, read by every
 * backend.
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
 * one that was replaced lives until its last backend leaves.  So does one whose
 * definitions have changed, or whose contact table, extension or database is
 * gone: it leaves the registry when that commits, or, where the library was not
 * there to see it, when the next image is published.
 */
#include "postgres.h"

#include "program/image_share.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/dsm.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/shared_piece.h"
#include "base/subtransaction.h"
#include "definition/contact_table.h"
#include "program/image.h"

#define SHARE_NAME "segments"
#define SHARE_SLOTS 128 /* contact tables, of all databases */
#define SHARE_FORMAT 2

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

/*
 * What this transaction makes useless if it commits; in its memory, and
 * forgotten with it.  What a subtransaction noted that was rolled back is
 * compiled anew, no more.
 */
static List *useless_tables = NIL;
static List *useless_databases = NIL;

/* ----- start ----- */

static void
initialize_share(void *memory)
{
	Share *fresh = memory;
	int i;

	NamedLockInitialize(&fresh->lock, SHARE_NAME);
	fresh->count = 0;
	for (i = 0; i < SHARE_SLOTS; i++)
		fresh->slots[i].handle = DSM_HANDLE_INVALID;
}

static SharedPiece registry = {{SHARE_NAME, sizeof(Share), initialize_share, (void **) &share},
							   SHARE_FORMAT};

/* Can there be a registry, and what is caught when it fails? */
static bool
may_share(void)
{
	return SubtransactionPossible() && SharedPieceOpen(&registry);
}

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

/* What lies in a slot is not wanted any more: it goes with the last backend that reads it. */
static void
empty_slot(ShareSlot *slot)
{
	dsm_handle handle = slot->handle;

	slot->handle = DSM_HANDLE_INVALID;
	dsm_unpin_segment(handle);
}

/* ----- what nobody will ask for again ----- */

/* Of a database all its slots, or the one of a contact table. */
static void
empty_slots(Oid database, Oid relid)
{
	int i;

	for (i = 0; i < SHARE_SLOTS; i++)
		if (share->slots[i].handle != DSM_HANDLE_INVALID && share->slots[i].database == database &&
			(!OidIsValid(relid) || share->slots[i].relid == relid))
			empty_slot(&share->slots[i]);
}

/* Nothing here raises: it is too late for that. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	ListCell *cell;

	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT ||
		event == XACT_EVENT_PRE_PREPARE)
		return;
	if (event == XACT_EVENT_COMMIT && share != NULL &&
		(useless_tables != NIL || useless_databases != NIL))
	{
		LWLockAcquire(&share->lock, LW_EXCLUSIVE);
		foreach (cell, useless_tables)
			empty_slots(MyDatabaseId, lfirst_oid(cell));
		foreach (cell, useless_databases)
			empty_slots(lfirst_oid(cell), InvalidOid);
		LWLockRelease(&share->lock);
	}
	useless_tables = useless_databases = NIL;
}

static void
note(List **list, Oid oid)
{
	MemoryContext old;

	if (*list != NIL && llast_oid(*list) == oid)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	*list = lappend_oid(*list, oid);
	MemoryContextSwitchTo(old);
}

/*
 * The definitions of a contact table change in this transaction, or it goes.
 */
void
ImageShareForget(Oid relid)
{
	if (SharedPieceOpen(&registry))
		note(&useless_tables, relid);
}

static object_access_hook_type previous_access = NULL;

static void
object_accessed(ObjectAccessType access, Oid class, Oid object, int column, void *arg)
{
	if (previous_access)
		previous_access(access, class, object, column, arg);
	if (access != OAT_DROP || column != 0)
		return;
	/* of the many tables that go, those that are attached are told of too */
	if (class == RelationRelationId && share != NULL)
		note(&useless_tables, object);
	else if (class == DatabaseRelationId && SharedPieceOpen(&registry))
		note(&useless_databases, object);
	else if (class == ExtensionRelationId && object == get_extension_oid("segments", true) &&
			 SharedPieceOpen(&registry))
		note(&useless_databases, MyDatabaseId);
}

static void
forget_when_committed(void)
{
	previous_access = object_access_hook;
	object_access_hook = object_accessed;
	RegisterXactCallback(end_of_transaction, NULL);
}

/*
 * When the library is loaded: ask for the registry.
 */
void
ImageShareInit(void)
{
	if (SharedPieceRequest(&registry))
		forget_when_committed();
}

/* Is there nobody left to ask for it?  Only of one's own database is that known in full. */
static bool
is_useless(const ShareSlot *slot)
{
	if (slot->database == MyDatabaseId)
		return !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(slot->relid)) ||
			   CatalogContactTable(slot->relid, true) == NULL;
	return !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(slot->database));
}

/* Catalogues are not read under the lock. */
static void
sweep(void)
{
	ShareSlot *slots = palloc(sizeof(share->slots));
	int i;

	LWLockAcquire(&share->lock, LW_SHARED);
	memcpy(slots, share->slots, sizeof(share->slots));
	LWLockRelease(&share->lock);
	for (i = 0; i < SHARE_SLOTS; i++)
	{
		if (slots[i].handle == DSM_HANDLE_INVALID || !is_useless(&slots[i]))
			continue;
		LWLockAcquire(&share->lock, LW_EXCLUSIVE);
		empty_slots(slots[i].database, slots[i].relid);
		LWLockRelease(&share->lock);
	}
	pfree(slots);
}

/* ----- use ----- */

/* What is asked of shared memory. */
typedef struct Request
{
	Oid relid;
	uint64 version;
	const Image *image;    /* to be published */
	dsm_segment **segment; /* the answer: attached until ImageShareLeave */
} Request;

/*
 * Do what can fail.  What it has attached is the caller's from when it
 * is pinned to the backend, as no transaction's end takes that away.
 */
static void
attempt(SubtransactionBody body, Request *request)
{
	*request->segment = NULL;
	if (InSubtransaction(body, request, SharedMemoryError) == NULL || *request->segment == NULL)
		return;
	dsm_detach(*request->segment);
	*request->segment = NULL;
}

static void
keep(Request *request, dsm_segment *segment)
{
	if (segment != NULL)
		dsm_pin_mapping(segment);
	*request->segment = segment;
}

static void
find_segment(void *arg)
{
	Request *request = arg;
	ShareSlot *slot;

	LWLockAcquire(&share->lock, LW_SHARED);
	slot = slot_of(request->relid);
	if (slot != NULL && slot->version == request->version)
		keep(request, dsm_attach(slot->handle));
	LWLockRelease(&share->lock);
}

/* Of two that come at once, the later replaces the earlier: they are the same. */
static void
put_into_slot(const Image *image, dsm_segment *segment)
{
	ShareSlot *slot;

	LWLockAcquire(&share->lock, LW_EXCLUSIVE);
	slot = slot_of(image->relid);
	if (slot == NULL)
		slot = slot_to_take();
	if (slot->handle != DSM_HANDLE_INVALID)
		empty_slot(slot);
	dsm_pin_segment(segment);
	slot->handle = dsm_segment_handle(segment);
	slot->database = image->database;
	slot->relid = image->relid;
	slot->version = image->version;
	slot->used = ++share->count;
	LWLockRelease(&share->lock);
}

static void
publish(void *arg)
{
	Request *request = arg;
	const Image *image = request->image;
	dsm_segment *segment;

	sweep();
	segment = dsm_create(image->size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	keep(request, segment);
	if (segment == NULL)
		return;
	memcpy(dsm_segment_address(segment), image, image->size);
	put_into_slot(image, segment);
}

/*
 * The image of this version of a contact table's definitions, or NULL.  It
 * stays until ImageShareLeave(*segment), which is set as soon as there is
 * something to be left.
 */
const Image *
ImageShareFind(Oid relid, uint64 version, dsm_segment **segment)
{
	Request request = {relid, version, NULL, segment};
	const Image *image;

	if (!may_share())
		return NULL;
	attempt(find_segment, &request);
	if (*segment == NULL)
		return NULL;
	image = dsm_segment_address(*segment);
	/* one of another build of this library is not ours to read */
	if (image->magic == IMAGE_MAGIC && image->version == version)
		return image;
	dsm_detach(*segment);
	*segment = NULL;
	return NULL;
}

/*
 * Publish an image that was built here.  Returns the shared one, which may be
 * one that somebody else was faster to publish; NULL when there is no sharing.
 */
const Image *
ImageSharePublish(const Image *image, dsm_segment **segment)
{
	Request request = {image->relid, image->version, image, segment};
	const Image *found;

	if (!may_share())
		return NULL;
	found = ImageShareFind(image->relid, image->version, segment);
	if (found != NULL)
		return found;
	attempt(publish, &request);
	return *segment == NULL ? NULL : dsm_segment_address(*segment);
}

/*
 * This backend does not use an image any more.
 */
void
ImageShareLeave(dsm_segment *segment)
{
	dsm_detach(segment);
}
