/*
 * draft_facet.c - values computed from a row, and the index over what is asked
 * of them, while it is being put together.
 *
 * Equality constants in a hash dictionary, range boundaries in one sorted
 * array, patterns by a literal that each of them holds (pattern_index.c),
 * everything else in a list.  A row's value is looked up once and
 * becomes two small integers, the constant's number and the rank among the
 * boundaries; every atom of the facet is then a comparison of integers, and
 * what flips between two values is read off the index (after Hanson's selection
 * predicate indexes; boundaries instead of intervals, because all our intervals
 * are made of shared ends).
 */
#include "postgres.h"

#include "program/draft_facet.h"

#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pg_list.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/plain_expr.h"
#include "base/sql_expr.h"
#include "base/vector.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/facet.h"
#include "text/like.h"
#include "text/pattern_index.h"
#include "text/regexp_literal.h"

#define PATTERN_LETS_IN 3 /* bytes of a literal, at least */

/* ----- expressions ----- */


static bool
has_sublink_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		return true;
	return expression_tree_walker(node, has_sublink_walker, context);
}


static void
read_expression(DraftFacet *facet)
{
	DraftSource *source = facet->source;
	Node *expr = SqlExprParse(facet->sql, source->relid, source->rows ? "r" : "c");
	Bitmapset *columns = NULL;
	int column = -1;

	facet->sql_type = exprType(expr);
	if (has_sublink_walker(expr, NULL))
	{
		/* it may read any column, and other rows */
		facet->opaque = true;
		source->columns = bms_add_range(source->columns, 1, source->natts);
		return;
	}
	if (IsA(expr, Var) && ((Var *) expr)->varattno > 0)
		facet->attnum = ((Var *) expr)->varattno;
	pull_varattnos(expr, 1, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber attnum = column + FirstLowInvalidHeapAttributeNumber;

		/* the whole row: every column */
		if (attnum <= 0)
			facet->columns = bms_add_range(facet->columns, 1, source->natts);
		else
			facet->columns = bms_add_member(facet->columns, attnum);
	}
	source->columns = bms_add_members(source->columns, facet->columns);
	facet->foreign = !SqlExprIsPlain(expr, InvalidOid);
	if (facet->foreign)
		elog(DEBUG1, "segments: %s is computed as the owner of the table", facet->sql);
}

/*
 * The facet of a source with this SQL; made when it is the first time.
 */
DraftFacet *
DraftFacetGet(DraftSource *source, const char *sql, ValueType type)
{
	DraftFacet *facet;
	int i;

	for (i = 0; i < source->nfacets; i++)
		if (source->facets[i]->type == type && strcmp(source->facets[i]->sql, sql) == 0)
			return source->facets[i];
	facet = palloc0(sizeof(DraftFacet));
	facet->id = source->nfacets;
	facet->sql = pstrdup(sql);
	facet->type = type;
	facet->source = source;
	if (source->nfacets == 0)
		source->facets = palloc(sizeof(DraftFacet *));
	else
		source->facets = repalloc(source->facets, sizeof(DraftFacet *) * (source->nfacets + 1));
	source->facets[source->nfacets++] = facet;
	read_expression(facet);
	return facet;
}

/* ----- the index ----- */

static void
grow_buckets(DraftFacet *facet)
{
	int i;

	facet->nbuckets = Max(16, facet->nbuckets * 2);
	facet->buckets = palloc0(sizeof(int) * facet->nbuckets);
	for (i = 0; i < facet->nconstants; i++)
	{
		uint32 at = facet->constants[i].hash & (facet->nbuckets - 1);

		while (facet->buckets[at] != 0)
			at = (at + 1) & (facet->nbuckets - 1);
		facet->buckets[at] = i + 1;
	}
}

/* The number of what is equalled, or of a pattern, among the facet's constants; or -1. */
static int
find_constant(const DraftFacet *facet, AtomTest test, Datum value)
{
	uint32 hash;
	uint32 at;

	if (facet->nconstants == 0)
		return -1;
	hash = FacetHash(facet->type, value);
	for (at = hash & (facet->nbuckets - 1); facet->buckets[at] != 0;
		 at = (at + 1) & (facet->nbuckets - 1))
	{
		const DraftConstant *constant = &facet->constants[facet->buckets[at] - 1];

		if (constant->hash == hash && constant->test == test &&
			FacetCompare(facet->type, constant->value, value) == 0)
			return facet->buckets[at] - 1;
	}
	return -1;
}

