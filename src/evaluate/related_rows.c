/*
 * related_rows.c - atoms over related rows, answered by reading the rows of one
 * contact.
 *
 * A contact has a handful of rows, and one pass over an index reads them for
 * all atoms over them, where a query would be started for each.  The rows are
 * tested by the program's facets, as rows of a statement are, so the answers
 * are those of the atom's SQL (predicate_sql.c).  What cannot be read so is
 * asked of the database (batch.c): rows without an index by contact, rows that
 * are hidden from the contact table's owner, values that hold subqueries over
 * anything but the contact's own rows (row_siblings.c), and contacts with very
 * many rows.
 *
 * The contact is locked, so its rows stay what they are for the batch.  What is
 * kept of a row may point at its out-of-line values: the statement's snapshot
 * keeps these.
 */
#include "postgres.h"

#include "evaluate/related_rows.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "base/index_choice.h"
#include "base/tree_probe.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "evaluate/batch.h"
#include "evaluate/row_aggregate.h"
#include "evaluate/row_siblings.h"
#include "evaluate/row.h"
#include "predicate/predicate.h"
#include "program/program.h"
#include "program/program_cache.h"

#define MANY_ROWS 256 /* beyond, a query is cheaper */

/* How an atom over these rows is answered. */
typedef enum AnswerMode
{
	MODE_UNKNOWN = 0,
	MODE_TEST,     /* does some row satisfy it? */
	MODE_VALUE,    /* by what is made of the rows */
	MODE_TOGETHER, /* likewise, and a row's value depends on the others */
	MODE_QUERY
} AnswerMode;

/*
 * How the rows of a contact are found: by its key in the rows, by its key in
 * the links and theirs in the rows, or by what its own row points at.  Part of
 * the program, which goes when an index does.
 */
typedef struct RowsPath
{
	bool usable;
	IndexChoice rows;
	AttrNumber row_column; /* that leads to them */
	IndexChoice links;
	AttrNumber contact_column; /* of the link */
	AttrNumber link_column;
	AttrNumber primary_column;
	AttrNumber reference; /* column of the contact */
	TypeCacheEntry *link_type;
	uint8 *modes; /* AnswerMode by query atom */
} RowsPath;

/* The rows of one contact that were read last. */
typedef struct ContactRows
{
	MemoryContext context;
	int position;  /* in the batch; -1: none yet */
	bool complete; /* there are no others */
	bool dated;    /* each says which command it is of */
	int n;
	int size;
	RowVersion *rows;
	bool open; /* the probes below */
	TreeProbe probe;
	TreeProbe links;
} ContactRows;

typedef struct RowsReader
{
	MemoryContext context; /* of the batch */
	Snapshot snapshot;     /* of open probes */
	ContactRows **sources; /* by source of the program */
} RowsReader;

/* ----- how to find them ----- */

static Oid
column_type(Relation rel, AttrNumber column)
{
	return TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid;
}

static bool
choose_by_links(Program *program, RowSource *source, Relation rel, RowsPath *path)
{
	RelatedRows *rows = source->rows;
	Relation link = table_open(rows->link_relid, AccessShareLock);
	bool result = IndexChoiceReadable(link, program->table->owner) &&
				  ProgramColumnsHash(RelationGetDescr(link)) == source->link->image->columns_hash;
	Oid type;

	path->row_column = get_attnum(rows->relid, rows->key_column);
	path->contact_column = get_attnum(rows->link_relid, rows->contact_column);
	path->link_column = get_attnum(rows->link_relid, rows->link_column);
	path->primary_column = (rows->only_primary && rows->primary_column)
							   ? get_attnum(rows->link_relid, rows->primary_column)
							   : InvalidAttrNumber;
	type = column_type(link, path->link_column);
	if (rows->only_primary)
	{
		path->link_type = lookup_type_cache(type, TYPECACHE_CMP_PROC_FINFO);
		result = result && OidIsValid(path->link_type->cmp_proc_finfo.fn_oid) &&
				 !OidIsValid(get_typcollation(type));
	}
	result = result &&
			 IndexChoiceFind(link, path->contact_column, program->table->key_type, &path->links) &&
			 IndexChoiceFind(rel, path->row_column, type, &path->rows);
	table_close(link, NoLock);
	return result;
}

static bool
choose_by_reference(Program *program, RelatedRows *rows, Relation rel, RowsPath *path)
{
	path->reference = get_attnum(program->relid, rows->contact_reference);
	path->row_column = get_attnum(rows->relid, rows->key_column);
	return IndexChoiceFind(rel, path->row_column, get_atttype(program->relid, path->reference),
						   &path->rows);
}

