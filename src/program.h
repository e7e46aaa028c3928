/*
 * program.h - what a backend keeps of one contact table's segments: their
 * bound filters with shared atoms, indexed by what can flip them.
 */
#ifndef SEGMENTS_PROGRAM_H
#define SEGMENTS_PROGRAM_H

#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "utils/hsearch.h"

#include "bind.h"
#include "segment.h"

/* A constant that some atoms compare a facet with for equality. */
typedef struct FacetConstant
{
	Datum		value;
	uint32		hash;
	List	   *atoms;			/* ids */
} FacetConstant;

/* A point on a facet's line; `after` is just above the value. */
typedef struct FacetBoundary
{
	Datum		value;
	bool		after;
	List	   *atoms;			/* ids */
} FacetBoundary;

/*
 * A facet is one value computed from a row: a column, its folded form, its
 * elements.  All atoms over it share its value and its index.
 */
typedef struct Facet
{
	int			id;
	char	   *sql;
	ValueType	type;
	Oid			sql_type;		/* of the expression's result */
	struct RowSource *source;
	ExprState  *state;			/* NULL: opaque, holds a subquery */
	Bitmapset  *columns;		/* attribute numbers it reads; NULL with opaque */
	bool		opaque;

	int			nconstants;		/* dictionary of equality constants */
	int			constants_size;
	FacetConstant *constants;
	int			nbuckets;		/* power of two; bucket = index + 1 */
	int		   *buckets;

	int			nboundaries;	/* sorted */
	int			boundaries_size;
	FacetBoundary *boundaries;

	List	   *others;			/* ids of atoms that are evaluated one by one */
	List	   *ranges;			/* ids of indexed range atoms */
} Facet;

/* Rows of one table that atoms are evaluated on: contacts, or a relation's. */
typedef struct RowSource
{
	Oid			relid;
	RelatedRows *rows;			/* NULL: the contact table */
	TupleDesc	desc;
	int			nfacets;
	Facet	  **facets;
	Bitmapset  *columns;		/* all that facets and conditions read */
	List	   *atoms;			/* ids of atoms over these rows */
	bool		unguarded;		/* no foreign key ties its rows to contacts */
	SPIPlanPtr	share_plan;		/* locks rows that contacts point at */
	SPIPlanPtr	any_plan;		/* contacts that have a row at all */
	SPIPlanPtr	contacts_plan;	/* contacts of rows with these keys */
	struct RowsPath *path;		/* how a contact's rows are read; NULL: not asked yet */
	Facet	   *contact;		/* key of the row's contact, where the row holds it */
	Facet	   *key;			/* key of the row, where contacts are found by it */
	Facet	   *reference;		/* on the contact's row: what points at this one */
	struct RowSource *link;		/* the link table's rows: facets contact, key, primary */
} RowSource;

/* An atom of the program, shared by segments. */
typedef struct ProgramAtom
{
	Atom	   *atom;
	RowSource  *source;			/* NULL for ATOM_MEMBER */
	Facet	   *facet;			/* row test; NULL for EXISTS, MEMBER and AGGREGATE */
	Facet	   *condition;		/* related rows: their fixed condition, or NULL */
	Facet	   *argument;		/* aggregates: the value aggregated, or NULL */
	Facet	   *order;			/* latest: what orders the rows, or NULL */
	bool		indexed;		/* found through the facet's index */
	int			nids;			/* ANY, OVERLAP: constants in the dictionary */
	int		   *ids;
	int			lower;			/* RANGE: rank must be >= lower and < upper */
	int			upper;
	FmgrInfo   *function;		/* LIKE, REGEXP */
	Datum		pattern;
	SPIPlanPtr	plan;			/* query atoms: which of these contacts? */
	List	   *segments;		/* indexes of segments that have it */

	/* where moving boundaries stand, as of `at` */
	TimestampTz at;
	Datum		lower_at;
	Datum		upper_at;
	int			ndays;
	int32		days[2];
	TimestampTz window_from;	/* the window these are of */
	TimestampTz window_to;
	bool		still;			/* nothing moved within it */
	TimestampTz still_until;
	Datum		lower_from;
	Datum		lower_to;
	Datum		upper_from;
	Datum		upper_to;
} ProgramAtom;

typedef struct ProgramSegment
{
	int			index;
	int64		id;
	Predicate  *predicate;		/* atoms have their program ids */
	bool		pure;			/* reads the contact's row only, never moves */
	bool		moves;
	int			rank;			/* topological: referenced ones come first */
	List	   *references;		/* indexes of segments it refers to */
	List	   *referencing;	/* indexes of segments that refer to this one */
	List	   *access;			/* ids of equality atoms one of which must hold; NIL: none */
} ProgramSegment;

/*
 * What is looked at first of a candidate: sixteen bytes a segment, side by
 * side.  Where a filter can only match contacts with one value in one facet,
 * most candidates end here, without a look at the segment itself (the access
 * predicate of Fabret et al., SIGMOD 2001).
 */
typedef struct SegmentGate
{
	uint64		stamp;			/* row it was last looked at for */
	int			facet;			/* of the contact's row, or -1 */
	int			constant;		/* that the facet must have */
} SegmentGate;

typedef struct Program
{
	Oid			relid;			/* hash key */
	bool		valid;
	MemoryContext context;
	ContactTable *table;
	EState	   *estate;
	ExprContext *econtext;
	TupleTableSlot *slot;
	int			natoms;
	ProgramAtom *atoms;
	int			nsegments;
	ProgramSegment *segments;
	SegmentGate *gates;			/* per segment */
	HTAB	   *by_id;			/* segment id -> index */
	int			nsources;
	RowSource **sources;		/* [0] is the contact table */
	uint64		stamp;			/* counts rows */
	List	   *always;			/* pure segments without access atoms */
	List	  **access;			/* per atom: pure segments it gives access to */
	bool		unguarded;		/* some source is */
	bool		foreign_functions;	/* facets call functions that are not ours or the server's */
	List	   *impure;			/* the others */
	List	   *moving;			/* indexes of segments */
	List	   *moving_atoms;	/* ids of moving atoms on the contact's row */
	Oid			key_array_type;
	int16		key_len;
	bool		key_byval;
	char		key_align;
	FmgrInfo	key_compare;
	Oid			key_collation;
	List	   *plans;			/* all kept plans, to be freed with the program */
	TimestampTz moved_from;		/* moving segments were brought forward to here at least */
	TimestampTz moved_to;		/* and some as far as here */
	uint64		clock_generation;	/* of the clock rows these are from; 0: not read */
	SPIPlanPtr	join_plan;
	SPIPlanPtr	leave_plan;
} Program;

/* program.c */
extern Program *ProgramGet(Oid contact_table);
extern List *ProgramTablesReading(Oid relid);
extern Bitmapset *ProgramSegmentsReading(Program *program, const RowSource *source);
extern ProgramSegment *ProgramSegmentById(Program *program, int64 id);
extern SPIPlanPtr ProgramPlan(Program *program, SPIPlanPtr *slot, const char *sql, int nargs, Oid *types);
extern void ProgramInvalidate(Oid contact_table);
extern uint64 ProgramClockGeneration(void);
extern void ProgramFreePlans(void *arg);

/* program_build.c */
extern Program *ProgramBuild(Oid relid, MemoryContext context);

/* facet.c */
extern Facet *FacetGet(Program *program, RowSource *source, const char *sql, ValueType type);
extern void FacetIndexAtom(Facet *facet, ProgramAtom *atom, int id);
extern void FacetFinish(Program *program, Facet *facet);

#endif							/* SEGMENTS_PROGRAM_H */
