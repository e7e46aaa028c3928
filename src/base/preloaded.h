/*
 * preloaded.h - pieces of shared memory that are asked for while the server
 * starts.
 */
#ifndef SEGMENTS_PRELOADED_H
#define SEGMENTS_PRELOADED_H

#include "postgres.h"

#include "storage/lwlock.h"

/* A piece of shared memory, which begins with its lock. */
typedef struct PreloadedPiece
{
	const char *name;
	Size size;
	void (*init)(void *memory); /* of the first who gets it, the lock included */
	void **memory;              /* set when it is there */
	struct PreloadedPiece *next;
} PreloadedPiece;

extern bool PreloadedRequest(PreloadedPiece *piece);

#endif /* SEGMENTS_PRELOADED_H */
