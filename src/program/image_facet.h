/*
 * image_facet.h - facets of an image.
 */
#ifndef SEGMENTS_IMAGE_FACET_H
#define SEGMENTS_IMAGE_FACET_H

#include "postgres.h"

#include "program/draft.h"
#include "program/image.h"
#include "program/image_access.h"


extern ImageOffset ImagePutFacets(ImageLayout *layout, const DraftSource *source, bool contacts,
								  int *at);
extern ImageOffset ImagePutMeasures(ImageLayout *layout, const DraftSource *source);

#endif /* SEGMENTS_IMAGE_FACET_H */
