/*
 * filter.h - vocabulary of the language half: the filter document as a tree,
 * and as the stored value of type segments.filter.
 *
 * Nothing here knows a table, a catalog or a snapshot: these are functions of
 * bytes.  What a field means is decided later (bind.c).
 */
#ifndef SEGMENTS_FILTER_H
#define SEGMENTS_FILTER_H

#include "postgres.h"

#define FILTER_MAX_DEPTH 32            /* the top array is depth 0 */
#define FILTER_MAX_ROWS_DEPTH 3        /* row groups inside each other */
#define FILTER_MAX_NODES 10000         /* filters and groups of one document */
#define FILTER_MAX_BYTES (1024 * 1024) /* of text as given, in UTF-8 */

/* On disk: append only. */
typedef enum FilterOperator
{
	FILTER_OP_EQ = 1,
	FILTER_OP_NEQ = 2,
	FILTER_OP_GT = 3,
	FILTER_OP_GTE = 4,
	FILTER_OP_LT = 5,
	FILTER_OP_LTE = 6,
	FILTER_OP_EMPTY = 7,
	FILTER_OP_NOT_EMPTY = 8,
	FILTER_OP_LIKE = 9,
	FILTER_OP_NOT_LIKE = 10,
	FILTER_OP_CONTAINS = 11,
	FILTER_OP_STARTS_WITH = 12,
	FILTER_OP_ENDS_WITH = 13,
	FILTER_OP_REGEXP = 14,
	FILTER_OP_NOT_REGEXP = 15,
	FILTER_OP_IN = 16,
	FILTER_OP_NOT_IN = 17,
	FILTER_OP_INCLUDING_ALL = 18,
	FILTER_OP_EXCLUDING_ALL = 19,
	FILTER_OP_BETWEEN = 20,
	FILTER_OP_NOT_BETWEEN = 21,
	FILTER_OP_IN_LAST = 22,
	FILTER_OP_IN_NEXT = 23
} FilterOperator;

#define FILTER_OP_LAST FILTER_OP_IN_NEXT

/* On disk: append only. */
typedef enum FilterGlue
{
	FILTER_GLUE_AND = 1,
	FILTER_GLUE_OR = 2
} FilterGlue;

/* On disk: append only. */
typedef enum FilterValueKind
{
	FILTER_VALUE_ABSENT = 0, /* no value was given */
	FILTER_VALUE_NULL = 1,
	FILTER_VALUE_BOOLEAN = 2, /* text is "true" or "false" */
	FILTER_VALUE_NUMBER = 3,  /* text is the literal exactly as written */
	FILTER_VALUE_STRING = 4,  /* text is the string, in server encoding */
	FILTER_VALUE_LIST = 5,    /* items; never nested */
	FILTER_VALUE_DATE = 6     /* {"dateTypeMode": ...}: members holds pairs */
} FilterValueKind;

/*
 * A value.  A date object keeps its members as written, in the order
 * dateTypeMode, absoluteDate, relativeDateInterval, relativeDateIntervalUnit;
 * a member that was not given is FILTER_VALUE_ABSENT.
 */
typedef struct FilterValue
{
	FilterValueKind kind;
	char *text; /* BOOLEAN, NUMBER, STRING; else NULL */
	int nitems; /* LIST: any number; DATE: always 4 */
	struct FilterValue *items;
} FilterValue;

#define FILTER_DATE_MODE 0
#define FILTER_DATE_ABSOLUTE 1
#define FILTER_DATE_INTERVAL 2
#define FILTER_DATE_UNIT 3

/* What a row group makes of its rows.  On disk: append only. */
typedef enum FilterAggregate
{
	FILTER_AGGREGATE_EXISTS = 1, /* there is one; no operator, no value */
	FILTER_AGGREGATE_COUNT = 2,
	FILTER_AGGREGATE_SUM = 3,
	FILTER_AGGREGATE_MIN = 4,
	FILTER_AGGREGATE_MAX = 5,
	FILTER_AGGREGATE_AVG = 6,
	FILTER_AGGREGATE_DISTINCT = 7
} FilterAggregate;

#define FILTER_AGGREGATE_LAST FILTER_AGGREGATE_DISTINCT

/* Rows count only in a span around a date of the outer row. */
typedef struct FilterWithin
{
	char *date; /* field of the inner row */
	char *of;   /* field of the outer row */
	char *from; /* spans as written, "-N unit"; NULL: open */
	char *to;
} FilterWithin;

/* What makes a group of filters one over the rows of a relation. */
typedef struct FilterRows
{
	char *relation;
	FilterAggregate aggregate;
	char *of;             /* field that is aggregated; NULL for EXISTS and COUNT */
	FilterWithin *within; /* or NULL */
} FilterRows;

/*
 * A node: a group (op is 0), a row group (with rows), or one filter.  The top
 * array is a group with glue AND, never negated; an empty top group is a static
 * segment.
 */
typedef struct FilterNode
{
	FilterGlue glue; /* how it joins the one before it */

	/* a group; a row group, where `filters` may be missing */
	bool negate;
	int nchildren;
	struct FilterNode **children;

	FilterRows *rows; /* a row group: over which rows; else NULL */

	/* a filter; of a row group op, value and display, which compare the aggregate */
	FilterOperator op; /* 0 for a group, and where rows need only exist */
	char *object;      /* "lead" when it was missing; "" in a row group */
	char *field;
	char *type; /* as given or NULL; kept, never believed */
	FilterValue value;
	char *display; /* properties.display as JSON text, or NULL */
} FilterNode;

#define FilterNodeIsRows(node) ((node)->rows != NULL)
#define FilterNodeIsGroup(node) ((node)->op == 0 && !FilterNodeIsRows(node))

/* The stored value; filter_flat.c draws its layout. */
typedef struct Filter
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint32 header; /* version and flags */
	char data[FLEXIBLE_ARRAY_MEMBER];
} Filter;

#define DatumGetFilterP(d) ((Filter *) PG_DETOAST_DATUM(d))
#define PG_GETARG_FILTER_P(n) DatumGetFilterP(PG_GETARG_DATUM(n))

#endif /* SEGMENTS_FILTER_H */
