/*
 * draft.c - stored segments -> a draft of their image.
 *
 * Bound predicates over shared, indexed atoms: what each atom is a test of
 * (draft_facet.c), which segments hold it, which of them can only match
 * contacts with some value, which refer to which.
 */
#include "postgres.h"

#include "program/draft.h"

#include "access/table.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/secure.h"
#include "base/subtransaction.h"
#include "base/text_table.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/segment.h"
#include "predicate/atom.h"
#include "predicate/bind.h"
#include "predicate/predicate.h"
#include "program/draft_facet.h"
#include "program/draft_measure.h"
#include "program/program.h"

/* ----- sources ----- */

static DraftSource *
new_source(Oid relid, RelatedRows *rows)
{
	DraftSource *source = palloc0(sizeof(DraftSource));
	Relation rel = table_open(relid, AccessShareLock);

	source->relid = relid;
	source->rows = rows;
	source->natts = RelationGetNumberOfAttributes(rel);
	source->columns_hash = ProgramColumnsHash(RelationGetDescr(rel));
	table_close(rel, NoLock);
	return source;
}

static DraftSource *
add_source(Draft *draft, Oid relid, RelatedRows *rows)
{
	DraftSource *source = new_source(relid, rows);

	if (draft->nsources == lengthof(draft->sources))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("segments of one contact table read too many tables")));
	source->index = draft->nsources;
	draft->sources[draft->nsources++] = source;
	return source;
}

static DraftSource *
add_link(Draft *draft, RelatedRows *rows)
{
	DraftSource *link = new_source(rows->link_relid, NULL);

	link->contact = DraftFacetGet(
		link,
		psprintf("c.%s::%s", quote_identifier(rows->contact_column), draft->table->key_type_name),
		VALUE_NONE);
	link->key =
		DraftFacetGet(link, psprintf("c.%s", quote_identifier(rows->link_column)), VALUE_NONE);
	if (rows->primary_column)
		(void) DraftFacetGet(link, psprintf("c.%s", quote_identifier(rows->primary_column)),
							 VALUE_NONE);
	link->index = draft->nlinks;
	draft->links[draft->nlinks++] = link;
	return link;
}

/*
 * How to get from a changed row to its contacts: the row holds the contact's
 * key; or contacts are found by the row's key, through a link or a column of
 * the contact table.
 */
static void
prepare_path(Draft *draft, DraftSource *source)
{
	RelatedRows *rows = source->rows;

	if (!OidIsValid(rows->link_relid) && rows->contact_reference == NULL)
	{
		source->contact = DraftFacetGet(source,
										psprintf("r.%s::%s", quote_identifier(rows->contact_column),
												 draft->table->key_type_name),
										VALUE_NONE);
		return;
	}
	source->key =
		DraftFacetGet(source, psprintf("r.%s", quote_identifier(rows->key_column)), VALUE_NONE);
	if (rows->contact_reference)
		source->reference =
			DraftFacetGet(draft->sources[0],
						  psprintf("c.%s", quote_identifier(rows->contact_reference)), VALUE_NONE);
	if (OidIsValid(rows->link_relid))
		source->link = add_link(draft, rows);
}

static DraftSource *
source_of(Draft *draft, RelatedRows *rows)
{
	DraftSource *source;
	int i;

	if (rows == NULL)
		return draft->sources[0];
	for (i = 1; i < draft->nsources; i++)
		if (strcmp(draft->sources[i]->rows->name, rows->name) == 0)
			return draft->sources[i];
	source = add_source(draft, rows->relid, rows);
	prepare_path(draft, source);
	return source;
}

/* ----- atoms ----- */

typedef struct KeyEntry
{
	const char *key; /* hash key, by content */
	int id;
} KeyEntry;

typedef struct Builder
{
	Draft *draft;
	HTAB *atoms;           /* by key text */
	MemoryContext segment; /* until one segment is bound */
	int ordinal;           /* atoms of the segment met so far */
} Builder;

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
	datom->source = source_of(draft, atom->rows);
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
new_atom(Builder *builder, Atom *atom, int segment)
{
	Draft *draft = builder->draft;
	DraftAtom *datom;

	VectorMakeRoom(draft->atoms, draft->natoms, draft->atoms_size, 64);
	datom = &draft->atoms[draft->natoms];
	memset(datom, 0, sizeof(DraftAtom));
	datom->atom = AtomCopy(atom);
	datom->origin = segment;
	datom->ordinal = builder->ordinal;
	place_atom(draft, datom, draft->natoms);
	return draft->natoms++;
}

