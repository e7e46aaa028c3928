/*
 * moving.c - the segments that a predicate reaches through references and that
 * change with time.
 *
 * The stored members of such a segment are as of its last refresh.  Where a
 * predicate is asked for another instant, their filters are evaluated at that
 * instant instead.  Each segment is bound once, however many ways lead to it.
 */
#include "postgres.h"

#include "predicate/moving.h"

#include "miscadmin.h"

#include "definition/contact_table.h"
#include "definition/segment.h"
#include "predicate/bind.h"
#include "predicate/predicate.h"

/* A segment that was looked at. */
typedef struct MetSegment
{
	int64 id; /* hash key */
	bool moves;
} MetSegment;

static bool visit_predicate(MovingSegments *moving, const Predicate *predicate,
							ContactTable *table);

static void
add_segment(MovingSegments *moving, int64 id, Predicate *predicate)
{
	MovingSegment *segment = palloc(sizeof(MovingSegment));

	segment->id = id;
	segment->predicate = predicate;
	moving->segments = lappend(moving->segments, segment);
}

/* Does the segment move?  If so it and what it refers to are collected. */
static bool
visit_segment(MovingSegments *moving, int64 id, ContactTable *table)
{
	bool found;
	MetSegment *met = hash_search(moving->met, &id, HASH_ENTER, &found);
	SegmentRow *row;
	Predicate *predicate;
	bool moves;

	if (found)
		return met->moves;
	met->moves = false;
	CHECK_FOR_INTERRUPTS();
	row = SegmentById(id);
	if (row == NULL || row->is_static)
		return false;
	predicate = BindStored(row->filters, table);
	moves = visit_predicate(moving, predicate, table);
	if (moves)
		add_segment(moving, id, predicate);
	/* the table may have been enlarged meanwhile */
	met = hash_search(moving->met, &id, HASH_FIND, NULL);
	met->moves = moves;
	return moves;
}

/* A row group moves with the segments whose memberships it reads, too. */
static bool
visit_atom(MovingSegments *moving, const Atom *atom, ContactTable *table)
{
	bool moves = atom->moves;
	ListCell *cell;

	if (atom->scope == ATOM_MEMBER)
		return visit_segment(moving, atom->segment_id, table);
	if (atom->scope == ATOM_GROUP)
		foreach (cell, RowGroupSegments(atom->group, NIL))
			moves |= visit_segment(moving, *(int64 *) lfirst(cell), table);
	return moves;
}

/* Does any of its atoms move?  All are visited. */
static bool
visit_predicate(MovingSegments *moving, const Predicate *predicate, ContactTable *table)
{
	bool moves = false;
	int i;

	check_stack_depth();
	if (predicate->kind == PREDICATE_ATOM)
		return visit_atom(moving, predicate->atom, table);
	for (i = 0; i < predicate->nargs; i++)
		if (visit_predicate(moving, predicate->args[i], table))
			moves = true;
	return moves;
}

/*
 * Collect the moving segments that a predicate reaches.
 */
MovingSegments *
MovingSegmentsOf(const Predicate *predicate, ContactTable *table)
{
	MovingSegments *moving = palloc0(sizeof(MovingSegments));
	HASHCTL info = {0};

	info.keysize = sizeof(int64);
	info.entrysize = sizeof(MetSegment);
	info.hcxt = CurrentMemoryContext;
	moving->met = hash_create("segments moving", 32, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	(void) visit_predicate(moving, predicate, table);
	return moving;
}

/*
 * Is the segment among them?  Of none, when there are none.
 */
bool
MovingHas(const MovingSegments *moving, int64 segment)
{
	MetSegment *met = moving ? hash_search(moving->met, &segment, HASH_FIND, NULL) : NULL;

	return met != NULL && met->moves;
}
