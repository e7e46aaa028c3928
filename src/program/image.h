/*
 * image.h - the compiled segments of one contact table, as one piece of memory.
 *
 * An image holds no pointers, only offsets from its start, no function
 * addresses and nothing of one backend: it can be built by one backend and
 * read by all (image_share.c).  It never changes once it is built.  What a
 * backend adds for itself, expressions and plans, is in program.h.
 */
#ifndef SEGMENTS_IMAGE_H
#define SEGMENTS_IMAGE_H

#include "postgres.h"

#include "definition/field.h"
#include "predicate/predicate.h"

struct dsm_segment;


typedef uint32 ImageOffset; /* from the image's start; 0: nothing */

/* int32 numbers side by side. */
typedef struct ImageList
{
	ImageOffset offset;
	uint32 n;
} ImageList;

/*
 * A segment that can change when the value of a facet changes: where it
 * passes a boundary, or comes to or leaves a constant.  Sorted by all three.
 */
typedef struct ImageStep
{
	int32 facet; /* twice the facet; plus one for constants */
	int32 point; /* number of the boundary or of the constant */
	int32 segment;
} ImageStep;

/*
 * A constant that some atoms compare a facet with for equality, or a pattern
 * that is found by a literal of its own: then what holds that is tested.
 */
typedef struct ImageConstant
{
	Datum value; /* of texts, sets and numerics the offset; of what is `whole` nothing */
	uint32 hash;
	uint16 test;      /* AtomTest: ANY; LIKE, REGEXP of patterns */
	uint16 whole;     /* whatever holds the literal matches */
	ImageList atoms;  /* related rows: ids */
	ImageList behind; /* contacts: segments that only this value, or others, let in;
					  * related rows: row groups that it lets count */
	ImageList steps;  /* of these: ImageSteps of other facets */
} ImageConstant;

/* A point on a facet's line; `after` is just above the value. */
typedef struct ImageBoundary
{
	Datum value;
	int32 after;
	ImageList atoms; /* related rows: ids */
} ImageBoundary;

/*
 * A range atom over related rows, by its ranks.  Sorted by `lower`; they are a
 * balanced tree too, whose root is in the middle, with the highest `upper` of
 * all that is below each.
 */
typedef struct ImageRange
{
	int32 lower;
	int32 upper;
	int32 highest;
	int32 atom;
} ImageRange;

/*
 * A range of a facet's ranks, a cell, lets in the segments whose window on
 * the facet overlaps it.
 */
typedef struct ImageCell
{
	ImageList behind;
	ImageList steps; /* of all facets */
} ImageCell;

/*
 * A facet is one value computed from a row: a column, its folded form, its
 * elements.  All atoms over it share its value and its index.
 */
typedef struct ImageFacet
{
	ImageOffset sql;
	ImageOffset field; /* name of the first field that it is of, where it is not a column */
	Oid sql_type;      /* of the expression's result */
	ValueType type;
	int16 attnum;      /* it is this column, or 0 */
	bool opaque;       /* holds a subquery */
	bool lets_in;      /* some constants let segments in */
	ImageList columns; /* attribute numbers it reads */
	uint32 nconstants;
	uint32 npatterns;   /* of these */
	uint32 nbuckets;    /* power of two; bucket = constant + 1 */
	uint32 nboundaries; /* sorted */
	ImageOffset constants;
	ImageOffset buckets;
	ImageOffset boundaries;
	ImageOffset patterns; /* PatternIndex of literals, by constant */
	uint32 ncells;        /* 0: none, or the ranks are cut into so many */
	ImageOffset cells;
	ImageList others; /* atoms that are evaluated one by one */
	ImageList ranges; /* related rows: ImageRanges */
	int32 first;      /* measures: an atom over it */
} ImageFacet;

/* Rows of one table that atoms are evaluated on: contacts, or a relation's. */
typedef struct ImageSource
{
	Oid relid;
	uint32 columns_hash; /* of the table's columns when it was compiled */
	bool related;        /* what follows is set */
	bool only_primary;
	Oid link_relid;
	ImageOffset name; /* strings of struct RelatedRows */
	ImageOffset contact_column;
	ImageOffset key_column;
	ImageOffset link_column;
	ImageOffset primary_column;
	ImageOffset contact_reference;
	ImageOffset condition;
	int32 nfacets;
	ImageOffset facets;
	int32 contact;         /* facet: key of the row's contact, or -1 */
	int32 key;             /* facet: key of the row, or -1 */
	int32 reference;       /* facet of the contact's row that points at this one, or -1 */
	int32 link;            /* source of the link table's rows, or -1 */
	ImageList columns;     /* all that facets and conditions read */
	ImageList atoms;       /* over these rows: ids */
	ImageList loose;       /* of these, the ones that no facet's index finds: */
	ImageList conditional; /* ever; when only their fixed condition changes */
	ImageList groups;      /* row groups over these rows: ids */
	ImageList open_groups; /* those that no constant lets rows count for */
	int32 nmeasures;       /* values made of a contact's rows */
	ImageOffset measures;  /* ImageFacets */
} ImageSource;

