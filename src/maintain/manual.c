/*
 * manual.c - members added, removed and reset by hand.
 *
 * Step 14: the table of SEMANTICS §6.  The contacts are locked first, as
 * everywhere; then what was done by hand is written, then the members follow.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "definition/access.h"
#include "maintain/maintain.h"
#include "base/sql_expr.h"
#include "base/result.h"

typedef enum ManualAction
{
	MANUAL_INCLUDE,
	MANUAL_EXCLUDE,
	MANUAL_RESET
} ManualAction;

typedef struct ManualWork
{
	Program *program;
	SegmentRow *row;
	ManualAction action;
	char *user; /* who does it */
	int n;      /* contacts as given */
	Datum *keys;
	int nlocked; /* those that exist, sorted */
	Datum *locked;
} ManualWork;

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
	deconstruct_array(contacts, program->table->key_type, program->key_len, program->key_byval,
					  program->key_align, &work->keys, &nulls, &work->n);
	if (array_contains_nulls(contacts))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a contact must not be null")));
}

/* Lock the contacts in key order; those that exist are what we work on. */
static void
lock_existing(ManualWork *work)
{
	Program *program = work->program;
	ContactTable *table = program->table;
	Datum value = BatchKeyArray(program, work->keys, work->n);
	uint64 i;

	MaintainRun(
		psprintf("SELECT c.%s FROM %s c WHERE c.%s = ANY ($1) ORDER BY c.%s FOR NO KEY UPDATE",
				 table->key, table->name, table->key, table->key),
		1, &program->key_array_type, &value);
	work->locked = palloc(sizeof(Datum) * Max(SPI_processed, 1));
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		work->locked[work->nlocked++] = ResultValue(SPI_tuptable, i, 1, table->key_type, &isnull);
	}
	ProgramSortKeys(program, work->locked, &work->nlocked);
}

/* Run a statement with $1 keys, $2 now, $3 user. */
static void
run(ManualWork *work, const char *sql)
{
	Oid types[3];
	Datum values[3];

	types[0] = work->program->key_array_type;
	types[1] = TIMESTAMPTZOID;
	types[2] = TEXTOID;
	values[0] = BatchKeyArray(work->program, work->locked, work->nlocked);
	values[1] = TimestampTzGetDatum(MaintainNow(work->program));
	values[2] = CStringGetTextDatum(work->user);
	MaintainRun(sql, 3, types, values);
}

static void
set_override(ManualWork *work, bool included)
{
	run(work,
		psprintf(
			"INSERT INTO %s AS o (segment_id, contact_id, included, since, by_user) "
			"SELECT " INT64_FORMAT ", k, %s, $2, $3 FROM pg_catalog.unnest($1) k "
			"ON CONFLICT (segment_id, contact_id) DO UPDATE SET included = EXCLUDED.included, "
			"since = EXCLUDED.since, by_user = EXCLUDED.by_user WHERE o.included <> EXCLUDED.included",
			CatalogRelationName(work->program->table->override_table), work->row->id,
			included ? "true" : "false"));
}

static void
forget_override(ManualWork *work)
{
	run(work,
		psprintf("DELETE FROM %s WHERE segment_id = " INT64_FORMAT " AND contact_id = ANY ($1) "
				 "AND $2 IS NOT NULL AND $3 IS NOT NULL",
				 CatalogRelationName(work->program->table->override_table), work->row->id));
}

/* Make them members, or not, and tell the segments that refer to this one. */
static void
write_members(ManualWork *work, bool joined)
{
	int index = ProgramSegmentById(work->program, work->row->id);
	ChangeSet *set = ChangeSetCreate();
	int i;

	for (i = 0; i < work->nlocked; i++)
		ChangeSetAdd(work->program, set, work->row->id, index, work->locked[i], joined);
	if (set->n > 0 && MemberWrite(work->program, set, CAUSE_MANUAL) > 0)
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
	Batch batch = {0};
	Datum *answers = palloc(sizeof(Datum) * Max(work->n, 1));
	int i;

	batch.program = work->program;
	batch.keys = work->locked;
	batch.nrows = work->nlocked;
	for (i = 0; i < work->n; i++)
		answers[i] = BoolGetDatum(BatchFindKey(&batch, work->keys[i]) >= 0);
	return PointerGetDatum(construct_array(answers, work->n, BOOLOID, 1, true, TYPALIGN_CHAR));
}

/*
 * segments.change_members(segment_id, contacts anyarray, action) -> boolean[]
 */
PG_FUNCTION_INFO_V1(segments_change_members);
Datum
segments_change_members(PG_FUNCTION_ARGS)
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
	work.action = action_of_word(text_to_cstring(PG_GETARG_TEXT_PP(2)));
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
	result = existence(&work);
	MemoryContextSwitchTo(inner);
	SPI_finish();
	SecureLeave(&secure);
	PG_RETURN_DATUM(result);
}
