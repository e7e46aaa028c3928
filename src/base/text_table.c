/*
 * text_table.c - hash tables by text.
 */
#include "postgres.h"

#include "base/text_table.h"

#include "common/hashfn.h"

static uint32
hash_text(const void *key, Size size)
{
	const char *text = *(const char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_text(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

HTAB *
TextTable(const char *name, long nelem, Size entry_size, MemoryContext context)
{
	HASHCTL control = {0};

	control.keysize = sizeof(char *);
	control.entrysize = entry_size;
	control.hash = hash_text;
	control.match = match_text;
	control.hcxt = context;
	return hash_create(name, nelem, &control,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}