static int
new_constant(DraftFacet *facet, AtomTest test, Datum value)
{
	DraftConstant *constant;
	uint32 at;

	VectorMakeRoom(facet->constants, facet->nconstants, facet->constants_size, 8);
	constant = &facet->constants[facet->nconstants++];
	memset(constant, 0, sizeof(DraftConstant));
	constant->test = test;
	constant->value = value;
	constant->hash = FacetHash(facet->type, value);
	if (facet->nconstants * 2 > facet->nbuckets)
		grow_buckets(facet);
	else
	{
		at = constant->hash & (facet->nbuckets - 1);
		while (facet->buckets[at] != 0)
			at = (at + 1) & (facet->nbuckets - 1);
		facet->buckets[at] = facet->nconstants;
	}
	return facet->nconstants - 1;
}

static int
add_constant(DraftFacet *facet, Datum value, int atom)
{
	int id = find_constant(facet, TEST_ANY, value);

	if (id < 0)
		id = new_constant(facet, TEST_ANY, value);
	facet->constants[id].atoms = lappend_int(facet->constants[id].atoms, atom);
	return id;
}

/* ----- patterns ----- */

/* Can bytes be found only where their characters begin? */
static bool
bytes_are_aligned(void)
{
	return pg_database_encoding_max_length() == 1 || GetDatabaseEncoding() == PG_UTF8;
}

/*
 * A literal by which a pattern is found; false where it has none.
 */
static bool
literal_of(const Atom *atom, PatternLiteral *literal, bool *whole)
{
	LikeLiteral like;
	char *text;

	memset(literal, 0, sizeof(PatternLiteral));
	*whole = false;
	if (atom->test == TEST_REGEXP)
	{
		text = RegexpLongestLiteral(atom->pattern);
		literal->bytes = text;
		literal->len = text ? strlen(text) : 0;
		literal->any_case = true;
		return literal->len > 0;
	}
	if (!LikeLongestLiteral(atom->pattern, &like))
		return false;
	literal->bytes = like.bytes;
	literal->len = like.len;
	literal->at_start = like.at_start;
	literal->at_end = like.at_end;
	*whole = like.whole && bytes_are_aligned();
	return true;
}

/* Enter a pattern as a constant; false: it has no literal to be found by. */
static bool
add_pattern(DraftFacet *facet, DraftAtom *draft, int atom)
{
	PatternLiteral literal;
	bool whole;
	Datum value;
	int id;

	if (!literal_of(draft->atom, &literal, &whole))
		return false;
	value = CStringGetTextDatum(draft->atom->pattern);
	id = find_constant(facet, draft->atom->test, value);
	if (id < 0)
	{
		id = new_constant(facet, draft->atom->test, value);
		facet->constants[id].literal = literal;
		facet->constants[id].literal.id = id;
		facet->constants[id].whole = whole;
		facet->npatterns++;
	}
	facet->constants[id].atoms = lappend_int(facet->constants[id].atoms, atom);
	draft->nids = 1;
	draft->ids = palloc(sizeof(int));
	draft->ids[0] = id;
	return true;
}

static void
add_boundary(DraftFacet *facet, Datum value, bool after, int atom)
{
	DraftBoundary *boundary;

	VectorMakeRoom(facet->boundaries, facet->nboundaries, facet->boundaries_size, 8);
	boundary = &facet->boundaries[facet->nboundaries++];
	boundary->value = value;
	boundary->after = after;
	boundary->atoms = list_make1_int(atom);
}

/* x >= v and x < v have their boundary at v; x > v and x <= v just above. */
static bool
lower_after(const Boundary *lower)
{
	return !lower->inclusive;
}

static bool
upper_after(const Boundary *upper)
{
	return upper->inclusive;
}

