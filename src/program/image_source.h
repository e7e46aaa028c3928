/*
 * image_source.h - sources of an image: the contact table, related rows.
 */
#ifndef SEGMENTS_IMAGE_SOURCE_H
#define SEGMENTS_IMAGE_SOURCE_H

#include "postgres.h"

#include "program/draft.h"
#include "program/image.h"
#include "program/image_access.h"


extern int ImageFacetId(const DraftFacet *facet);
extern ImageOffset ImagePutSources(ImageLayout *layout, int *at);

#endif /* SEGMENTS_IMAGE_SOURCE_H */
