/*
 * draft_atom.h - the atoms of a draft: equal ones of all its segments are one.
 */
#ifndef SEGMENTS_DRAFT_ATOM_H
#define SEGMENTS_DRAFT_ATOM_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "predicate/predicate.h"
#include "program/draft.h"

typedef struct AtomInterner
{
	Draft *draft;
	HTAB *atoms; /* by key text */
	int ordinal; /* atoms of the segment met so far */
} AtomInterner;

extern void AtomInternerBegin(AtomInterner *interner, Draft *draft);
extern int AtomIntern(AtomInterner *interner, Atom *atom, int segment);

#endif /* SEGMENTS_DRAFT_ATOM_H */
