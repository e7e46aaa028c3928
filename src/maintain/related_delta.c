/*
 * related_delta.c - what a statement changed in a table of related rows,
 * companies or links -> the contacts and segments concerned.
 *
 * A row's atoms are tested on OLD and NEW in memory.  A row that flips none (an
 * event that no segment asks for) ends there: no contact is read, nothing is
 * locked.  Otherwise the row's contacts are evaluated, by maintain.c, for the
 * segments that hold a flipped atom.
 */
#include "postgres.h"

#include "maintain/related_delta.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"

#include "base/vector.h"
#include "clock/segment_clock.h"
#include "definition/field.h"
#include "evaluate/batch.h"
#include "evaluate/candidates.h"
#include "evaluate/flips.h"
#include "evaluate/measure.h"
#include "evaluate/related_rows.h"
#include "evaluate/row.h"
#include "evaluate/row_group.h"
#include "maintain/company_lock.h"
#include "maintain/maintain.h"
#include "maintain/related_contacts.h"
#include "maintain/statement_delta.h"
#include "maintain/uncommitted.h"
#include "predicate/predicate.h"
#include "program/facet.h"
#include "program/image.h"
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
	TimestampTz now;
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	RowVersion old_row;
	RowVersion new_row;
	RowVersion no_row;
	IntVector flipped;
	IntVector groups;
	IntVector measures;
	Bitmapset *segments;
	MemoryContext memory; /* of the keys, until they are done with */
	DatumVector keys;     /* of contacts, or of rows */
	DatumVector giving;   /* of contacts whose rows went to others */
	DatumVector linked;   /* rows that new links point at */
	DatumVector came;     /* keys of rows that are new, where contacts are found by them */
	bool in_parts;        /* some of the rows have been seen to before the others */
	bool stale;           /* definitions have changed since the program was got */
	AtomFlips flips;
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

static void
note_direction(AtomFlips *flips, int id, bool rises)
{
	Bitmapset **atoms = rises ? &flips->rising : &flips->falling;

	*atoms = bms_add_member(*atoms, id);
}

/* A count or sum over the contact's rows grew, or shrank. */
static void
note_growth(RelatedWork *work, const Atom *atom, int id, bool grew)
{
	if (atom->lower.given)
		note_direction(&work->flips, id, grew);
	if (atom->upper.given)
		note_direction(&work->flips, id, !grew);
}

/* 1, -1 or 0: what a row adds to a sum; NaN and infinity could be anything. */
static int
addend_sign(RelatedWork *work, RowVersion *row, int id, bool *known)
{
	Facet *argument = ProgramAtomGet(work->program, id)->argument;
	FacetState *state = RowFacet(work->program, row, argument);
	int64 value;

	*known = true;
	if (state->isnull)
		return 0;
	if (argument->image->sql_type == NUMERICOID)
	{
		Numeric number = DatumGetNumeric(state->value);

		*known = !numeric_is_nan(number) && !numeric_is_inf(number);
		return FacetCompare(VALUE_NUMERIC, state->value,
							DirectFunctionCall1(int8_numeric, Int64GetDatum(0)));
	}
	*known = argument->image->sql_type == INT2OID || argument->image->sql_type == INT4OID ||
			 argument->image->sql_type == INT8OID;
	if (!*known)
		return 0;
	value = DatumGetInt64(FacetWiden(argument->image->sql_type, state->value));
	return (value > 0) - (value < 0);
}

/* What a row that came or went does to a sum: by its sign.  False: not known. */
static bool
note_sum(RelatedWork *work, RowVersion *row, int id, bool came)
{
	bool known;
	int sign = addend_sign(work, row, id, &known);

	if (known && sign != 0)
		note_growth(work, ProgramAtomGet(work->program, id)->atom, id, came == (sign > 0));
	return known;
}

/*
 * A row came or went that an aggregate is made of.  A count follows its rows,
 * a sum their signs.  A maximum can only rise by a row that comes, from NULL
 * too, which no end lets pass; a minimum can only fall.  False: not known.
 */
static bool
note_aggregate(RelatedWork *work, RowVersion *row, int id, bool came)
{
	ProgramAtom *patom = ProgramAtomGet(work->program, id);
	Atom *atom = patom->atom;

	if (atom->test != TEST_RANGE || !RelatedRowsReadable(work->program, id))
		return false;
	switch (patom->aggregate)
	{
		case AGGREGATE_COUNT:
			note_growth(work, atom, id, came);
			return true;
		case AGGREGATE_SUM:
			return note_sum(work, row, id, came);
		case AGGREGATE_MIN:
		case AGGREGATE_MAX:
			if (patom->aggregate == AGGREGATE_MIN ? atom->lower.given : atom->upper.given)
				return false;
			note_direction(&work->flips, id, came);
			return true;
		default:
			return false;
	}
}

