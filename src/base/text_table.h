/*
 * text_table.h - hash tables by text.
 */
#ifndef SEGMENTS_TEXT_TABLE_H
#define SEGMENTS_TEXT_TABLE_H

#include "postgres.h"

#include "utils/hsearch.h"

/* Entries begin with a pointer to their text, which whoever enters them keeps. */
extern HTAB *TextTable(const char *name, long nelem, Size entry_size, MemoryContext context);

#endif /* SEGMENTS_TEXT_TABLE_H */
