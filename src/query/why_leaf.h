/*
 * why_leaf.h - one leaf of a filter, explained for one contact.
 */
#ifndef SEGMENTS_WHY_LEAF_H
#define SEGMENTS_WHY_LEAF_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "definition/contact_table.h"
#include "filter/filter.h"
#include "predicate/atom_sql.h"
#include "predicate/predicate.h"

typedef struct Why
{
	ContactTable *table;
	char *contact; /* key as an SQL literal; of nobody when the caller may not see them */
	Oid viewer;    /* who asks */
	TimestampTz now;
	StringInfo out; /* JSON */
} Why;

extern char *WhyFrom(Why *why);
extern Predicate *WhyBind(Why *why, const FilterNode *leaf);
extern SqlContext WhyContext(Why *why);
extern bool WhyTruth(Why *why, const Predicate *predicate);
extern void WhyAppendDocument(StringInfo out, const FilterNode *leaf);
extern bool WhyAppendLeaf(Why *why, const FilterNode *leaf);

#endif /* SEGMENTS_WHY_LEAF_H */