/*
 * May the atom have become true for the row's contact, or false?  Where some
 * row has to satisfy a test, the way the test went on this row.
 */
static void
note_flip(RelatedWork *work, RowVersion *old_row, RowVersion *new_row, int id)
{
	ProgramAtom *patom = ProgramAtomGet(work->program, id);

	if (patom->atom->scope == ATOM_ROWS && !FacetIsOpaque(patom->facet) &&
		!FacetIsOpaque(patom->condition))
	{
		bool before = AtomOnRow(work->program, old_row, id, work->now);
		bool after = AtomOnRow(work->program, new_row, id, work->now);

		if (before != after)
		{
			note_direction(&work->flips, id, after);
			return;
		}
	}
	if (patom->atom->scope == ATOM_AGGREGATE && (old_row->slot == NULL || new_row->slot == NULL) &&
		note_aggregate(work, old_row->slot ? old_row : new_row, id, old_row->slot == NULL))
		return;
	note_direction(&work->flips, id, true);
	note_direction(&work->flips, id, false);
}

/* The segments that hold an atom are concerned. */
static void
note_segments(RelatedWork *work, int id)
{
	ImageList segments = work->program->atoms[id].segments;
	uint32 i;

	for (i = 0; i < segments.n; i++)
		work->segments = bms_add_member(work->segments, ProgramItems(work->program, segments)[i]);
}

/*
 * What a row that came or went does to a row group of which it is no inner
 * row: there are more rows that count, or fewer.  Otherwise anything.
 */
static void
note_group(RelatedWork *work, RowVersion *old_row, RowVersion *new_row, int id)
{
	const ImageGroup *group = ProgramGroup(work->program, id);
	ProgramAtom *patom = ProgramAtomGet(work->program, group->outermost);
	bool one = (old_row->slot == NULL || new_row->slot == NULL);
	bool came = (old_row->slot == NULL);

	if (one && group->outermost == id && patom->atom->test == TEST_EXISTS)
		note_direction(&work->flips, id, came);
	else if (one && group->outermost == id && patom->atom->test == TEST_RANGE && group->grows)
		note_growth(work, patom->atom, id, came);
	else
	{
		note_direction(&work->flips, group->outermost, true);
		note_direction(&work->flips, group->outermost, false);
	}
}

/*
 * A value made of the contact's rows is touched; which atoms it passes is told
 * when they are read.  Where they can't be, it helps to know which way it went.
 */
static void
note_measure(RelatedWork *work, RowVersion *old_row, RowVersion *new_row, int measure)
{
	int first =
		IMAGE_AT(work->program->image, work->source->image->measures, ImageFacet)[measure].first;
	FieldAggregate aggregate = ProgramAtomGet(work->program, first)->aggregate;
	bool came = (old_row->slot == NULL);
	bool known = (came || new_row->slot == NULL);
	int sign = 1;

	if (known && aggregate == AGGREGATE_SUM)
		sign = addend_sign(work, came ? new_row : old_row, first, &known);
	work->flips.measures = bms_add_member(work->flips.measures, measure);
	if (!known || (sign != 0 && (sign > 0) == came))
		work->flips.grown = bms_add_member(work->flips.grown, measure);
	if (!known || (sign != 0 && (sign > 0) != came))
		work->flips.shrunk = bms_add_member(work->flips.shrunk, measure);
}

/* The same for row groups that the row can concern. */
static bool
note_groups(RelatedWork *work, RowVersion *old_row, RowVersion *new_row, const bitmapword *changed)
{
	int i;

	work->groups.n = 0;
	FlippedGroups(work->program, old_row, new_row, changed, work->now, &work->groups);
	for (i = 0; i < work->groups.n; i++)
	{
		int id = work->groups.items[i];

		if (work->program->atoms[id].measure >= 0)
		{
			note_measure(work, old_row, new_row, work->program->atoms[id].measure);
			continue;
		}
		note_group(work, old_row, new_row, id);
		note_segments(work, id);
	}
	return work->groups.n > 0;
}

