/*
 * program.h - what a backend keeps of one contact table's segments: the image
 * of their filters (image.h), and what it needs itself to run it.
 */
#ifndef SEGMENTS_PROGRAM_H
#define SEGMENTS_PROGRAM_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"

#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "program/image_use.h"

/* A facet (see ImageFacet), and how this backend computes it. */
typedef struct Facet
{
	int id; /* within its source */
	const ImageFacet *image;
	struct RowSource *source;
	ExprState *state;               /* prepared when first asked; NULL for columns */
	struct FacetPattern **patterns; /* by constant, compiled when first asked; or NULL */
	Bitmapset *columns;             /* attribute numbers it reads; NULL with opaque */
	struct RowSiblings *siblings;   /* opaque: how the contact's other rows answer it, once asked */
} Facet;

/* Does the facet, where there is one, hold a subquery? */
static inline bool
FacetIsOpaque(const Facet *facet)
{
	return facet != NULL && facet->image->opaque;
}

/* Rows of one table that atoms are evaluated on: contacts, or a relation's. */
typedef struct RowSource
{
	Oid relid;
	RelatedRows *rows; /* NULL: the contact table, or a link table */
	const ImageSource *image;
	TupleDesc desc; /* of contacts; others see ProgramSourceDesc */
	int nfacets;
	Facet *facets;
	Bitmapset *columns;       /* all that facets and conditions read */
	bool unguarded;           /* no foreign key locks the contacts of its rows */
	bool checked;             /* its columns are as they were compiled */
	SPIPlanPtr share_plan;    /* locks rows that contacts point at */
	SPIPlanPtr any_plan;      /* contacts that have a row at all */
	SPIPlanPtr contacts_plan; /* contacts of rows with these keys */
	struct RowsPath *path;    /* how a contact's rows are read; NULL: not asked yet */
	Facet *contact;           /* key of the row's contact, where the row holds it */
	Facet *key;               /* key of the row, where contacts are found by it */
	Facet *reference;         /* on the contact's row: what points at this one */
	struct RowSource *link;   /* the link table's rows: facets contact, key, primary */
} RowSource;

/* A facet by its number, or NULL where there is none. */
static inline Facet *
SourceFacet(RowSource *source, int id)
{
	return id < 0 ? NULL : &source->facets[id];
}

/*
 * What a backend keeps of one atom; made when first asked (ProgramAtomGet).
 * Indexed atoms of contacts don't need it.
 */
typedef struct ProgramAtom
{
	const ImageAtom *image;
	Atom *atom;  /* what can be tested on a row: no field, rows or SQL */
	Atom *bound; /* the whole, when asked (ProgramAtomBound) */
	FieldAggregate aggregate;
	RowSource *source; /* NULL for ATOM_MEMBER */
	Facet *facet;      /* row test; NULL for EXISTS, MEMBER and AGGREGATE */
	Facet *condition;  /* related rows: their fixed condition, or NULL */
	Facet *argument;   /* aggregates: the value aggregated, or NULL */
	Facet *order;      /* latest: what orders the rows, or NULL */
	struct LikePattern *like;
	struct Regexp *regexp;
	SPIPlanPtr plan; /* query atoms: which of these contacts? */

	/* where moving boundaries stand, from `at` until `at_until` */
	TimestampTz at;
	TimestampTz at_until;
	Datum lower_at;
	Datum upper_at;
	bool falls; /* an anniversary, on one of these days */
	DateADT first_day;
	DateADT last_day;
	TimestampTz window_from; /* the window these are of */
	TimestampTz window_to;
	bool still; /* nothing moved within it */
	TimestampTz still_until;
	Datum lower_from;
	Datum lower_to;
	Datum upper_from;
	Datum upper_to;
} ProgramAtom;

/* Segments that were looked at for the present row. */
typedef struct SeenSegments
{
	int n;
	uint32 size;   /* power of two, or 0 */
	uint64 *slots; /* row's stamp and segment */
	uint32 stamp;
} SeenSegments;

typedef struct Program
{
	Oid relid;
	MemoryContext context;
	ImageUse *use;
	const Image *image;
	const ImageAtom *atoms;
	const ImageSegment *segments;
	int natoms;
	int nqueries;
	int nsegments;
	bool prepared;     /* expressions that call functions of others are */
	bool guards_known; /* ProgramIsUnguarded was asked */
	bool unguarded;    /* some source is */
	uint64 roles_seen; /* when it was last asked whether rows are hidden; 0: never */
	uint64 checked_in; /* invalidations when tables were last compared with the image */
	int nsources;
	RowSource **sources;  /* [0] is the contact table; link tables are not among them */
	ProgramAtom **states; /* per atom: NULL until asked */
	int naccess;          /* facets of contacts with constants or cells that let segments in */
	Facet **access;
	ContactTable *table;
	EState *estate;
	ExprContext *econtext;
	SeenSegments seen;
	Oid key_array_type;
	int16 key_len;
	bool key_byval;
	char key_align;
	FmgrInfo key_compare;
	Oid key_collation;
	struct IndexChoice *key_index; /* by which contacts are found; NULL: not asked yet */
	List *plans;                   /* all kept plans, to be freed with the program */
	TimestampTz moved_from;        /* moving segments were brought forward to here at least */
	TimestampTz moved_to;          /* and some as far as here */
	IntVector awake; /* moving atoms of contacts that mean something else since moved_from */
	TimestampTz awake_from;
	TimestampTz awake_until;
	uint64 clock_generation;     /* of the clock rows these are from; 0: not read */
	MemoryContext bound_context; /* the filter that atoms were last bound of, */
	int bound_segment;           /* and its segment, while there is a context */
	Predicate *bound;
	SPIPlanPtr join_plan;
	SPIPlanPtr leave_plan;
} Program;

/* The numbers of a list of the image. */
#define ProgramItems(program, list) IMAGE_ITEMS((program)->image, list)

/* A segment's predicate (IMAGE_OP). */
#define ProgramCode(program, segment)                                                              \
	IMAGE_AT((program)->image, (program)->segments[segment].code, uint32)

/* What the image says of a row group, by the id of its atom. */
static inline const ImageGroup *
ProgramGroup(Program *program, int id)
{
	const ImageDetail *detail = IMAGE_AT(program->image, program->atoms[id].detail, ImageDetail);

	return IMAGE_AT(program->image, detail->group, ImageGroup);
}

extern uint32 ProgramColumnsHash(TupleDesc desc);
extern TupleDesc ProgramSourceDesc(Program *program, RowSource *source);
extern bool ProgramIsUnguarded(Program *program);
extern ProgramAtom *ProgramAtomGet(Program *program, int id);
extern const Atom *ProgramAtomStored(Program *program, int id);
extern const Atom *ProgramAtomBound(Program *program, int id);
extern int ProgramSegmentById(Program *program, int64 id);
extern bool ProgramReadsHidden(Program *program);
extern Bitmapset *ProgramSegmentsReading(Program *program, const RowSource *source);
extern Bitmapset *ProgramAddReferencing(Program *program, Bitmapset *segments, int index);
extern Bitmapset *ProgramReferences(Program *program, int index);
extern SPIPlanPtr ProgramPlan(Program *program, SPIPlanPtr *slot, const char *sql, int nargs,
							  Oid *types);

#endif /* SEGMENTS_PROGRAM_H */
