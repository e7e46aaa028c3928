/*
 * related_contacts.c - rows of a company or of something linked -> the
 * contacts that they belong to.
 *
 * Through the link table, or by what contacts' own rows point at; by an index,
 * without a query, where there is one that serves.  What is found is what is
 * committed and what our transaction wrote: who is on the way to the row in
 * another transaction is waiting for it (company_lock.c).
 */
#include "postgres.h"

#include "maintain/related_contacts.h"

#include "access/table.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/index_choice.h"
#include "base/result.h"
#include "base/spi.h"
#include "base/subtransaction.h"
#include "base/tree_probe.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "definition/related_sql.h"
#include "evaluate/row.h"
#include "maintain/set_aside.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "program/session.h"

/* ----- by an index ----- */

/* Rows that lead from the probe's keys to contacts, and their contacts' keys. */
static void
follow(Program *program, RowSource *leading, Facet *contact, TreeProbe *probe, Datum *keys,
	   int nkeys, DatumVector *contacts)
{
	RowVersion row;
	int i;

	RowVersionInit(&row, leading, NULL);
	for (i = 0; i < nkeys; i++)
	{
		TupleTableSlot *slot;

		TreeProbeFind(probe, keys[i]);
		while ((slot = TreeProbeNext(probe)) != NULL)
		{
			FacetState *state;

			CHECK_FOR_INTERRUPTS();
			RowVersionReset(&row, slot);
			state = RowFacet(program, &row, contact);
			if (!state->isnull)
				DatumVectorAdd(contacts, state->value);
		}
	}
}

/* Contacts whose own row points at these; false: ask the database. */
static bool
find_by_reference(Program *program, RowSource *source, Datum *keys, int nkeys,
				  DatumVector *contacts)
{
	Relation rel = ProgramTableOpen(program, program->relid, AccessShareLock);
	AttrNumber column = get_attnum(program->relid, source->rows->contact_reference);
	IndexChoice choice;
	bool found = IndexChoiceFind(rel, column, source->key->image->sql_type, &choice);

	if (found)
	{
		TreeProbe probe;
		Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
		int i;

		TreeProbeOpen(&probe, rel, column, &choice, snapshot, AccessShareLock);
		for (i = 0; i < nkeys; i++)
		{
			TupleTableSlot *slot;
			bool isnull;

			TreeProbeFind(&probe, keys[i]);
			while ((slot = TreeProbeNext(&probe)) != NULL)
				DatumVectorAdd(contacts, slot_getattr(slot, program->table->key_attnum, &isnull));
		}
		TreeProbeClose(&probe);
		UnregisterSnapshot(snapshot);
	}
	table_close(rel, NoLock);
	return found;
}

/* Contacts that are linked to these; false: ask the database. */
static bool
find_by_links(Program *program, RowSource *source, Datum *keys, int nkeys, DatumVector *contacts)
{
	Relation rel = ProgramTableOpen(program, source->rows->link_relid, AccessShareLock);
	AttrNumber column = get_attnum(source->rows->link_relid, source->rows->link_column);
	IndexChoice choice;
	bool found = IndexChoiceReadable(rel, program->table->owner) &&
				 IndexChoiceFind(rel, column, source->key->image->sql_type, &choice);

	if (found)
	{
		TreeProbe probe;
		Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());

		TreeProbeOpen(&probe, rel, column, &choice, snapshot, AccessShareLock);
		follow(program, source->link, source->link->contact, &probe, keys, nkeys, contacts);
		TreeProbeClose(&probe);
		UnregisterSnapshot(snapshot);
	}
	table_close(rel, NoLock);
	return found;
}

/* ----- by a query ----- */

/* The contacts that links to some rows lead to. */
static char *
links_sql(ContactTable *table, const RelatedRows *rows)
{
	char *key = RowContactKeySql(table, rows->link_relid, "l", rows->contact_column);

	return psprintf("SELECT DISTINCT %s FROM %s l WHERE l.%s = ANY ($1) AND %s IS NOT NULL", key,
					CatalogRelationName(rows->link_relid), quote_identifier(rows->link_column),
					key);
}

static void
find_by_query(Program *program, RowSource *source, Datum *keys, int nkeys, DatumVector *contacts)
{
	RelatedRows *rows = source->rows;
	Oid type = source->key->image->sql_type;
	Oid array_type = get_array_type(type);
	int16 len;
	bool byval;
	char align;
	Datum value;
	char *sql;
	uint64 i;

	if (rows->contact_reference)
		sql = psprintf("SELECT c.%s FROM %s c WHERE c.%s = ANY ($1)", program->table->key,
					   program->table->name, quote_identifier(rows->contact_reference));
	else
		sql = links_sql(program->table, rows);
	SessionEnter();
	get_typlenbyvalalign(type, &len, &byval, &align);
	value = PointerGetDatum(construct_array(keys, nkeys, type, len, byval, align));
	SpiExecute(ProgramPlan(program, &source->contacts_plan, sql, 1, &array_type), &value,
			   SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		DatumVectorAdd(contacts,
					   ResultValue(SPI_tuptable, i, 1, program->table->key_type, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
}

typedef struct Question
{
	Program *program;
	RowSource *source;
	Datum *keys;
	int nkeys;
	DatumVector *contacts;
} Question;

static void
ask(void *arg)
{
	Question *question = arg;

	find_by_query(question->program, question->source, question->keys, question->nkeys,
				  question->contacts);
}

/* What leads to the contacts can't be read: the segments can't be evaluated. */
static void
find_or_set_aside(Program *program, RowSource *source, Datum *keys, int nkeys,
				  DatumVector *contacts)
{
	Question question = {program, source, keys, nkeys, contacts};
	int before = contacts->n;
	ErrorData *error;

	SessionEnter();
	error = InSubtransaction(ask, &question, NULL);
	if (error == NULL)
		return;
	contacts->n = before;
	SetAsideReading(program, source, error);
	FreeErrorData(error);
}

/*
 * Add the keys of the contacts that rows with these keys belong to, some of
 * them perhaps twice.
 */
void
RelatedContacts(Program *program, RowSource *source, Datum *keys, int nkeys, DatumVector *contacts)
{
	bool found;

	CommandCounterIncrement();
	found = source->rows->contact_reference
				? find_by_reference(program, source, keys, nkeys, contacts)
				: find_by_links(program, source, keys, nkeys, contacts);
	if (!found)
		find_or_set_aside(program, source, keys, nkeys, contacts);
}
