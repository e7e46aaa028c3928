/*
 * facet.c - values computed from a row, and the index over what is asked of
 * them.
 *
 * Step 8b: equality constants in a hash dictionary, range boundaries in one
 * sorted array, everything else in a list.  A row's value is looked up once
 * and becomes two small integers, the constant's id and the rank among the
 * boundaries; every atom of the facet is then a comparison of integers, and
 * what flips between two values is read off the index (after Hanson's
 * selection predicate indexes; boundaries instead of intervals, because all
 * our intervals are made of shared ends).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "evaluate.h"
#include "sql_expr.h"

/* ----- values ----- */

static bool
is_word_value(ValueType type)
{
	return type != VALUE_TEXT && type != VALUE_SET && type != VALUE_NUMERIC;
}

/*
 * Bring a Datum of the facet's SQL type to the form its constants have: all
 * integers are int8.
 */
Datum
FacetNormalise(const Facet *facet, Datum value)
{
	if (facet->type == VALUE_INT)
	{
		if (facet->sql_type == INT2OID)
			return Int64GetDatum(DatumGetInt16(value));
		if (facet->sql_type == INT4OID)
			return Int64GetDatum(DatumGetInt32(value));
	}
	return value;
}

/* NaN is above everything, as in the server's own order. */
static int
compare_floats(float8 a, float8 b)
{
	if (float8_lt(a, b))
		return -1;
	return float8_gt(a, b) ? 1 : 0;
}

static int
compare_words(ValueType type, Datum a, Datum b)
{
	switch (type)
	{
		case VALUE_FLOAT4:
			return compare_floats(DatumGetFloat4(a), DatumGetFloat4(b));
		case VALUE_FLOAT8:
			return compare_floats(DatumGetFloat8(a), DatumGetFloat8(b));
		case VALUE_BOOL:
			return (int) DatumGetBool(a) - (int) DatumGetBool(b);
		case VALUE_DATE:
		case VALUE_MONTH_DAY:
			return DatumGetInt32(a) < DatumGetInt32(b) ? -1 : DatumGetInt32(a) > DatumGetInt32(b);
		default:
			return DatumGetInt64(a) < DatumGetInt64(b) ? -1 : DatumGetInt64(a) > DatumGetInt64(b);
	}
}

static int
compare_texts(Datum a, Datum b)
{
	text	   *left = DatumGetTextPP(a);
	text	   *right = DatumGetTextPP(b);
	int			left_len = VARSIZE_ANY_EXHDR(left);
	int			right_len = VARSIZE_ANY_EXHDR(right);
	int			result = memcmp(VARDATA_ANY(left), VARDATA_ANY(right), Min(left_len, right_len));

	return result != 0 ? result : left_len - right_len;
}

/*
 * Order of two values of a facet; texts by bytes.
 */
int
FacetCompare(ValueType type, Datum a, Datum b)
{
	if (is_word_value(type))
		return compare_words(type, a, b);
	if (type == VALUE_NUMERIC)
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a, b));
	return compare_texts(a, b);
}

static uint32
hash_value(ValueType type, Datum value)
{
	text	   *string;

	switch (type)
	{
		case VALUE_TEXT:
		case VALUE_SET:
			string = DatumGetTextPP(value);
			return hash_bytes((unsigned char *) VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
		case VALUE_NUMERIC:
			return DatumGetUInt32(DirectFunctionCall1(hash_numeric, value));
		case VALUE_FLOAT4:
			return DatumGetUInt32(DirectFunctionCall1(hashfloat4, value));
		case VALUE_FLOAT8:
			return DatumGetUInt32(DirectFunctionCall1(hashfloat8, value));
		case VALUE_BOOL:
			return murmurhash32((uint32) DatumGetBool(value));
		case VALUE_DATE:
		case VALUE_MONTH_DAY:
			return murmurhash32((uint32) DatumGetInt32(value));
		default:
			return hash_bytes_uint32((uint32) DatumGetInt64(value)) ^
				hash_bytes_uint32((uint32) (DatumGetInt64(value) >> 32));
	}
}

/* ----- building ----- */

static bool
has_sublink_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		return true;
	return expression_tree_walker(node, has_sublink_walker, context);
}


/*
 * Does the function need fixed settings and the owner's role?  Immutable ones
 * of the server and our own don't.  What floats look like depends on a setting although it is called immutable.
 */