/* Segments with an atom that flipped between two versions; false: none. */
static bool
note_flips(RelatedWork *work, RowVersion *old_row, RowVersion *new_row)
{
	bitmapword columns[COLUMN_WORDS(MaxHeapAttributeNumber)];
	const bitmapword *changed = NULL;
	int i;

	if (old_row->slot != NULL && new_row->slot != NULL)
	{
		if (!RowColumnsChanged(old_row, new_row, columns))
			return false;
		changed = columns;
	}
	work->flipped.n = 0;
	work->measures.n = 0;
	FlippedAtoms(work->program, old_row, new_row, changed, work->now, &work->flipped,
				 &work->measures);
	for (i = 0; i < work->measures.n; i++)
		note_measure(work, old_row, new_row, work->measures.items[i]);
	for (i = 0; i < work->flipped.n; i++)
	{
		note_flip(work, old_row, new_row, work->flipped.items[i]);
		note_segments(work, work->flipped.items[i]);
	}
	return note_groups(work, old_row, new_row, changed) || work->flipped.n > 0 ||
		   work->measures.n > 0;
}

/* ----- rows of the relation itself ----- */

static void
related_row(RelatedWork *work)
{
	Facet *owner = work->source->contact ? work->source->contact : work->source->key;
	bool both = (work->old_row.slot != NULL && work->new_row.slot != NULL);

	if (both && FacetEqual(work->program, &work->old_row, &work->new_row, owner))
	{
		if (note_flips(work, &work->old_row, &work->new_row))
			add_key(work, &work->keys, owner, &work->new_row);
		return;
	}
	/* it came, went, or moved from one contact to another */
	if (work->old_row.slot && note_flips(work, &work->old_row, &work->no_row))
	{
		add_key(work, &work->keys, owner, &work->old_row);
		if (both && work->source->contact != NULL)
			add_key(work, &work->giving, owner, &work->old_row);
	}
	if (work->new_row.slot && note_flips(work, &work->no_row, &work->new_row))
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

/*
 * Where what rows were before can't be told, all atoms over what is made of them
 * may have become anything.
 */
static void
expand_measures(RelatedWork *work)
{
	IntVector atoms = {0};
	int measure = -1;
	int i;

	while ((measure = bms_next_member(work->flips.measures, measure)) >= 0)
		MeasureAtoms(work->program, work->source, measure, &atoms);
	for (i = 0; i < atoms.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		note_direction(&work->flips, atoms.items[i], true);
		note_direction(&work->flips, atoms.items[i], false);
		note_segments(work, atoms.items[i]);
	}
	bms_free(work->flips.measures);
	work->flips.measures = NULL;
}

/* Evaluate what was collected, all rows being what they are after the statement. */
static void
finish_collected(RelatedWork *work)
{
	if (work->keys.n == 0 || !is_current(work))
		return;
	if (!work->delta->alone || PlainEvaluation())
		expand_measures(work);
	work->flips.source = work->source;
	work->flips.before = work->delta->command;
	work->flips.whole = work->delta->alone && !work->in_parts && work->keys.n <= BATCH_ROWS;
	work->flips.only_came = (work->delta->old_rows == NULL);
	if (work->giving.n > 0)
		ProgramSortKeys(work->program, work->giving.items, &work->giving.n);
	work->flips.giving = work->giving;
	MaintainRelated(work->program, work->keys.items, work->keys.n, work->segments, &work->flips);
	bms_free(work->segments);
	bms_free(work->flips.rising);
	bms_free(work->flips.falling);
	bms_free(work->flips.measures);
	bms_free(work->flips.grown);
	bms_free(work->flips.shrunk);
	work->segments = NULL;
	memset(&work->flips, 0, sizeof(AtomFlips));
	MemoryContextReset(work->memory);
	memset(&work->keys, 0, sizeof(DatumVector));
	memset(&work->giving, 0, sizeof(DatumVector));
	memset(&work->came, 0, sizeof(DatumVector));
}

static void
finish_rows(RelatedWork *work)
{
	if ((work->came.n > 0 || work->keys.n > 0) && !is_current(work))
		return;
	if (work->came.n > 0)
		UncommittedWaitForReferences(work->program, work->source, work->came.items, work->came.n);
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
	begin_reading(work, work->source->link);
	process_rows(work, link_row);
	end_reading(work);
	work->segments = ProgramSegmentsReading(work->program, work->source);
	work->flips.all = true;
	if (work->keys.n > 0 && !is_current(work))
		return;
	if (work->linked.n > 0 && work->segments != NULL)
		CompanyHold(work->program, work->source, work->reading->key->image->sql_type,
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
	work.now = SegmentsNow();
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