static RowsPath *
rows_path(Program *program, RowSource *source)
{
	RelatedRows *rows = source->rows;
	RowsPath found = {0};
	RowsPath *path = &found;
	Relation rel;

	if (source->path != NULL)
		return source->path;
	rel = table_open(rows->relid, AccessShareLock);
	/* columns that changed past our event triggers are left to queries */
	if (!IndexChoiceReadable(rel, program->table->owner) ||
		ProgramColumnsHash(RelationGetDescr(rel)) != source->image->columns_hash)
		path->usable = false;
	else if (rows->contact_reference)
		path->usable = choose_by_reference(program, rows, rel, path);
	else if (OidIsValid(rows->link_relid))
		path->usable = choose_by_links(program, source, rel, path);
	else
	{
		path->row_column = get_attnum(rows->relid, rows->contact_column);
		path->usable =
			IndexChoiceFind(rel, path->row_column, program->table->key_type, &path->rows);
	}
	table_close(rel, NoLock);
	path = MemoryContextAllocZero(program->context, sizeof(RowsPath));
	*path = found;
	path->modes = MemoryContextAllocZero(program->context, program->nqueries);
	source->path = path;
	return path;
}

/* ----- how to answer ----- */

static AnswerMode
answer_mode(Program *program, RowsPath *path, int id)
{
	ProgramAtom *patom = ProgramAtomGet(program, id);
	uint8 *mode = &path->modes[patom->image->query];

	if (*mode != MODE_UNKNOWN)
		return *mode;
	if (!path->usable || FacetIsOpaque(patom->facet) || FacetIsOpaque(patom->condition) ||
		FacetIsOpaque(patom->order))
		*mode = MODE_QUERY;
	else if (patom->atom->scope == ATOM_ROWS)
		*mode = MODE_TEST;
	else if (!RowAggregateIsPlain(program, id))
		*mode = MODE_QUERY;
	else if (!FacetIsOpaque(patom->argument))
		*mode = MODE_VALUE;
	else
		*mode = RowSiblingsAnswer(program, patom->argument) ? MODE_TOGETHER : MODE_QUERY;
	return *mode;
}

/*
 * Can the atom be answered from rows in memory, each of which says by itself
 * what it adds?  Then an aggregate is tested as it is, not something made of it.
 */
bool
RelatedRowsReadable(Program *program, int id)
{
	AnswerMode mode =
		answer_mode(program, rows_path(program, ProgramAtomGet(program, id)->source), id);

	return mode == MODE_TEST || mode == MODE_VALUE;
}

/* ----- reading ----- */

static void
open_probes(Batch *batch, RowSource *source, ContactRows *contact)
{
	RowsPath *path = source->path;
	RowsReader *reader = batch->reader;

	if (reader->snapshot == NULL)
	{
		if (batch->snapshot == NULL)
			CommandCounterIncrement();
		reader->snapshot =
			RegisterSnapshot(batch->snapshot ? batch->snapshot : GetLatestSnapshot());
	}
	TreeProbeOpen(&contact->probe, ProgramTableOpen(batch->program, source->relid, AccessShareLock),
				  path->row_column, &path->rows, reader->snapshot, AccessShareLock);
	if (OidIsValid(path->links.index))
		TreeProbeOpen(&contact->links,
					  ProgramTableOpen(batch->program, source->rows->link_relid, AccessShareLock),
					  path->contact_column, &path->links, reader->snapshot, AccessShareLock);
	contact->open = true;
}

static void
close_probe(TreeProbe *probe)
{
	Relation rel = probe->rel;

	TreeProbeClose(probe);
	table_close(rel, NoLock);
}

static void
close_probes(Batch *batch)
{
	RowsReader *reader = batch->reader;
	int i;

	for (i = 0; i < batch->program->nsources; i++)
	{
		ContactRows *contact = reader->sources[i];

		if (contact == NULL || !contact->open)
			continue;
		close_probe(&contact->probe);
		if (OidIsValid(batch->program->sources[i]->path->links.index))
			close_probe(&contact->links);
		contact->open = false;
	}
	if (reader->snapshot)
		UnregisterSnapshot(reader->snapshot);
	reader->snapshot = NULL;
}

/* Keep a copy of the row; false when there are too many. */
static bool
keep_row(Program *program, ContactRows *contact, RowSource *source, TupleTableSlot *slot)
{
	TupleTableSlot *copy;

	if (contact->n == MANY_ROWS)
		return false;
	VectorMakeRoom(contact->rows, contact->n, contact->size, 8);
	copy = MakeSingleTupleTableSlot(ProgramSourceDesc(program, source), &TTSOpsHeapTuple);
	RowVersionInit(&contact->rows[contact->n++], source, ExecCopySlot(copy, slot));
	return true;
}

