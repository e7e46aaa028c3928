/*
 * image_use.c - which images this backend has open.
 *
 * Several programs can run over one image, those of transactions that are
 * ending among them; the last that goes takes it along.
 *
 * A use is in a memory context of its own, and its image goes with that: it is
 * freed, or its segment of shared memory is left.  Until a program opens it, the
 * context is a child of the one at work, so that an error takes it away.
 */
#include "postgres.h"

#include "program/image_use.h"

#include "utils/memutils.h"

#include "program/image_share.h"

static ImageUse *uses = NULL; /* all there are: none outlives its context */

/* The context of a use goes. */
static void
end_use(void *arg)
{
	ImageUse *use = arg;
	ImageUse **link = &uses;

	while (*link != use)
		link = &(*link)->next;
	*link = use->next;
	if (use->shared)
		ImageShareLeave(use->shared);
}

/*
 * A use without an image yet, in a context in which one can be built.
 */
ImageUse *
ImageUseCreate(void)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "segments image", ALLOCSET_DEFAULT_SIZES);
	ImageUse *use = MemoryContextAllocZero(context, sizeof(ImageUse));

	use->context = context;
	use->callback.func = end_use;
	use->callback.arg = use;
	use->next = uses;
	uses = use;
	MemoryContextRegisterResetCallback(context, &use->callback);
	return use;
}

/*
 * The use of this version of a contact table's definitions, or NULL.  A segment
 * of shared memory can be attached only once.
 */
ImageUse *
ImageUseFind(Oid relid, uint64 version)
{
	ImageUse *use;

	for (use = uses; use != NULL; use = use->next)
		if (use->image != NULL && use->image->relid == relid && use->image->version == version)
			return use;
	return NULL;
}

/*
 * A program opens it: it lives until the last has closed it.
 */
void
ImageUseOpen(ImageUse *use)
{
	if (use->programs++ == 0)
		MemoryContextSetParent(use->context, CacheMemoryContext);
}

void
ImageUseClose(ImageUse *use)
{
	if (--use->programs == 0)
		MemoryContextDelete(use->context);
}

/*
 * Whoever has found or built it does without it.
 */
void
ImageUseDrop(ImageUse *use)
{
	if (use->programs == 0)
		MemoryContextDelete(use->context);
}