static bool
is_foreign(Oid function, void *context)
{
	Oid			namespace = get_func_namespace(function);

	if (function == F_FLOAT4OUT || function == F_FLOAT8OUT)
		return true;
	if (namespace != PG_CATALOG_NAMESPACE && namespace != get_namespace_oid("segments", true))
		return true;
	return func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

static bool
calls_foreign_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_foreign, NULL))
		return true;
	return expression_tree_walker(node, calls_foreign_function, context);
}

static void
prepare_expression(Program *program, Facet *facet)
{
	Node	   *expr = SqlExprParse(facet->sql, facet->source->relid, facet->source->rows ? "r" : "c");
	Bitmapset  *columns = NULL;
	int			column = -1;

	facet->sql_type = exprType(expr);
	if (has_sublink_walker(expr, NULL))
	{
		/* it may read any column, and other rows */
		facet->opaque = true;
		facet->source->columns = bms_add_range(facet->source->columns, 1, facet->source->desc->natts);
		return;
	}
	pull_varattnos(expr, 1, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber	attnum = column + FirstLowInvalidHeapAttributeNumber;

		/* the whole row: every column */
		if (attnum <= 0)
			facet->columns = bms_add_range(facet->columns, 1, facet->source->desc->natts);
		else
			facet->columns = bms_add_member(facet->columns, attnum);
	}
	facet->source->columns = bms_add_members(facet->source->columns, facet->columns);
	if (calls_foreign_function(expr, NULL))
	{
		elog(DEBUG1, "segments: %s is computed as the owner of the table", facet->sql);
		program->foreign_functions = true;
	}
	facet->state = ExecPrepareExpr((Expr *) expr, program->estate);
}

/*
 * The facet of a source with this SQL; made when it is the first time.
 */
Facet *
FacetGet(Program *program, RowSource *source, const char *sql, ValueType type)
{
	Facet	   *facet;
	int			i;

	for (i = 0; i < source->nfacets; i++)
		if (source->facets[i]->type == type && strcmp(source->facets[i]->sql, sql) == 0)
			return source->facets[i];
	facet = palloc0(sizeof(Facet));
	facet->id = source->nfacets;
	facet->sql = pstrdup(sql);
	facet->type = type;
	facet->source = source;
	if (source->nfacets == 0)
		source->facets = palloc(sizeof(Facet *));
	else
		source->facets = repalloc(source->facets, sizeof(Facet *) * (source->nfacets + 1));
	source->facets[source->nfacets++] = facet;
	prepare_expression(program, facet);
	return facet;
}

static void
grow_buckets(Facet *facet)
{
	int			i;

	facet->nbuckets = Max(16, facet->nbuckets * 2);
	facet->buckets = palloc0(sizeof(int) * facet->nbuckets);
	for (i = 0; i < facet->nconstants; i++)
	{
		uint32		at = facet->constants[i].hash & (facet->nbuckets - 1);

		while (facet->buckets[at] != 0)
			at = (at + 1) & (facet->nbuckets - 1);
		facet->buckets[at] = i + 1;
	}
}

/*
 * The id of a value among the facet's constants, or -1.
 */
int
FacetFindConstant(const Facet *facet, Datum value)
{
	uint32		hash;
	uint32		at;

	if (facet->nconstants == 0)
		return -1;
	hash = hash_value(facet->type, value);
	for (at = hash & (facet->nbuckets - 1); facet->buckets[at] != 0; at = (at + 1) & (facet->nbuckets - 1))
	{
		const FacetConstant *constant = &facet->constants[facet->buckets[at] - 1];

		if (constant->hash == hash && FacetCompare(facet->type, constant->value, value) == 0)
			return facet->buckets[at] - 1;
	}
	return -1;
}

