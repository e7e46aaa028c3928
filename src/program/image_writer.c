/*
 * image_writer.c - memory that an image is written into.
 */
#include "postgres.h"

#include "program/image_writer.h"


#include "base/compat.h"
#include "base/vector.h"
#include "predicate/predicate.h"
#include "program/image.h"

Size
ImageReserve(ImageWriter *writer, Size n)
{
	Size offset = writer->used;

	n = MAXALIGN(n);
	if (offset + n > writer->size)
	{
		writer->size = Max(Min(writer->size * 2, PG_UINT32_MAX), offset + n);
		if (writer->size > PG_UINT32_MAX)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("compiled segments exceed 4 GB")));
		writer->data = writer->data == NULL ? MemoryContextAllocHuge(writer->context, writer->size)
											: repalloc_huge(writer->data, writer->size);
	}
	memset(writer->data + offset, 0, n);
	writer->used += n;
	return offset;
}

ImageOffset
ImagePut(ImageWriter *writer, const void *data, Size n)
{
	Size offset;

	if (n == 0)
		return 0;
	offset = ImageReserve(writer, n);
	memcpy(writer->data + offset, data, n);
	return (ImageOffset) offset;
}

ImageOffset
ImagePutString(ImageWriter *writer, const char *string)
{
	return string == NULL ? 0 : ImagePut(writer, string, strlen(string) + 1);
}

ImageList
ImagePutInts(ImageWriter *writer, const int32 *items, int n)
{
	ImageList list;

	list.n = n;
	list.offset = ImagePut(writer, items, sizeof(int32) * n);
	return list;
}

ImageList
ImagePutList(ImageWriter *writer, const List *items)
{
	IntVector vector = {0};
	ImageList list;
	ListCell *cell;

	foreach (cell, items)
		IntVectorAdd(&vector, lfirst_int(cell));
	list = ImagePutInts(writer, vector.items, vector.n);
	if (vector.items)
		pfree(vector.items);
	return list;
}

ImageList
ImagePutColumns(ImageWriter *writer, const Bitmapset *columns)
{
	IntVector vector = {0};
	int column = -1;

	while ((column = bms_next_member(columns, column)) >= 0)
		IntVectorAdd(&vector, column);
	return ImagePutInts(writer, vector.items, vector.n);
}

/* The Datum, or where it was put. */
Datum
ImagePutValue(ImageWriter *writer, ValueType type, Datum value)
{
	if (ValueTypeIsWord(type))
		return value;
	return (Datum) ImagePut(writer, DatumGetPointer(value), VARSIZE_ANY(DatumGetPointer(value)));
}
