/*
 * manual.c - members added, removed and reset by hand.
 *
 * The table of SEMANTICS §6.  The contacts are locked first, as everywhere;
 * then what was done by hand is written, then the members follow.
 */
#include "postgres.h"

#include "maintain/manual.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/secure.h"
#include "base/spi.h"
#include "base/vector.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/segment.h"
#include "definition/segment_find.h"
#include "log/change_log.h"
#include "maintain/contact_lock.h"
#include "maintain/maintain.h"
#include "member/change_set.h"
#include "member/override_insert.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "time/clock.h"

#define MAX_REFERENCE 255 /* characters */

typedef struct ManualWork
{
	Program *program;
	SegmentRow *row;
	ManualAction action;
	char *user; /* who does it */
	ChangeOrigin origin;
	int n; /* contacts as given */
	Datum *keys;
	int nlocked; /* those that exist, sorted */
	Datum *locked;
	int written; /* joins or leaves of the segment */
} ManualWork;

/* What a call answers, in the caller's memory context. */
typedef Datum (*ManualAnswer)(ManualWork *work);

static ManualAction
action_of_word(const char *word)
{
	if (strcmp(word, "include") == 0)
		return MANUAL_INCLUDE;
	if (strcmp(word, "exclude") == 0)
		return MANUAL_EXCLUDE;
	if (strcmp(word, "reset") == 0)
		return MANUAL_RESET;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unrecognized action \"%s\"", word),
			 errhint("Actions are include, exclude and reset.")));
	return MANUAL_RESET;
}

static void
read_contacts(ManualWork *work, ArrayType *contacts)
{
	Program *program = work->program;
	bool *nulls;

	/* an array over a domain is one over its base type */
	if (getBaseType(ARR_ELEMTYPE(contacts)) != getBaseType(program->table->key_type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("keys of contact table %s are of type %s, not %s",
							   program->table->name, format_type_be(program->table->key_type),
							   format_type_be(ARR_ELEMTYPE(contacts)))));
	deconstruct_array(contacts, ARR_ELEMTYPE(contacts), program->key_len, program->key_byval,
					  program->key_align, &work->keys, &nulls, &work->n);
	if (array_contains_nulls(contacts))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a contact must not be null")));
}

/* Lock the contacts in key order; those that exist are what we work on. */
static void
lock_existing(ManualWork *work)
{
	work->locked = palloc(sizeof(Datum) * Max(work->n, 1));
	memcpy(work->locked, work->keys, sizeof(Datum) * work->n);
	work->nlocked = ContactsLockKeys(work->program, work->locked, work->n);
}

/* Run a statement with $1 keys, $2 now, $3 user, $4 source, $5 reference. */
static void
run(ManualWork *work, const char *sql, Datum *keys, int nkeys)
{
	Oid types[5] = {InvalidOid, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID};
	Datum values[5];
	char nulls[] = "     ";

	types[0] = work->program->key_array_type;
	values[0] = ProgramKeyArray(work->program, keys, nkeys);
	values[1] = TimestampTzGetDatum(SegmentsNow());
	values[2] = CStringGetTextDatum(work->user);
	SpiSetText(values, nulls, 3, work->origin.source);
	SpiSetText(values, nulls, 4, work->origin.reference);
	SpiRunNulls(sql, 5, types, values, nulls);
}

/* The query, for what is not simply inserted. */
static void
upsert_override(ManualWork *work, bool included, Datum *keys, int nkeys)
{
	run(work,
		psprintf(
			"INSERT INTO %s AS o (segment_id, contact_id, included, since, by_user, source, reference) "
			"SELECT " INT64_FORMAT ", k, %s, $2, $3, $4, $5 FROM pg_catalog.unnest($1) k "
			"ON CONFLICT (segment_id, contact_id) DO UPDATE SET included = EXCLUDED.included, "
			"since = EXCLUDED.since, by_user = EXCLUDED.by_user, source = EXCLUDED.source, "
			"reference = EXCLUDED.reference WHERE o.included <> EXCLUDED.included",
			CatalogRelationName(work->program->table->override_table), work->row->id,
			included ? "true" : "false"),
		keys, nkeys);
}

