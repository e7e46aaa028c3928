/*
 * image_atom.h - atoms of an image.
 */
#ifndef SEGMENTS_IMAGE_ATOM_H
#define SEGMENTS_IMAGE_ATOM_H

#include "postgres.h"

#include "base/vector.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/image.h"
#include "program/image_access.h"


extern void ImageAddCode(IntVector *code, const Predicate *predicate);
extern bool ImageIsQuery(const DraftAtom *datom);
extern ImageOffset ImagePutAtoms(ImageLayout *layout, int *nqueries);

#endif /* SEGMENTS_IMAGE_ATOM_H */
