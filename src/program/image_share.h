/*
 * image_share.h - images in shared memory: compiled once, read by every
 * backend.
 */
#ifndef SEGMENTS_IMAGE_SHARE_H
#define SEGMENTS_IMAGE_SHARE_H

#include "postgres.h"

#include "storage/dsm.h"

#include "program/image.h"

extern void ImageShareInit(void);
extern const Image *ImageShareFind(Oid relid, uint64 version, dsm_segment **segment);
extern const Image *ImageSharePublish(const Image *image, dsm_segment **segment);
extern void ImageShareLeave(dsm_segment *segment);
extern void ImageShareForget(Oid relid);

#endif /* SEGMENTS_IMAGE_SHARE_H */
