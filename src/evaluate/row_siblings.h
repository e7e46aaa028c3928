/*
 * row_siblings.h - values of a related row that depend on the contact's other
 * rows.
 */
#ifndef SEGMENTS_ROW_SIBLINGS_H
#define SEGMENTS_ROW_SIBLINGS_H

#include "postgres.h"

#include "evaluate/row.h"
#include "program/program.h"

/* Beyond, a query is cheaper: each row may be compared with all. */
#define MANY_SIBLINGS 64

extern bool RowSiblingsAnswer(Program *program, Facet *facet);
extern FacetState *RowSiblingsFacet(Program *program, Facet *facet, RowVersion *rows, int n,
									int position);

#endif /* SEGMENTS_ROW_SIBLINGS_H */
