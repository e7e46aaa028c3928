/*
 * direct_table.c - a table beside a contact table, with its indexes, that rows
 * are written straight into.
 */
#include "postgres.h"

#include "member/direct_table.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/index_choice.h"
#include "definition/contact_table.h"
#include "definition/table_beside.h"

static bool
is_plain_index(Relation index)
{
	Form_pg_index form = index->rd_index;

	return form->indisvalid && form->indisready && form->indimmediate && !form->indisexclusion &&
		   RelationGetIndexExpressions(index) == NIL && RelationGetIndexPredicate(index) == NIL;
}

/* Can members be looked up by contact and segment? */
static bool
is_by_contact(Relation index, Oid key_type)
{
	Form_pg_index form = index->rd_index;

	return form->indnkeyatts == 2 && form->indkey.values[0] == Anum_member_contact_id &&
		   form->indkey.values[1] == Anum_member_segment_id &&
		   IndexIsOfServer(index, 0, key_type) && IndexIsOfServer(index, 1, INT8OID) &&
		   index->rd_indoption[0] == 0 && index->rd_indoption[1] == 0;
}

/* The log, which is only added to, may have triggers of other kinds. */
static bool
has_insert_trigger(const TriggerDesc *triggers, int natts)
{
	if (triggers == NULL || natts != Natts_change)
		return triggers != NULL;
	return triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
		   triggers->trig_insert_before_statement || triggers->trig_insert_after_statement ||
		   triggers->trig_insert_new_table;
}

static bool
is_plain_table(Relation rel, int natts)
{
	TupleConstr *constraints = RelationGetDescr(rel)->constr;
	int i;

	if (rel->rd_rel->relkind != RELKIND_RELATION || RelationGetDescr(rel)->natts != natts ||
		has_insert_trigger(rel->trigdesc, natts) || rel->rd_rules != NULL)
		return false;
	if (constraints && (constraints->num_check > 0 || constraints->has_generated_stored))
		return false;
	for (i = 0; i < natts; i++)
		if (TupleDescAttr(RelationGetDescr(rel), i)->attisdropped)
			return false;
	return true;
}

/*
 * Open a table beside a contact table, and its indexes.  False: rows can't be
 * written straight into it, as it is not as segments.attach() made it.
 */
bool
DirectTableOpen(DirectTable *table, const ContactTable *contacts, BesideKind kind, int natts)
{
	List *indexes;
	ListCell *cell;
	bool plain;
	Oid key;

	table->rel = BesideOpenOf(contacts, kind, RowExclusiveLock);
	plain = is_plain_table(table->rel, natts);
	key = kind == BESIDE_CHANGE ? InvalidOid : BesideKeyIndex(table->rel);
	indexes = RelationGetIndexList(table->rel);
	table->indexes = palloc(sizeof(Relation) * Max(list_length(indexes), 1));
	table->infos = palloc(sizeof(IndexInfo *) * Max(list_length(indexes), 1));
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);

		table->indexes[table->nindexes] = index;
		table->infos[table->nindexes++] = BuildIndexInfo(index);
		plain = plain && is_plain_index(index);
		if (RelationGetRelid(index) == key)
			table->primary = index;
		else if (kind == BESIDE_MEMBER && is_by_contact(index, contacts->key_type))
			table->by_contact = index;
	}
	list_free(indexes);
	table->ncolumns = natts;
	return plain;
}

/*
 * Close a table that is open for writing.
 */
void
DirectTableClose(DirectTable *table)
{
	int i;

	for (i = 0; i < table->nslots; i++)
		ExecDropSingleTupleTableSlot(table->slots[i]);
	for (i = 0; i < table->nindexes; i++)
	{
		IndexInsertCleanup(table->indexes[i], table->infos[i]);
		index_close(table->indexes[i], NoLock);
	}
	table_close(table->rel, NoLock);
}

/*
 * Row type of the first columns of a table.  In rows that end before the last
 * column, as in those from before it was added, the others are null.
 */
static TupleDesc
leading_columns(TupleDesc full, int n)
{
	TupleDesc desc = CreateTemplateTupleDesc(n);
	int i;

	for (i = 1; i <= n; i++)
		TupleDescCopyEntry(desc, i, full, i);
	TupleDescFinalize(desc);
	return desc;
}

/*
 * Is some index made of columns behind the first n?
 */
bool
DirectTableIsIndexedBehind(const DirectTable *table, int n)
{
	int i;
	int column;

	for (i = 0; i < table->nindexes; i++)
		for (column = 0; column < table->infos[i]->ii_NumIndexAttrs; column++)
			if (table->infos[i]->ii_IndexAttrNumbers[column] > n)
				return true;
	return false;
}

/*
 * An empty slot for the ith row of a block.
 *
 * The slots share a row type that isn't counted: a resource owner finds its
 * place for the thousandth reference to the same one by passing all others,
 * and does so again for every slot that the server makes meanwhile.
 */
TupleTableSlot *
DirectTableSlot(DirectTable *table, int i)
{
	if (table->slots == NULL)
	{
		table->slots = palloc(sizeof(TupleTableSlot *) * DIRECT_BLOCK);
		table->desc = leading_columns(RelationGetDescr(table->rel), table->ncolumns);
	}
	while (table->nslots <= i)
		table->slots[table->nslots++] =
			MakeSingleTupleTableSlot(table->desc, table_slot_callbacks(table->rel));
	return ExecClearTuple(table->slots[i]);
}

/*
 * Write the first rows of a block into the heap; their slots tell where.  Nothing
 * else looks whether the transaction may write.
 */
void
DirectTableInsert(DirectTable *table, int n, CommandId command)
{
	if (!table->rel->rd_islocaltemp)
		PreventCommandIfReadOnly("INSERT");
	if (n == 1)
		table_tuple_insert(table->rel, table->slots[0], command, 0, NULL);
	else
		table_multi_insert(table->rel, table->slots, n, command, 0, NULL);
}

/*
 * A row's entry in one of the indexes.  False when a unique one has such an
 * entry already, where that is only checked.
 */
bool
DirectTableInsertEntry(DirectTable *table, int index, TupleTableSlot *slot, IndexUniqueCheck check)
{
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	FormIndexDatum(table->infos[index], slot, NULL, values, nulls);
	return index_insert(table->indexes[index], values, nulls, &slot->tts_tid, table->rel, check,
						false, table->infos[index]);
}

/*
 * Take back rows that a unique index refused.  Returns the command that goes on
 * writing.
 */
CommandId
DirectTableTakeBack(DirectTable *table, ItemPointerData *tids, int n)
{
	int i;

	/* a command cannot delete what it inserted itself */
	CommandCounterIncrement();
	for (i = 0; i < n; i++)
		simple_heap_delete(table->rel, &tids[i]);
	CommandCounterIncrement();
	return GetCurrentCommandId(true);
}