#define IMAGE_ATOM_INDEXED 0x01 /* found through the facet's index */
#define IMAGE_ATOM_MOVES 0x02
#define IMAGE_ATOM_OPAQUE 0x04      /* its facet is */
#define IMAGE_ATOM_MEMBERSHIPS 0x08 /* a row group that reads memberships */

/* An atom, shared by segments. */
typedef struct ImageAtom
{
	uint8 scope; /* AtomScope */
	uint8 test;  /* AtomTest */
	uint8 type;  /* ValueType */
	uint8 flags;
	int32 source;    /* -1 for ATOM_MEMBER */
	int32 facet;     /* row test; -1 for EXISTS, MEMBER and AGGREGATE */
	int32 condition; /* related rows: facet of their fixed condition, or -1 */
	int32 argument;  /* aggregates: the value aggregated, or -1 */
	int32 order;     /* latest: what orders the rows, or -1 */
	int32 measure;   /* what it compares, where its source has that, or -1 */
	int32 ordinal;   /* which atom of its first segment's filter it is */
	int32 query;     /* counts atoms that are not on the contact's row, or -1 */
	int32 lower;     /* RANGE: rank must be >= lower and < upper */
	int32 upper;
	ImageList ids;      /* ANY, OVERLAP, CONTAINS: constants */
	ImageList segments; /* that have it; not of indexed atoms of contacts */
	int32 origin;       /* the first of them */
	ImageOffset detail; /* ImageDetail of atoms that are more than a test of a facet's index */
} ImageAtom;

/*
 * A measure is a value made of all of a contact's related rows: their number,
 * a sum.  All atoms that compare it share its index; `lower`, `upper` and `ids`
 * are of that.
 */

/* What a row does to a row group. */
typedef struct ImageGroup
{
	ImageOffset code;     /* predicate on one row, see IMAGE_OP; of inner groups nothing is known */
	int32 outermost;      /* id of the row group that it is in, or its own */
	bool grows;           /* RowGroupGrows */
	bool plain;           /* it reads one row, and no inner groups */
	ImageList moving;     /* atoms on its rows that move */
	ImageList row_facets; /* what the predicate reads of a row */
	ImageList value_facets; /* what else is made of it */
	ImageList segments;     /* pairs of int32: ids of segments whose memberships it reads */
} ImageGroup;

/* An id of a segment from the two int32 that it is kept as. */
static inline int64
ImageId(int32 high, int32 low)
{
	return (int64) ((uint64) (uint32) high << 32 | (uint32) low);
}

/* A boundary as it is bound, without its text. */
typedef struct ImageMoment
{
	Boundary boundary; /* pointers are NULL */
	ImageOffset phrase;
} ImageMoment;

/* What few atoms have: of most there is none, or offsets that are 0. */
typedef struct ImageDetail
{
	int64 segment_id;  /* MEMBER */
	ImageOffset group; /* GROUP: ImageGroup */
	Oid sql_type;
	FieldAggregate aggregate; /* of the field, or of the row group where it is one of these */
	ImageOffset pattern;      /* LIKE, REGEXP */
	ImageOffset day;          /* of the anniversary: Phrase */
	ImageOffset lower;        /* ImageMoment */
	ImageOffset upper;
} ImageDetail;

#define IMAGE_SEGMENT_PURE 0x01 /* reads the contact's row only, never moves */
#define IMAGE_SEGMENT_MOVES 0x02
#define IMAGE_SEGMENT_NEVER 0x04 /* no contact can match */
#define IMAGE_SEGMENT_ASIDE 0x08 /* is not evaluated: its members stay as they are */

typedef struct ImageSegment
{
	int64 id;
	ImageOffset code;      /* its predicate, see IMAGE_OP */
	int32 access_facet;    /* contacts match only with one value in this facet: */
	int32 access_constant; /* this one; -1: no such facet */
	uint32 flags;
	int32 level;           /* topological: referenced ones come first */
	ImageList referencing; /* segments that refer to this one */
	bool references;       /* refers to others */
} ImageSegment;

