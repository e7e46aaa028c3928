/*
 * batch.c - atoms that are not on the contact's own row, for many contacts at
 * a time.
 *
 * Related rows are read contact by contact (related_rows.c), memberships looked
 * up; what neither can answer is asked with one kept query an atom, for all
 * contacts of the batch together, when a predicate first needs it.  All of it
 * reads the latest committed state and this transaction's own changes, as
 * referential integrity does: the contacts are locked, so nobody else is
 * changing what is seen (maintain/README.md).  A scan that locks nobody gives
 * the snapshot to read by.
 */
#include "postgres.h"

#include "evaluate/batch.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/result.h"
#include "base/spi.h"
#include "base/subtransaction.h"
#include "definition/aside.h"
#include "definition/field.h"
#include "definition/related_sql.h"
#include "evaluate/field_context.h"
#include "evaluate/member_probe.h"
#include "evaluate/related_rows.h"
#include "evaluate/row.h"
#include "predicate/atom_sql.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/session.h"

/*
 * A batch over keys in key order; rows are set by the caller.
 */
Batch *
BatchCreate(Program *program, TimestampTz now, int nrows, Datum *keys)
{
	Batch *batch = palloc0(sizeof(Batch));

	batch->program = program;
	batch->now = now;
	batch->nrows = nrows;
	batch->keys = keys;
	batch->visited = -1;
	batch->rows = palloc0(sizeof(RowVersion) * Max(nrows, 1));
	return batch;
}

/*
 * Put the row of a contact in its place in the batch, by which what is looked
 * up for it is found.
 */
RowVersion *
BatchSetRow(Batch *batch, int position, const RowVersion *row)
{
	RowVersion *place = &batch->rows[position];

	*place = *row;
	place->batch = batch;
	place->position = position;
	return place;
}

/*
 * Look at a contact that was locked: its row, in the slot that all share, until
 * another is looked at.
 */
void
BatchVisit(Batch *batch, int position)
{
	if (batch->tuples == NULL || batch->tuples[position] == NULL || batch->visited == position)
		return;
	ExecStoreHeapTuple(batch->tuples[position], batch->slot, false);
	batch->visited = position;
}

/* ----- queries ----- */

/* Run a kept query for some contacts, parameters (keys, now). */
static void
run_for_keys(Batch *batch, SPIPlanPtr plan, Datum *keys, int nkeys)
{
	Datum values[2];

	values[0] = ProgramKeyArray(batch->program, keys, nkeys);
	values[1] = TimestampTzGetDatum(batch->now);
	if (batch->snapshot == NULL)
		SpiExecute(plan, values, SPI_OK_SELECT);
	else if (SPI_execute_snapshot(plan, values, NULL, batch->snapshot, InvalidSnapshot, true, false,
								  0) != SPI_OK_SELECT)
		elog(ERROR, "could not look contacts up");
}

/*
 * Run a kept query whose first column is a contact key; mark the contacts it
 * gives.
 */
static bool *
ask(Batch *batch, SPIPlanPtr plan)
{
	bool *answer = palloc0(sizeof(bool) * Max(batch->nrows, 1));
	uint64 i;

	run_for_keys(batch, plan, batch->keys, batch->nrows);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		Datum key = ResultValue(SPI_tuptable, i, 1, batch->program->table->key_type, &isnull);
		int position = isnull ? -1 : ProgramFindKey(batch->program, batch->keys, batch->nrows, key);

		if (position >= 0)
			answer[position] = true;
	}
	SPI_freetuptable(SPI_tuptable);
	return answer;
}

static SPIPlanPtr
contact_query(Program *program, SPIPlanPtr *slot, const char *condition)
{
	Oid types[2];
	char *sql;

	types[0] = program->key_array_type;
	types[1] = TIMESTAMPTZOID;
	sql = psprintf("SELECT c.%s FROM %s c WHERE c.%s = ANY ($1) AND %s", program->table->key,
				   program->table->name, program->table->key, condition);
	return ProgramPlan(program, slot, sql, 2, types);
}