/* Rows that a value of the contact, or of a link, points at. */
static bool
read_by_value(Program *program, ContactRows *contact, RowSource *source, Datum value)
{
	TupleTableSlot *slot;

	TreeProbeFind(&contact->probe, value);
	while ((slot = TreeProbeNext(&contact->probe)) != NULL)
		if (!keep_row(program, contact, source, slot))
			return false;
	return true;
}

/* Where only the primary link counts: of several, the lowest. */
static void
keep_lowest(DatumVector *links, Datum value, RowsPath *path)
{
	int order = links->n == 0
					? 0
					: DatumGetInt32(FunctionCall2Coll(&path->link_type->cmp_proc_finfo, InvalidOid,
													  value, links->items[0]));

	if (order < 0)
		links->n = 0;
	if (order <= 0)
		DatumVectorAdd(links, value);
}

static bool
read_links(ContactRows *contact, RowSource *source, Datum key, DatumVector *links)
{
	RowsPath *path = source->path;
	TupleTableSlot *slot;
	bool isnull;

	TreeProbeFind(&contact->links, key);
	while ((slot = TreeProbeNext(&contact->links)) != NULL)
	{
		Datum value;

		if (path->primary_column != InvalidAttrNumber &&
			(!DatumGetBool(slot_getattr(slot, path->primary_column, &isnull)) || isnull))
			continue;
		value = slot_getattr(slot, path->link_column, &isnull);
		if (isnull)
			continue;
		if (source->rows->only_primary)
			keep_lowest(links, value, path);
		else if (links->n == MANY_ROWS)
			return false;
		else
			DatumVectorAdd(links, value);
	}
	return true;
}

static bool
read_by_links(Program *program, ContactRows *contact, RowSource *source, Datum key)
{
	Form_pg_attribute column =
		TupleDescAttr(RelationGetDescr(contact->links.rel), source->path->link_column - 1);
	DatumVector links;
	int i;

	DatumVectorInit(&links, contact->context, column->attbyval, column->attlen);
	if (!read_links(contact, source, key, &links))
		return false;
	for (i = 0; i < links.n; i++)
		if (!read_by_value(program, contact, source, links.items[i]))
			return false;
	return true;
}

static void
read_rows(Batch *batch, int position, RowSource *source, ContactRows *contact)
{
	RowsPath *path = source->path;
	MemoryContext old;
	bool isnull;

	MemoryContextReset(contact->context);
	contact->n = 0;
	contact->size = 0;
	contact->rows = NULL;
	contact->position = position;
	contact->complete = true;
	old = MemoryContextSwitchTo(batch->reader->context);
	if (!contact->open)
		open_probes(batch, source, contact);
	contact->dated = contact->probe.one && !OidIsValid(path->links.index) &&
					 contact->probe.rel->rd_rel->relam == HEAP_TABLE_AM_OID;
	MemoryContextSwitchTo(contact->context);
	if (OidIsValid(path->links.index))
		contact->complete = read_by_links(batch->program, contact, source, batch->keys[position]);
	else if (path->reference == InvalidAttrNumber)
		contact->complete = read_by_value(batch->program, contact, source, batch->keys[position]);
	else
	{
		Datum value = slot_getattr(batch->rows[position].slot, path->reference, &isnull);

		if (!isnull)
			contact->complete = read_by_value(batch->program, contact, source, value);
	}
	MemoryContextSwitchTo(old);
	if (!batch->members && !batch->snapshot && !batch->keeps_open)
		close_probes(batch);
}

/* What rows of a source are read into. */
static ContactRows *
rows_of_source(RowsReader *reader, Batch *batch, RowSource *source)
{
	int i;

	for (i = 0; batch->program->sources[i] != source; i++)
		;
	if (reader->sources[i] == NULL)
	{
		reader->sources[i] = MemoryContextAllocZero(reader->context, sizeof(ContactRows));
		reader->sources[i]->context = AllocSetContextCreate(
			reader->context, "segments rows of a contact", ALLOCSET_DEFAULT_SIZES);
		reader->sources[i]->position = -1;
	}
	return reader->sources[i];
}

static ContactRows *
contact_rows(Batch *batch, int position, RowSource *source)
{
	ContactRows *contact = rows_of_source(batch->reader, batch, source);

	if (contact->position != position)
		read_rows(batch, position, source, contact);
	return contact;
}

/*
 * Done reading for now: what a later answer reads is read afresh.
 */
void
RelatedRowsClose(Batch *batch)
{
	int i;

	close_probes(batch);
	for (i = 0; i < batch->program->nsources; i++)
		if (batch->reader->sources[i])
			batch->reader->sources[i]->position = -1;
}

/* ----- answering ----- */

static RowsAnswer
answer_of(bool truth)
{
	return truth ? ROWS_TRUE : ROWS_FALSE;
}

