/*
 * triggers.c - segments_internal.maintain(), the one trigger function.
 *
 * Statement-level AFTER triggers on the contact table and on every table whose
 * rows belong to contacts come here, with transition tables; so do those on
 * their partitions and on what inherits from them.  A statement that
 * changed nothing, or a table that no segment reads, costs a look into a hash
 * table.
 *
 * What a subscription brings fires no statement triggers.  There a row-level
 * trigger, where it was asked for, stands for a statement that changed one row.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/table_tree.h"
#include "build/build.h"
#include "build/build_repair.h"
#include "log/change_log.h"
#include "maintain/contact_delta.h"
#include "maintain/generated_rows.h"
#include "maintain/inherited_keys.h"
#include "maintain/point_trigger.h"
#include "maintain/related_delta.h"
#include "maintain/set_aside.h"
#include "maintain/statement_delta.h"
#include "maintain/tree_delta.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "program/readers.h"
#include "program/session.h"

static void
check_protocol(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function segments_internal.maintain was not called by trigger manager")));
	if (!TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function segments_internal.maintain must be fired AFTER")));
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		return;
	if ((TRIGGER_FIRED_BY_UPDATE(data->tg_event) && (!data->tg_oldtable || !data->tg_newtable)) ||
		(TRIGGER_FIRED_BY_INSERT(data->tg_event) && !data->tg_newtable) ||
		(TRIGGER_FIRED_BY_DELETE(data->tg_event) && !data->tg_oldtable))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("trigger \"%s\" has no transition tables", data->tg_trigger->tgname),
						errhint("Attach the table again with segments.attach().")));
}

static bool
is_empty(Tuplestorestate *store)
{
	return store == NULL || tuplestore_tuple_count(store) == 0;
}

static StatementDelta
statement_delta(TriggerData *data, bool others_fire)
{
	StatementDelta delta = {0};

	delta.relid = RelationGetRelid(data->tg_relation);
	delta.truncated = TRIGGER_FIRED_BY_TRUNCATE(data->tg_event);
	delta.alone = ActiveSnapshotSet() && !SessionRanInside();
	if (delta.alone)
		delta.command = GetActiveSnapshot()->curcid;
	delta.others_fire = others_fire || SessionRanInside();
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) || TRIGGER_FIRED_BY_DELETE(data->tg_event))
		delta.old_rows = data->tg_oldtable;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) || TRIGGER_FIRED_BY_INSERT(data->tg_event))
		delta.new_rows = data->tg_newtable;
	return delta;
}

/* ----- rows that came, changed or went ----- */

static Program *
begin_maintenance(Oid contact_table, Relation changed)
{
	Program *program = SetAsideUncompiled(ProgramGetFor(contact_table, changed));

	SessionBegin(program);
	if (program->image->foreign_functions)
		SessionEnter();
	return program;
}

/* False: definitions have changed meanwhile. */
static bool
try_maintain_table(Oid contact_table, TriggerData *data, StatementDelta *delta)
{
	Program *program = begin_maintenance(contact_table, data->tg_relation);
	bool done;

	if (contact_table == delta->relid)
	{
		InheritedKeysCheck(program, data->tg_relation, delta);
		ContactDelta(program, delta);
	}
	done = RelatedDelta(program, delta);
	if (done)
		PointTriggersFire(program, data);
	SessionEnd();
	return done;
}

static void
maintain_table(Oid contact_table, TriggerData *data, StatementDelta *delta)
{
	delta->holds_definitions = false;
	while (!try_maintain_table(contact_table, data, delta))
		CHECK_FOR_INTERRUPTS();
}

static void
maintain_rows(TriggerData *data, bool others_fire, List *contact_tables)
{
	StatementDelta delta = statement_delta(data, others_fire);
	ListCell *cell;

	foreach (cell, contact_tables)
		maintain_table(lfirst_oid(cell), data, &delta);
}

