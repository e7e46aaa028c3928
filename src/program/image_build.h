/*
 * image_build.h - a draft -> an image.
 */
#ifndef SEGMENTS_IMAGE_BUILD_H
#define SEGMENTS_IMAGE_BUILD_H

#include "postgres.h"

#include "program/draft.h"
#include "program/image.h"

extern Image *ImageBuild(const Draft *draft, MemoryContext context);

#endif /* SEGMENTS_IMAGE_BUILD_H */
