/*
 * bind.h - the bound predicate: a filter that has met the fields of one
 * contact table.
 *
 * A predicate is a tree of AND, OR and NOT over atoms.  An atom is a positive
 * test, true or false (NULL is false); negative operators are NOT over an
 * atom, which makes them exact complements.  predicate_sql.c writes it as SQL
 * for the planner; program.c shares the atoms of all segments and
 * evaluate.c evaluates them on rows.  Both read the same atoms.
 */
#ifndef SEGMENTS_BIND_H
#define SEGMENTS_BIND_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "definition/contact_table.h"
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

	int id; /* set by program.c */
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

typedef struct BindOptions
{
	bool storing;       /* new filter: fields must be available, costs bounded */
	int64 self;         /* segment being stored, for messages; 0 if none */
	List **references;  /* when not NULL: collects ids (int64 *) of segments named */
	int64 *regexp_arcs; /* set by BindFilter: what its regular expressions cost so far */
	RelatedRows *row;   /* not NULL: what is bound is about one row of these */
	Oid viewer;         /* role that must see the segments named; InvalidOid: nobody need */
} BindOptions;

/* bind.c */
extern Predicate *BindFilter(const FilterNode *root, ContactTable *table,
							 const BindOptions *options);
extern Predicate *BindStored(const Filter *filters, ContactTable *table);
extern uint32 BindOperatorsOffered(const Field *field);
extern Predicate *PredicateNot(Predicate *arg);
extern Predicate *PredicateOfAtom(Atom *atom);
extern Predicate *PredicateConstant(bool value);
extern Predicate *PredicateCombineList(PredicateKind kind, List *args);
extern Predicate *PredicateCombine(PredicateKind kind, Predicate *left, Predicate *right);

/* bind_rows.c: row groups */
extern Predicate *BindRows(const FilterNode *node, ContactTable *table, const BindOptions *options,
						   const char *path);
extern RowGroup *RowGroupCopy(const RowGroup *group);
extern List *RowGroupSegments(const RowGroup *group, List *ids);
extern bool RowGroupReadsMemberships(const RowGroup *group);

/* bind_value.c: a filter's operator and value on a field -> predicate */
typedef struct BindPlace
{
	ContactTable *table;
	const BindOptions *options;
	const char *path; /* of the filter, $[1] */
	const FilterNode *node;
	Field *field;
} BindPlace;

extern Predicate *BindOperator(BindPlace *place);
extern Predicate *BindGroup(const FilterNode *group, ContactTable *table,
							const BindOptions *options, const char *path);
extern void BindRefuseField(BindPlace *place, const char *path, const char *name);
extern Predicate *BindCondition(BindPlace *place);
extern Atom *BindDateAtom(BindPlace *place);
extern char *BindAddend(const Field *field);
extern char *BindInstant(const Field *field, ContactTable *table);
extern char *BindRawValue(BindPlace *place);
extern char *BindLocalCall(BindPlace *place, const char *function, const char *value);

/* bind_text.c: values of text, sets and patterns */
extern char *BindTextValue(BindPlace *place, const FilterValue *value);
extern List *BindListValue(BindPlace *place, const FilterValue *value);
extern char *BindLikePattern(BindPlace *place, FilterOperator op, const char *text, bool fold);
extern void BindCheckRegexp(BindPlace *place, const char *pattern);

/* bind_date.c: date and time values -> boundaries */
extern Predicate *BindDateCondition(BindPlace *place, Atom *atom, FilterOperator op);
extern bool BoundaryDatum(const Boundary *boundary, ValueType type, ContactTable *table,
						  const char *column_zone, TimestampTz now, Datum *result);
extern bool BoundaryMoves(const Boundary *boundary);
extern int64 BoundarySlack(const Boundary *boundary);

/* bind_number.c */
extern Datum BindNumber(BindPlace *place, const FilterValue *value);
extern char *NumberShortest(Datum numeric);
extern Predicate *BindNumberRange(BindPlace *place, Atom *atom, Datum lower, bool lower_inclusive,
								  bool lower_given, Datum upper, bool upper_inclusive,
								  bool upper_given);
extern Predicate *BindNumberAny(BindPlace *place, Atom *atom, List *numbers);

extern void BindRefuseValue(BindPlace *place, const char *what) pg_attribute_noreturn();

/* atom.c */
extern char *AtomKey(const Atom *atom, ContactTable *table);
extern Atom *AtomCopy(const Atom *atom);
extern Predicate *PredicateCopy(const Predicate *predicate);

/* predicate_sql.c */
typedef struct SqlContext
{
	ContactTable *table;
	bool pinned;                   /* phrases become constants as of now */
	struct MovingSegments *moving; /* asked as of now, not their stored members; or NULL */
	TimestampTz now;
	const char *now_sql; /* unpinned: in place of segments.now() */
} SqlContext;

extern void PredicateSql(StringInfo out, const Predicate *predicate, const SqlContext *context);
extern void MovingSql(StringInfo out, const SqlContext *context);
extern void AtomSql(StringInfo out, const Atom *atom, const SqlContext *context);
extern void AtomRowSql(StringInfo out, const Atom *atom, const SqlContext *context);
extern void BoundarySql(StringInfo out, const Atom *atom, const Boundary *boundary,
						const SqlContext *context);
/* rows_sql.c */
extern void RowGroupSql(StringInfo out, const Atom *atom, const SqlContext *context);
extern char *RowGroupFromSql(const RowGroup *group, const SqlContext *context);
extern char *RowGroupValueSql(const RowGroup *group, const SqlContext *context);

/* predicate_sql.c */
extern char *BindLiteral(ValueType type, Datum value);
extern char *RowsFromSql(const RelatedRows *rows, const char *condition, const char *contact,
						 ContactTable *table);

/* predicate_time.c */
extern bool PredicateMoves(const Predicate *predicate);
extern TimestampTz PredicateNextMove(const Predicate *predicate, ContactTable *table,
									 TimestampTz now);
extern TimestampTz AtomNextMove(const Atom *atom, ContactTable *table, TimestampTz now);
extern bool AtomMovesWithin(const Atom *atom, ContactTable *table, TimestampTz from, TimestampTz to,
							bool midnight);

#endif /* SEGMENTS_BIND_H */
