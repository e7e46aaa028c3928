/*
 * passed_atoms.h - the atoms that values made of related rows have passed, and
 * the segments that hold them, contact by contact.
 */
#ifndef SEGMENTS_PASSED_ATOMS_H
#define SEGMENTS_PASSED_ATOMS_H

#include "postgres.h"

#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "evaluate/batch.h"
#include "evaluate/flips.h"

/* What values made of related rows have passed, contact by contact. */
typedef struct PassedAtoms
{
	IntVector *segments; /* per contact, some more than once; NULL: nothing was read */
	Bitmapset *rising;   /* atoms, of any contact */
	Bitmapset *falling;
	Bitmapset *everywhere; /* segments that are evaluated for all contacts */
	Bitmapset *reached;    /* these, and those of any contact */
} PassedAtoms;

extern void PassedAtomsFind(PassedAtoms *passed, Batch *batch, const AtomFlips *flips,
							const Bitmapset *everywhere);

#endif /* SEGMENTS_PASSED_ATOMS_H */