static int
add_constant(Facet *facet, Datum value, int atom)
{
	int			id = FacetFindConstant(facet, value);
	uint32		at;

	if (id < 0)
	{
		if (facet->nconstants == facet->constants_size)
		{
			facet->constants_size = Max(8, facet->constants_size * 2);
			facet->constants = facet->nconstants == 0 ?
				palloc(sizeof(FacetConstant) * facet->constants_size) :
				repalloc(facet->constants, sizeof(FacetConstant) * facet->constants_size);
		}
		id = facet->nconstants++;
		facet->constants[id].value = value;
		facet->constants[id].hash = hash_value(facet->type, value);
		facet->constants[id].atoms = NIL;
		if (facet->nconstants * 2 > facet->nbuckets)
			grow_buckets(facet);
		else
		{
			at = facet->constants[id].hash & (facet->nbuckets - 1);
			while (facet->buckets[at] != 0)
				at = (at + 1) & (facet->nbuckets - 1);
			facet->buckets[at] = id + 1;
		}
	}
	facet->constants[id].atoms = lappend_int(facet->constants[id].atoms, atom);
	return id;
}

static void
add_boundary(Facet *facet, Datum value, bool after, int atom)
{
	FacetBoundary *boundary;

	if (facet->nboundaries == facet->boundaries_size)
	{
		facet->boundaries_size = Max(8, facet->boundaries_size * 2);
		facet->boundaries = facet->nboundaries == 0 ?
			palloc(sizeof(FacetBoundary) * facet->boundaries_size) :
			repalloc(facet->boundaries, sizeof(FacetBoundary) * facet->boundaries_size);
	}
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

/*
 * Enter an atom into its facet's index.
 */
void
FacetIndexAtom(Facet *facet, ProgramAtom *patom, int id)
{
	Atom	   *atom = patom->atom;
	int			i;

	patom->indexed = !atom->moves && !facet->opaque &&
		(atom->test == TEST_ANY || atom->test == TEST_OVERLAP || atom->test == TEST_CONTAINS ||
		 (atom->test == TEST_RANGE && (atom->lower.given || atom->upper.given)));
	if (!patom->indexed)
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
	patom->nids = atom->nconstants;
	patom->ids = palloc(sizeof(int) * atom->nconstants);
	for (i = 0; i < atom->nconstants; i++)
		patom->ids[i] = add_constant(facet, atom->constants[i], id);
}

static int
compare_boundaries(const void *a, const void *b, void *arg)
{
	const FacetBoundary *left = a;
	const FacetBoundary *right = b;
	int			result = FacetCompare(((Facet *) arg)->type, left->value, right->value);

	return result != 0 ? result : (int) left->after - (int) right->after;
}

static int
find_boundary(const Facet *facet, Datum value, bool after)
{
	FacetBoundary wanted = {value, after, NIL};
	int			low = 0;
	int			high = facet->nboundaries - 1;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (compare_boundaries(&facet->boundaries[middle], &wanted, (void *) facet) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * How many boundaries are at or below a value.
 */
int
FacetRank(const Facet *facet, Datum value)
{
	int			low = 0;
	int			high = facet->nboundaries;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const FacetBoundary *boundary = &facet->boundaries[middle];
		int			order = FacetCompare(facet->type, boundary->value, value);

		if (order < 0 || (order == 0 && !boundary->after))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
merge_boundaries(Facet *facet)
{
	int			kept = 0;
	int			i;

	for (i = 0; i < facet->nboundaries; i++)
	{
		if (kept > 0 && compare_boundaries(&facet->boundaries[kept - 1], &facet->boundaries[i], facet) == 0)
			facet->boundaries[kept - 1].atoms = list_concat(facet->boundaries[kept - 1].atoms,
															facet->boundaries[i].atoms);
		else
			facet->boundaries[kept++] = facet->boundaries[i];
	}
	facet->nboundaries = kept;
}

/*
 * All atoms are in: sort the boundaries, and tell each range atom its ranks.
 */
void
FacetFinish(Program *program, Facet *facet)
{
	ListCell   *cell;

	if (facet->nboundaries == 0)
		return;
	qsort_arg(facet->boundaries, facet->nboundaries, sizeof(FacetBoundary), compare_boundaries, facet);
	merge_boundaries(facet);
	foreach(cell, facet->ranges)
	{
		ProgramAtom *patom = &program->atoms[lfirst_int(cell)];
		Atom	   *atom = patom->atom;

		patom->lower = 0;
		patom->upper = PG_INT32_MAX;
		if (atom->lower.given)
			patom->lower = find_boundary(facet, atom->lower.constant, lower_after(&atom->lower)) + 1;
		if (atom->upper.given)
			patom->upper = find_boundary(facet, atom->upper.constant, upper_after(&atom->upper)) + 1;
	}
}
