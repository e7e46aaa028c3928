/*
 * related_delta.c - what a statement changed in a table of related rows,
 * companies or links -> the contacts and segments concerned.
 *
 * A row's atoms are tested on OLD and NEW in memory (row_effects.c).  A row that
 * flips none (an event that no segment asks for) ends there: no contact is read,
 * nothing is locked.  Otherwise the row's contacts are evaluated, by maintain.c,
 * for the segments that hold a flipped atom.
 */
#include "postgres.h"

#include "maintain/related_delta.h"

#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "base/vector.h"
#include "clock/segment_clock.h"
#include "evaluate/batch.h"
#include "evaluate/candidates.h"
#include "evaluate/row.h"
#include "maintain/company_lock.h"
#include "maintain/maintain.h"
#include "maintain/related_contacts.h"
#include "maintain/row_effects.h"
#include "maintain/statement_delta.h"
#include "maintain/uncommitted.h"
#include "program/keys.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "time/clock.h"

typedef struct RelatedWork
{
	Program *program;
	RowSource *source;  /* of the relation */
	RowSource *reading; /* rows of the statement's table: source, or its link */
	StatementDelta *delta;
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	RowVersion old_row;
	RowVersion new_row;
	RowVersion no_row;
	RowEffects effects;
	MemoryContext memory; /* of the keys, until they are done with */
	DatumVector keys;     /* of contacts, or of rows */
	DatumVector giving;   /* of contacts whose rows went to others */
	DatumVector linked;   /* rows that new links point at */
	DatumVector came;     /* keys of rows that are new, where contacts are found by them */
	bool in_parts;        /* some of the rows have been seen to before the others */
	bool stale;           /* definitions have changed since the program was got */
} RelatedWork;

/* Keep what a facet has on a row; NULL points nowhere. */
static void
add_key(RelatedWork *work, DatumVector *keys, Facet *facet, RowVersion *row)
{
	FacetState *state = RowFacet(work->program, row, facet);

	if (keys->context == NULL)
	{
		int16 len;
		bool byval;

		if (work->memory == NULL)
			work->memory = AllocSetContextCreate(CurrentMemoryContext, "segments changed rows",
												 ALLOCSET_DEFAULT_SIZES);
		get_typlenbyval(facet->image->sql_type, &len, &byval);
		DatumVectorInit(keys, work->memory, byval, len);
	}
	if (!state->isnull)
		DatumVectorAdd(keys, state->value);
}

/* ----- rows of the relation itself ----- */

static void
related_row(RelatedWork *work)
{
	Facet *owner = work->source->contact ? work->source->contact : work->source->key;
	bool both = (work->old_row.slot != NULL && work->new_row.slot != NULL);

	if (both && FacetEqual(work->program, &work->old_row, &work->new_row, owner))
	{
		if (RowEffectsAdd(&work->effects, &work->old_row, &work->new_row))
			add_key(work, &work->keys, owner, &work->new_row);
		return;
	}
	/* it came, went, or moved from one contact to another */
	if (work->old_row.slot && RowEffectsAdd(&work->effects, &work->old_row, &work->no_row))
	{
		add_key(work, &work->keys, owner, &work->old_row);
		if (both && work->source->contact != NULL)
			add_key(work, &work->giving, owner, &work->old_row);
	}
	if (work->new_row.slot && RowEffectsAdd(&work->effects, &work->no_row, &work->new_row))
	{
		add_key(work, &work->keys, owner, &work->new_row);
		if (work->source->contact == NULL)
			add_key(work, &work->came, owner, &work->new_row);
	}
}

/* ----- rows of the link table ----- */

/* Did the link lead from the same contact to the same row before? */
static bool
leads_as_before(RelatedWork *work)
{
	return work->old_row.slot &&
		   FacetEqual(work->program, &work->old_row, &work->new_row, work->reading->contact) &&
		   FacetEqual(work->program, &work->old_row, &work->new_row, work->reading->key);
}

static void
link_row(RelatedWork *work)
{
	if (work->old_row.slot && work->new_row.slot && !RowChanged(&work->old_row, &work->new_row))
		return;
	if (work->old_row.slot)
		add_key(work, &work->keys, work->reading->contact, &work->old_row);
	if (work->old_row.slot && work->new_row.slot &&
		!FacetEqual(work->program, &work->old_row, &work->new_row, work->reading->contact))
		add_key(work, &work->giving, work->reading->contact, &work->old_row);
	if (work->new_row.slot)
	{
		add_key(work, &work->keys, work->reading->contact, &work->new_row);
		if (!leads_as_before(work))
			add_key(work, &work->linked, work->reading->key, &work->new_row);
	}
}

/* ----- the statement ----- */

/*
 * Whoever changes a definition shuts out those who write contacts, and what the
 * segment reads from then on; not those who write what it has read till then.
 * These come here with what was compiled before.  From here on definitions stand
 * still: are they what the program was compiled from?
 */
static bool
is_current(RelatedWork *work)
{
	if (work->delta->holds_definitions)
		return true;
	LockRelationOid(work->program->relid, RowExclusiveLock);
	work->delta->holds_definitions = true;
	work->stale = !ProgramIsCurrent(work->program);
	return !work->stale;
}

/* Keys of rows -> keys of the contacts they belong to. */
static void
find_contacts(RelatedWork *work)
{
	Program *program = work->program;
	DatumVector rows = work->keys;

	DatumVectorInit(&work->keys, work->memory, program->key_byval, program->key_len);
	RelatedContacts(program, work->source, rows.items, rows.n, &work->keys);
}

