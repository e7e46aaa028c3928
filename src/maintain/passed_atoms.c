/*
 * passed_atoms.c - the atoms that values made of related rows have passed, and
 * the segments that hold them, contact by contact.
 */
#include "postgres.h"

#include "maintain/passed_atoms.h"

#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

#include "base/vector.h"
#include "definition/field.h"
#include "evaluate/batch.h"
#include "evaluate/flips.h"
#include "evaluate/measure.h"
#include "evaluate/related_rows.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "program/program.h"

typedef struct PassedSearch
{
	PassedAtoms *passed;
	Batch *before;
	Batch *after;
	const AtomFlips *flips;
} PassedSearch;

/* The same contacts, with related rows as they were before the statement. */
static Batch *
batch_before(const Batch *batch, CommandId command)
{
	Batch *before = BatchCreate(batch->program, batch->now, batch->nrows, batch->keys);

	before->rows = batch->rows;
	before->snapshot = RegisterSnapshot(GetLatestSnapshot());
	/* a registered snapshot is a copy of our own */
	before->snapshot->curcid = command;
	before->keeps_open = true;
	return before;
}

static int
compare_ints(const void *a, const void *b)
{
	int left = *(const int *) a;
	int right = *(const int *) b;

	return left < right ? -1 : left > right;
}

/* What a value that went some way, unknown how far, can do to an atom that compares it. */
static int
change_of(PassedSearch *search, int measure, int id)
{
	Program *program = search->after->program;
	const ImageAtom *atom = &program->atoms[id];
	bool lower = atom->lower > 0;
	bool upper = atom->upper < PG_INT32_MAX;
	bool grown = bms_is_member(measure, search->flips->grown);
	bool shrunk = bms_is_member(measure, search->flips->shrunk);

	if (atom->test != TEST_RANGE || lower == upper)
		return CAN_RISE | CAN_FALL;
	switch (ProgramAtomGet(program, id)->aggregate)
	{
		case AGGREGATE_COUNT:
		case AGGREGATE_SUM:
			return ((lower ? grown : shrunk) ? CAN_RISE : 0) |
				   ((lower ? shrunk : grown) ? CAN_FALL : 0);
		case AGGREGATE_MIN:
		case AGGREGATE_MAX:
			/* from no value too, which no end lets pass */
			if (lower != (ProgramAtomGet(program, id)->aggregate == AGGREGATE_MAX))
				return CAN_RISE | CAN_FALL;
			return (grown ? CAN_RISE : 0) | (shrunk ? CAN_FALL : 0);
		default:
			return CAN_RISE | CAN_FALL;
	}
}

static void
pass_atom(PassedSearch *search, int position, int id, int change)
{
	Program *program = search->after->program;
	PassedAtoms *passed = search->passed;
	ImageList segments = program->atoms[id].segments;
	uint32 i;

	if (change & CAN_RISE)
		passed->rising = bms_add_member(passed->rising, id);
	if (change & CAN_FALL)
		passed->falling = bms_add_member(passed->falling, id);
	for (i = 0; i < segments.n; i++)
	{
		int segment = ProgramItems(program, segments)[i];

		IntVectorAdd(&passed->segments[position], segment);
		passed->reached = bms_add_member(passed->reached, segment);
	}
}

/* The segments with an atom that one contact's values have passed. */
static void
pass_contact(PassedSearch *search, int position, IntVector *atoms)
{
	IntVector *segments = &search->passed->segments[position];
	int measure = -1;
	int i;

	BatchVisit(search->after, position);
	while ((measure = bms_next_member(search->flips->measures, measure)) >= 0)
	{
		bool known;

		atoms->n = 0;
		known =
			MeasurePassed(search->before, search->after, position, search->flips, measure, atoms);
		for (i = 0; i < atoms->n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			pass_atom(search, position, atoms->items[i],
					  known ? CAN_RISE | CAN_FALL : change_of(search, measure, atoms->items[i]));
		}
	}
	if (segments->n > 1)
		qsort(segments->items, segments->n, sizeof(int), compare_ints);
}

/*
 * Values made of related rows were touched: read what they were and what they
 * are, contact by contact.  What is stored agrees with what they were, so only
 * segments with an atom between need be looked at; others, which are evaluated
 * for all contacts in any case, may read the same rows.
 */
void
PassedAtomsFind(PassedAtoms *passed, Batch *batch, const AtomFlips *flips,
				const Bitmapset *everywhere)
{
	PassedSearch search = {passed, batch_before(batch, flips->before), batch, flips};
	IntVector atoms = {0};
	int i;

	passed->everywhere = bms_copy(everywhere);
	passed->reached = bms_copy(everywhere);
	passed->segments = palloc0(sizeof(IntVector) * batch->nrows);
	batch->keeps_open = true;
	for (i = 0; i < batch->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (batch->rows[i].slot != NULL)
			pass_contact(&search, i, &atoms);
	}
	batch->keeps_open = false;
	if (search.before->reader)
		RelatedRowsClose(search.before);
	if (batch->reader && (batch->nrows > 1 || bms_is_empty(passed->reached)))
		RelatedRowsClose(batch);
	UnregisterSnapshot(search.before->snapshot);
}
