/*
 * program_build.c - builds the program of a contact table.
 *
 * Step 8d: stored segments -> bound predicates over shared, indexed atoms: what
 * each atom is a test of (facet.c), which segments hold it, which of them can
 * only match contacts with some value, which refer to which.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "evaluate.h"
#include "maintain.h"
#include "sql_expr.h"

/* ----- atoms ----- */

typedef struct KeyEntry
{
	const char *key;			/* hash key, by content */
	int			id;
} KeyEntry;

typedef struct Builder
{
	Program    *program;
	HTAB	   *atoms;			/* by key text */
	int			size;
	MemoryContext scratch;		/* until the program is built */
	MemoryContext segment;		/* until one segment is bound */
} Builder;

static uint32
text_key_hash(const void *key, Size size)
{
	const char *text = *(const char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
text_key_match(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static RowSource *
new_source(Program *program, Oid relid, RelatedRows *rows)
{
	RowSource  *source = palloc0(sizeof(RowSource));
	Relation	rel = table_open(relid, AccessShareLock);

	source->relid = relid;
	source->rows = rows;
	/* with what columns added later have in rows that were there before */
	source->desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	table_close(rel, NoLock);
	program->sources = program->nsources == 0 ? palloc(sizeof(RowSource *)) :
		repalloc(program->sources, sizeof(RowSource *) * (program->nsources + 1));
	program->sources[program->nsources++] = source;
	return source;
}

/*
 * How to get from a changed row to its contacts: the row holds the contact's
 * key; or contacts are found by the row's key, through a link or a column of
 * the contact table.
 */
static void
prepare_path(Program *program, RowSource *source)
{
	RelatedRows *rows = source->rows;
	const char *type = program->table->key_type_name;

	if (!OidIsValid(rows->link_relid) && rows->contact_reference == NULL)
	{
		source->contact = FacetGet(program, source, psprintf("r.%s::%s", quote_identifier(rows->contact_column), type),
								   VALUE_NONE);
		return;
	}
	source->key = FacetGet(program, source, psprintf("r.%s", quote_identifier(rows->key_column)), VALUE_NONE);
	if (rows->contact_reference)
		source->reference = FacetGet(program, program->sources[0],
									 psprintf("c.%s", quote_identifier(rows->contact_reference)), VALUE_NONE);
	if (!OidIsValid(rows->link_relid))
		return;
	source->link = new_source(program, rows->link_relid, NULL);
	program->nsources--;		/* it has no atoms of its own */
	source->link->contact = FacetGet(program, source->link,
									 psprintf("c.%s::%s", quote_identifier(rows->contact_column), type), VALUE_NONE);
	source->link->key = FacetGet(program, source->link, psprintf("c.%s", quote_identifier(rows->link_column)),
								 VALUE_NONE);
	if (rows->primary_column)
		(void) FacetGet(program, source->link, psprintf("c.%s", quote_identifier(rows->primary_column)), VALUE_NONE);
}

static RowSource *
source_of(Program *program, RelatedRows *rows)
{
	RowSource  *source;
	int			i;

	if (rows == NULL)
		return program->sources[0];
	for (i = 1; i < program->nsources; i++)
		if (strcmp(program->sources[i]->rows->name, rows->name) == 0)
			return program->sources[i];
	source = new_source(program, rows->relid, rows);
	prepare_path(program, source);
	source->unguarded = UncommittedIsUnguarded(program->table, rows);
	program->unguarded |= source->unguarded;
	return source;
}

static void
prepare_pattern(ProgramAtom *patom)
{
	if (patom->atom->test != TEST_LIKE && patom->atom->test != TEST_REGEXP)
		return;
	patom->function = palloc(sizeof(FmgrInfo));
	fmgr_info_cxt(patom->atom->test == TEST_LIKE ? F_TEXTLIKE : F_TEXTICREGEXEQ, patom->function,
				  CurrentMemoryContext);
	patom->pattern = CStringGetTextDatum(patom->atom->pattern);
}

/* Attach an atom to its rows and facets. */
static void
place_atom(Program *program, ProgramAtom *patom, int id)
{
	Atom	   *atom = patom->atom;

	if (atom->scope == ATOM_MEMBER)
		return;
	patom->source = source_of(program, atom->rows);
	patom->source->atoms = lappend_int(patom->source->atoms, id);
	if (atom->rows && atom->field->condition)
		patom->condition = FacetGet(program, patom->source, atom->field->condition, VALUE_BOOL);
	if (atom->scope == ATOM_AGGREGATE)
	{
		if (atom->field->value && atom->field->aggregate != AGGREGATE_COUNT)
			patom->argument = FacetGet(program, patom->source, atom->field->value, VALUE_NONE);
		if (atom->field->aggregate == AGGREGATE_LATEST && atom->field->order_by)
			patom->order = FacetGet(program, patom->source, atom->field->order_by, VALUE_NONE);
	}
	else if (atom->test != TEST_EXISTS)
	{
		patom->facet = FacetGet(program, patom->source, atom->value, atom->value_type);
		FacetIndexAtom(patom->facet, patom, id);
	}
	prepare_pattern(patom);
}

static int
intern_atom(Builder *builder, Atom *atom)
{
	Program    *program = builder->program;
	char	   *key = AtomKey(atom, program->table);
	bool		found;
	KeyEntry   *entry = hash_search(builder->atoms, &key, HASH_ENTER, &found);
	MemoryContext old;

	if (found)
		return entry->id;
	old = MemoryContextSwitchTo(program->context);
	entry->key = MemoryContextStrdup(builder->scratch, key);
	atom = AtomCopy(atom);
	if (program->natoms == builder->size)
	{
		builder->size = Max(64, builder->size * 2);
		program->atoms = program->natoms == 0 ? palloc(sizeof(ProgramAtom) * builder->size) :
			repalloc(program->atoms, sizeof(ProgramAtom) * builder->size);
	}
	entry->id = program->natoms++;
	memset(&program->atoms[entry->id], 0, sizeof(ProgramAtom));
	program->atoms[entry->id].atom = atom;
	program->atoms[entry->id].at = DT_NOBEGIN;
	place_atom(program, &program->atoms[entry->id], entry->id);
	if (atom->moves && atom->scope == ATOM_CONTACT && !program->atoms[entry->id].facet->opaque)
		program->moving_atoms = lappend_int(program->moving_atoms, entry->id);
	MemoryContextSwitchTo(old);
	return entry->id;
}

/* ----- segments ----- */

static void
note_atom(Program *program, ProgramSegment *segment, int id)
{
	ProgramAtom *patom = &program->atoms[id];

	/* segments come one after the other */
	if (patom->segments == NIL || llast_int(patom->segments) != segment->index)
		patom->segments = lappend_int(patom->segments, segment->index);
	if (patom->atom->scope != ATOM_CONTACT || patom->atom->moves || patom->facet->opaque)
		segment->pure = false;
	if (patom->atom->moves)
		segment->moves = true;
}

/* How dear a predicate is to evaluate, and how seldom it settles the matter. */
static int
cost_of(Program *program, const Predicate *predicate)
{
	int			cost = 0;
	int			i;

	if (predicate->kind == PREDICATE_ATOM)
	{
		ProgramAtom *patom = &program->atoms[predicate->atom->id];

		if (predicate->atom->scope != ATOM_CONTACT || patom->facet->opaque)
			return 100;
		if (patom->indexed)
			return predicate->atom->test == TEST_RANGE ? 2 : 1;
		return predicate->atom->test == TEST_REGEXP ? 20 : predicate->atom->test == TEST_LIKE ? 10 : 4;
	}
	for (i = 0; i < predicate->nargs; i++)
		cost = Max(cost, cost_of(program, predicate->args[i]));
	return cost + 1;
}

/*
 * Cheap and selective tests first: an equality that fails ends an AND, and no
 * related row is looked up for it.
 */
static void
order_args(Program *program, Predicate *predicate)
{
	int			i;
	int			j;

	/* a sort by insertion: not worth it for the few giants */
	for (i = 1; i < predicate->nargs && predicate->nargs <= 64; i++)
	{
		Predicate  *arg = predicate->args[i];
		int			cost = cost_of(program, arg);

		for (j = i; j > 0 && cost_of(program, predicate->args[j - 1]) > cost; j--)
			predicate->args[j] = predicate->args[j - 1];
		predicate->args[j] = arg;
	}
}

/*
 * The predicate over the program's atoms, copied into the program.
 */
static Predicate *
intern_predicate(Builder *builder, ProgramSegment *segment, const Predicate *predicate)
{
	Program    *program = builder->program;
	Predicate  *copy = MemoryContextAllocZero(program->context, sizeof(Predicate));
	int			i;

	copy->kind = predicate->kind;
	copy->nargs = predicate->nargs;
	if (predicate->nargs > 0)
		copy->args = MemoryContextAlloc(program->context, sizeof(Predicate *) * predicate->nargs);
	for (i = 0; i < predicate->nargs; i++)
		copy->args[i] = intern_predicate(builder, segment, predicate->args[i]);
	if (predicate->kind == PREDICATE_ATOM)
	{
		int			id = intern_atom(builder, predicate->atom);
		MemoryContext old = MemoryContextSwitchTo(program->context);

		copy->atom = program->atoms[id].atom;
		copy->atom->id = id;
		note_atom(program, segment, id);
		MemoryContextSwitchTo(old);
	}
	order_args(program, copy);
	return copy;
}

/*
 * Atoms one of which holds whenever the predicate does, found by equality in
 * an index: a contact without them cannot match.  NIL when there are none.
 */
static List *
access_atoms(Program *program, const Predicate *predicate)
{
	List	   *result = NIL;
	int			i;

	switch (predicate->kind)
	{
		case PREDICATE_ATOM:
			{
				ProgramAtom *patom = &program->atoms[predicate->atom->id];

				if (patom->indexed && patom->atom->scope == ATOM_CONTACT && patom->atom->test != TEST_RANGE)
					return list_make1_int(predicate->atom->id);
				return NIL;
			}
		case PREDICATE_AND:
			for (i = 0; i < predicate->nargs; i++)
			{
				List	   *arg = access_atoms(program, predicate->args[i]);

				if (arg != NIL && (result == NIL || list_length(arg) < list_length(result)))
					result = arg;
			}
			return result;
		case PREDICATE_OR:
			for (i = 0; i < predicate->nargs; i++)
			{
				List	   *arg = access_atoms(program, predicate->args[i]);

				if (arg == NIL)
					return NIL;
				result = list_concat_unique_int(result, arg);
			}
			return result;
		default:
			return NIL;
	}
}

static void
set_gate(Program *program, ProgramSegment *segment)
{
	SegmentGate *gate = &program->gates[segment->index];
	ProgramAtom *patom;

	gate->facet = -1;
	if (list_length(segment->access) != 1)
		return;
	patom = &program->atoms[linitial_int(segment->access)];
	if (patom->atom->scope != ATOM_CONTACT || patom->atom->test != TEST_ANY || patom->nids != 1)
		return;
	gate->facet = patom->facet->id;
	gate->constant = patom->ids[0];
}

static void
index_segment(Program *program, ProgramSegment *segment)
{
	ListCell   *cell;

	segment->access = access_atoms(program, segment->predicate);
	set_gate(program, segment);

	if (segment->moves)
		program->moving = lappend_int(program->moving, segment->index);
	if (!segment->pure)
	{
		program->impure = lappend_int(program->impure, segment->index);
		return;
	}
	if (segment->access == NIL)
		program->always = lappend_int(program->always, segment->index);
	foreach(cell, segment->access)
		program->access[lfirst_int(cell)] = lappend_int(program->access[lfirst_int(cell)], segment->index);
}

/* ----- binding ----- */

static Predicate *
bind_row(SegmentRow *row, ContactTable *table)
{
	BindOptions options = {false};

	return BindFilter(FilterUnflatten(row->filters), table, &options);
}

/*
 * Bind a stored filter; NULL, with a warning, when it has lost its meaning
 * (a column was dropped while our event triggers were off, say): a broken
 * segment must not block writes of contacts.
 */
static Predicate *
bind_or_warn(SegmentRow *row, ContactTable *table)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Predicate  *volatile result = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		result = bind_row(row, table);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("segment \"%s\" is not maintained: %s", row->alias, error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0));
		result = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return result;
}

static void
add_segment(Builder *builder, SegmentRow *row, Predicate *predicate)
{
	Program    *program = builder->program;
	ProgramSegment *segment = &program->segments[program->nsegments];
	bool		found;

	memset(segment, 0, sizeof(ProgramSegment));
	segment->index = program->nsegments++;
	segment->id = row->id;
	segment->pure = true;
	*(int *) ((char *) hash_search(program->by_id, &row->id, HASH_ENTER, &found) + sizeof(int64)) = segment->index;
	segment->predicate = intern_predicate(builder, segment, predicate);
}

/* A segment's rank is above those of all it refers to. */
static int
rank_of(Program *program, ProgramSegment *segment, int depth)
{
	ListCell   *cell;
	int			rank = 1;

	if (segment->rank > 0)
		return segment->rank;
	if (depth > program->nsegments)
		elog(ERROR, "segments refer to each other in a circle");
	foreach(cell, segment->references)
		rank = Max(rank, 1 + rank_of(program, &program->segments[lfirst_int(cell)], depth + 1));
	segment->rank = rank;
	return rank;
}

static void
link_segments(Program *program)
{
	int			i;

	for (i = 0; i < program->natoms; i++)
	{
		Atom	   *atom = program->atoms[i].atom;
		ProgramSegment *referenced;
		ListCell   *cell;

		if (atom->scope != ATOM_MEMBER)
			continue;
		referenced = ProgramSegmentById(program, atom->segment_id);
		foreach(cell, program->atoms[i].segments)
		{
			ProgramSegment *segment = &program->segments[lfirst_int(cell)];

			if (referenced == NULL)
				continue;
			segment->references = lappend_int(segment->references, referenced->index);
			referenced->referencing = lappend_int(referenced->referencing, segment->index);
		}
	}
	for (i = 0; i < program->nsegments; i++)
		(void) rank_of(program, &program->segments[i], 0);
}

/* ----- building ----- */

static void
prepare_keys(Program *program)
{
	ContactTable *table = program->table;
	TypeCacheEntry *type = lookup_type_cache(table->key_type, TYPECACHE_CMP_PROC_FINFO);

	if (!OidIsValid(type->cmp_proc_finfo.fn_oid))
		elog(ERROR, "type %s has no order", format_type_be(table->key_type));
	fmgr_info_copy(&program->key_compare, &type->cmp_proc_finfo, CurrentMemoryContext);
	program->key_collation = OidIsValid(type->typcollation) ? C_COLLATION_OID : InvalidOid;
	program->key_array_type = get_array_type(table->key_type);
	get_typlenbyvalalign(table->key_type, &program->key_len, &program->key_byval, &program->key_align);
}

static void
prepare_program(Program *program, Oid relid)
{
	HASHCTL		info = {0};

	program->relid = relid;
	program->context = CurrentMemoryContext;
	program->table = CatalogContactTable(relid, false);
	program->estate = CreateExecutorState();
	program->econtext = CreateExprContext(program->estate);
	info.keysize = sizeof(int64);
	info.entrysize = sizeof(int64) * 2;
	info.hcxt = CurrentMemoryContext;
	program->by_id = hash_create("segments by id", 64, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	prepare_keys(program);
	(void) new_source(program, relid, NULL);
}

static void
fill_program(Builder *builder, List *rows)
{
	Program    *program = builder->program;
	ListCell   *cell;
	int			i;
	int			j;

	program->segments = palloc(sizeof(ProgramSegment) * Max(list_length(rows), 1));
	foreach(cell, rows)
	{
		SegmentRow *row = lfirst(cell);
		Predicate  *predicate;
		MemoryContext old;

		/* static ones are there to be referred to */
		if (!row->is_published)
			continue;
		old = MemoryContextSwitchTo(builder->segment);
		predicate = bind_or_warn(row, program->table);
		if (predicate != NULL)
			add_segment(builder, row, predicate);
		MemoryContextSwitchTo(old);
		MemoryContextReset(builder->segment);
	}
	for (i = 0; i < program->nsources; i++)
		for (j = 0; j < program->sources[i]->nfacets; j++)
			FacetFinish(program, program->sources[i]->facets[j]);
	program->access = palloc0(sizeof(List *) * Max(program->natoms, 1));
	link_segments(program);
	program->gates = palloc0(sizeof(SegmentGate) * Max(program->nsegments, 1));
	for (i = 0; i < program->nsegments; i++)
		if (program->segments[i].predicate->kind != PREDICATE_FALSE)
			index_segment(program, &program->segments[i]);
}

/*
 * Build the program of a contact table in this memory context, from its
 * definitions as they are now.
 */
Program *
ProgramBuild(Oid relid, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Program    *program = palloc0(sizeof(Program));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	Builder		builder = {0};
	HASHCTL		info = {0};
	SecureContext secure;
	List	   *rows;

	callback->func = ProgramFreePlans;
	callback->arg = program;
	MemoryContextRegisterResetCallback(context, callback);
	builder.program = program;
	info.keysize = sizeof(char *);
	info.entrysize = sizeof(KeyEntry);
	info.hash = text_key_hash;
	info.match = text_key_match;
	builder.scratch = AllocSetContextCreate(old, "segments program scratch", ALLOCSET_DEFAULT_SIZES);
	builder.segment = AllocSetContextCreate(builder.scratch, "segments one segment", ALLOCSET_DEFAULT_SIZES);
	info.hcxt = builder.scratch;
	builder.atoms = hash_create("segments atoms", 256, &info, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	SecureEnter(&secure, CatalogContactTable(relid, false)->owner);
	prepare_program(program, relid);
	MemoryContextSwitchTo(builder.scratch);
	rows = SegmentsOfContactTable(relid);
	MemoryContextSwitchTo(context);
	fill_program(&builder, rows);
	SecureLeave(&secure);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(builder.scratch);
	return program;
}
