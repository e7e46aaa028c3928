/*
 * atom.h - identity and copies of atoms.
 */
#ifndef SEGMENTS_ATOM_H
#define SEGMENTS_ATOM_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"

extern char *AtomKey(const Atom *atom, ContactTable *table);
extern Atom *AtomCopy(const Atom *atom);

#endif /* SEGMENTS_ATOM_H */
