/*
 * contact_delta.c - what a statement changed in a contact table -> joins and
 * leaves.
 *
 * OLD and NEW rows are paired and compared; of the segments that this can
 * concern (candidates.c), those that read the contact's row only ("pure") are
 * evaluated on the two rows in memory, and nothing else is looked at.  The row
 * itself is locked by the statement.  Segments that also read other things are
 * evaluated by maintain.c for the contacts concerned.
 */
#include "postgres.h"

#include "maintain/contact_delta.h"

#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/vector.h"
#include "clock/segment_clock.h"
#include "evaluate/candidates.h"
#include "evaluate/predicate_row.h"
#include "evaluate/row.h"
#include "log/change_log.h"
#include "maintain/maintain.h"
#include "maintain/point_trigger.h"
#include "maintain/statement_delta.h"
#include "maintain/uncommitted.h"
#include "member/change_set.h"
#include "member/member_write.h"
#include "program/image.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/session.h"
#include "time/clock.h"

typedef struct DeltaWork
{
	Program *program;
	StatementDelta *delta;
	TimestampTz now;
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	RowVersion old_row;
	RowVersion new_row;
	Candidates found;
	ChangeSet *changes;
	MemoryContext memory;    /* of the keys below, until they are done with */
	DatumVector impure_keys; /* contacts that maintain.c must look at */
	Bitmapset *impure;       /* and for which segments */
	Bitmapset *reached;      /* those that refer to pure ones that changed */
	DatumVector deleted;
	DatumVector moved_old; /* changed keys */
	DatumVector moved_new;
	bool in_parts; /* some contacts have been seen to before the others */
} DeltaWork;

static void
init_keys(DeltaWork *work, DatumVector *keys)
{
	DatumVectorInit(keys, CurrentMemoryContext, work->program->key_byval, work->program->key_len);
}

/* Keys that may be many, and are forgotten in between, are in memory of their own. */
static DatumVector *
collecting(DeltaWork *work, DatumVector *keys)
{
	if (work->memory == NULL)
		work->memory = AllocSetContextCreate(CurrentMemoryContext, "segments changed contacts",
											 ALLOCSET_DEFAULT_SIZES);
	keys->context = work->memory;
	return keys;
}

static Datum
key_of(Program *program, TupleTableSlot *slot)
{
	bool isnull;
	Datum key = slot_getattr(slot, program->table->key_attnum, &isnull);

	if (isnull)
		elog(ERROR, "contact without a key");
	return key;
}

static void
need_impure(DeltaWork *work, int segment, Datum key)
{
	DatumVector *keys = &work->impure_keys;

	work->impure = bms_add_member(work->impure, segment);
	if (keys->n == 0 || ProgramCompareKeys(work->program, keys->items[keys->n - 1], key) != 0)
		DatumVectorAdd(collecting(work, keys), key);
}

/* Can neither version of the row match, by the one value that it must have? */
static bool
is_shut(DeltaWork *work, const ImageSegment *segment)
{
	Program *program = work->program;
	Facet *access;

	if (segment->access_facet < 0 || work->delta->others_fire)
		return false;
	access = &program->sources[0]->facets[segment->access_facet];
	if (RowFacetLookedUp(program, &work->new_row, access)->constant == segment->access_constant)
		return false;
	return work->old_row.slot == NULL ||
		   RowFacetLookedUp(program, &work->old_row, access)->constant != segment->access_constant;
}

/* A segment that may have flipped for the present row. */
static void
consider(DeltaWork *work, int index, Datum key)
{
	Program *program = work->program;
	const ImageSegment *segment = &program->segments[index];
	bool before;
	bool after;

	if (is_shut(work, segment))
		return;
	if (!(segment->flags & IMAGE_SEGMENT_PURE) || work->delta->others_fire)
	{
		need_impure(work, index, key);
		return;
	}
	before = work->old_row.slot && SegmentOnRow(program, &work->old_row, index, work->now);
	after = SegmentOnRow(program, &work->new_row, index, work->now);
	if (before != after)
		ChangeSetAdd(program, work->changes, segment->id, index, key, after);
}

static void
consider_found(DeltaWork *work, Datum key)
{
	int i;

	for (i = 0; i < work->found.segments.n; i++)
		consider(work, work->found.segments.items[i], key);
}

