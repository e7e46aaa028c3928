/*
 * image_writer.h - memory that an image is written into.
 */
#ifndef SEGMENTS_IMAGE_WRITER_H
#define SEGMENTS_IMAGE_WRITER_H

#include "postgres.h"

#include "predicate/predicate.h"
#include "program/image.h"

typedef struct ImageWriter
{
	MemoryContext context; /* that the image is written in */
	char *data;
	Size used;
	Size size;
} ImageWriter;

extern Size ImageReserve(ImageWriter *writer, Size n);
extern ImageOffset ImagePut(ImageWriter *writer, const void *data, Size n);
extern ImageOffset ImagePutString(ImageWriter *writer, const char *string);
extern ImageList ImagePutInts(ImageWriter *writer, const int32 *items, int n);
extern ImageList ImagePutList(ImageWriter *writer, const List *items);
extern ImageList ImagePutColumns(ImageWriter *writer, const Bitmapset *columns);
extern Datum ImagePutValue(ImageWriter *writer, ValueType type, Datum value);

#endif /* SEGMENTS_IMAGE_WRITER_H */
