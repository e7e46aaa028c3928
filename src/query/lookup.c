/*
 * lookup.c - the questions that applications ask all the time: which segment
 * is this, and is this contact a member?
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
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "definition/access.h"
#include "definition/segment.h"
#include "definition/segment_find.h"
#include "definition/table_beside.h"
#include "log/read_table.h"
#include "query/visible.h"

PG_FUNCTION_INFO_V1(segments_resolve_segment);
PG_FUNCTION_INFO_V1(segments_word_id);
PG_FUNCTION_INFO_V1(segments_segment_word);
PG_FUNCTION_INFO_V1(segments_is_member);

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
	if (from == TEXTOID)
	{
		*value = KeyOfTextIn(table->contact_table, getBaseType(table->key_type),
							 TextDatumGetCString(*value));
		return true;
	}
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

/* segments_internal.word_id(text): the id that a word is, seen or not, or null */
Datum
segments_word_id(PG_FUNCTION_ARGS)
{
	int64 id;

	if (!SegmentWordIsId(text_to_cstring(PG_GETARG_TEXT_PP(0)), &id))
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

/* segments_internal.segment_word(bigint): a segment's id in digits, for those who have a number */
Datum
segments_segment_word(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);

	SegmentCheckVisible(id);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(INT64_FORMAT, id)));
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
