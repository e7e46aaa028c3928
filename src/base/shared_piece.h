/*
 * shared_piece.h - pieces of shared memory that all backends of the server have.
 */
#ifndef SEGMENTS_SHARED_PIECE_H
#define SEGMENTS_SHARED_PIECE_H

#include "postgres.h"

#include "base/preloaded.h"

typedef struct SharedPiece
{
	PreloadedPiece piece;
	int format; /* raised when what is in it changes its meaning and not its size */
} SharedPiece;

extern bool SharedPieceRequest(SharedPiece *shared);
extern bool SharedPieceOpen(SharedPiece *shared);
extern bool SharedMemoryError(const ErrorData *error);

#endif /* SEGMENTS_SHARED_PIECE_H */