static bool
is_pattern(AtomTest test)
{
	return test == TEST_LIKE || test == TEST_REGEXP;
}

/*
 * Enter an atom into its facet's index.
 */
void
DraftFacetIndexAtom(DraftFacet *facet, DraftAtom *draft, int id)
{
	Atom *atom = draft->atom;
	int i;

	draft->indexed =
		!atom->moves && !facet->opaque &&
		(atom->test == TEST_ANY || atom->test == TEST_OVERLAP || atom->test == TEST_CONTAINS ||
		 (atom->test == TEST_RANGE && (atom->lower.given || atom->upper.given)) ||
		 (is_pattern(atom->test) && add_pattern(facet, draft, id)));
	if (is_pattern(atom->test) && draft->indexed)
		return;
	if (!draft->indexed && atom->scope == ATOM_ROW)
		return; /* asked by the row groups that it is in */
	if (!draft->indexed)
	{
		facet->others = lappend_int(facet->others, id);
		return;
	}
	if (atom->test == TEST_RANGE)
	{
		facet->ranges = lappend_int(facet->ranges, id);
		if (atom->lower.given)
			add_boundary(facet, atom->lower.constant, lower_after(&atom->lower), id);
		if (atom->upper.given)
			add_boundary(facet, atom->upper.constant, upper_after(&atom->upper), id);
		return;
	}
	draft->nids = atom->nconstants;
	draft->ids = palloc(sizeof(int) * atom->nconstants);
	for (i = 0; i < atom->nconstants; i++)
	{
		CHECK_FOR_INTERRUPTS();
		draft->ids[i] = add_constant(facet, atom->constants[i], id);
	}
}

/*
 * Is an indexed atom found by a value that few rows have?  Most texts hold the
 * shortest patterns.
 */
bool
DraftFacetLetsIn(const DraftAtom *draft)
{
	if (is_pattern(draft->atom->test))
		return draft->facet->constants[draft->ids[0]].literal.len >= PATTERN_LETS_IN;
	return draft->atom->test != TEST_RANGE;
}

static int
compare_boundaries(const void *a, const void *b, void *arg)
{
	const DraftBoundary *left = a;
	const DraftBoundary *right = b;
	int result = FacetCompare(((DraftFacet *) arg)->type, left->value, right->value);

	return result != 0 ? result : (int) left->after - (int) right->after;
}

static int
find_boundary(const DraftFacet *facet, Datum value, bool after)
{
	DraftBoundary wanted = {value, after, NIL};
	int low = 0;
	int high = facet->nboundaries - 1;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (compare_boundaries(&facet->boundaries[middle], &wanted, (void *) facet) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
merge_boundaries(DraftFacet *facet)
{
	int kept = 0;
	int i;

	for (i = 0; i < facet->nboundaries; i++)
	{
		if (kept > 0 &&
			compare_boundaries(&facet->boundaries[kept - 1], &facet->boundaries[i], facet) == 0)
			facet->boundaries[kept - 1].atoms =
				list_concat(facet->boundaries[kept - 1].atoms, facet->boundaries[i].atoms);
		else
			facet->boundaries[kept++] = facet->boundaries[i];
	}
	facet->nboundaries = kept;
}

/*
 * All atoms are in: sort the boundaries, and tell each range atom its ranks.
 */
void
DraftFacetFinish(Draft *draft, DraftFacet *facet)
{
	ListCell *cell;

	if (facet->nboundaries == 0)
		return;
	qsort_arg(facet->boundaries, facet->nboundaries, sizeof(DraftBoundary), compare_boundaries,
			  facet);
	merge_boundaries(facet);
	foreach (cell, facet->ranges)
	{
		DraftAtom *range = &draft->atoms[lfirst_int(cell)];
		Atom *atom = range->atom;

		range->lower = 0;
		range->upper = PG_INT32_MAX;
		if (atom->lower.given)
			range->lower =
				find_boundary(facet, atom->lower.constant, lower_after(&atom->lower)) + 1;
		if (atom->upper.given)
			range->upper =
				find_boundary(facet, atom->upper.constant, upper_after(&atom->upper)) + 1;
	}
}