static RowsAnswer
test_rows(Batch *batch, ContactRows *contact, int id)
{
	int i;

	for (i = 0; i < contact->n; i++)
		if (AtomOnRow(batch->program, &contact->rows[i], id, batch->now))
			return ROWS_TRUE;
	return contact->complete ? ROWS_FALSE : ROWS_TOO_MANY;
}

static RowsAnswer
test_value(Batch *batch, ContactRows *contact, int id)
{
	Program *program = batch->program;
	Datum value;
	bool isnull;

	if (!contact->complete && FacetIsOpaque(ProgramAtomGet(program, id)->argument))
		return ROWS_TOO_MANY;
	if (!RowAggregate(program, id, contact->rows, contact->n, batch->now, &value, &isnull))
		return ROWS_TOO_MANY;
	if (!contact->complete && !RowAggregateIsDecided(program, id, value))
		return ROWS_TOO_MANY;
	return answer_of(!isnull && RowAggregateSatisfies(program, id, value, batch->now));
}

static RowsReader *
new_reader(Batch *batch)
{
	RowsReader *reader = MemoryContextAllocZero(GetMemoryChunkContext(batch), sizeof(RowsReader));

	reader->context = GetMemoryChunkContext(batch);
	reader->sources =
		MemoryContextAllocZero(reader->context, sizeof(ContactRows *) * batch->program->nsources);
	return reader;
}

/*
 * The truth of an atom over related rows on one contact, or why it must be
 * asked of the database.  Where the batch looks up members, or brings a
 * snapshot, indexes stay open until RelatedRowsClose.
 */
RowsAnswer
RelatedRowsAnswer(Batch *batch, int position, int id)
{
	ProgramAtom *patom = ProgramAtomGet(batch->program, id);
	AnswerMode mode = answer_mode(batch->program, rows_path(batch->program, patom->source), id);
	ContactRows *contact;

	if (mode == MODE_QUERY)
		return ROWS_UNREADABLE;
	if (batch->reader == NULL)
		batch->reader = new_reader(batch);
	contact = contact_rows(batch, position, patom->source);
	return mode == MODE_TEST ? test_rows(batch, contact, id) : test_value(batch, contact, id);
}

/*
 * All of a contact's rows of a source, in memory until another's are read.
 * False: they are not readable, or too many.
 */
bool
RelatedRowsRead(Batch *batch, int position, RowSource *source, RowVersion **rows, int *n)
{
	ContactRows *contact;

	if (!rows_path(batch->program, source)->usable)
		return false;
	if (batch->reader == NULL)
		batch->reader = new_reader(batch);
	contact = contact_rows(batch, position, source);
	*rows = contact->rows;
	*n = contact->n;
	return contact->complete;
}

/*
 * How many rows of a source a contact has, or had before our statement, at most:
 * as many as lead to them in the index, none of which is looked at.  -1: not
 * told, or more than are read.  For a batch that keeps indexes open.
 */
int
RelatedRowsAtMost(Batch *batch, int position, RowSource *source)
{
	RowsPath *path = rows_path(batch->program, source);
	ContactRows *contact;
	MemoryContext old;
	int n;

	if (!path->usable || OidIsValid(path->links.index) || path->reference != InvalidAttrNumber)
		return -1;
	if (batch->reader == NULL)
		batch->reader = new_reader(batch);
	contact = rows_of_source(batch->reader, batch, source);
	/* reading them costs nothing any more */
	if (contact->position == position)
		return -1;
	old = MemoryContextSwitchTo(batch->reader->context);
	if (!contact->open)
		open_probes(batch, source, contact);
	n = TreeProbeCount(&contact->probe, batch->keys[position], MANY_ROWS);
	MemoryContextSwitchTo(old);
	return n > MANY_ROWS ? -1 : n;
}

/*
 * Of the contact's rows, which were read, put those first that are older than a
 * command of ours.  Returns how many there are; -1 where that can't be told, or
 * where one is an older row that the command changed.
 */
int
RelatedRowsOlder(Batch *batch, int position, RowSource *source, CommandId command)
{
	ContactRows *contact = contact_rows(batch, position, source);
	int n = 0;
	int i;

	if (!contact->dated)
		return -1;
	for (i = 0; i < contact->n; i++)
	{
		HeapTupleHeader header = ExecFetchSlotHeapTuple(contact->rows[i].slot, false, NULL)->t_data;
		RowVersion row = contact->rows[i];

		if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header)) &&
			HeapTupleHeaderGetCmin(header) >= command)
		{
			if (header->t_infomask & HEAP_UPDATED)
				return -1;
			continue;
		}
		contact->rows[i] = contact->rows[n];
		contact->rows[n++] = row;
	}
	return n;
}
