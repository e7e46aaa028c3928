/*
 * field_context.h - what an error in a field's expression says to a writer who
 * has never heard of the field.
 */
#ifndef SEGMENTS_FIELD_CONTEXT_H
#define SEGMENTS_FIELD_CONTEXT_H

#include "postgres.h"

#include "program/program.h"

typedef struct FieldContext
{
	ErrorContextCallback callback;
	Program *program;
	const Facet *facet; /* NULL: it is about the atom */
	int source;         /* of the facet */
	int atom;
	const char *name; /* of the field */
} FieldContext;

extern void FieldContextOfFacet(FieldContext *context, Program *program, const Facet *facet);
extern void FieldContextOfAtom(FieldContext *context, Program *program, int atom);
extern void FieldContextEnd(FieldContext *context);

#endif /* SEGMENTS_FIELD_CONTEXT_H */
