/*
 * image_use.c - which images this backend has open.
 *
 * Several programs can run over one image, those of transactions that are
 * ending among them; the last that goes takes it along.
 */
#include "postgres.h"

#include "program/image_use.h"

#include "utils/memutils.h"

#include "program/image.h"
#include "program/image_share.h"

static ImageUse *open_images = NULL; /* those that programs use */

/*
 * An image of our own, in its memory context.
 */
ImageUse *
ImageUseOwn(const Image *image, MemoryContext context)
{
	ImageUse *use = MemoryContextAllocZero(context, sizeof(ImageUse));

	use->image = image;
	use->context = context;
	return use;
}

/*
 * A shared image: there is one use of it, or its segment would be left while
 * some program is still reading it.
 */
ImageUse *
ImageUseShared(const Image *image, struct dsm_segment *shared)
{
	ImageUse *use;

	for (use = open_images; use != NULL; use = use->next)
		if (use->shared == shared)
			return use;
	use = ImageUseOwn(
		image, AllocSetContextCreate(CurrentMemoryContext, "segments image", ALLOCSET_SMALL_SIZES));
	use->shared = shared;
	return use;
}

/*
 * A program opens it: it lives until the last has closed it.
 */
void
ImageUseOpen(ImageUse *use)
{
	if (use->programs++ > 0)
		return;
	MemoryContextSetParent(use->context, CacheMemoryContext);
	use->next = open_images;
	open_images = use;
}

void
ImageUseClose(ImageUse *use)
{
	ImageUse **link = &open_images;

	if (--use->programs > 0)
		return;
	while (*link != use)
		link = &(*link)->next;
	*link = use->next;
	if (use->shared)
		ImageShareLeave(use->shared);
	MemoryContextDelete(use->context);
}