static void
set_override(ManualWork *work, bool included)
{
	Program *program = work->program;
	Override override = {work->row->id, included, work->user, work->origin};
	DatumVector left;

	DatumVectorInit(&left, CurrentMemoryContext, program->key_byval, program->key_len);
	OverrideInsert(program, &override, work->locked, work->nlocked, &left);
	if (left.n > 0)
		upsert_override(work, included, left.items, left.n);
}

static void
forget_override(ManualWork *work)
{
	run(work,
		psprintf("DELETE FROM %s WHERE segment_id = " INT64_FORMAT " AND contact_id = ANY ($1) "
				 "AND $2 IS NOT NULL AND $3 IS NOT NULL AND $4 IS NOT DISTINCT FROM $4 "
				 "AND $5 IS NOT DISTINCT FROM $5",
				 CatalogRelationName(work->program->table->override_table), work->row->id),
		work->locked, work->nlocked);
}

/* Make them members, or not, and tell the segments that refer to this one. */
static void
write_members(ManualWork *work, bool joined)
{
	int index = ProgramSegmentById(work->program, work->row->id);
	ChangeSet *set = ChangeSetCreate();
	int i;

	set->origin = work->origin;
	for (i = 0; i < work->nlocked; i++)
		ChangeSetAdd(work->program, set, work->row->id, index, work->locked[i], joined);
	if (set->n > 0)
		work->written = MaintainWrite(work->program, set, CAUSE_MANUAL).written;
	if (work->written > 0)
		MaintainPropagate(work->program, set);
}

static void
reset_members(ManualWork *work)
{
	int index = ProgramSegmentById(work->program, work->row->id);

	/* inclusions were all that made members of a static segment */
	if (work->row->is_static)
		write_members(work, false);
	else if (index >= 0)
		MaintainContacts(work->program, work->locked, work->nlocked, bms_make_singleton(index),
						 CAUSE_MANUAL);
}

static void
apply_action(ManualWork *work)
{
	if (work->nlocked == 0)
		return;
	switch (work->action)
	{
		case MANUAL_INCLUDE:
			set_override(work, true);
			write_members(work, true);
			break;
		case MANUAL_EXCLUDE:
			if (work->row->is_static)
				forget_override(work);
			else
				set_override(work, false);
			write_members(work, false);
			break;
		case MANUAL_RESET:
			forget_override(work);
			reset_members(work);
			break;
	}
}

/* For each contact as given: does it exist? */
static Datum
existence(ManualWork *work)
{
	Datum *answers = palloc(sizeof(Datum) * Max(work->n, 1));
	int i;

	for (i = 0; i < work->n; i++)
		answers[i] = BoolGetDatum(
			ProgramFindKey(work->program, work->locked, work->nlocked, work->keys[i]) >= 0);
	return PointerGetDatum(construct_array(answers, work->n, BOOLOID, 1, true, TYPALIGN_CHAR));
}

static Datum
joined(ManualWork *work)
{
	return Int64GetDatum(work->written);
}

static void
check_source(const char *source)
{
	static const char *const sources[] = {"campaign",      "form",       "batch", "import",
										  "point trigger", "preference", "api"};
	int i;

	for (i = 0; source != NULL && i < lengthof(sources); i++)
		if (strcmp(source, sources[i]) == 0)
			return;
	if (source != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unrecognized source \"%s\"", source),
			 errhint("Sources are campaign, form, batch, import, point trigger, preference and "
					 "api.")));
}

static void
check_reference(const char *reference)
{
	int length = reference == NULL ? 0 : pg_mbstrlen(reference);

	if (length > MAX_REFERENCE)
		ereport(
			ERROR,
			(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("reference is too long"),
			 errdetail("It has %d characters, of which there may be %d.", length, MAX_REFERENCE)));
}

