/*
 * lookup.c - the questions that applications ask all the time: which segment
 * is this, and is this contact a member?  And the way in for those who change
 * members by hand.
 *
 * Takes a segment's alias, or its id in digits, and a contact's key.  Answers
 * by two index look-ups in the query's own snapshot, without planning
 * anything.
 *
 * Invariant: nobody learns of a segment that row security hides from them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "access.h"
#include "compat.h"
#include "catalog.h"

PG_FUNCTION_INFO_V1(segments_resolve_segment);
PG_FUNCTION_INFO_V1(segments_is_member);
PG_FUNCTION_INFO_V1(segments_change_by_hand);

/* manual.c */
extern PGDLLEXPORT Datum segments_change_members(PG_FUNCTION_ARGS);

/* Column numbers of segments.segment; sql/30_segment.sql keeps them. */
#define Anum_segment_id 1
#define Anum_segment_contact_table 2
#define Anum_segment_alias 5
#define Anum_segment_is_global 10
#define Anum_segment_created_by 13
#define Anum_segment_created_by_user 14

/* Columns of a member table. */
#define Anum_member_segment_id 1
#define Anum_member_contact_id 2

/* How to look into the member table of one contact table. */
typedef struct MemberLookup
{
	Oid			contact_table;	/* InvalidOid: not filled in */
	Oid			member_table;
	Oid			index;
	Oid			key_type;		/* base type */
	Oid			collation;
	FmgrInfo	equal;
} MemberLookup;

/*
 * Finding a segment
 */

static void
fill_handle(SegmentHandle *segment, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		value;

	segment->id = DatumGetInt64(heap_getattr(tuple, Anum_segment_id, desc, &isnull));
	segment->contact_table = DatumGetObjectId(heap_getattr(tuple, Anum_segment_contact_table, desc, &isnull));
	segment->is_global = DatumGetBool(heap_getattr(tuple, Anum_segment_is_global, desc, &isnull));
	value = heap_getattr(tuple, Anum_segment_created_by, desc, &isnull);
	segment->has_creator = !isnull;
	segment->created_by = isnull ? 0 : DatumGetInt64(value);
	value = heap_getattr(tuple, Anum_segment_created_by_user, desc, &isnull);
	segment->created_by_user = isnull ? NULL : TextDatumGetCString(value);
}

/* Find a segment by one column, through its unique index. */
static bool
find_by(AttrNumber column, RegProcedure equal, Datum value, const char *index, SegmentHandle *segment)
{
	Relation	rel = table_open(CatalogRelid("segment"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, equal, value);
	scan = systable_beginscan(rel, CatalogRelid(index), true, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		fill_handle(segment, tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/* Is it written in digits, and few enough of them for a bigint? */
static bool
is_id(const char *word)
{
	size_t		length = strlen(word);

	return length > 0 && length <= 18 && strspn(word, "0123456789") == length;
}

/*
 * Find a segment by its id in digits, or by its alias.  An id comes first: a
 * new alias never changes what an id stands for.
 */
bool
SegmentFind(const char *word, SegmentHandle *segment)
{
	if (is_id(word) &&
		find_by(Anum_segment_id, F_INT8EQ, Int64GetDatum(strtoll(word, NULL, 10)), "segment_pkey", segment))
		return true;
	return find_by(Anum_segment_alias, F_TEXTEQ, CStringGetTextDatum(word), "segment_alias_key", segment);
}

static void
no_such_segment(const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("segment \"%s\" does not exist", word)));
}

/*
 * Find a segment that the current role sees; an error when there is none.
 */
void
SegmentFindVisible(const char *word, SegmentHandle *segment)
{
	if (!SegmentFind(word, segment) || !AccessMaySee(segment))
		no_such_segment(word);
}

/*
 * Raise an error unless there is a segment with this id that the current role
 * sees, and so may change.
 */
void
SegmentCheckVisible(int64 id)
{
	SegmentHandle segment;

	if (!find_by(Anum_segment_id, F_INT8EQ, Int64GetDatum(id), "segment_pkey", &segment) ||
		!AccessMaySee(&segment))
		no_such_segment(psprintf(INT64_FORMAT, id));
}

/*
 * Finding a member
 */

static void
prepare_lookup(MemberLookup *lookup, Oid contact_table, MemoryContext context)
{
	ContactTable *table = CatalogContactTable(contact_table, false);
	Relation	members = table_open(table->member_table, AccessShareLock);
	TypeCacheEntry *type;

	lookup->contact_table = InvalidOid;
	lookup->member_table = table->member_table;
	lookup->index = PrimaryKeyIndex(members);
	lookup->collation = TupleDescAttr(RelationGetDescr(members), Anum_member_contact_id - 1)->attcollation;
	table_close(members, AccessShareLock);
	lookup->key_type = getBaseType(table->key_type);
	type = lookup_type_cache(lookup->key_type, TYPECACHE_EQ_OPR);
	fmgr_info_cxt(get_opcode(type->eq_opr), &lookup->equal, context);
	lookup->contact_table = contact_table;
}

/* What is_member knows from the call before, in the same expression. */
static MemberLookup *
lookup_for(FunctionCallInfo fcinfo, Oid contact_table)
{
	MemberLookup *lookup = fcinfo->flinfo->fn_extra;

	if (lookup == NULL)
	{
		lookup = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MemberLookup));
		fcinfo->flinfo->fn_extra = lookup;
	}
	if (lookup->contact_table != contact_table)
		prepare_lookup(lookup, contact_table, fcinfo->flinfo->fn_mcxt);
	return lookup;
}

