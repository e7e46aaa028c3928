/*
 * draft.c - stored segments -> a draft of their image.
 *
 * Bound predicates over shared, indexed atoms (draft_atom.c): what each is a
 * test of (draft_facet.c), of rows of which table (draft_source.c), which
 * segments hold it, which of them can only match contacts with some value
 * (draft_access.c), which refer to which.
 */
#include "postgres.h"

#include "program/draft.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "base/secure.h"
#include "base/subtransaction.h"
#include "definition/contact_table.h"
#include "definition/segment.h"
#include "predicate/bind.h"
#include "predicate/predicate.h"
#include "program/draft_access.h"
#include "program/draft_atom.h"
#include "program/draft_facet.h"
#include "program/draft_measure.h"
#include "program/draft_source.h"

typedef struct Builder
{
	Draft *draft;
	AtomInterner atoms;
	MemoryContext segment; /* until one segment is bound */
} Builder;

/* ----- segments ----- */

static void
note_atom(Draft *draft, DraftSegment *segment, int id)
{
	DraftAtom *datom = &draft->atoms[id];

	segment->atoms = lappend_int(segment->atoms, id);
	/* segments come one after the other */
	if (datom->segments == NIL || llast_int(datom->segments) != segment->index)
		datom->segments = lappend_int(datom->segments, segment->index);
	if (datom->atom->scope != ATOM_CONTACT || datom->atom->moves || datom->facet->opaque)
		segment->pure = false;
	if (datom->atom->moves)
		segment->moves = true;
}

/* An atom of the segment's filter, and those in it where it is a row group. */
static void
note_atoms(Draft *draft, DraftSegment *segment, int id)
{
	ListCell *cell;

	foreach (cell, draft->atoms[id].inner)
		note_atom(draft, segment, lfirst_int(cell));
	note_atom(draft, segment, id);
}

/* How dear a predicate is to evaluate, and how seldom it decides. */
static int
cost_of(Draft *draft, const Predicate *predicate)
{
	int cost = 0;
	int i;

	if (predicate->kind == PREDICATE_ATOM)
	{
		DraftAtom *datom = &draft->atoms[predicate->atom->id];

		if (predicate->atom->scope != ATOM_CONTACT || datom->facet->opaque)
			return 100;
		if (datom->indexed)
			return predicate->atom->test == TEST_RANGE ? 2 : 1;
		return predicate->atom->test == TEST_REGEXP ? 20
			   : predicate->atom->test == TEST_LIKE ? 10
													: 4;
	}
	for (i = 0; i < predicate->nargs; i++)
		cost = Max(cost, cost_of(draft, predicate->args[i]));
	return cost + 1;
}

/*
 * Cheap and selective tests first: an equality that fails ends an AND, and no
 * related row is looked up for it.
 */
static void
order_args(Draft *draft, Predicate *predicate)
{
	int i;
	int j;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		order_args(draft, predicate->args[i]);
	/* a sort by insertion: not worth it for the few giants */
	for (i = 1; i < predicate->nargs && predicate->nargs <= 64; i++)
	{
		Predicate *arg = predicate->args[i];
		int cost = cost_of(draft, arg);

		CHECK_FOR_INTERRUPTS();
		for (j = i; j > 0 && cost_of(draft, predicate->args[j - 1]) > cost; j--)
			predicate->args[j] = predicate->args[j - 1];
		predicate->args[j] = arg;
	}
}

/* The segment whose atoms are met. */
typedef struct SegmentPlace
{
	Builder *builder;
	DraftSegment *segment;
} SegmentPlace;

static Atom *
intern_segment_atom(Atom *atom, void *arg)
{
	SegmentPlace *place = arg;
	Draft *draft = place->builder->draft;
	int id = AtomIntern(&place->builder->atoms, atom, place->segment->index);
	MemoryContext old = MemoryContextSwitchTo(draft->context);

	draft->atoms[id].atom->id = id;
	note_atoms(draft, place->segment, id);
	MemoryContextSwitchTo(old);
	return draft->atoms[id].atom;
}

/* The predicate over the draft's atoms, copied into the draft. */
static Predicate *
intern_predicate(Builder *builder, DraftSegment *segment, const Predicate *predicate)
{
	SegmentPlace place = {builder, segment};
	Predicate *copy =
		PredicateCopy(predicate, builder->draft->context, intern_segment_atom, &place);

	order_args(builder->draft, copy);
	return copy;
}

/* ----- binding ----- */

typedef struct Binding
{
	SegmentRow *row;
	ContactTable *table;
	Predicate *predicate;
} Binding;

static void
bind_stored(void *arg)
{
	Binding *binding = arg;

	binding->predicate = BindEvaluated(binding->row->filters, binding->table);
}

/*
 * Bind a stored filter; NULL when it has lost its meaning (a column was dropped
 * while our event triggers were off, say): a broken segment must not block
 * writes of contacts.  Whoever compiles may only be reading: the next one who
 * writes sets it aside, and says so (set_aside.c).
 */
static Predicate *
bind_or_null(SegmentRow *row, ContactTable *table)
{
	Binding binding = {row, table};

	return InSubtransaction(bind_stored, &binding, NULL) == NULL ? binding.predicate : NULL;
}

static void
add_segment(Builder *builder, SegmentRow *row, Predicate *predicate)
{
	DraftSegment *segment = &builder->draft->segments[builder->draft->nsegments];

	memset(segment, 0, sizeof(DraftSegment));
	segment->index = builder->draft->nsegments++;
	segment->id = row->id;
	segment->pure = true;
	builder->atoms.ordinal = 0;
	segment->predicate = intern_predicate(builder, segment, predicate);
}