static int intern_atom(Builder *builder, Atom *atom, int segment);
static Predicate *intern_rows(Builder *builder, int outermost, int group,
							  const Predicate *predicate, int segment);

/* The predicate of a row group just met, and all in it; ids go to the outermost one. */
static void
intern_group(Builder *builder, int outermost, int id, const RowGroup *group, int segment)
{
	Predicate *predicate = intern_rows(builder, outermost, id, group->predicate, segment);

	builder->draft->atoms[id].row_predicate = predicate;
}

/* An atom on a row of a group, or an inner group: these are not shared. */
static int
intern_row_atom(Builder *builder, int outermost, int group, Atom *atom, int segment)
{
	Draft *draft = builder->draft;
	bool inner = (atom->scope == ATOM_GROUP);
	int id = inner ? new_atom(builder, atom, segment) : intern_atom(builder, atom, segment);
	DraftAtom *outer = &draft->atoms[group];

	draft->atoms[outermost].inner = lappend_int(draft->atoms[outermost].inner, id);
	builder->ordinal++;
	if (!inner)
	{
		if (draft->atoms[id].facet)
			outer->row_facets = list_append_unique_ptr(outer->row_facets, draft->atoms[id].facet);
		return id;
	}
	draft->atoms[id].outermost = outermost;
	/* the date of the outer row that inner ones have to be near */
	if (atom->group->within && outer->source)
		(void) value_facet(outer, atom->group->within->of);
	intern_group(builder, outermost, id, atom->group, segment);
	return id;
}

static Predicate *
intern_rows(Builder *builder, int outermost, int group, const Predicate *predicate, int segment)
{
	Predicate *copy = palloc0(sizeof(Predicate));
	int i;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	copy->kind = predicate->kind;
	copy->nargs = predicate->nargs;
	if (predicate->nargs > 0)
		copy->args = palloc(sizeof(Predicate *) * predicate->nargs);
	for (i = 0; i < predicate->nargs; i++)
		copy->args[i] = intern_rows(builder, outermost, group, predicate->args[i], segment);
	if (predicate->kind == PREDICATE_ATOM)
	{
		int id = intern_row_atom(builder, outermost, group, predicate->atom, segment);

		copy->atom = builder->draft->atoms[id].atom;
		copy->atom->id = id;
	}
	return copy;
}

static int
intern_atom(Builder *builder, Atom *atom, int segment)
{
	char *key = AtomKey(atom, builder->draft->table);
	bool found;
	KeyEntry *entry = hash_search(builder->atoms, &key, HASH_ENTER, &found);
	MemoryContext old;

	if (found)
		return entry->id;
	old = MemoryContextSwitchTo(builder->draft->context);
	entry->key = pstrdup(key);
	entry->id = new_atom(builder, atom, segment);
	MemoryContextSwitchTo(old);
	return entry->id;
}

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

/* The atoms in a row group, met with it. */
static void
note_inner(Builder *builder, DraftSegment *segment, int id, int ordinal)
{
	List *inner = builder->draft->atoms[id].inner;
	ListCell *cell;

	foreach (cell, inner)
		note_atom(builder->draft, segment, lfirst_int(cell));
	builder->ordinal = ordinal + 1 + list_length(inner);
}

/* How dear a predicate is to evaluate, and how seldom it settles the matter. */
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

/*
 * The predicate over the draft's atoms, copied into the draft.
 */
static Predicate *
intern_predicate(Builder *builder, DraftSegment *segment, const Predicate *predicate)
{
	Draft *draft = builder->draft;
	Predicate *copy = MemoryContextAllocZero(draft->context, sizeof(Predicate));
	int i;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	copy->kind = predicate->kind;
	copy->nargs = predicate->nargs;
	if (predicate->nargs > 0)
		copy->args = MemoryContextAlloc(draft->context, sizeof(Predicate *) * predicate->nargs);
	for (i = 0; i < predicate->nargs; i++)
		copy->args[i] = intern_predicate(builder, segment, predicate->args[i]);
	if (predicate->kind == PREDICATE_ATOM)
	{
		int ordinal = builder->ordinal;
		int known = draft->natoms;
		int id = intern_atom(builder, predicate->atom, segment->index);
		MemoryContext old = MemoryContextSwitchTo(draft->context);

		builder->ordinal = ordinal + 1;
		if (predicate->atom->scope == ATOM_GROUP && id >= known)
			intern_group(builder, id, id, predicate->atom->group, segment->index);
		note_inner(builder, segment, id, ordinal);
		copy->atom = draft->atoms[id].atom;
		copy->atom->id = id;
		note_atom(draft, segment, id);
		MemoryContextSwitchTo(old);
	}
	order_args(draft, copy);
	return copy;
}

