/*
 * maintain.c - evaluate afresh for some contacts, write what differs, and
 * carry it to the segments that refer to what changed.
 *
 * Step 12a: the routine behind everything that is not a plain write of a
 * contact: related rows, companies, manual changes, time.  Contacts are locked
 * in key order before anything is read for them, so that two transactions
 * that change different inputs of one filter take turns (src/README.md, locks).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "maintain.h"

/*
 * The instant at which writes are evaluated.
 */
TimestampTz
MaintainNow(Program *program)
{
	return SegmentsNow();
}

#define FEW_CONTACTS 8			/* up to so many are read without a query */
#define FEW_SEGMENTS 16			/* and looked up in so many */

/* ----- reading contacts ----- */

static SPIPlanPtr
lock_plan(Program *program)
{
	ContactTable *table = program->table;
	char	   *sql = psprintf("SELECT (c.*)::%s FROM %s c WHERE c.%s = ANY ($1) ORDER BY c.%s FOR NO KEY UPDATE",
							   table->name, table->name, table->key, table->key);

	return ProgramPlan(program, &program->lock_plan, sql, 1, &program->key_array_type);
}

/*
 * A slot over a contact that a query gave as one composite value, which must
 * outlive it.
 */
TupleTableSlot *
MaintainContactSlot(Program *program, Datum composite)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(composite);
	HeapTuple	tuple = palloc0(HEAPTUPLESIZE);
	TupleTableSlot *slot;

	tuple->t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple->t_self);
	tuple->t_tableOid = program->relid;
	tuple->t_data = header;
	slot = MakeSingleTupleTableSlot(program->sources[0]->desc, &TTSOpsHeapTuple);
	ExecStoreHeapTuple(tuple, slot, false);
	return slot;
}

/*
 * Lock the contacts of a batch and read them.  Returns how many exist.
 */
static int
lock_one_by_one(Batch *batch)
{
	int			found = 0;
	int			i;

	for (i = 0; i < batch->nrows; i++)
	{
		batch->rows[i].slot = ContactLock(batch->program, batch->keys[i]);
		if (batch->rows[i].slot)
			found++;
	}
	return found;
}