/*
 * Predicates are words in prefix order: what to do above, and below the id of
 * an atom, or the number of words that belong to it.
 */
#define IMAGE_OP_SHIFT 28
#define IMAGE_OP_MASK 0x0fffffffu
typedef enum ImageOp
{
	IMAGE_OP_FALSE = 0,
	IMAGE_OP_TRUE,
	IMAGE_OP_ATOM,
	IMAGE_OP_NOT,
	IMAGE_OP_AND,
	IMAGE_OP_OR
} ImageOp;

/* What a word says, what it says it of, and what stands behind its predicate. */
#define IMAGE_OP(code) ((ImageOp) (*(code) >> IMAGE_OP_SHIFT))
#define IMAGE_OPERAND(code) (*(code) &IMAGE_OP_MASK)
#define IMAGE_NEXT(code)                                                                           \
	(IMAGE_OP(code) == IMAGE_OP_ATOM ? (code) + 1 : (code) + 1 + IMAGE_OPERAND(code))

/* The contact table's row of the catalogue, see struct ContactTable. */
typedef struct ImageContactTable
{
	ImageOffset key_column;
	ImageOffset timezone;
	int16 key_attnum;
	Oid key_type;
	Oid member_table;
	Oid override_table;
	Oid change_table;
	bool case_sensitive;
	bool has_point_triggers;
} ImageContactTable;

typedef struct Image
{
	uint64 magic;
	uint64 version; /* of the definitions; 0: unknown (definition_version.c) */
	Oid database;
	Oid relid;
	ImageContactTable table;
	Oid key_compare;   /* function that orders keys of contacts */
	uint32 size;       /* of everything, bytes */
	uint32 build_usec; /* how long it took to build */
	int32 natoms;
	int32 nqueries;         /* atoms that are not on the contact's row */
	int32 nsegments;        /* sorted by id */
	int32 nsources;         /* [0] is the contact table */
	int32 nlinks;           /* sources of link tables, after the others */
	int32 nunbound;         /* segments that could not be compiled */
	bool foreign_functions; /* facets call functions that are not ours or the server's */
	ImageOffset atoms;
	ImageOffset segments;
	ImageOffset sources;
	ImageList unrestricted; /* segments that any contact may match */
	ImageList steps;        /* of these: ImageSteps */
	ImageList moving;       /* segments */
	ImageList moving_atoms; /* on the contact's row */
} Image;

/*
 * What two builds of this library must agree on to read each other's images:
 * the layout of the structs above.  IMAGE_FORMAT is raised when what they mean
 * changes and their sizes don't.
 */
#define IMAGE_FORMAT UINT64CONST(4)
#define IMAGE_MAGIC                                                                                \
	(UINT64CONST(0x73656731) << 32 ^ IMAGE_FORMAT << 24 ^ IMAGE_SIZES ^ (uint64) sizeof(Image))
#define IMAGE_SIZES                                                                                \
	((((((((uint64) sizeof(ImageFacet) * 257 + sizeof(ImageSource)) * 257 + sizeof(ImageAtom)) *   \
			 257 +                                                                                 \
		 sizeof(ImageDetail)) *                                                                    \
			257 +                                                                                  \
		sizeof(ImageSegment)) *                                                                    \
		   257 +                                                                                   \
	   sizeof(ImageConstant)) *                                                                    \
		  257 +                                                                                    \
	  sizeof(ImageBoundary)) *                                                                     \
		 257 +                                                                                     \
	 sizeof(ImageCell) * 31 + sizeof(ImageRange) * 11 + sizeof(ImageMoment) * 13 +                 \
	 sizeof(ImageStep) * 7 + sizeof(Datum))

/* The cell that a rank is in. */
static inline int
ImageCellOf(const ImageFacet *facet, int rank)
{
	return (int) ((uint64) rank * facet->ncells / (facet->nboundaries + 1));
}

#define IMAGE_AT(image, offset, type) ((const type *) ((const char *) (image) + (offset)))
#define IMAGE_ITEMS(image, list) IMAGE_AT(image, (list).offset, int32)

static inline const char *
ImageString(const Image *image, ImageOffset offset)
{
	return offset == 0 ? NULL : IMAGE_AT(image, offset, char);
}

/* The value of a constant or boundary as a Datum. */
static inline Datum
ImageDatum(const Image *image, ValueType type, Datum value)
{
	return ValueTypeIsWord(type) ? value
								 : PointerGetDatum(IMAGE_AT(image, (ImageOffset) value, char));
}

#endif /* SEGMENTS_IMAGE_H */