/* A statement that names a partition, or a table that inherits. */
static void
maintain_part(TriggerData *data, const Readers *readers, List *contact_tables)
{
	Relation attached = table_open(readers->attached, AccessShareLock);
	bool others_fire = readers->others_fire;
	TriggerData *mapped = TreeDeltaBegin(data, attached);

	maintain_rows(mapped, others_fire, contact_tables);
	TreeDeltaEnd(mapped, data);
	table_close(attached, NoLock);
}

/* ----- tables that were emptied ----- */

/*
 * A partitioned table was truncated, and nothing was maintained since: that its
 * partitions were too, whose triggers fire next, is seen to already.
 */
static Oid emptied = InvalidOid;
static TransactionId emptied_in; /* of a savepoint its own */
static uint64 emptied_at;

static bool
is_seen_to(Relation rel)
{
	return OidIsValid(emptied) && emptied_in == GetCurrentTransactionId() &&
		   emptied_at == SessionsBegun() &&
		   list_member_oid(TableTreeAbove(RelationGetRelid(rel)), emptied);
}

static void
note_emptied(Relation rel)
{
	emptied =
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? RelationGetRelid(rel) : InvalidOid;
	emptied_in = GetCurrentTransactionId();
	emptied_at = SessionsBegun();
}

/* whole: no other table holds rows of the attached one. */
static void
empty_table(Oid contact_table, Relation attached, bool whole)
{
	Program *program = begin_maintenance(contact_table, attached);
	StatementDelta delta = {RelationGetRelid(attached), NULL, NULL, true};

	SessionEnter();
	if (contact_table == delta.relid && whole)
		ContactDelta(program, &delta);
	else if (contact_table == delta.relid)
		BuildForgetMissing(program);
	BuildSegmentsReading(program, delta.relid, CAUSE_FILTER);
	SessionEnd();
}

static void
maintain_emptied(TriggerData *data, const Readers *readers, List *contact_tables)
{
	Relation attached;
	bool whole;
	ListCell *cell;

	if (is_seen_to(data->tg_relation))
		return;
	attached = table_open(readers->attached, AccessShareLock);
	whole = RelationGetRelid(attached) == RelationGetRelid(data->tg_relation) &&
			(attached->rd_rel->relkind == RELKIND_PARTITIONED_TABLE || TableTreeIsOne(attached));
	foreach (cell, contact_tables)
		empty_table(lfirst_oid(cell), attached, whole);
	note_emptied(data->tg_relation);
	table_close(attached, NoLock);
}

/* ----- rows that a subscription brings ----- */

/* A statement that changed one row. */
typedef struct RowStatement
{
	TriggerData data;
	Trigger trigger;
} RowStatement;

static Tuplestorestate *
store_row(HeapTuple row)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);

	tuplestore_puttuple(store, row);
	return store;
}

static TriggerData *
statement_of_row(TriggerData *data, RowStatement *statement)
{
	bool is_update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);

	statement->data = *data;
	statement->trigger = *data->tg_trigger;
	statement->trigger.tgoldtable = pstrdup("segments_old");
	statement->trigger.tgnewtable = pstrdup("segments_new");
	statement->data.tg_trigger = &statement->trigger;
	statement->data.tg_event &= ~TRIGGER_EVENT_ROW;
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event))
		statement->data.tg_oldtable = store_row(data->tg_trigtuple);
	if (!TRIGGER_FIRED_BY_DELETE(data->tg_event))
		statement->data.tg_newtable = store_row(is_update ? data->tg_newtuple : data->tg_trigtuple);
	return &statement->data;
}

static void
maintain_statement(TriggerData *data, Oid function)
{
	const Readers *readers = ReadersOf(data->tg_relation, function);
	List *contact_tables = list_copy(readers->contact_tables);

	if (contact_tables == NIL)
		return;
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		maintain_emptied(data, readers, contact_tables);
	else if (readers->attached == readers->relid)
		maintain_rows(data, readers->others_fire, contact_tables);
	else
		maintain_part(data, readers, contact_tables);
}

/*
 * segments_internal.maintain()
 */
