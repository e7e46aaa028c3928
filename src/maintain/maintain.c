/*
 * maintain.c - evaluate afresh for some contacts, write what differs, and
 * carry it to the segments that refer to what changed.
 *
 * The routine behind everything that is not a plain write of a contact: related
 * rows, companies, manual changes, time.  Contacts are locked in key order
 * before anything is read for them, so that two transactions that change
 * different inputs of one filter take turns (maintain/README.md).
 */
#include "postgres.h"

#include "maintain/maintain.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/memutils.h"

#include "base/vector.h"
#include "evaluate/batch.h"
#include "evaluate/flips.h"
#include "evaluate/row.h"
#include "log/change_log.h"
#include "maintain/company_lock.h"
#include "maintain/contact_lock.h"
#include "maintain/passed_atoms.h"
#include "maintain/reconcile.h"
#include "maintain/uncommitted.h"
#include "member/change_set.h"
#include "member/member_write.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "time/clock.h"

#define BATCH_MEMORY (512 * 1024)

/* What is asked of contacts. */
typedef struct Task
{
	Bitmapset *asked;   /* segments that the cause is for */
	Bitmapset *reached; /* others, that refer to some that changed already */
	const char *cause;
	const AtomFlips *flips; /* NULL: anything may have changed */
	const Looking *looking; /* by the statement that wrote these contacts, or NULL */
	TimestampTz now;
} Task;

/* ----- reading contacts ----- */

/* Did we wait for somebody who is inserting a contact that we miss? */
static bool
wait_for_missing(Batch *batch, const AtomFlips *flips)
{
	Looking looking = {flips && flips->whole, flips ? flips->before : InvalidCommandId};
	bool waited = false;
	int i;

	for (i = 0; i < batch->nrows; i++)
		if (batch->rows[i].slot == NULL)
			waited |= UncommittedWaitForContact(batch->program, flips ? flips->source : NULL,
												&looking, batch->keys[i]);
	return waited;
}

/*
 * Lock and read all that is to be evaluated; contacts that don't exist keep an
 * absent row.  Returns how many exist.
 */
static int
lock_contacts(Batch *batch, const Task *task)
{
	Program *program = batch->program;
	RowVersion row;
	int found;
	int i;

	/* contacts are looked at one after the other, and share what is known of one */
	RowVersionInit(&row, program->sources[0], NULL);
	for (i = 0; i < batch->nrows; i++)
		BatchSetRow(batch, i, &row)->stamp = i + 1;
	found = ContactsLock(batch);
	if (found < batch->nrows && ProgramIsUnguarded(program) && wait_for_missing(batch, task->flips))
		found = ContactsLock(batch);
	if (found > 0)
		CompanyHoldReferenced(batch, task->looking);
	return found;
}

/* ----- one batch ----- */

/* Write what is pending; the segments that refer to what changed are next. */
static void
flush_pending(Reconciliation *work, const char *cause)
{
	ChangeSet *set = work->pending;
	MemberWritten result;
	int i;

	if (set->n == 0)
		return;
	result = MaintainWrite(work->program, set, cause);
	work->stale |= result.disturbed;
	if (result.written > 0)
		for (i = 0; i < set->n; i++)
		{
			const ImageSegment *segment = &work->program->segments[set->changes[i].index];

			if (segment->referencing.n == 0 ||
				(i > 0 && set->changes[i - 1].index == set->changes[i].index))
				continue;
			BatchForgetMembers(work->batch, segment->id);
			work->todo = ProgramAddReferencing(work->program, work->todo, set->changes[i].index);
			work->disturbed =
				ProgramAddReferencing(work->program, work->disturbed, set->changes[i].index);
		}
	set->n = 0;
}

/* The lowest level of those to do. */
static int
next_level(Program *program, Bitmapset *todo)
{
	int best = PG_INT32_MAX;
	int index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		best = Min(best, (int) program->segments[index].level);
	return best;
}

static Bitmapset *
segments_of_level(Program *program, Bitmapset *todo, int level)
{
	Bitmapset *result = NULL;
	int index = -1;

	while ((index = bms_next_member(todo, index)) >= 0)
		if (program->segments[index].level == level)
			result = bms_add_member(result, index);
	return result;
}

/*
 * Level by level: what a level changes is written before the next one, which may
 * refer to it, is evaluated.
 */
static void
reconcile_batch(Reconciliation *work)
{
	if (work->flips != NULL && !bms_is_empty(work->flips->measures))
	{
		PassedAtomsFind(&work->passed, work->batch, work->flips, work->todo);
		work->todo = bms_union(work->todo, work->passed.reached);
		work->original = bms_union(work->original, work->todo);
	}
	while (!bms_is_empty(work->todo) && !work->stale)
	{
		int level = next_level(work->program, work->todo);
		Bitmapset *segments = segments_of_level(work->program, work->todo, level);
		Bitmapset *asked = bms_intersect(segments, work->original);
		Bitmapset *reached = bms_difference(segments, work->original);

		work->todo = bms_del_members(work->todo, segments);
		if (!bms_is_empty(asked))
		{
			ReconcileSegments(work, asked, true);
			flush_pending(work, work->cause);
		}
		if (!bms_is_empty(reached))
		{
			ReconcileSegments(work, reached, false);
			flush_pending(work, CAUSE_SEGMENT);
		}
	}
}