/* ----- access ----- */

static bool
has_pattern(Draft *draft, List *atoms)
{
	ListCell *cell;

	foreach (cell, atoms)
	{
		AtomTest test = draft->atoms[lfirst_int(cell)].atom->test;

		if (test == TEST_LIKE || test == TEST_REGEXP)
			return true;
	}
	return false;
}

/* Which of two sets of atoms lets fewer contacts in, as far as can be told? */
static bool
is_more_selective(Draft *draft, List *left, List *right)
{
	if (has_pattern(draft, left) != has_pattern(draft, right))
		return has_pattern(draft, right);
	if (list_length(left) != list_length(right))
		return list_length(left) < list_length(right);
	return draft->atoms[linitial_int(left)].facet->nconstants >
		   draft->atoms[linitial_int(right)].facet->nconstants;
}

/*
 * Atoms one of which holds whenever the predicate does, found by equality in
 * an index: a contact without them cannot match (the access predicate of
 * Fabret et al., SIGMOD 2001).  NIL when there are none.
 */
static List *
access_atoms(Draft *draft, const Predicate *predicate, AtomScope scope)
{
	List *result = NIL;
	int i;

	switch (predicate->kind)
	{
		case PREDICATE_ATOM:
		{
			DraftAtom *datom = &draft->atoms[predicate->atom->id];

			if (datom->indexed && datom->atom->scope == scope && DraftFacetLetsIn(datom))
				return list_make1_int(predicate->atom->id);
			return NIL;
		}
		case PREDICATE_AND:
			for (i = 0; i < predicate->nargs; i++)
			{
				List *arg = access_atoms(draft, predicate->args[i], scope);

				if (arg != NIL && (result == NIL || is_more_selective(draft, arg, result)))
					result = arg;
			}
			return result;
		case PREDICATE_OR:
			for (i = 0; i < predicate->nargs; i++)
			{
				List *arg = access_atoms(draft, predicate->args[i], scope);

				if (arg == NIL)
					return NIL;
				result = list_concat_unique_int(result, arg);
			}
			return result;
		default:
			return NIL;
	}
}

/*
 * The same for rows and a row group: it lies behind the constants one of which
 * a row must have to count.
 */
static void
gate_group(Draft *draft, DraftSource *source, int id)
{
	List *access = access_atoms(draft, draft->atoms[id].row_predicate, ATOM_ROW);
	ListCell *cell;
	int i;

	if (access == NIL)
		source->open_groups = lappend_int(source->open_groups, id);
	foreach (cell, access)
	{
		const DraftAtom *datom = &draft->atoms[lfirst_int(cell)];

		for (i = 0; i < datom->nids; i++)
		{
			DraftConstant *constant = &datom->facet->constants[datom->ids[i]];

			/* groups come one after the other */
			if (constant->groups == NIL || llast_int(constant->groups) != id)
				constant->groups = lappend_int(constant->groups, id);
		}
	}
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

	binding->predicate = BindStored(binding->row->filters, binding->table);
}

/*
 * Bind a stored filter; NULL when it has lost its meaning (a column was dropped
 * while our event triggers were off, say): a broken segment must not block
 * writes of contacts.  Who compiles may only be reading: the next one who writes
 * sets it aside, and says so (set_aside.c).
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
	builder->ordinal = 0;
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

/* A segment's rank is above those of all it refers to. */
static int
rank_of(Draft *draft, DraftSegment *segment, int depth)
{
	ListCell *cell;
	int rank = 1;

	if (segment->rank > 0)
		return segment->rank;
	if (depth > draft->nsegments)
		elog(ERROR, "segments refer to each other in a circle");
	foreach (cell, segment->references)
		rank = Max(rank, 1 + rank_of(draft, &draft->segments[lfirst_int(cell)], depth + 1));
	segment->rank = rank;
	return rank;
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
		(void) rank_of(draft, &draft->segments[i], 0);
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
			gate_group(draft, draft->sources[i], lfirst_int(cell));
	}
	link_segments(draft);
	for (i = 0; i < draft->nsegments; i++)
		draft->segments[i].access = access_atoms(draft, draft->segments[i].predicate, ATOM_CONTACT);
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
	builder.atoms = TextTable("segments atoms", 256, sizeof(KeyEntry), draft->context);
	SecureEnter(&secure, draft->table->owner);
	(void) add_source(draft, relid, NULL);
	add_segments(&builder);
	finish(draft);
	SecureLeave(&secure);
	return draft;
}