static bool
is_integer_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static int64
integer_value(Datum value, Oid type)
{
	if (type == INT2OID)
		return DatumGetInt16(value);
	return type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

/* An integer as another type of integer; false when it doesn't fit. */
static bool
convert_integer(Datum *value, Oid from, Oid to)
{
	int64		number = integer_value(*value, from);

	if (to == INT2OID)
		*value = Int16GetDatum((int16) number);
	else if (to == INT4OID)
		*value = Int32GetDatum((int32) number);
	else
		*value = Int64GetDatum(number);
	return integer_value(*value, to) == number;
}

/*
 * Bring a key to the type of the contact table's.  False when no contact can
 * have it, an error when it is of another kind.
 */
static bool
convert_key(Datum *value, Oid from, const MemberLookup *lookup)
{
	from = getBaseType(from);
	if (from == lookup->key_type || IsBinaryCoercible(from, lookup->key_type))
		return true;
	if (is_integer_type(from) && is_integer_type(lookup->key_type))
		return convert_integer(value, from, lookup->key_type);
	if (from == TEXTOID && lookup->key_type == VARCHAROID)
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("keys of contact table \"%s\" are of type %s, not %s",
					get_rel_name(lookup->contact_table), format_type_be(lookup->key_type),
					format_type_be(from))));
}

static bool
member_exists(MemberLookup *lookup, int64 segment_id, Datum contact)
{
	Relation	rel = table_open(lookup->member_table, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&keys[0], Anum_member_segment_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(segment_id));
	ScanKeyEntryInitializeWithInfo(&keys[1], 0, Anum_member_contact_id, BTEqualStrategyNumber, InvalidOid,
								   lookup->collation, &lookup->equal, contact);
	scan = systable_beginscan(rel, lookup->index, true, GetActiveSnapshot(), 2, keys);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* segments.resolve_segment(text) */
Datum
segments_resolve_segment(PG_FUNCTION_ARGS)
{
	SegmentHandle segment;

	SegmentFindVisible(text_to_cstring(PG_GETARG_TEXT_PP(0)), &segment);
	PG_RETURN_INT64(segment.id);
}

/* segments.is_member(text, anyelement) */
Datum
segments_is_member(PG_FUNCTION_ARGS)
{
	Datum		contact = PG_GETARG_DATUM(1);
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	SegmentHandle segment;
	MemberLookup *lookup;

	SegmentFindVisible(text_to_cstring(PG_GETARG_TEXT_PP(0)), &segment);
	lookup = lookup_for(fcinfo, segment.contact_table);
	if (!convert_key(&contact, type, lookup))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(member_exists(lookup, segment.id, contact));
}

/*
 * segments.change_by_hand(bigint, anyarray, text): change_members(), for
 * everybody who sees the segment.
 */
Datum
segments_change_by_hand(PG_FUNCTION_ARGS)
{
	SegmentCheckVisible(PG_GETARG_INT64(0));
	return segments_change_members(fcinfo);
}
