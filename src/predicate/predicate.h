/*
 * predicate.h - the predicate: what a filter means on one contact table.
 *
 * A predicate is a tree of AND, OR and NOT over atoms.  An atom is a positive
 * test, true or false (NULL is false); negative operators are NOT over an atom,
 * which makes them exact complements.  predicate_sql.c writes it as SQL for the
 * planner; draft.c shares the atoms of all segments, and evaluate/ tests them
 * on rows.  Both read the same atoms.
 */
#ifndef SEGMENTS_PREDICATE_H
#define SEGMENTS_PREDICATE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "definition/contact_table.h"
#include "definition/field.h"
#include "filter/filter.h"
#include "time/phrase.h"

/* What an atom looks at. */
typedef enum AtomScope
{
	ATOM_CONTACT = 1, /* the contact's own row */
	ATOM_ROWS,        /* some related row */
	ATOM_AGGREGATE,   /* a value computed over the related rows */
	ATOM_MEMBER,      /* membership of another segment */
	ATOM_GROUP,       /* what is made of the rows of a row group */
	ATOM_ROW          /* within a row group: one row */
} AtomScope;

typedef enum ValueType
{
	VALUE_NONE = 0,
	VALUE_TEXT,
	VALUE_INT, /* int2, int4 or int8 column; constants are int8 */
	VALUE_NUMERIC,
	VALUE_FLOAT4,
	VALUE_FLOAT8,
	VALUE_BOOL,
	VALUE_DATE,
	VALUE_TIME,
	VALUE_TIMESTAMP,
	VALUE_TIMESTAMPTZ,
	VALUE_SET,      /* text[] of elements */
	VALUE_MONTH_DAY /* int4: month * 100 + day */
} ValueType;

/* Are Datums of the type the values themselves, not pointers to them? */
static inline bool
ValueTypeIsWord(ValueType type)
{
	return type != VALUE_TEXT && type != VALUE_SET && type != VALUE_NUMERIC;
}

typedef enum AtomTest
{
	TEST_ANY = 1,   /* equals one of the constants */
	TEST_RANGE,     /* between the boundaries; with none: not NULL */
	TEST_NULL,      /* is NULL */
	TEST_NOT_BLANK, /* text, not NULL and not '' */
	TEST_LIKE,      /* matches the SQL pattern */
	TEST_REGEXP,
	TEST_OVERLAP,     /* set: has one of the constants */
	TEST_HAS_ELEMENT, /* set: has an element */
	TEST_CONTAINS,    /* set: has all of the constants */
	TEST_EXISTS       /* rows: there is one */
} AtomTest;

/* A point that a boundary stands at: constant, or computed from now. */
typedef enum MomentKind
{
	MOMENT_CONSTANT = 1,
	MOMENT_PHRASE_START,
	MOMENT_PHRASE_END,
	MOMENT_SPAN_START,
	MOMENT_SPAN_END
} MomentKind;

typedef struct Boundary
{
	bool given;
	bool inclusive;
	MomentKind kind;
	Datum constant; /* of the atom's value type */
	Phrase *phrase;
	PhrasePart span;
	bool forward; /* span: inNext */
	char *text;   /* phrase or span as written */
} Boundary;

/* The span around a date of the outer row in which rows count. */
typedef struct RowWithin
{
	bool days;      /* local days are compared, else instants */
	bool as_local;  /* `date` is an instant without time zone, in UTC */
	char *date;     /* SQL over the inner row r */
	char *of;       /* SQL over the outer row r: an instant */
	char *from;     /* length of the span to the first instant that counts; NULL: open */
	bool from_back; /* it goes back in time */
	char *to;
	bool to_back;
} RowWithin;

#define ROW_GROUP_VALUE "a.v" /* the aggregate, in SQL over the row group's query a */

/* Rows of a relation, and what is made of those that satisfy a predicate. */
typedef struct RowGroup
{
	RelatedRows *rows;
	char *condition;             /* the relation's own, SQL over r; or NULL */
	struct Predicate *predicate; /* over one row: atoms are ROW, or GROUP of inner ones */
	FilterAggregate aggregate;
	Field *of;         /* what is aggregated; NULL for EXISTS and COUNT */
	char *argument;    /* the same, as SQL over r */
	RowWithin *within; /* of inner ones, or NULL */
	bool inner;
} RowGroup;

typedef struct Atom
{
	AtomScope scope;
	Field *field;
	RelatedRows *rows; /* all but CONTACT and MEMBER */
	RowGroup *group;   /* GROUP */
	char *value;       /* SQL over the row (c or r), of a GROUP over its aggregate a; NULL for
						* EXISTS and MEMBER */
	ValueType value_type;
	Oid sql_type;        /* of the value, where VALUE_INT has several */
	bool byte_collation; /* no COLLATE needed to compare bytes */
	AtomTest test;
	bool moves; /* depends on now */

	int nconstants; /* ANY, OVERLAP: Datums of the value type */
	Datum *constants;
	Phrase *anniversary; /* MONTH_DAY: moving constants */
	char *anniversary_text;
	Boundary lower; /* RANGE */
	Boundary upper;
	char *pattern;    /* LIKE, REGEXP */
	int64 segment_id; /* MEMBER */

	int id; /* among those of its program */
} Atom;

typedef enum PredicateKind
{
	PREDICATE_FALSE = 1,
	PREDICATE_TRUE,
	PREDICATE_ATOM,
	PREDICATE_NOT,
	PREDICATE_AND,
	PREDICATE_OR
} PredicateKind;

typedef struct Predicate
{
	PredicateKind kind;
	Atom *atom;
	int nargs;
	struct Predicate **args;
} Predicate;

/* Looks at an atom of a predicate: true ends the walk. */
typedef bool (*PredicateVisit)(Atom *atom, void *arg);

/* What stands in a copy for an atom. */
typedef Atom *(*PredicateReplace)(Atom *atom, void *arg);

extern Predicate *PredicateConstant(bool value);
extern Predicate *PredicateOfAtom(Atom *atom);
extern Predicate *PredicateNot(Predicate *arg);
extern Predicate *PredicateCombineList(PredicateKind kind, List *args);
extern bool PredicateWalk(const Predicate *predicate, PredicateVisit visit, void *arg);
extern Predicate *PredicateCopy(const Predicate *predicate, MemoryContext context,
								PredicateReplace replace, void *arg);
extern FieldAggregate RowGroupAggregate(const RowGroup *group);
extern FieldAggregate AtomGroupAggregate(const Atom *atom);
extern bool RowGroupGrows(const RowGroup *group);
extern List *RowGroupSegments(const RowGroup *group, List *ids);
extern bool RowGroupIsMemberships(const RowGroup *group);
extern bool RowGroupReadsMemberships(const RowGroup *group);

#endif /* SEGMENTS_PREDICATE_H */
