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
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "definition/access.h"
#include "base/compat.h"
#include "definition/contact_table.h"
#include "log/read_table.h"

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

/*
 * Finding a segment
 */

static void
fill_handle(SegmentHandle *segment, HeapTuple tuple, TupleDesc desc)
{
	bool isnull;
	Datum value;

	segment->id = DatumGetInt64(heap_getattr(tuple, Anum_segment_id, desc, &isnull));
	segment->contact_table =
		DatumGetObjectId(heap_getattr(tuple, Anum_segment_contact_table, desc, &isnull));
	segment->is_global = DatumGetBool(heap_getattr(tuple, Anum_segment_is_global, desc, &isnull));
	value = heap_getattr(tuple, Anum_segment_created_by, desc, &isnull);
	segment->has_creator = !isnull;
	segment->created_by = isnull ? 0 : DatumGetInt64(value);
	value = heap_getattr(tuple, Anum_segment_created_by_user, desc, &isnull);
	segment->created_by_user = isnull ? NULL : TextDatumGetCString(value);
}

/* Find a segment by one column, through its unique index. */
static bool
find_by(AttrNumber column, RegProcedure equal, Datum value, const char *index,
		SegmentHandle *segment)
{
	Relation rel = table_open(CatalogRelid("segment"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

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
	size_t length = strlen(word);

	return length > 0 && length <= 18 && strspn(word, "0123456789") == length;
}

/*
 * Find a segment by its id in digits, or by its alias.  An id comes first: a
 * new alias never changes what an id stands for.
 */
bool
SegmentFind(const char *word, SegmentHandle *segment)
{
	if (is_id(word) && find_by(Anum_segment_id, F_INT8EQ, Int64GetDatum(strtoll(word, NULL, 10)),
							   "segment_pkey", segment))
		return true;
	return find_by(Anum_segment_alias, F_TEXTEQ, CStringGetTextDatum(word), "segment_alias_key",
				   segment);
}

static void
no_such_segment(const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("segment \"%s\" does not exist", word)));
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

/* Find the segment with this id; false when the current role does not see it. */
static bool
find_visible(int64 id, SegmentHandle *segment)
{
	return find_by(Anum_segment_id, F_INT8EQ, Int64GetDatum(id), "segment_pkey", segment) &&
		   AccessMaySee(segment);
}

/* The segment with this id, if the current role sees it; else an error. */
static void
find_visible_id(int64 id, SegmentHandle *segment)
{
	if (!find_visible(id, segment))
		no_such_segment(psprintf(INT64_FORMAT, id));
}

/*
 * Is there a segment with this id that the current role sees?
 */
bool
SegmentIsVisible(int64 id)
{
	SegmentHandle segment;

	return find_visible(id, &segment);
}

/*
 * Raise an error unless there is a segment with this id that the current role
 * sees.
 */
void
SegmentCheckVisible(int64 id)
{
	SegmentHandle segment;

	find_visible_id(id, &segment);
}

/*
 * Finding a member
 */

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
	int64 number = integer_value(*value, from);

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
convert_key(Datum *value, Oid from, const ReadTable *table)
{
	from = getBaseType(from);
	if (from == table->key_type || IsBinaryCoercible(from, table->key_type))
		return true;
	if (is_integer_type(from) && is_integer_type(table->key_type))
		return convert_integer(value, from, table->key_type);
	if (from == TEXTOID && table->key_type == VARCHAROID)
		return true;
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("keys of contact table \"%s\" are of type %s, not %s",
						   get_rel_name(table->contact_table), format_type_be(table->key_type),
						   format_type_be(from))));
}

static bool
member_exists(ReadTable *table, int64 segment_id, Datum contact)
{
	Relation rel = ReadTableOpen(table, BESIDE_MEMBER, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	bool found;

	ScanKeyInit(&keys[0], Anum_member_segment_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(segment_id));
	ScanKeyEntryInitializeWithInfo(&keys[1], 0, Anum_member_contact_id, BTEqualStrategyNumber,
								   InvalidOid, table->collation, &table->equal, contact);
	scan = systable_beginscan(rel, table->member_index, true, GetActiveSnapshot(), 2, keys);
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
	Datum contact = PG_GETARG_DATUM(1);
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	SegmentHandle segment;
	ReadTable *table;

	SegmentFindVisible(text_to_cstring(PG_GETARG_TEXT_PP(0)), &segment);
	table = ReadTableGet(segment.contact_table);
	if (!convert_key(&contact, type, table))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(member_exists(table, segment.id, contact));
}

/* May the current role execute segments.change_by_hand()? */
static bool
may_change_by_hand(void)
{
	Oid types[3] = {INT8OID, ANYARRAYOID, TEXTOID};
	List *name = list_make2(makeString(pstrdup("segments")), makeString(pstrdup("change_by_hand")));

	return pg_proc_aclcheck(LookupFuncName(name, lengthof(types), types, false), GetUserId(),
							ACL_EXECUTE) == ACLCHECK_OK;
}

/*
 * segments.change_by_hand(bigint, anyarray, text), and its like for all that
 * changes members by hand: change_members(), for the owner of the contact
 * table, and for who sees the segment and may execute change_by_hand().
 */
Datum
segments_change_by_hand(PG_FUNCTION_ARGS)
{
	SegmentHandle segment;

	find_visible_id(PG_GETARG_INT64(0), &segment);
	if (!AccessOwns(GetUserId(), segment.contact_table) && !may_change_by_hand())
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, "change_by_hand");
	return segments_change_members(fcinfo);
}
