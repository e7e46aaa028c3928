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
	TimestampTz now;
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	RowVersion	old_row;
	RowVersion	new_row;
	RowVersion	no_row;
	IntVector	flipped;
	Bitmapset  *segments;
	DatumVector keys;			/* of contacts, or of rows */
	DatumVector linked;			/* rows that new links point at */
} RelatedWork;

/* Keep what a facet has on a row; NULL points nowhere. */
static void
add_key(RelatedWork *work, DatumVector *keys, Facet *facet, RowVersion *row)
{
	FacetState *state = RowFacet(work->program, row, facet);

	if (keys->context == NULL)
	{
		int16		len;
		bool		byval;

		get_typlenbyval(facet->sql_type, &len, &byval);
		DatumVectorInit(keys, CurrentMemoryContext, byval, len);
	}
	if (!state->isnull)
		DatumVectorAdd(keys, state->value);
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
			add_key(work, &work->keys, owner, &work->new_row);
		return;
	}
	/* it came, went, or moved from one contact to another */
	if (work->old_row.slot && note_flips(work, &work->old_row, &work->no_row))
		add_key(work, &work->keys, owner, &work->old_row);
	if (work->new_row.slot && note_flips(work, &work->no_row, &work->new_row))
		add_key(work, &work->keys, owner, &work->new_row);
}

/* ----- rows of the link table ----- */

static void
link_row(RelatedWork *work)
{
	if (work->old_row.slot && work->new_row.slot && !RowChanged(&work->old_row, &work->new_row))
		return;
	if (work->old_row.slot)
		add_key(work, &work->keys, work->reading->contact, &work->old_row);
	if (work->new_row.slot)
	{
		add_key(work, &work->keys, work->reading->contact, &work->new_row);
		add_key(work, &work->linked, work->reading->key, &work->new_row);
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

	if (work->linked.n == 0 || work->segments == NULL)
		return;
	MaintainEnter();
	get_typlenbyvalalign(facet->sql_type, &len, &byval, &align);
	value = PointerGetDatum(construct_array(work->linked.items, work->linked.n, facet->sql_type, len, byval, align));
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
 * Keys of a source's rows -> keys of the contacts they belong to, as last
 * committed; in the same vector.  For sources that don't hold their contact.
 */
void
RelatedContacts(Program *program, RowSource *source, DatumVector *keys)
{
	RelatedRows *rows = source->rows;
	Facet	   *facet = source->key;
	MemoryContext caller = CurrentMemoryContext;
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
	value = PointerGetDatum(construct_array(keys->items, keys->n, facet->sql_type, len, byval, align));
	MaintainExecute(ProgramPlan(program, &source->contacts_plan, sql, 1, &array_type), &value, SPI_OK_SELECT);
	DatumVectorInit(keys, caller, program->key_byval, program->key_len);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		DatumVectorAdd(keys, SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
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
	if (work->keys.n > 0 && work->source->contact == NULL)
		RelatedContacts(work->program, work->source, &work->keys);
}

/* The statement changed links to rows of this relation. */
static void
link_delta(RelatedWork *work)
{
	begin_reading(work, work->source->link);
	process_rows(work, link_row);
	end_reading(work);
	work->segments = ProgramSegmentsReading(work->program, work->source);
	lock_linked(work);
}

static void
source_delta(Program *program, RowSource *source, StatementDelta *delta, bool link)
{
	RelatedWork work = {0};

	work.program = program;
	work.source = source;
	work.delta = delta;
	work.now = MaintainNow(program);
	if (link)
		link_delta(&work);
	else
		relation_delta(&work);
	MaintainContacts(program, work.keys.items, work.keys.n, work.segments, CAUSE_FILTER);
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
		ClockLoad(program);
	for (i = 1; i < program->nsources; i++)
	{
		RowSource  *source = program->sources[i];

		if (source->relid == delta->relid)
			source_delta(program, source, delta, false);
		if (source->link && source->link->relid == delta->relid)
			source_delta(program, source, delta, true);
	}
}
