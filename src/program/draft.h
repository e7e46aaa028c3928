/*
 * draft.h - the segments of one contact table while they are being compiled:
 * draft.c collects them here, image_build.c writes the image.
 */
#ifndef SEGMENTS_DRAFT_H
#define SEGMENTS_DRAFT_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"
#include "text/pattern_index.h"

/* A value that is equalled, or a pattern that is found by a literal of its own. */
typedef struct DraftConstant
{
	AtomTest test; /* ANY, LIKE or REGEXP */
	Datum value;
	uint32 hash;
	List *atoms;            /* ids */
	PatternLiteral literal; /* of patterns; the id is the constant's number */
	bool whole;             /* whatever holds the literal matches */
	List *groups;           /* ids of row groups that rows with it can count for */
} DraftConstant;

typedef struct DraftBoundary
{
	Datum value;
	bool after;
	List *atoms; /* ids */
} DraftBoundary;

typedef struct DraftFacet
{
	int id; /* within its source */
	char *sql;
	const char *field; /* name of the first one that it is of, or NULL */
	ValueType type;
	Oid sql_type;
	AttrNumber attnum;
	bool opaque;
	bool foreign; /* calls functions that are not ours or the server's */
	Bitmapset *columns;
	struct DraftSource *source;

	int nconstants; /* dictionary of equality constants, and of patterns */
	int npatterns;  /* of these */
	int constants_size;
	DraftConstant *constants;
	int nbuckets;
	int *buckets;

	int nboundaries; /* sorted by DraftFacetFinish */
	int boundaries_size;
	DraftBoundary *boundaries;

	List *others; /* ids of atoms that are evaluated one by one */
	List *ranges; /* ids of indexed range atoms */
	List *atoms;  /* measures: ids of all that are over it */
} DraftFacet;

typedef struct DraftSource
{
	int index; /* in the image */
	Oid relid;
	RelatedRows *rows; /* NULL: the contact table, or a link table */
	int natts;
	uint32 columns_hash;
	int nfacets;
	DraftFacet **facets;
	Bitmapset *columns;
	List *atoms;
	List *groups;      /* of these, row groups; one of each measure */
	List *open_groups; /* for which any row can count */
	List *measures;    /* values made of a contact's rows: DraftFacets */
	DraftFacet *contact;
	DraftFacet *key;
	DraftFacet *reference;
	struct DraftSource *link;
} DraftSource;

typedef struct DraftAtom
{
	Atom *atom;
	DraftSource *source; /* NULL for ATOM_MEMBER */
	DraftFacet *facet;
	DraftFacet *condition;
	DraftFacet *argument;
	DraftFacet *order;
	DraftFacet *measure; /* what it compares, where many atoms do */
	bool indexed;
	int nids;
	int *ids;
	int lower;
	int upper;
	List *inner;   /* row groups, not within others: ids of the atoms in them, in order */
	int outermost; /* inner row groups: the one they are in; else itself */
	Predicate *row_predicate; /* row groups: on one row, over atoms of the draft */
	List *row_facets;         /* facets that it reads */
	List *value_facets;       /* what is made of its rows reads these */
	List *segments;           /* indexes */
	int origin;               /* segment that it was first met in */
	int ordinal;              /* and which of its atoms it is */
} DraftAtom;

typedef struct DraftSegment
{
	int index;
	int64 id;
	Predicate *predicate; /* atoms have their ids */
	List *atoms;          /* ids, some more than once */
	bool pure;
	bool moves;
	bool aside; /* not evaluated */
	int level;
	List *references; /* indexes */
	List *referencing;
	List *access; /* ids of atoms one of which must hold; NIL: none */
} DraftSegment;

#define DRAFT_SOURCES 1000 /* tables that the segments of one contact table read */

typedef struct Draft
{
	Oid relid;
	uint64 version;
	ContactTable *table;
	MemoryContext context;
	int natoms;
	int atoms_size;
	DraftAtom *atoms;
	int nsegments;
	int nunbound;           /* of these, could not be bound */
	DraftSegment *segments; /* sorted by id */
	int nsources;
	DraftSource *sources[DRAFT_SOURCES];
	int nlinks;
	DraftSource *links[DRAFT_SOURCES];
} Draft;

extern Draft *DraftBuild(Oid relid, uint64 version);

#endif /* SEGMENTS_DRAFT_H */