/* The highest count that the atom distinguishes; -1 when there is none. */
static int64
highest_count(const Atom *atom)
{
	int64 result = -1;
	int i;

	if (atom->scope != ATOM_AGGREGATE || atom->field->aggregate != AGGREGATE_COUNT || atom->moves ||
		(atom->test != TEST_ANY && atom->test != TEST_RANGE))
		return -1;
	for (i = 0; i < atom->nconstants; i++)
		result = Max(result, DatumGetInt64(atom->constants[i]));
	if (atom->lower.given)
		result = Max(result, DatumGetInt64(atom->lower.constant));
	if (atom->upper.given)
		result = Max(result, DatumGetInt64(atom->upper.constant));
	return result;
}

/* Beyond the highest count that matters, rows are not counted. */
static const Atom *
bounded_count(Program *program, const Atom *atom)
{
	int64 highest = highest_count(atom);
	Atom *result;

	if (highest < 0 || highest > PG_INT32_MAX)
		return atom;
	result = palloc(sizeof(Atom));
	*result = *atom;
	result->value =
		psprintf("(SELECT pg_catalog.count(*) FROM (SELECT %s LIMIT " INT64_FORMAT ") AS counted)",
				 RowsFromSql(atom->rows, atom->field->condition, "c", program->table), highest + 1);
	return result;
}

static SPIPlanPtr
atom_plan(Program *program, ProgramAtom *patom)
{
	SqlContext context = {0};
	StringInfoData condition;

	if (patom->plan)
		return patom->plan;
	context.table = program->table;
	context.now_sql = "$2";
	initStringInfo(&condition);
	appendStringInfoChar(&condition, '(');
	AtomSql(&condition, bounded_count(program, ProgramAtomBound(program, patom->atom->id)),
			&context);
	appendStringInfoChar(&condition, ')');
	return contact_query(program, &patom->plan, condition.data);
}

/* Contacts that have any row of a source at all. */
static bool *
contacts_with_rows(Batch *batch, RowSource *source)
{
	Program *program = batch->program;
	int i;

	for (i = 0; program->sources[i] != source; i++)
		;
	if (batch->has_rows[i] == NULL)
	{
		char *condition =
			psprintf("EXISTS (SELECT %s)", RowsFromSql(source->rows, NULL, "c", program->table));

		batch->has_rows[i] = ask(batch, contact_query(program, &source->any_plan, condition));
	}
	return batch->has_rows[i];
}

static bool
any_of(const bool *answer, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (answer[i])
			return true;
	return false;
}

/*
 * When no contact of the batch has rows at all, an atom over some row is
 * false for all: one look-up spares the others.  Worth it for few contacts.
 */
static bool
is_false_without_rows(Batch *batch, ProgramAtom *patom)
{
	return patom->atom->scope == ATOM_ROWS && batch->nrows <= 16 &&
		   !any_of(contacts_with_rows(batch, patom->source), batch->nrows);
}

typedef struct Question
{
	Batch *batch;
	ProgramAtom *patom;
	int id;
	int position; /* of one contact */
	bool *answers;
	bool answer;
} Question;

/* For all contacts together. */
static void
ask_for_all(void *arg)
{
	Question *question = arg;
	Batch *batch = question->batch;
	FieldContext context;

	question->patom = ProgramAtomGet(batch->program, question->id);
	if (is_false_without_rows(batch, question->patom))
		question->answers = palloc0(sizeof(bool) * Max(batch->nrows, 1));
	else
	{
		FieldContextOfAtom(&context, batch->program, question->id);
		question->answers = ask(batch, atom_plan(batch->program, question->patom));
		FieldContextEnd(&context);
	}
}