PG_FUNCTION_INFO_V1(segments_maintain);
Datum
segments_maintain(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	RowStatement statement;
	TriggerData complete;

	check_protocol(fcinfo);
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		data = statement_of_row(data, &statement);
	if (!TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) && is_empty(data->tg_oldtable) &&
		is_empty(data->tg_newtable))
		return PointerGetDatum(NULL);
	if (!GeneratedRowsMissing(data) ||
		!ReadersOf(data->tg_relation, fcinfo->flinfo->fn_oid)->parts_differ)
	{
		maintain_statement(data, fcinfo->flinfo->fn_oid);
		return PointerGetDatum(NULL);
	}
	complete = *data;
	complete.tg_newtable = GeneratedRowsComplete(data);
	maintain_statement(&complete, fcinfo->flinfo->fn_oid);
	tuplestore_end(complete.tg_newtable);
	return PointerGetDatum(NULL);
}

/* ----- tables that come with rows ----- */

static Tuplestorestate *
read_rows(Relation part, Relation attached)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleConversionMap *map = TableTreeMap(part, attached);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = TableBeginScan(part, snapshot);
	TupleTableSlot *slot = table_slot_create(part, NULL);
	TupleTableSlot *mapped = MakeSingleTupleTableSlot(RelationGetDescr(attached), &TTSOpsVirtual);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows,
								map ? execute_attr_map_slot(map->attrMap, slot, mapped) : slot);
	}
	ExecDropSingleTupleTableSlot(mapped);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	return rows;
}

/*
 * segments_internal.rows_came(contact_table, attached, part): to point triggers it is as
 * if they had been inserted.
 */
PG_FUNCTION_INFO_V1(segments_rows_came);
Datum
segments_rows_came(PG_FUNCTION_ARGS)
{
	Relation attached = table_open(PG_GETARG_OID(1), AccessShareLock);
	Relation part = table_open(PG_GETARG_OID(2), AccessShareLock);
	Trigger trigger = {0};
	TriggerData data = {T_TriggerData, TRIGGER_EVENT_INSERT | TRIGGER_EVENT_AFTER};

	if (part->rd_rel->relkind == RELKIND_RELATION)
	{
		trigger.tgnewtable = "segments_new";
		data.tg_relation = attached;
		data.tg_trigger = &trigger;
		data.tg_newtable = read_rows(part, attached);
		PointTriggersFire(begin_maintenance(PG_GETARG_OID(0), attached), &data);
		SessionEnd();
		tuplestore_end(data.tg_newtable);
	}
	table_close(part, NoLock);
	table_close(attached, NoLock);
	PG_RETURN_VOID();
}

/*
 * segments_internal.forget_missing(contact_table)
 */
PG_FUNCTION_INFO_V1(segments_forget_missing);
Datum
segments_forget_missing(PG_FUNCTION_ARGS)
{
	Program *program = ProgramGet(PG_GETARG_OID(0));

	SessionBegin(program);
	SessionEnter();
	BuildForgetMissing(program);
	SessionEnd();
	PG_RETURN_VOID();
}

/*
 * segments_internal.check_keys_differ(contact_table)
 */
PG_FUNCTION_INFO_V1(segments_check_keys_differ);
Datum
segments_check_keys_differ(PG_FUNCTION_ARGS)
{
	Program *program = ProgramGet(PG_GETARG_OID(0));

	SessionBegin(program);
	SessionEnter();
	BuildCheckKeys(program);
	SessionEnd();
	PG_RETURN_VOID();
}

/*
 * segments_internal.build_reading(contact_table, relation)
 */
PG_FUNCTION_INFO_V1(segments_build_reading);
Datum
segments_build_reading(PG_FUNCTION_ARGS)
{
	BuildSegmentsReading(ProgramGet(PG_GETARG_OID(0)), PG_GETARG_OID(1), CAUSE_FILTER);
	PG_RETURN_VOID();
}

/*
 * segments_internal.invalidate(contact_table)
 */
PG_FUNCTION_INFO_V1(segments_invalidate);
Datum
segments_invalidate(PG_FUNCTION_ARGS)
{
	ProgramInvalidate(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}