/*
 * One that is not evaluated: there to be referred to, with the members it has,
 * which are still changed by hand.
 */
static void
add_aside(Builder *builder, SegmentRow *row)
{
	Predicate nobody = {0};

	nobody.kind = PREDICATE_FALSE;
	add_segment(builder, row, &nobody);
	builder->draft->segments[builder->draft->nsegments - 1].aside = true;
}

/* A segment's level is above those of all it refers to. */
static int
level_of(Draft *draft, DraftSegment *segment, int depth)
{
	ListCell *cell;
	int level = 1;

	if (segment->level > 0)
		return segment->level;
	if (depth > draft->nsegments)
		elog(ERROR, "segments refer to each other in a circle");
	foreach (cell, segment->references)
		level = Max(level, 1 + level_of(draft, &draft->segments[lfirst_int(cell)], depth + 1));
	segment->level = level;
	return level;
}

static int
compare_ids(const void *a, const void *b)
{
	const DraftSegment *left = a;
	const DraftSegment *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

static DraftSegment *
segment_by_id(Draft *draft, int64 id)
{
	DraftSegment wanted = {0};

	wanted.id = id;
	return bsearch(&wanted, draft->segments, draft->nsegments, sizeof(DraftSegment), compare_ids);
}

/* A segment refers to another; those that do come one after the other. */
static void
link_segment(Draft *draft, DraftSegment *segment, int64 id)
{
	DraftSegment *referenced = segment_by_id(draft, id);

	if (referenced == NULL ||
		(referenced->referencing != NIL && llast_int(referenced->referencing) == segment->index))
		return;
	segment->references = lappend_int(segment->references, referenced->index);
	referenced->referencing = lappend_int(referenced->referencing, segment->index);
}

static void
link_atom(Draft *draft, DraftSegment *segment, int id)
{
	const DraftAtom *datom = &draft->atoms[id];
	ListCell *cell;

	if (datom->atom->scope == ATOM_MEMBER)
		link_segment(draft, segment, datom->atom->segment_id);
	if (datom->atom->scope == ATOM_GROUP && datom->outermost == id)
		foreach (cell, RowGroupSegments(datom->atom->group, NIL))
			link_segment(draft, segment, *(int64 *) lfirst(cell));
}

static void
link_segments(Draft *draft)
{
	int i;

	for (i = 0; i < draft->nsegments; i++)
	{
		ListCell *cell;

		CHECK_FOR_INTERRUPTS();
		foreach (cell, draft->segments[i].atoms)
			link_atom(draft, &draft->segments[i], lfirst_int(cell));
	}
	for (i = 0; i < draft->nsegments; i++)
		(void) level_of(draft, &draft->segments[i], 0);
}

/* ----- building ----- */

static int
compare_rows(const ListCell *a, const ListCell *b)
{
	const SegmentRow *left = lfirst(a);
	const SegmentRow *right = lfirst(b);

	return left->id < right->id ? -1 : left->id > right->id;
}

static void
add_segments(Builder *builder)
{
	Draft *draft = builder->draft;
	List *rows = SegmentsOfContactTable(draft->relid);
	ListCell *cell;

	list_sort(rows, compare_rows);
	draft->segments =
		MemoryContextAllocHuge(draft->context, sizeof(DraftSegment) * Max(list_length(rows), 1));
	foreach (cell, rows)
	{
		SegmentRow *row = lfirst(cell);
		Predicate *predicate;
		MemoryContext old;

		/* static ones are there to be referred to */
		if (!row->is_published)
			continue;
		old = MemoryContextSwitchTo(builder->segment);
		predicate = row->is_aside ? NULL : bind_or_null(row, draft->table);
		if (predicate != NULL)
			add_segment(builder, row, predicate);
		else
			add_aside(builder, row);
		if (predicate == NULL && !row->is_aside)
		{
			draft->nunbound++;
			draft->version = 0; /* it may have a meaning for others, or later */
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(builder->segment);
	}
}

static void
finish(Draft *draft)
{
	ListCell *cell;
	int i;
	int j;

	DraftMeasures(draft);
	for (i = 0; i < draft->nsources; i++)
	{
		for (j = 0; j < draft->sources[i]->nfacets; j++)
			DraftFacetFinish(draft, draft->sources[i]->facets[j]);
		foreach (cell, draft->sources[i]->groups)
			DraftAccessGroup(draft, draft->sources[i], lfirst_int(cell));
	}
	link_segments(draft);
	for (i = 0; i < draft->nsegments; i++)
		draft->segments[i].access =
			DraftAccessAtoms(draft, draft->segments[i].predicate, ATOM_CONTACT);
}

/*
 * The draft of a contact table's segments, from its definitions as they are
 * now, in the current memory context.
 */
Draft *
DraftBuild(Oid relid, uint64 version)
{
	Draft *draft = palloc0(sizeof(Draft));
	Builder builder = {0};
	SecureContext secure;

	draft->context = CurrentMemoryContext;
	draft->relid = relid;
	draft->version = version;
	draft->table = CatalogContactTable(relid, false);
	builder.draft = draft;
	builder.segment =
		AllocSetContextCreate(draft->context, "segments one segment", ALLOCSET_DEFAULT_SIZES);
	AtomInternerBegin(&builder.atoms, draft);
	SecureEnter(&secure, draft->table->owner);
	(void) DraftSourceAdd(draft, relid, NULL);
	add_segments(&builder);
	finish(draft);
	SecureLeave(&secure);
	return draft;
}
