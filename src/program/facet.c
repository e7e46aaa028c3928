/*
 * facet.c - values computed from a row, looked up among what is asked of them.
 *
 * A row's value becomes two small integers, the number of the constant that it
 * is and its rank among the boundaries; every atom of the facet is then a
 * comparison of integers (draft_facet.c made the index).
 */
#include "postgres.h"

#include "program/facet.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "base/secure.h"
#include "base/sql_expr.h"
#include "base/vector.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "program/program.h"
#include "text/like.h"
#include "text/pattern_index.h"
#include "text/regexp.h"

/* ----- values ----- */
/*
 * A Datum of an integer type as int8; of any other type as it is.
 */
Datum
FacetWiden(Oid type, Datum value)
{
	if (type == INT2OID)
		return Int64GetDatum(DatumGetInt16(value));
	if (type == INT4OID)
		return Int64GetDatum(DatumGetInt32(value));
	return value;
}

/*
 * Bring a Datum of the facet's SQL type to the form its constants have: all
 * integers are int8.
 */
Datum
FacetNormalize(const ImageFacet *facet, Datum value)
{
	return facet->type == VALUE_INT ? FacetWiden(facet->sql_type, value) : value;
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
	text *left = DatumGetTextPP(a);
	text *right = DatumGetTextPP(b);
	int left_len = VARSIZE_ANY_EXHDR(left);
	int right_len = VARSIZE_ANY_EXHDR(right);
	int result = memcmp(VARDATA_ANY(left), VARDATA_ANY(right), Min(left_len, right_len));

	return result != 0 ? result : left_len - right_len;
}

/*
 * Order of two values of a facet; texts by bytes.
 */
int
FacetCompare(ValueType type, Datum a, Datum b)
{
	if (ValueTypeIsWord(type))
		return compare_words(type, a, b);
	if (type == VALUE_NUMERIC)
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a, b));
	return compare_texts(a, b);
}

/*
 * Hash of a value, equal where FacetCompare finds no difference.
 */
uint32
FacetHash(ValueType type, Datum value)
{
	text *string;

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

/* ----- look-up ----- */

/*
 * The number of a value among the facet's constants, or -1.
 */
int
FacetFindConstant(const Image *image, const ImageFacet *facet, Datum value)
{
	const ImageConstant *constants = IMAGE_AT(image, facet->constants, ImageConstant);
	const int32 *buckets = IMAGE_AT(image, facet->buckets, int32);
	uint32 mask = facet->nbuckets - 1;
	uint32 hash;
	uint32 at;

	if (facet->nconstants == facet->npatterns)
		return -1;
	hash = FacetHash(facet->type, value);
	for (at = hash & mask; buckets[at] != 0; at = (at + 1) & mask)
	{
		const ImageConstant *constant = &constants[buckets[at] - 1];

		if (constant->hash == hash && constant->test == TEST_ANY &&
			FacetCompare(facet->type, ImageDatum(image, facet->type, constant->value), value) == 0)
			return buckets[at] - 1;
	}
	return -1;
}

/* A pattern of the facet, as this backend runs it. */
typedef struct FacetPattern
{
	LikePattern *like;
	Regexp *regexp;
} FacetPattern;

static FacetPattern *
prepare_pattern(Program *program, Facet *facet, int id)
{
	const ImageConstant *constant =
		&IMAGE_AT(program->image, facet->image->constants, ImageConstant)[id];
	MemoryContext old = MemoryContextSwitchTo(program->context);
	FacetPattern *pattern = palloc0(sizeof(FacetPattern));
	char *source =
		TextDatumGetCString(ImageDatum(program->image, facet->image->type, constant->value));

	if (facet->patterns == NULL)
		facet->patterns = MemoryContextAllocExtended(
			program->context, sizeof(FacetPattern *) * facet->image->nconstants,
			MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (constant->test == TEST_LIKE)
		pattern->like = LikeCompile(source);
	else
		pattern->regexp = RegexpPrepare(source);
	pfree(source);
	facet->patterns[id] = pattern;
	MemoryContextSwitchTo(old);
	return pattern;
}

/* Does a text that holds the literal of a pattern match it? */
static bool
matches_pattern(Program *program, Facet *facet, int id, const char *data, int len)
{
	FacetPattern *pattern;

	if (IMAGE_AT(program->image, facet->image->constants, ImageConstant)[id].whole)
		return true;
	pattern = facet->patterns ? facet->patterns[id] : NULL;
	if (pattern == NULL)
		pattern = prepare_pattern(program, facet, id);
	return pattern->like ? LikeMatches(pattern->like, data, len)
						 : RegexpMatches(pattern->regexp, data, len);
}

/*
 * Append the numbers of the patterns that a text matches, each once.
 */
void
FacetFindPatterns(Program *program, Facet *facet, Datum value, IntVector *found)
{
	struct varlena *string = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(string);
	int len = VARSIZE_ANY_EXHDR(string);
	int kept = found->n;
	int i = kept;

	PatternIndexSearch(IMAGE_AT(program->image, facet->image->patterns, PatternIndex), data, len,
					   found);
	for (; i < found->n; i++)
		if (matches_pattern(program, facet, found->items[i], data, len))
			found->items[kept++] = found->items[i];
	found->n = kept;
}

/*
 * How many boundaries are at or below a value.
 */
int
FacetRank(const Image *image, const ImageFacet *facet, Datum value)
{
	const ImageBoundary *boundaries = IMAGE_AT(image, facet->boundaries, ImageBoundary);
	int low = 0;
	int high = facet->nboundaries;

	while (low < high)
	{
		int middle = (low + high) / 2;
		const ImageBoundary *boundary = &boundaries[middle];
		int order =
			FacetCompare(facet->type, ImageDatum(image, facet->type, boundary->value), value);

		if (order < 0 || (order == 0 && !boundary->after))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
find_ranges(const ImageRange *ranges, int start, int end, int rank, IntVector *found)
{
	while (start < end)
	{
		int middle = start + (end - start) / 2;
		const ImageRange *range = &ranges[middle];

		if (range->highest <= rank)
			return;
		find_ranges(ranges, start, middle, rank, found);
		if (range->lower > rank)
			return;
		if (range->upper > rank)
			IntVectorAdd(found, range->atom);
		start = middle + 1;
	}
}

/*
 * Append the range atoms over related rows that hold at a rank.
 */
void
FacetFindRanges(const Image *image, const ImageFacet *facet, int rank, IntVector *found)
{
	find_ranges(IMAGE_AT(image, facet->ranges.offset, ImageRange), 0, facet->ranges.n, rank, found);
}

/*
 * The expression of a facet that is more than a column, ready to run.
 */
ExprState *
FacetPrepare(Program *program, Facet *facet)
{
	SecureContext secure;
	MemoryContext context;
	MemoryContext old;
	ExprState *state;
	Node *expr;

	if (facet->state != NULL)
		return facet->state;
	context =
		AllocSetContextCreate(CurrentMemoryContext, "segments expression", ALLOCSET_SMALL_SIZES);
	SecureEnter(&secure, program->table->owner);
	expr = SqlExprParse(ImageString(program->image, facet->image->sql), facet->source->relid,
						facet->source->rows ? "r" : "c");
	/* its constants live as long as the program; an error leaves nothing there */
	old = MemoryContextSwitchTo(context);
	state = ExecInitExpr(expression_planner(copyObject((Expr *) expr)), NULL);
	MemoryContextSwitchTo(old);
	SecureLeave(&secure);
	MemoryContextSetParent(context, program->context);
	facet->state = state;
	return state;
}