/*
 * Include, exclude or reset contacts that the caller has locked, sorted.  Runs
 * as the owner of the contact table, with SPI.
 */
void
ManualApply(Program *program, SegmentRow *row, ManualAction action, Datum *keys, int nkeys,
			const ChangeOrigin *origin)
{
	ManualWork work = {0};

	work.program = program;
	work.row = row;
	work.action = action;
	work.user = AccessUserName();
	work.origin = *origin;
	work.locked = keys;
	work.nlocked = nkeys;
	apply_action(&work);
}

/*
 * Lock those of some contacts that exist; returns their number, and their keys
 * sorted.
 */
int
ManualLock(Program *program, Datum *keys, int nkeys, Datum **locked)
{
	ManualWork work = {0};

	work.program = program;
	work.keys = keys;
	work.n = nkeys;
	lock_existing(&work);
	*locked = work.locked;
	return work.nlocked;
}

/* An argument of type text that may be null, or not be there. */
static char *
text_argument(FunctionCallInfo fcinfo, int i)
{
	return i < PG_NARGS() && !PG_ARGISNULL(i) ? text_to_cstring(PG_GETARG_TEXT_PP(i)) : NULL;
}

/* Arguments: segment and contacts; at `origin` perhaps source and reference. */
static Datum
change_members(FunctionCallInfo fcinfo, ManualAction action, int origin, ManualAnswer answer)
{
	const char *alias;
	ManualWork work = {0};
	SecureContext secure;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext inner;
	Datum result;

	work.row = SegmentById(PG_GETARG_INT64(0));
	if (work.row == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("segment " INT64_FORMAT " does not exist", PG_GETARG_INT64(0))));
	work.action = action;
	work.origin.source = text_argument(fcinfo, origin);
	work.origin.reference = text_argument(fcinfo, origin + 1);
	check_source(work.origin.source);
	check_reference(work.origin.reference);
	/* as a write of contacts does, and so before the definitions are read */
	LockRelationOid(work.row->contact_table, RowExclusiveLock);
	alias = work.row->alias;
	work.row = SegmentById(PG_GETARG_INT64(0));
	if (work.row == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("segment \"%s\" does not exist any more", alias)));
	work.program = ProgramGet(work.row->contact_table);
	read_contacts(&work, PG_GETARG_ARRAYTYPE_P(1));
	work.user = AccessUserName();
	SecureEnter(&secure, work.program->table->owner);
	SPI_connect();
	lock_existing(&work);
	apply_action(&work);
	inner = MemoryContextSwitchTo(caller);
	result = answer(&work);
	MemoryContextSwitchTo(inner);
	SPI_finish();
	SecureLeave(&secure);
	return result;
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
 * Whoever changes members by hand owns the contact table, or sees the segment
 * and may execute change_by_hand().
 */
static void
check_rights(int64 id)
{
	SegmentHandle segment;

	SegmentFindVisibleId(id, &segment);
	if (!AccessOwns(GetUserId(), segment.contact_table) && !may_change_by_hand())
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, "change_by_hand");
}

/*
 * segments.change_by_hand(bigint, anyarray, text), and its like for all that
 * changes members by hand, with source and reference.
 */
PG_FUNCTION_INFO_V1(segments_change_by_hand);
Datum
segments_change_by_hand(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	check_rights(PG_GETARG_INT64(0));
	return change_members(fcinfo, action_of_word(text_to_cstring(PG_GETARG_TEXT_PP(2))), 3,
						  existence);
}

/*
 * segments_internal.include_by_hand(bigint, anyarray, text, text): includes
 * contacts, and tells how many weren't members.
 */
PG_FUNCTION_INFO_V1(segments_include_by_hand);
Datum
segments_include_by_hand(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	check_rights(PG_GETARG_INT64(0));
	return change_members(fcinfo, MANUAL_INCLUDE, 2, joined);
}