/* Evaluate what was collected, all rows being what they are after the statement. */
static void
finish_collected(RelatedWork *work)
{
	if (work->keys.n == 0 || !is_current(work))
		return;
	if (!work->delta->alone || PlainEvaluation())
		RowEffectsExpand(&work->effects);
	work->effects.flips.source = work->source;
	work->effects.flips.before = work->delta->command;
	work->effects.flips.whole =
		LookingOf(work->delta, work->in_parts).whole && work->keys.n <= BATCH_ROWS;
	work->effects.flips.only_came = (work->delta->old_rows == NULL);
	if (work->giving.n > 0)
		ProgramSortKeys(work->program, work->giving.items, &work->giving.n);
	work->effects.flips.giving = work->giving;
	MaintainRelated(work->program, work->keys.items, work->keys.n, work->effects.segments,
					&work->effects.flips);
	RowEffectsClear(&work->effects);
	MemoryContextReset(work->memory);
	memset(&work->keys, 0, sizeof(DatumVector));
	memset(&work->giving, 0, sizeof(DatumVector));
	memset(&work->came, 0, sizeof(DatumVector));
}

static void
finish_rows(RelatedWork *work)
{
	Looking looking = LookingOf(work->delta, work->in_parts);

	if ((work->came.n > 0 || work->keys.n > 0) && !is_current(work))
		return;
	if (work->came.n > 0)
		UncommittedWaitForReferences(work->program, work->source, &looking, work->came.items,
									 work->came.n);
	if (work->keys.n > 0 && work->source->contact == NULL)
		find_contacts(work);
	finish_collected(work);
}

static void
process_paired(RelatedWork *work, StatementDelta *delta, void (*process)(RelatedWork *))
{
	StatementDeltaRewind(delta);
	while (!work->stale && StatementDeltaNext(delta, work->old_slot, work->new_slot))
	{
		RowVersionReset(&work->old_row, delta->old_rows ? work->old_slot : NULL);
		RowVersionReset(&work->new_row, delta->new_rows ? work->new_slot : NULL);
		process(work);
		ResetExprContext(work->program->econtext);
		/* links are held all together first */
		if (process == related_row && DatumVectorIsFull(&work->keys))
		{
			work->in_parts = true;
			finish_rows(work);
		}
	}
}

static void
process_rows(RelatedWork *work, void (*process)(RelatedWork *))
{
	StatementDelta went = *work->delta;
	StatementDelta came = *work->delta;

	if (StatementDeltaIsPaired(work->delta))
	{
		process_paired(work, work->delta, process);
		return;
	}
	went.new_rows = NULL;
	process_paired(work, &went, process);
	came.old_rows = NULL;
	process_paired(work, &came, process);
}

static void
begin_reading(RelatedWork *work, RowSource *reading)
{
	work->reading = reading;
	work->old_slot =
		MakeSingleTupleTableSlot(ProgramSourceDesc(work->program, reading), &TTSOpsMinimalTuple);
	work->new_slot =
		MakeSingleTupleTableSlot(ProgramSourceDesc(work->program, reading), &TTSOpsMinimalTuple);
	RowVersionInit(&work->old_row, reading, NULL);
	RowVersionInit(&work->new_row, reading, NULL);
	RowVersionInit(&work->no_row, reading, NULL);
}

static void
end_reading(RelatedWork *work)
{
	ExecDropSingleTupleTableSlot(work->old_slot);
	ExecDropSingleTupleTableSlot(work->new_slot);
}

/* The statement changed rows of this relation. */
static void
relation_delta(RelatedWork *work)
{
	begin_reading(work, work->source);
	process_rows(work, related_row);
	end_reading(work);
	finish_rows(work);
}

/* The statement changed links to rows of this relation. */
static void
link_delta(RelatedWork *work)
{
	Looking looking = LookingOf(work->delta, work->in_parts);

	begin_reading(work, work->source->link);
	process_rows(work, link_row);
	end_reading(work);
	work->effects.segments = ProgramSegmentsReading(work->program, work->source);
	work->effects.flips.all = true;
	if (work->keys.n > 0 && !is_current(work))
		return;
	if (work->linked.n > 0 && work->effects.segments != NULL)
		CompanyHold(work->program, work->source, &looking, work->reading->key->image->sql_type,
					work->linked.items, work->linked.n);
	finish_collected(work);
}

static bool
source_delta(Program *program, RowSource *source, StatementDelta *delta, bool link)
{
	RelatedWork work = {0};

	work.program = program;
	work.source = source;
	work.delta = delta;
	RowEffectsInit(&work.effects, program, source, SegmentsNow());
	if (link)
		link_delta(&work);
	else
		relation_delta(&work);
	if (work.memory)
		MemoryContextDelete(work.memory);
	return !work.stale;
}

/*
 * Maintain the segments of a contact table after a statement on a table whose
 * rows belong to its contacts; not after TRUNCATE.  False: the program is not
 * of the present definitions, and it is all to be done again with the one that is.
 */
bool
RelatedDelta(Program *program, StatementDelta *delta)
{
	int i;

	if (program->nsources > 1 && program->image->moving.n > 0)
		ClockLoad(program);
	for (i = 1; i < program->nsources; i++)
	{
		RowSource *source = program->sources[i];

		if (source->relid == delta->relid && !source_delta(program, source, delta, false))
			return false;
		if (source->link && source->link->relid == delta->relid &&
			!source_delta(program, source, delta, true))
			return false;
	}
	return true;
}
