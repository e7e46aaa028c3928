/*
 * bind_place.h - the filter that is being bound, and its place in the document:
 * refusals that name it, and the value that its field stands for.
 */
#ifndef SEGMENTS_BIND_PLACE_H
#define SEGMENTS_BIND_PLACE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "base/compat.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "filter/filter.h"
#include "predicate/predicate.h"

typedef struct BindOptions
{
	bool storing;       /* new filter: fields must be available, costs bounded */
	int64 self;         /* segment being stored, for messages; 0 if none */
	List **references;  /* when not NULL: collects ids (int64 *) of segments named */
	int64 *regexp_arcs; /* set by BindFilter: what its regular expressions cost so far */
	RelatedRows *row;   /* not NULL: what is bound is about one row of these */
	Oid viewer;         /* role that must see the segments named; InvalidOid: nobody need */
} BindOptions;

/* A filter's operator and value on a field -> predicate */
typedef struct BindPlace
{
	ContactTable *table;
	const BindOptions *options;
	const char *path; /* of the filter, $[1] */
	const FilterNode *node;
	Field *field;
} BindPlace;

pg_noreturn extern void BindRefuseValue(BindPlace *place, const FilterValue *value,
										const char *what);
extern Field *BindFieldOfRow(BindPlace *place, const char *path, const char *name);
extern AtomScope BindScope(const Field *field);
extern char *BindAddend(const Field *field);
extern char *BindAggregateCall(const Field *field);
extern char *BindLatestOrder(const Field *field);
extern char *BindRawValue(BindPlace *place);
extern char *BindLocalCall(BindPlace *place, const char *function, const char *value);

#endif /* SEGMENTS_BIND_PLACE_H */