/* A contact that points at another company sees other company fields. */
static void
find_references(DeltaWork *work)
{
	Program *program = work->program;
	int i;
	uint32 j;

	for (i = 1; i < program->nsources; i++)
	{
		RowSource *source = program->sources[i];
		ImageList atoms = source->image->atoms;

		if (source->reference == NULL ||
			FacetEqual(program, &work->old_row, &work->new_row, source->reference))
			continue;
		for (j = 0; j < atoms.n; j++)
			CandidatesAdd(&work->found, program,
						  program->atoms[ProgramItems(program, atoms)[j]].segments);
	}
}

/* ----- one row ----- */

static void
contact_inserted(DeltaWork *work)
{
	Program *program = work->program;

	CandidatesNewRow(&work->found, program);
	if (PlainEvaluation())
		CandidatesAll(&work->found, program);
	else
		CandidatesOfInsert(&work->found, program, &work->new_row);
	consider_found(work, key_of(program, work->new_slot));
}

static void
contact_updated(DeltaWork *work)
{
	Program *program = work->program;

	CandidatesNewRow(&work->found, program);
	if (PlainEvaluation())
		CandidatesAll(&work->found, program);
	else
		CandidatesOfUpdate(&work->found, program, &work->old_row, &work->new_row, work->now);
	if (program->image->moving.n > 0)
	{
		CandidatesOfTime(&work->found, program, &work->old_row, work->now);
		CandidatesOfTime(&work->found, program, &work->new_row, work->now);
	}
	find_references(work);
	if (work->found.segments.n > 0)
		consider_found(work, key_of(program, work->new_slot));
}

static void
key_changed(DeltaWork *work, Datum old_key, Datum new_key)
{
	DatumVectorAdd(&work->moved_old, old_key);
	DatumVectorAdd(&work->moved_new, new_key);
}

/* ----- the statement ----- */

/* Triggers of the member table changed contacts: those yet to come may be others now. */
static void
note_disturbance(DeltaWork *work, uint64 begun_before)
{
	if (SessionsBegun() != begun_before)
		work->delta->others_fire = true;
}

static void
write_changes(DeltaWork *work)
{
	uint64 before = SessionsBegun();

	if (work->changes->n == 0)
		return;
	/* what refers to these is evaluated with the impure ones, level by level */
	if (MaintainWrite(work->program, work->changes, CAUSE_FILTER).written > 0)
		work->reached = bms_add_members(work->reached,
										MaintainReferencing(work->program, work->changes,
															collecting(work, &work->impure_keys)));
	note_disturbance(work, before);
	ChangeSetReset(work->changes);
}

static void
process_pair(DeltaWork *work)
{
	Program *program = work->program;

	RowVersionReset(&work->old_row, work->delta->old_rows ? work->old_slot : NULL);
	RowVersionReset(&work->new_row, work->delta->new_rows ? work->new_slot : NULL);
	if (work->new_row.slot == NULL)
		DatumVectorAdd(collecting(work, &work->deleted), key_of(program, work->old_slot));
	else if (work->old_row.slot == NULL)
		contact_inserted(work);
	else
	{
		Datum old_key = key_of(program, work->old_slot);
		Datum new_key = key_of(program, work->new_slot);

		if (ProgramCompareKeys(program, old_key, new_key) != 0)
			key_changed(work, old_key, new_key);
		else
			contact_updated(work);
	}
	ResetExprContext(program->econtext);
}

static Bitmapset *
all_segments(Program *program)
{
	return program->nsegments == 0 ? NULL : bms_add_range(NULL, 0, program->nsegments - 1);
}

/*
 * Deleted contacts lose their rows; one that a part of the same statement
 * inserted again is evaluated as a whole.
 */
static void
finish_deleted(DeltaWork *work)
{
	if (work->deleted.n == 0)
		return;
	MemberForgetContacts(work->program, work->deleted.items, work->deleted.n);
	PointTriggersForget(work->program, work->deleted.items, work->deleted.n);
	MaintainContacts(work->program, work->deleted.items, work->deleted.n,
					 all_segments(work->program), CAUSE_FILTER);
}

static void
maintain_impure(DeltaWork *work)
{
	Looking looking = LookingOf(work->delta, work->in_parts);

	if (ProgramIsUnguarded(work->program) && work->delta->old_rows == NULL)
		UncommittedWaitForRows(work->program, &looking, work->impure_keys.items,
							   work->impure_keys.n);
	MaintainWritten(work->program, work->impure_keys.items, work->impure_keys.n, work->impure,
					work->reached, &looking, work->now);
}

