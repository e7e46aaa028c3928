/*
 * related_delta.c - what a statement changed in a table of related rows,
 * companies or links -> the contacts and segments concerned.
 *
 * Step 11b: a row's atoms are tested on OLD and NEW in memory.  A row that
 * flips none (an event that no segment asks for) ends there: no contact is
 * read, nothing is locked.  Otherwise the row's contacts are evaluated, by
 * maintain.c, for the segments that hold a flipped atom.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "maintain.h"

typedef struct RelatedWork
{
	Program    *program;
	RowSource  *source;			/* of the relation */
	RowSource  *reading;		/* rows of the statement's table: source, or its link */
	StatementDelta *delta;
	MemoryContext context;
	TimestampTz now;
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	RowVersion	old_row;
	RowVersion	new_row;
	RowVersion	no_row;
	IntVector	flipped;
	Bitmapset  *segments;
	int			n;				/* keys: of contacts, or of rows */
	int			size;
	Datum	   *keys;
	int			nlinked;		/* rows that new links point at */
	int			linked_size;
	Datum	   *linked;
} RelatedWork;

static void
add_key(RelatedWork *work, Facet *facet, RowVersion *row)
{
	FacetState *state = RowFacet(work->program, row, facet);
	MemoryContext old;
	int16		len;
	bool		byval;

	if (state->isnull)
		return;
	old = MemoryContextSwitchTo(work->context);
	if (work->n == work->size)
	{
		work->size = Max(64, work->size * 2);
		work->keys = work->keys == NULL ? palloc(sizeof(Datum) * work->size) :
			repalloc_huge(work->keys, sizeof(Datum) * work->size);
	}
	get_typlenbyval(facet->sql_type, &len, &byval);
	work->keys[work->n++] = datumCopy(state->value, byval, len);
	MemoryContextSwitchTo(old);
}

/* Segments with an atom that flipped between two versions; false: none. */
static bool
note_flips(RelatedWork *work, RowVersion *old_row, RowVersion *new_row)
{
	int			i;

	work->flipped.n = 0;
	FlippedAtoms(work->program, old_row, new_row, work->now, &work->flipped);
	for (i = 0; i < work->flipped.n; i++)
	{
		ListCell   *cell;

		foreach(cell, work->program->atoms[work->flipped.items[i]].segments)
			work->segments = bms_add_member(work->segments, lfirst_int(cell));
	}
	return work->flipped.n > 0;
}

/* ----- rows of the relation itself ----- */

static void
related_row(RelatedWork *work)
{
	Facet	   *owner = work->source->contact ? work->source->contact : work->source->key;
	bool		both = (work->old_row.slot != NULL && work->new_row.slot != NULL);

	if (both && FacetEqual(work->program, &work->old_row, &work->new_row, owner))
	{
		if (note_flips(work, &work->old_row, &work->new_row))
			add_key(work, owner, &work->new_row);
		return;
	}
	/* it came, went, or moved from one contact to another */
	if (work->old_row.slot && note_flips(work, &work->old_row, &work->no_row))
		add_key(work, owner, &work->old_row);
	if (work->new_row.slot && note_flips(work, &work->no_row, &work->new_row))
		add_key(work, owner, &work->new_row);
}

/* ----- rows of the link table ----- */

static void
all_segments_of_source(RelatedWork *work)
{
	ListCell   *cell;

	foreach(cell, work->source->atoms)
	{
		ListCell   *inner;

		foreach(inner, work->program->atoms[lfirst_int(cell)].segments)
			work->segments = bms_add_member(work->segments, lfirst_int(inner));
	}
}

static void
add_linked(RelatedWork *work)
{
	Facet	   *facet = work->reading->key;
	FacetState *state = RowFacet(work->program, &work->new_row, facet);
	MemoryContext old;
	int16		len;
	bool		byval;

	if (state->isnull)
		return;
	old = MemoryContextSwitchTo(work->context);
	if (work->nlinked == work->linked_size)
	{
		work->linked_size = Max(64, work->linked_size * 2);
		work->linked = work->linked == NULL ? palloc(sizeof(Datum) * work->linked_size) :
			repalloc_huge(work->linked, sizeof(Datum) * work->linked_size);
	}
	get_typlenbyval(facet->sql_type, &len, &byval);
	work->linked[work->nlinked++] = datumCopy(state->value, byval, len);
	MemoryContextSwitchTo(old);
}

static void
link_row(RelatedWork *work)
{
	if (work->old_row.slot && work->new_row.slot && !RowChanged(&work->old_row, &work->new_row))
		return;
	if (work->old_row.slot)
		add_key(work, work->reading->contact, &work->old_row);
	if (work->new_row.slot)
	{
		add_key(work, work->reading->contact, &work->new_row);
		add_linked(work);
	}
}

/*
 * Whoever changes a company looks for its contacts, and does not see a link
 * that is not committed; we don't see the company's change.  So a new link
 * holds its company until the end of the transaction: the two take turns.
 */