static int
read_and_lock(Batch *batch)
{
	Program    *program = batch->program;
	Datum		values[1];
	int			found = 0;
	uint64		i;

	if (batch->nrows <= FEW_CONTACTS)
		return lock_one_by_one(batch);
	values[0] = BatchKeyArray(program, batch->keys, batch->nrows);
	MaintainExecute(lock_plan(program), values, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		contact = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		TupleTableSlot *slot = MaintainContactSlot(program, datumCopy(contact, false, -1));
		Datum		key = slot_getattr(slot, program->table->key_attnum, &isnull);
		int			position = BatchFindKey(batch, key);

		if (position >= 0)
		{
			batch->rows[position].slot = slot;
			found++;
		}
	}
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* Did we wait for somebody who is inserting a contact that we miss? */
static bool
wait_for_missing(Batch *batch)
{
	bool		waited = false;
	int			i;

	for (i = 0; i < batch->nrows; i++)
		if (batch->rows[i].slot == NULL)
			waited |= UncommittedWaitForContact(batch->program, batch->keys[i]);
	return waited;
}

/*
 * Contacts that point at a company themselves: nobody may change it until we
 * are done, as nobody may change the contact.
 */
static void
lock_referenced(Batch *batch, const Bitmapset *segments)
{
	Program    *program = batch->program;
	ContactTable *table = program->table;
	int			i;

	for (i = 1; i < program->nsources; i++)
	{
		RelatedRows *rows = program->sources[i]->rows;
		Datum		values[1];

		if (rows->contact_reference == NULL ||
			!bms_overlap(ProgramSegmentsReading(program, program->sources[i]), segments))
			continue;
		values[0] = BatchKeyArray(program, batch->keys, batch->nrows);
		MaintainExecute(ProgramPlan(program, &program->sources[i]->share_plan,
									psprintf("SELECT FROM %s r WHERE r.%s IN (SELECT c.%s FROM %s c WHERE c.%s = ANY ($1)) "
											 "ORDER BY r.%s FOR SHARE",
											 CatalogRelationName(rows->relid), quote_identifier(rows->key_column),
											 quote_identifier(rows->contact_reference), table->name, table->key,
											 quote_identifier(rows->key_column)), 1, &program->key_array_type),
						values, SPI_OK_SELECT);
		SPI_freetuptable(SPI_tuptable);
	}
}

/*
 * Lock and read all that is to be evaluated; contacts that don't exist keep an
 * absent row.  Returns how many exist.
 */
static int
lock_contacts(Batch *batch, const Bitmapset *segments)
{
	Program    *program = batch->program;
	int			found;
	int			i;

	for (i = 0; i < batch->nrows; i++)
	{
		RowVersionInit(&batch->rows[i], program->sources[0], NULL);
		batch->rows[i].batch = batch;
		batch->rows[i].position = i;
	}
	found = read_and_lock(batch);
	if (found < batch->nrows && program->unguarded && wait_for_missing(batch))
		found = read_and_lock(batch);
	if (found > 0)
		lock_referenced(batch, segments);
	return found;
}

/* ----- stored members ----- */

static bool **
look_up_stored(Batch *batch, Bitmapset *segments)
{
	Program    *program = batch->program;
	bool	  **stored = palloc0(sizeof(bool *) * Max(program->nsegments, 1));
	int			indexes[FEW_SEGMENTS];
	bool		answers[FEW_SEGMENTS];
	int			index = -1;
	int			n = 0;
	int			i;
	int			j;

	while ((index = bms_next_member(segments, index)) >= 0)
		indexes[n++] = index;
	for (i = 0; i < batch->nrows; i++)
	{
		if (batch->rows[i].slot == NULL)
			continue;
		ContactStored(program, batch->keys[i], indexes, n, answers);
		for (j = 0; j < n; j++)
		{
			if (!answers[j])
				continue;
			if (stored[indexes[j]] == NULL)
				stored[indexes[j]] = palloc0(sizeof(bool) * batch->nrows);
			stored[indexes[j]][i] = true;
		}
	}
	return stored;
}

/* stored[segment index] is NULL (nobody of the batch) or one bool a contact. */
static bool **
read_stored(Batch *batch, Bitmapset *segments)
{
	Program    *program = batch->program;
	bool	  **stored = palloc0(sizeof(bool *) * Max(program->nsegments, 1));
	Oid			types[2];
	Datum		values[2];
	Datum	   *ids = palloc(sizeof(Datum) * Max(bms_num_members(segments), 1));
	int			n = 0;
	int			index = -1;
	uint64		i;

	types[0] = program->key_array_type;
	types[1] = INT8ARRAYOID;
	while ((index = bms_next_member(segments, index)) >= 0)
		ids[n++] = Int64GetDatum(program->segments[index].id);
	values[0] = BatchKeyArray(program, batch->keys, batch->nrows);
	values[1] = PointerGetDatum(construct_array(ids, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	MaintainExecute(ProgramPlan(program, &program->stored_plan,
								psprintf("SELECT m.segment_id, m.contact_id FROM %s m "
										 "WHERE m.contact_id = ANY ($1) AND m.segment_id = ANY ($2)",
										 CatalogRelationName(program->table->member_table)), 2, types),
					values, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		int64		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		Datum		key = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
		ProgramSegment *segment = ProgramSegmentById(program, id);
		int			position = BatchFindKey(batch, key);

		if (stored[segment->index] == NULL)
			stored[segment->index] = palloc0(sizeof(bool) * batch->nrows);
		if (position >= 0)
			stored[segment->index][position] = true;
	}
	SPI_freetuptable(SPI_tuptable);
	return stored;
}

/* ----- one batch ----- */

typedef struct Reconciliation
{
	Program    *program;
	Batch	   *batch;
	ChangeSet  *pending;
	Bitmapset  *todo;			/* indexes of segments still to evaluate */
	Bitmapset  *original;		/* those that the caller asked for */
	const char *cause;			/* of the original ones */
	bool		stale;			/* statements inside ours changed what we have read */
	bool		clock_read;		/* is `ahead` known? */
	bool		ahead;			/* some segment may be ahead of the batch */
} Reconciliation;

static void
collect_differences(Reconciliation *work, ProgramSegment *segment, const bool *stored)
{
	Batch	   *batch = work->batch;
	int			i;

	for (i = 0; i < batch->nrows; i++)
	{
		RowVersion *row = &batch->rows[i];
		bool		matches;

		if (row->slot == NULL)
			continue;
		matches = PredicateOnRow(work->program, row, segment->predicate, batch->now);
		if (matches != (stored != NULL && stored[i]))
			ChangeSetAdd(work->program, work->pending, segment->id, segment->index, batch->keys[i], matches);
	}
}

/* Membership answers of a segment that changed are asked again. */
static void
forget_answers(Batch *batch, int64 segment)
{
	int			i;

	for (i = 0; i < batch->program->natoms; i++)
		if (batch->program->atoms[i].atom->scope == ATOM_MEMBER &&
			batch->program->atoms[i].atom->segment_id == segment)
			batch->answers[i] = NULL;
}

/* Write what is pending; the segments that refer to what changed are next. */
static void
flush_pending(Reconciliation *work, const char *cause)
{
	ChangeSet  *set = work->pending;
	uint64		before;
	int			written;
	int			i;

	if (set->n == 0)
		return;
	before = MaintainRuns();
	written = MemberWrite(work->program, set, cause);
	if (MaintainRuns() != before)
		work->stale = true;
	if (written > 0)
		for (i = 0; i < set->n; i++)
		{
			ProgramSegment *segment = &work->program->segments[set->changes[i].index];
			ListCell   *cell;

			if (segment->referencing == NIL || (i > 0 && set->changes[i - 1].index == segment->index))
				continue;
			forget_answers(work->batch, segment->id);
			foreach(cell, segment->referencing)
				work->todo = bms_add_member(work->todo, lfirst_int(cell));
		}
	set->n = 0;
}

/* The segment to do next: one of lowest rank. */
static ProgramSegment *
next_segment(Program *program, Bitmapset *todo)
{
	ProgramSegment *best = NULL;
	int			index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		if (best == NULL || program->segments[index].rank < best->rank)
			best = &program->segments[index];
	return best;
}

static Bitmapset *
segments_of_rank(Program *program, Bitmapset *todo, int rank)
{
	Bitmapset  *result = NULL;
	int			index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		if (program->segments[index].rank == rank)
			result = bms_add_member(result, index);
	return result;
}

/* Answers that depend on now are asked again. */
static void
forget_moving_answers(Batch *batch)
{
	int			i;

	for (i = 0; i < batch->program->natoms; i++)
		if (batch->program->atoms[i].atom->moves)
			batch->answers[i] = NULL;
}

/* Asked once for all segments, with the contacts locked. */
static bool
may_be_ahead(Reconciliation *work)
{
	if (!work->clock_read)
		work->ahead = ClockIsAhead(work->program->relid, work->batch->now);
	work->clock_read = true;
	return work->ahead;
}

/*
 * A moving segment that was brought forward beyond our now is not taken back:
 * it is evaluated at its own instant (SEMANTICS §7.2).
 */
static void
evaluate_segment(Reconciliation *work, ProgramSegment *segment, const bool *stored)
{
	TimestampTz now = work->batch->now;
	TimestampTz evaluated_at;

	if (!segment->moves || !may_be_ahead(work) || !ClockRead(segment->id, &evaluated_at) || evaluated_at <= now)
	{
		collect_differences(work, segment, stored);
		return;
	}
	forget_moving_answers(work->batch);
	work->batch->now = evaluated_at;
	collect_differences(work, segment, stored);
	work->batch->now = now;
	forget_moving_answers(work->batch);
}

static void
evaluate_segments(Reconciliation *work, Bitmapset *segments)
{
	bool		few = work->batch->nrows <= FEW_CONTACTS && bms_num_members(segments) <= FEW_SEGMENTS;
	bool	  **stored = few ? look_up_stored(work->batch, segments) : read_stored(work->batch, segments);
	int			index = -1;

	while ((index = bms_next_member(segments, index)) >= 0)
	{
		CHECK_FOR_INTERRUPTS();
		evaluate_segment(work, &work->program->segments[index], stored[index]);
	}
}

/* The segments to evaluate and all that refer to them, through any chain. */
static Bitmapset *
segments_within_reach(Reconciliation *work)
{
	Bitmapset  *result = bms_copy(work->todo);
	Bitmapset  *fresh = bms_copy(work->todo);
	int			index;

	while ((index = bms_next_member(fresh, -1)) >= 0)
	{
		ListCell   *cell;

		fresh = bms_del_member(fresh, index);
		foreach(cell, work->program->segments[index].referencing)
		{
			if (bms_is_member(lfirst_int(cell), result))
				continue;
			result = bms_add_member(result, lfirst_int(cell));
			fresh = bms_add_member(fresh, lfirst_int(cell));
		}
	}
	return result;
}

/*
 * Rank by rank: what a rank changes is written before the next one, which may
 * refer to it, is evaluated.
 */
static void
reconcile_batch(Reconciliation *work)
{
	if (lock_contacts(work->batch, segments_within_reach(work)) == 0)
		return;
	while (!bms_is_empty(work->todo) && !work->stale)
	{
		int			rank = next_segment(work->program, work->todo)->rank;
		Bitmapset  *segments = segments_of_rank(work->program, work->todo, rank);
		Bitmapset  *asked = bms_intersect(segments, work->original);
		Bitmapset  *reached = bms_difference(segments, work->original);

		work->todo = bms_del_members(work->todo, segments);
		if (!bms_is_empty(asked))
		{
			evaluate_segments(work, asked);
			flush_pending(work, work->cause);
		}
		if (!bms_is_empty(reached))
		{
			evaluate_segments(work, reached);
			flush_pending(work, CAUSE_SEGMENT);
		}
	}
}

/*
 * asked: segments that the cause is for; reached: others, that refer to some
 * that changed already.
 */
static void
reconcile_keys(Program *program, Datum *keys, int nkeys, Bitmapset *asked, Bitmapset *reached, const char *cause,
			   TimestampTz now)
{
	Reconciliation work = {0};

	work.program = program;
	work.batch = BatchCreate(program, now, nkeys, keys);
	work.pending = ChangeSetCreate();
	work.todo = bms_union(asked, reached);
	work.original = asked;
	work.cause = cause;
	reconcile_batch(&work);
	/* triggers of the member table changed contacts: read them again */
	if (work.stale && !bms_is_empty(work.todo))
		reconcile_keys(program, keys, nkeys, bms_intersect(work.todo, asked), bms_difference(work.todo, asked),
					   cause, now);
}

/*
 * Bring the stored members among these contacts in line with these segments
 * (indexes in the program), and with the segments that refer to what changes;
 * `reached` are such already.
 * keys is sorted in place.  Needs SPI, and the owner's rights.
 */
void
MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments, Bitmapset *reached,
				   const char *cause, TimestampTz now)
{
	MemoryContext scratch;
	MemoryContext old;
	int			start;

	if (nkeys == 0 || (bms_is_empty(segments) && bms_is_empty(reached)))
		return;
	MaintainEnter();
	ProgramSortKeys(program, keys, &nkeys);
	scratch = AllocSetContextCreate(CurrentMemoryContext, "segments reconciliation", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	for (start = 0; start < nkeys; start += BATCH_ROWS)
	{
		int			n = Min(BATCH_ROWS, nkeys - start);

		reconcile_keys(program, keys + start, n, segments, reached, cause, now);
		MemoryContextReset(scratch);
		ResetExprContext(program->econtext);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/*
 * The same at this transaction's now.
 */
void
MaintainContacts(Program *program, Datum *keys, int nkeys, Bitmapset *segments, const char *cause)
{
	MaintainContactsAt(program, keys, nkeys, segments, NULL, cause, MaintainNow(program));
}

/*
 * The segments that refer to what changed, and the contacts that changed in
 * them, to be evaluated by the caller.
 */
Bitmapset *
MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys)
{
	Bitmapset  *referencing = NULL;
	int			i;

	for (i = 0; i < set->n; i++)
	{
		ListCell   *cell;

		if (set->changes[i].index < 0 || program->segments[set->changes[i].index].referencing == NIL)
			continue;
		DatumVectorAdd(keys, set->changes[i].key);
		foreach(cell, program->segments[set->changes[i].index].referencing)
			referencing = bms_add_member(referencing, lfirst_int(cell));
	}
	return referencing;
}

/*
 * Changes were written: evaluate the segments that refer to what changed.
 */
void
MaintainPropagate(Program *program, ChangeSet *set)
{
	DatumVector keys;
	Bitmapset  *referencing;

	DatumVectorInit(&keys, CurrentMemoryContext, program->key_byval, program->key_len);
	referencing = MaintainReferencing(program, set, &keys);
	MaintainContactsAt(program, keys.items, keys.n, NULL, referencing, CAUSE_SEGMENT, MaintainNow(program));
}
