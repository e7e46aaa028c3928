/*
 * draft_measure.c - values made of a contact's related rows, that many atoms
 * compare.
 *
 * How many page hits a contact has is one number, whatever number of segments
 * compare it.  Such a value is a measure: a facet of the contact's rows
 * together, with the same index of constants and boundaries as one of a single
 * row.  A row that comes touches a measure once; the contact's value before and
 * after then tells the few atoms that it passed.  A measure of few atoms would
 * cost more than it spares, so these are asked one by one.
 */
#include "postgres.h"

#include "program/draft_measure.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "base/text_table.h"
#include "definition/field.h"
#include "predicate/atom.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/draft_facet.h"

#define FEW_ATOMS 8 /* asked one by one */

static bool
is_opaque(const DraftFacet *facet)
{
	return facet != NULL && facet->opaque;
}

/*
 * Does a row group's predicate read the row alone?
 */
bool
DraftGroupIsPlain(const Draft *draft, const DraftAtom *datom)
{
	ListCell *cell;

	if (datom->atom->group->inner || is_opaque(datom->condition) || is_opaque(datom->argument))
		return false;
	foreach (cell, datom->inner)
	{
		const DraftAtom *inner = &draft->atoms[lfirst_int(cell)];

		if (inner->atom->scope != ATOM_ROW || is_opaque(inner->facet))
			return false;
	}
	return true;
}

/* Can the group's value be told from its rows alone, in memory? */
static bool
has_plain_value(const Draft *draft, const DraftAtom *datom)
{
	return AtomGroupAggregate(datom->atom) != AGGREGATE_NONE && DraftGroupIsPlain(draft, datom);
}

static bool
is_ordered(ValueType type)
{
	return type == VALUE_INT || type == VALUE_NUMERIC || type == VALUE_FLOAT4 ||
		   type == VALUE_FLOAT8 || type == VALUE_DATE || type == VALUE_TIME ||
		   type == VALUE_TIMESTAMP || type == VALUE_TIMESTAMPTZ;
}

static bool
has_measure(const Draft *draft, const DraftAtom *datom)
{
	const Atom *atom = datom->atom;

	if (datom->source == NULL || !is_ordered(atom->value_type) ||
		(atom->test != TEST_ANY && atom->test != TEST_RANGE) || is_opaque(datom->condition) ||
		is_opaque(datom->argument) || is_opaque(datom->order))
		return false;
	return atom->scope == ATOM_AGGREGATE ||
		   (atom->scope == ATOM_GROUP && has_plain_value(draft, datom));
}

/* What is compared, as text: the atom that says that there is a value. */
static char *
measure_key(const Draft *draft, const Atom *atom)
{
	Atom value = *atom;

	value.test = TEST_RANGE;
	memset(&value.lower, 0, sizeof(Boundary));
	memset(&value.upper, 0, sizeof(Boundary));
	return psprintf("%d %u %s", (int) atom->value_type, atom->sql_type,
					AtomKey(&value, draft->table));
}

typedef struct MeasureEntry
{
	const char *key; /* hash key, by content */
	DraftFacet *measure;
} MeasureEntry;

static DraftFacet *
measure_of(HTAB *measures, const Draft *draft, const DraftAtom *datom)
{
	const char *key = measure_key(draft, datom->atom);
	bool found;
	MeasureEntry *entry = hash_search(measures, &key, HASH_ENTER, &found);

	if (!found)
	{
		entry->measure = palloc0(sizeof(DraftFacet));
		entry->measure->type = datom->atom->value_type;
		entry->measure->sql_type = datom->atom->sql_type;
		entry->measure->source = datom->source;
		datom->source->measures = lappend(datom->source->measures, entry->measure);
	}
	return entry->measure;
}

static void
collect(Draft *draft)
{
	HTAB *measures = TextTable("segments measures", 64, sizeof(MeasureEntry), draft->context);
	int i;

	for (i = 0; i < draft->natoms; i++)
	{
		DraftFacet *measure;

		CHECK_FOR_INTERRUPTS();
		if (!has_measure(draft, &draft->atoms[i]))
			continue;
		measure = measure_of(measures, draft, &draft->atoms[i]);
		measure->atoms = lappend_int(measure->atoms, i);
	}
	hash_destroy(measures);
}

/* Enter its atoms into the index of a measure. */
static void
index_measure(Draft *draft, DraftFacet *measure)
{
	ListCell *cell;

	foreach (cell, measure->atoms)
	{
		DraftAtom *datom = &draft->atoms[lfirst_int(cell)];

		datom->measure = measure;
		DraftFacetIndexAtom(measure, datom, lfirst_int(cell));
		/* not by a value of a row */
		datom->indexed = false;
	}
	DraftFacetFinish(draft, measure);
}

/* Measures that are worth it. */
static void
choose(Draft *draft, DraftSource *source)
{
	List *kept = NIL;
	ListCell *cell;

	foreach (cell, source->measures)
	{
		DraftFacet *measure = lfirst(cell);

		if (list_length(measure->atoms) <= FEW_ATOMS)
			continue;
		measure->id = list_length(kept);
		kept = lappend(kept, measure);
		index_measure(draft, measure);
	}
	source->measures = kept;
}

/* Rows are told from others for the first row group of a measure alone. */
static void
drop_groups(Draft *draft, DraftSource *source)
{
	List *kept = NIL;
	ListCell *cell;

	foreach (cell, source->groups)
	{
		const DraftFacet *measure = draft->atoms[lfirst_int(cell)].measure;

		if (measure == NULL || linitial_int(measure->atoms) == lfirst_int(cell))
			kept = lappend_int(kept, lfirst_int(cell));
	}
	source->groups = kept;
}

/*
 * Find the measures of a draft whose atoms are all in.
 */
void
DraftMeasures(Draft *draft)
{
	int i;

	collect(draft);
	for (i = 0; i < draft->nsources; i++)
	{
		choose(draft, draft->sources[i]);
		drop_groups(draft, draft->sources[i]);
	}
}