/* For one contact, which has more rows than are read. */
static void
ask_for_one(void *arg)
{
	Question *question = arg;
	Batch *batch = question->batch;
	FieldContext context;

	question->patom = ProgramAtomGet(batch->program, question->id);
	FieldContextOfAtom(&context, batch->program, question->id);
	run_for_keys(batch, atom_plan(batch->program, question->patom),
				 &batch->keys[question->position], 1);
	FieldContextEnd(&context);
	question->answer = SPI_processed > 0;
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Does the error come from what the owner of the contact table declared, which
 * may refuse a row as an expression index does?  Else the query itself can't be
 * run.
 */
static bool
refuses_row(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_INVALID_SCHEMA_NAME:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/*
 * Ask.  A query that can't be run must not stop the write: false, and the
 * segments that need its answer are noted, to be set aside (aside.c).  Whoever
 * reads by a snapshot of its own only looks, and gets the error.
 */
static bool
ask_or_note(Question *question, SubtransactionBody body)
{
	Batch *batch = question->batch;
	Program *program = batch->program;
	ImageList segments = program->atoms[question->id].segments;
	ErrorData *error;
	uint32 i;

	SessionEnter();
	if (batch->snapshot != NULL)
	{
		body(question);
		return true;
	}
	error = InSubtransaction(body, question, NULL);
	if (error == NULL)
		return true;
	if (refuses_row(error))
		ReThrowError(error);
	for (i = 0; i < segments.n; i++)
		AsideAdd(program->relid, program->segments[ProgramItems(program, segments)[i]].id, error);
	FreeErrorData(error);
	return false;
}

static void
make_room_for_answers(Batch *batch)
{
	MemoryContext context = GetMemoryChunkContext(batch);

	if (batch->answers != NULL)
		return;
	batch->answers =
		MemoryContextAllocZero(context, sizeof(bool *) * Max(batch->program->nqueries, 1));
	batch->has_rows = MemoryContextAllocZero(context, sizeof(bool *) * batch->program->nsources);
}

/* Asked for all contacts together. */
static bool
answer_by_query(Batch *batch, int position, int id)
{
	int query = batch->program->atoms[id].query;
	Question question = {batch, NULL, id, position};

	make_room_for_answers(batch);
	if (batch->answers[query] == NULL)
	{
		if (!ask_or_note(&question, ask_for_all))
			question.answers = palloc0(sizeof(bool) * Max(batch->nrows, 1));
		batch->answers[query] = question.answers;
	}
	return batch->answers[query][position];
}

/* Asked for one contact, which has more rows than are read. */
static bool
answer_for_one(Batch *batch, int position, int id)
{
	Question question = {batch, NULL, id, position};

	return ask_or_note(&question, ask_for_one) && question.answer;
}

/*
 * The truth of an atom that is not on the contact's row.
 */
bool
BatchAnswer(Batch *batch, int position, int id)
{
	const ImageAtom *atom = &batch->program->atoms[id];

	batch->was_asked = true;
	if (batch->is_dry)
		return false;
	if (atom->scope == ATOM_MEMBER && batch->members)
		return MemberProbeAsk(batch->members, ProgramAtomGet(batch->program, id)->atom->segment_id,
							  batch->keys[position]);
	if ((batch->answers == NULL || batch->answers[atom->query] == NULL) &&
		(atom->scope == ATOM_ROWS || atom->scope == ATOM_AGGREGATE ||
		 (atom->scope == ATOM_GROUP && atom->source >= 0)))
		switch (RelatedRowsAnswer(batch, position, id))
		{
			case ROWS_TRUE:
				return true;
			case ROWS_FALSE:
				return false;
			case ROWS_TOO_MANY:
				return answer_for_one(batch, position, id);
			case ROWS_UNREADABLE:
				break;
		}
	return answer_by_query(batch, position, id);
}

/* ----- forgetting ----- */

static void
forget_answer(Batch *batch, int atom)
{
	int query = batch->program->atoms[atom].query;

	if (query >= 0)
		batch->answers[query] = NULL;
}

/*
 * Members of a segment have changed: atoms that look at them are asked again.
 */
void
BatchForgetMembers(Batch *batch, int64 segment)
{
	Program *program = batch->program;
	int i;

	for (i = 0; batch->answers && i < program->natoms; i++)
		if ((program->atoms[i].flags & IMAGE_ATOM_MEMBERSHIPS) ||
			(program->atoms[i].scope == ATOM_MEMBER &&
			 ProgramAtomGet(program, i)->atom->segment_id == segment))
			forget_answer(batch, i);
}

/*
 * Look at the contacts at another instant: atoms that move with it are asked
 * again.  Returns the instant before.
 */
TimestampTz
BatchMoveTo(Batch *batch, TimestampTz now)
{
	TimestampTz before = batch->now;
	int i;

	for (i = 0; batch->answers && i < batch->program->natoms; i++)
		if (batch->program->atoms[i].flags & IMAGE_ATOM_MOVES)
			forget_answer(batch, i);
	batch->now = now;
	return before;
}