static void
lock_linked(RelatedWork *work)
{
	Program    *program = work->program;
	RelatedRows *rows = work->source->rows;
	Facet	   *facet = work->reading->key;
	Oid			array_type = get_array_type(facet->sql_type);
	int16		len;
	bool		byval;
	char		align;
	Datum		value;

	if (work->nlinked == 0 || work->segments == NULL)
		return;
	MaintainEnter();
	get_typlenbyvalalign(facet->sql_type, &len, &byval, &align);
	value = PointerGetDatum(construct_array(work->linked, work->nlinked, facet->sql_type, len, byval, align));
	MaintainExecute(ProgramPlan(program, &work->source->share_plan,
								psprintf("SELECT FROM %s r WHERE r.%s = ANY ($1) ORDER BY r.%s FOR SHARE",
										 CatalogRelationName(rows->relid), quote_identifier(rows->key_column),
										 quote_identifier(rows->key_column)), 1, &array_type),
					&value, SPI_OK_SELECT);
	SPI_freetuptable(SPI_tuptable);
}

/* ----- the statement ----- */

static void
process_rows(RelatedWork *work, void (*process) (RelatedWork *))
{
	StatementDelta *delta = work->delta;

	if (delta->old_rows)
		tuplestore_rescan(delta->old_rows);
	if (delta->new_rows)
		tuplestore_rescan(delta->new_rows);
	for (;;)
	{
		bool		more = false;

		if (delta->old_rows)
			more = tuplestore_gettupleslot(delta->old_rows, true, false, work->old_slot);
		if (delta->new_rows)
			more = tuplestore_gettupleslot(delta->new_rows, true, false, work->new_slot);
		if (!more)
			break;
		CHECK_FOR_INTERRUPTS();
		RowVersionReset(&work->old_row, delta->old_rows ? work->old_slot : NULL);
		RowVersionReset(&work->new_row, delta->new_rows ? work->new_slot : NULL);
		process(work);
		ResetExprContext(work->program->econtext);
	}
}

/*
 * Keys of rows -> keys of the contacts they belong to.
 */
static void
find_contacts(RelatedWork *work)
{
	Program    *program = work->program;
	RelatedRows *rows = work->source->rows;
	Facet	   *facet = work->source->key;
	Oid			array_type = get_array_type(facet->sql_type);
	int16		len;
	bool		byval;
	char		align;
	Datum		value;
	char	   *sql;
	uint64		i;

	if (rows->contact_reference)
		sql = psprintf("SELECT c.%s FROM %s c WHERE c.%s = ANY ($1)", program->table->key, program->table->name,
					   quote_identifier(rows->contact_reference));
	else
		sql = psprintf("SELECT DISTINCT l.%s::%s FROM %s l WHERE l.%s = ANY ($1) AND l.%s IS NOT NULL",
					   quote_identifier(rows->contact_column), program->table->key_type_name,
					   CatalogRelationName(rows->link_relid), quote_identifier(rows->link_column),
					   quote_identifier(rows->contact_column));
	MaintainEnter();
	get_typlenbyvalalign(facet->sql_type, &len, &byval, &align);
	value = PointerGetDatum(construct_array(work->keys, work->n, facet->sql_type, len, byval, align));
	MaintainExecute(ProgramPlan(program, &work->source->contacts_plan, sql, 1, &array_type), &value, SPI_OK_SELECT);
	work->n = 0;
	work->size = Max((int) SPI_processed, 1);
	work->keys = MemoryContextAllocHuge(work->context, sizeof(Datum) * work->size);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		key = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext old = MemoryContextSwitchTo(work->context);

		work->keys[work->n++] = datumCopy(key, program->key_byval, program->key_len);
		MemoryContextSwitchTo(old);
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
begin_reading(RelatedWork *work, RowSource *reading)
{
	work->reading = reading;
	work->old_slot = MakeSingleTupleTableSlot(reading->desc, &TTSOpsMinimalTuple);
	work->new_slot = MakeSingleTupleTableSlot(reading->desc, &TTSOpsMinimalTuple);
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
	if (work->n > 0 && work->source->contact == NULL)
		find_contacts(work);
}

/* The statement changed links to rows of this relation. */
static void
link_delta(RelatedWork *work)
{
	begin_reading(work, work->source->link);
	process_rows(work, link_row);
	end_reading(work);
	all_segments_of_source(work);
	lock_linked(work);
}

static void
source_delta(Program *program, RowSource *source, StatementDelta *delta, bool link)
{
	RelatedWork work = {0};

	work.program = program;
	work.source = source;
	work.delta = delta;
	work.context = CurrentMemoryContext;
	work.now = MaintainNow(program);
	if (link)
		link_delta(&work);
	else
		relation_delta(&work);
	MaintainContacts(program, work.keys, work.n, work.segments, CAUSE_FILTER);
}

/*
 * Maintain the segments of a contact table after a statement on a table whose
 * rows belong to its contacts.
 */
void
RelatedDelta(Program *program, StatementDelta *delta)
{
	int			i;

	if (delta->truncated)
	{
		MaintainEnter();
		BuildSegmentsReading(program, delta->relid, CAUSE_FILTER);
		return;
	}
	if (program->nsources > 1 && program->moving != NIL)
		(void) ClockEarliest(program);
	for (i = 1; i < program->nsources; i++)
	{
		RowSource  *source = program->sources[i];

		if (source->relid == delta->relid)
			source_delta(program, source, delta, false);
		if (source->link && source->link->relid == delta->relid)
			source_delta(program, source, delta, true);
	}
}