static void
reconcile_keys(Program *program, Datum *keys, int nkeys, const Task *task)
{
	Reconciliation work = {0};
	Task again = {0};

	work.program = program;
	work.batch = BatchCreate(program, task->now, nkeys, keys);
	work.batch->giving = task->flips ? &task->flips->giving : NULL;
	work.pending = ChangeSetCreate();
	work.todo = bms_union(task->asked, task->reached);
	work.original = task->asked;
	work.cause = task->cause;
	work.flips = task->flips;
	if (lock_contacts(work.batch, task) > 0)
		reconcile_batch(&work);
	if (!work.stale || bms_is_empty(work.todo))
		return;
	/* triggers of the member table changed contacts: read them again */
	again.asked = bms_intersect(work.todo, work.original);
	again.reached = bms_difference(work.todo, work.original);
	again.cause = task->cause;
	again.now = task->now;
	reconcile_keys(program, keys, nkeys, &again);
}

static void
reconcile_all(Program *program, Datum *keys, int nkeys, const Task *task)
{
	/* what the first of many batches takes, the next ones find */
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "segments reconciliation",
							  nkeys > BATCH_ROWS ? BATCH_MEMORY : ALLOCSET_DEFAULT_MINSIZE,
							  ALLOCSET_DEFAULT_INITSIZE, ALLOCSET_DEFAULT_MAXSIZE);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	int start;

	ProgramSortKeys(program, keys, &nkeys);
	for (start = 0; start < nkeys; start += BATCH_ROWS)
	{
		reconcile_keys(program, keys + start, Min(BATCH_ROWS, nkeys - start), task);
		MemoryContextReset(scratch);
		ResetExprContext(program->econtext);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/*
 * Bring the stored members among these contacts in line with these segments
 * (indexes in the program), and with the segments that refer to what changes;
 * `reached` are such already.
 * keys is sorted in place.
 */
void
MaintainContactsAt(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
				   Bitmapset *reached, const char *cause, TimestampTz now)
{
	Task task = {segments, reached, cause, NULL, NULL, now};

	if (nkeys > 0 && !(bms_is_empty(segments) && bms_is_empty(reached)))
		reconcile_all(program, keys, nkeys, &task);
}

/*
 * The same at this transaction's now.
 */
void
MaintainContacts(Program *program, Datum *keys, int nkeys, Bitmapset *segments, const char *cause)
{
	MaintainContactsAt(program, keys, nkeys, segments, NULL, cause, SegmentsNow());
}

/*
 * The same for contacts that one statement wrote, as it looks for others' rows.
 */
void
MaintainWritten(Program *program, Datum *keys, int nkeys, Bitmapset *segments, Bitmapset *reached,
				const Looking *looking, TimestampTz now)
{
	Looking here = {looking->whole && nkeys <= BATCH_ROWS, looking->command};
	Task task = {segments, reached, CAUSE_FILTER, NULL, &here, now};

	if (nkeys > 0 && !(bms_is_empty(segments) && bms_is_empty(reached)))
		reconcile_all(program, keys, nkeys, &task);
}

/*
 * Rows of these contacts came, went or changed, and did this to the atoms over
 * them; segments are those that hold such an atom.
 *
 * What is stored was right before, as every change brings its own segments in
 * line under the contact's lock.  A statement that changes several tables comes
 * here once for each, in some order, and each time the argument holds for the
 * rows of that table: what is stored then is the truth before these changes,
 * or the truth after all of them.
 */
void
MaintainRelated(Program *program, Datum *keys, int nkeys, Bitmapset *segments,
				const AtomFlips *flips)
{
	Task task = {segments, NULL, CAUSE_FILTER, flips, NULL, SegmentsNow()};

	if (nkeys > 0 && !(bms_is_empty(segments) && bms_is_empty(flips->measures)))
		reconcile_all(program, keys, nkeys, &task);
}

/*
 * The segments that refer to what changed, and the contacts that changed in
 * them, to be evaluated by the caller.
 */
Bitmapset *
MaintainReferencing(Program *program, ChangeSet *set, DatumVector *keys)
{
	Bitmapset *referencing = NULL;
	int i;

	for (i = 0; i < set->n; i++)
	{
		if (set->changes[i].index < 0 ||
			program->segments[set->changes[i].index].referencing.n == 0)
			continue;
		DatumVectorAdd(keys, set->changes[i].key);
		referencing = ProgramAddReferencing(program, referencing, set->changes[i].index);
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
	Bitmapset *referencing;

	DatumVectorInit(&keys, CurrentMemoryContext, program->key_byval, program->key_len);
	referencing = MaintainReferencing(program, set, &keys);
	MaintainContactsAt(program, keys.items, keys.n, NULL, referencing, CAUSE_SEGMENT,
					   SegmentsNow());
}

/* Evaluate what was written, but may be out of date. */
static void
evaluate_again(Program *program, ChangeSet *set)
{
	Datum *keys = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * set->n);
	Bitmapset *segments = NULL;
	int i;

	for (i = 0; i < set->n; i++)
	{
		keys[i] = set->changes[i].key;
		if (set->changes[i].index >= 0)
			segments = bms_add_member(segments, set->changes[i].index);
	}
	MaintainContacts(program, keys, set->n, segments, CAUSE_FILTER);
}

/*
 * Write changes (MemberWrite), and bring in line what triggers of the member
 * table have disturbed.  The set is sorted and kept, for MaintainPropagate.
 */
MemberWritten
MaintainWrite(Program *program, ChangeSet *set, const char *cause)
{
	MemberWritten result = MemberWrite(program, set, cause);

	if (result.disturbed)
		evaluate_again(program, set);
	return result;
}
