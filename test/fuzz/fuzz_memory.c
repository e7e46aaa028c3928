/*
 * fuzz_memory.c - a memory context in which every chunk is one malloc.
 *
 * The server's contexts carve chunks out of large blocks, where a byte read or
 * written past a chunk is still inside the block and nobody notices.  Here
 * AddressSanitizer sees each chunk by itself, freed ones included.  From
 * PostgreSQL 16 on the methods of a context are chosen from a closed table, so
 * there targets run in a context of the server's.
 */
#include "fuzz.h"

#include <sanitizer/asan_interface.h>

#include "base/compat.h"
#include "nodes/memnodes.h"
#include "utils/memutils.h"

#ifdef HAVE_CONTEXT_METHODS

/* What stands before a chunk; the server looks for the context right before it. */
typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
	Size size;
	MemoryContext context;
} Chunk;

static Chunk chunks = {&chunks, &chunks, 0, NULL};

#define ChunkOf(pointer) ((Chunk *) (pointer) -1)

/* Our own code may not touch headers; the server's is not looked at. */
static void
open_chunk(Chunk *chunk)
{
	if (chunk != &chunks)
		__asan_unpoison_memory_region(chunk, sizeof(Chunk));
}

static void
close_chunk(Chunk *chunk)
{
	if (chunk != &chunks)
		__asan_poison_memory_region(chunk, sizeof(Chunk));
}

static void
link_chunk(Chunk *chunk)
{
	Chunk *next = chunks.next;

	chunk->next = next;
	chunk->previous = &chunks;
	open_chunk(next);
	next->previous = chunk;
	close_chunk(next);
	chunks.next = chunk;
}

static void
unlink_chunk(Chunk *chunk)
{
	Chunk *next = chunk->next;
	Chunk *previous = chunk->previous;

	open_chunk(next);
	next->previous = previous;
	close_chunk(next);
	open_chunk(previous);
	previous->next = next;
	close_chunk(previous);
}

static void *
fuzz_alloc(MemoryContext context, Size size)
{
	Chunk *chunk = malloc(sizeof(Chunk) + size);

	if (chunk == NULL)
		return NULL;
	chunk->size = size;
	chunk->context = context;
	link_chunk(chunk);
	close_chunk(chunk);
	return chunk + 1;
}

static void
fuzz_free(MemoryContext context, void *pointer)
{
	Chunk *chunk = ChunkOf(pointer);

	open_chunk(chunk);
	unlink_chunk(chunk);
	free(chunk);
}

static Size
fuzz_get_chunk_space(MemoryContext context, void *pointer)
{
	Chunk *chunk = ChunkOf(pointer);
	Size size;

	open_chunk(chunk);
	size = chunk->size;
	close_chunk(chunk);
	return size + sizeof(Chunk);
}

static void *
fuzz_realloc(MemoryContext context, void *pointer, Size size)
{
	Size old = fuzz_get_chunk_space(context, pointer) - sizeof(Chunk);
	void *moved = fuzz_alloc(context, size);

	if (moved == NULL)
		return NULL;
	memcpy(moved, pointer, Min(old, size));
	fuzz_free(context, pointer);
	return moved;
}

static void
fuzz_reset(MemoryContext context)
{
	while (chunks.next != &chunks)
		fuzz_free(context, chunks.next + 1);
}

static void
fuzz_delete(MemoryContext context)
{
	fuzz_reset(context);
}

static bool
fuzz_is_empty(MemoryContext context)
{
	return chunks.next == &chunks;
}

static void
fuzz_stats(MemoryContext context, MemoryStatsPrintFunc print, void *passthru,
		   MemoryContextCounters *totals, bool print_to_stderr)
{
}

#ifdef MEMORY_CONTEXT_CHECKING
static void
fuzz_check(MemoryContext context)
{
}
#endif

static const MemoryContextMethods fuzz_methods = {
	.alloc = fuzz_alloc,
	.free_p = fuzz_free,
	.realloc = fuzz_realloc,
	.reset = fuzz_reset,
	.delete_context = fuzz_delete,
	.get_chunk_space = fuzz_get_chunk_space,
	.is_empty = fuzz_is_empty,
	.stats = fuzz_stats,
#ifdef MEMORY_CONTEXT_CHECKING
	.check = fuzz_check,
#endif
};

MemoryContext
FuzzMemoryContext(void)
{
	static MemoryContextData context;

	/* Asserted to be of a kind that the server knows, and used by its methods. */
	if (context.methods == NULL)
		MemoryContextCreate(&context, T_AllocSetContext, &fuzz_methods, TopMemoryContext, "fuzz");
	return &context;
}

#else

MemoryContext
FuzzMemoryContext(void)
{
	static MemoryContext context = NULL;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "fuzz", ALLOCSET_START_SMALL_SIZES);
	return context;
}

#endif