/* What was collected, all rows being what they are after the statement. */
static void
finish_collected(DeltaWork *work)
{
	uint64 before = SessionsBegun();

	write_changes(work);
	finish_deleted(work);
	maintain_impure(work);
	note_disturbance(work, before);
	bms_free(work->impure);
	bms_free(work->reached);
	work->impure = work->reached = NULL;
	init_keys(work, &work->impure_keys);
	init_keys(work, &work->deleted);
	if (work->memory)
		MemoryContextReset(work->memory);
}

static void
finish_what_is_full(DeltaWork *work)
{
	if (ChangeSetIsFull(work->changes))
		write_changes(work);
	if (DatumVectorIsFull(&work->impure_keys) || DatumVectorIsFull(&work->deleted))
	{
		work->in_parts = true;
		finish_collected(work);
	}
}

/*
 * Contacts that were and are no more are deleted, and those that are are
 * evaluated as a whole.
 */
static void
process_unpaired(DeltaWork *work)
{
	Program *program = work->program;
	DatumVector present;

	init_keys(work, &present);
	while (tuplestore_gettupleslot(work->delta->new_rows, true, false, work->new_slot))
		DatumVectorAdd(&present, key_of(program, work->new_slot));
	ProgramSortKeys(program, present.items, &present.n);
	while (tuplestore_gettupleslot(work->delta->old_rows, true, false, work->old_slot))
	{
		Datum key = key_of(program, work->old_slot);

		CHECK_FOR_INTERRUPTS();
		if (ProgramFindKey(program, present.items, present.n, key) < 0)
			DatumVectorAdd(collecting(work, &work->deleted), key);
	}
	if (ProgramIsUnguarded(program))
		UncommittedWaitForRows(program, NULL, present.items, present.n);
	MaintainContacts(program, present.items, present.n, all_segments(program), CAUSE_FILTER);
}

static void
process_rows(DeltaWork *work)
{
	StatementDelta *delta = work->delta;

	StatementDeltaRewind(delta);
	if (!StatementDeltaIsPaired(delta))
		process_unpaired(work);
	else
		while (StatementDeltaNext(delta, work->old_slot, work->new_slot))
		{
			process_pair(work);
			finish_what_is_full(work);
		}
	ExecClearTuple(work->old_slot);
	ExecClearTuple(work->new_slot);
}

static void
finish_moved(DeltaWork *work)
{
	if (work->moved_old.n == 0)
		return;
	MemberMoveContacts(work->program, work->moved_old.items, work->moved_new.items,
					   work->moved_old.n);
	PointTriggersMove(work->program, work->moved_old.items, work->moved_new.items,
					  work->moved_old.n);
	if (ProgramIsUnguarded(work->program))
		UncommittedWaitForRows(work->program, NULL, work->moved_new.items, work->moved_new.n);
	MaintainContacts(work->program, work->moved_new.items, work->moved_new.n,
					 all_segments(work->program), CAUSE_FILTER);
}

/*
 * Maintain a contact table's segments after a statement on it.
 */
void
ContactDelta(Program *program, StatementDelta *delta)
{
	DeltaWork work = {0};

	if (delta->truncated)
	{
		MemberForgetAll(program);
		PointTriggersForgetAll(program);
		return;
	}
	work.program = program;
	work.delta = delta;
	work.now = SegmentsNow();
	if (program->image->moving.n > 0)
		ClockLoad(program);
	work.old_slot = MakeSingleTupleTableSlot(program->sources[0]->desc, &TTSOpsMinimalTuple);
	work.new_slot = MakeSingleTupleTableSlot(program->sources[0]->desc, &TTSOpsMinimalTuple);
	RowVersionInit(&work.old_row, program->sources[0], NULL);
	RowVersionInit(&work.new_row, program->sources[0], NULL);
	CandidatesInit(&work.found, program);
	init_keys(&work, &work.impure_keys);
	init_keys(&work, &work.deleted);
	init_keys(&work, &work.moved_old);
	init_keys(&work, &work.moved_new);
	work.changes = ChangeSetCreate();
	process_rows(&work);
	finish_collected(&work);
	finish_moved(&work);
	ExecDropSingleTupleTableSlot(work.old_slot);
	ExecDropSingleTupleTableSlot(work.new_slot);
}
