/*
 * draft_atom.c - the atoms of a draft: equal ones of all its segments are one.
 */
#include "postgres.h"

#include "program/draft_atom.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/text_table.h"
#include "base/vector.h"
#include "definition/field.h"
#include "predicate/atom.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/draft_facet.h"
#include "program/draft_source.h"

typedef struct KeyEntry
{
	const char *key; /* hash key, by content */
	int id;
} KeyEntry;

/* The facet of an atom with this SQL; messages name the first field that has it. */
static DraftFacet *
facet_of(DraftAtom *datom, const char *sql, ValueType type)
{
	DraftFacet *facet = DraftFacetGet(datom->source, sql, type);

	if (facet->field == NULL)
		facet->field = pstrdup(datom->atom->field->name);
	return facet;
}

static DraftFacet *
value_facet(DraftAtom *datom, const char *sql)
{
	DraftFacet *facet = facet_of(datom, sql, VALUE_NONE);

	datom->value_facets = list_append_unique_ptr(datom->value_facets, facet);
	return facet;
}

/* A row group reads its relation's condition, what it makes of the rows, and their date. */
static void
place_group(DraftAtom *datom, int id)
{
	const RowGroup *group = datom->atom->group;

	datom->source->groups = lappend_int(datom->source->groups, id);
	if (group->condition)
		datom->condition = facet_of(datom, group->condition, VALUE_BOOL);
	if (group->argument)
		datom->argument = value_facet(datom, group->argument);
	if (group->within)
		(void) value_facet(datom, group->within->date);
}

/* Attach an atom to its rows and facets. */
static void
place_atom(Draft *draft, DraftAtom *datom, int id)
{
	Atom *atom = datom->atom;

	datom->outermost = id;
	/* memberships are read as they are stored; nothing is told by their rows */
	if (atom->scope == ATOM_MEMBER || (atom->rows && FieldRowsAreMemberships(atom->rows)))
		return;
	datom->source = DraftSourceOf(draft, atom->rows);
	datom->source->atoms = lappend_int(datom->source->atoms, id);
	if (atom->scope == ATOM_GROUP)
	{
		place_group(datom, id);
		return;
	}
	if (atom->rows && atom->field->condition)
		datom->condition = facet_of(datom, atom->field->condition, VALUE_BOOL);
	if (atom->scope == ATOM_AGGREGATE)
	{
		if (atom->field->value && atom->field->aggregate != AGGREGATE_COUNT)
			datom->argument = facet_of(datom, atom->field->value, VALUE_NONE);
		if (atom->field->aggregate == AGGREGATE_LATEST && atom->field->order_by)
			datom->order = facet_of(datom, atom->field->order_by, VALUE_NONE);
	}
	else if (atom->test != TEST_EXISTS)
	{
		datom->facet = facet_of(datom, atom->value, atom->value_type);
		DraftFacetIndexAtom(datom->facet, datom, id);
	}
}

static int
new_atom(AtomInterner *interner, Atom *atom, int segment)
{
	Draft *draft = interner->draft;
	DraftAtom *datom;

	VectorMakeRoom(draft->atoms, draft->natoms, draft->atoms_size, 64);
	datom = &draft->atoms[draft->natoms];
	memset(datom, 0, sizeof(DraftAtom));
	datom->atom = AtomCopy(atom);
	datom->origin = segment;
	datom->ordinal = interner->ordinal;
	place_atom(draft, datom, draft->natoms);
	return draft->natoms++;
}

/* Where an atom of a row group stands. */
typedef struct GroupPlace
{
	AtomInterner *interner;
	int outermost; /* gets the ids of all in it */
	int group;     /* the one whose rows it is about */
	int segment;
} GroupPlace;

static int intern_atom(AtomInterner *interner, Atom *atom, int segment);
static Atom *intern_row_atom(Atom *atom, void *arg);

/* The predicate of a row group just met, and all in it. */
static void
intern_group(AtomInterner *interner, int outermost, int id, const RowGroup *group, int segment)
{
	GroupPlace place = {interner, outermost, id, segment};
	Predicate *predicate =
		PredicateCopy(group->predicate, CurrentMemoryContext, intern_row_atom, &place);

	interner->draft->atoms[id].row_predicate = predicate;
}

/* An inner group: the dates of outer rows that its own have to be near are read there. */
static void
intern_inner_group(GroupPlace *place, int id, const RowGroup *group)
{
	Draft *draft = place->interner->draft;
	DraftAtom *outer = &draft->atoms[place->group];

	draft->atoms[id].outermost = place->outermost;
	if (group->within && outer->source)
		(void) value_facet(outer, group->within->of);
	intern_group(place->interner, place->outermost, id, group, place->segment);
}

/* An atom on a row of a group, or an inner group: these are not shared. */
static Atom *
intern_row_atom(Atom *atom, void *arg)
{
	GroupPlace *place = arg;
	AtomInterner *interner = place->interner;
	Draft *draft = interner->draft;
	bool inner = (atom->scope == ATOM_GROUP);
	int id = inner ? new_atom(interner, atom, place->segment)
				   : intern_atom(interner, atom, place->segment);
	DraftAtom *outer = &draft->atoms[place->group];
	DraftAtom *outermost = &draft->atoms[place->outermost];

	outermost->inner = lappend_int(outermost->inner, id);
	interner->ordinal++;
	if (inner)
		intern_inner_group(place, id, atom->group);
	else if (draft->atoms[id].facet)
		outer->row_facets = list_append_unique_ptr(outer->row_facets, draft->atoms[id].facet);
	draft->atoms[id].atom->id = id;
	return draft->atoms[id].atom;
}

static int
intern_atom(AtomInterner *interner, Atom *atom, int segment)
{
	char *key = AtomKey(atom, interner->draft->table);
	bool found;
	KeyEntry *entry = hash_search(interner->atoms, &key, HASH_ENTER, &found);
	MemoryContext old;

	if (found)
		return entry->id;
	old = MemoryContextSwitchTo(interner->draft->context);
	entry->key = pstrdup(key);
	entry->id = new_atom(interner, atom, segment);
	MemoryContextSwitchTo(old);
	return entry->id;
}

/*
 * Begin without atoms.
 */
void
AtomInternerBegin(AtomInterner *interner, Draft *draft)
{
	interner->draft = draft;
	interner->atoms = TextTable("segments atoms", 256, sizeof(KeyEntry), draft->context);
	interner->ordinal = 0;
}

/*
 * The id of an atom of a segment's filter: a new one, or that of an equal atom
 * of whatever segment.  Those in a row group are met with it.
 */
int
AtomIntern(AtomInterner *interner, Atom *atom, int segment)
{
	Draft *draft = interner->draft;
	int ordinal = interner->ordinal;
	int known = draft->natoms;
	int id = intern_atom(interner, atom, segment);

	if (atom->scope == ATOM_GROUP && id >= known)
	{
		MemoryContext old = MemoryContextSwitchTo(draft->context);

		interner->ordinal = ordinal + 1;
		intern_group(interner, id, id, atom->group, segment);
		MemoryContextSwitchTo(old);
	}
	interner->ordinal = ordinal + 1 + list_length(draft->atoms[id].inner);
	return id;
}
