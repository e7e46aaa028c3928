/*
 * image_use.h - which images this backend has open.
 */
#ifndef SEGMENTS_IMAGE_USE_H
#define SEGMENTS_IMAGE_USE_H

#include "postgres.h"

#include "program/image.h"

/* An image, and who uses it in this backend. */
typedef struct ImageUse
{
	const Image *image;
	struct dsm_segment *shared; /* NULL: it is this backend's own */
	MemoryContext context;
	MemoryContextCallback callback;
	int programs;
	struct ImageUse *next;
} ImageUse;

extern void ImageUseOpen(ImageUse *use);
extern void ImageUseClose(ImageUse *use);
extern ImageUse *ImageUseCreate(void);
extern ImageUse *ImageUseFind(Oid relid, uint64 version);
extern void ImageUseDrop(ImageUse *use);

#endif /* SEGMENTS_IMAGE_USE_H */
