/*
 * draft_access.h - access predicates: which contacts can match a segment at
 * all, and which rows can count for a row group, told by equality.
 */
#ifndef SEGMENTS_DRAFT_ACCESS_H
#define SEGMENTS_DRAFT_ACCESS_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "predicate/predicate.h"
#include "program/draft.h"

extern List *DraftAccessAtoms(Draft *draft, const Predicate *predicate, AtomScope scope);
extern void DraftAccessGroup(Draft *draft, DraftSource *source, int id);

#endif /* SEGMENTS_DRAFT_ACCESS_H */
