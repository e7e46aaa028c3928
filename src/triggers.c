/*
 * triggers.c - segments.maintain(), the one trigger function.
 *
 * Statement-level AFTER triggers on the contact table and on every table whose
 * rows belong to contacts come here, with transition tables.  A statement that
 * changed nothing, or a table that no segment reads, costs a look into a hash
 * table.
 *
 * What a subscription brings fires no statement triggers.  There a row-level
 * trigger, where it was asked for, stands for a statement that changed one row.
 */
#include "postgres.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "build/build.h"
#include "log/change_log.h"
#include "maintain/contact_delta.h"
#include "maintain/point_trigger.h"
#include "maintain/related_delta.h"
#include "maintain/set_aside.h"
#include "maintain/statement_delta.h"
#include "program/program.h"
#include "program/program_cache.h"
#include "program/session.h"

static void
check_protocol(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function segments.maintain was not called by trigger manager")));
	if (!TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function segments.maintain must be fired AFTER")));
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		return;
	if ((TRIGGER_FIRED_BY_UPDATE(data->tg_event) && (!data->tg_oldtable || !data->tg_newtable)) ||
		(TRIGGER_FIRED_BY_INSERT(data->tg_event) && !data->tg_newtable) ||
		(TRIGGER_FIRED_BY_DELETE(data->tg_event) && !data->tg_oldtable))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("trigger \"%s\" has no transition tables", data->tg_trigger->tgname),
						errhint("Attach the table again with segments.attach().")));
}

/*
 * Are there AFTER triggers that may change the same rows again before or after
 * us?  Then OLD and NEW are not the whole story.
 */
static bool
others_fire(FunctionCallInfo fcinfo, Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;
	int i;

	for (i = 0; i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (!trigger->tgisinternal && TRIGGER_FOR_AFTER(trigger->tgtype) &&
			trigger->tgfoid != fcinfo->flinfo->fn_oid)
			return true;
	}
	return false;
}

static bool
is_empty(Tuplestorestate *store)
{
	return store == NULL || tuplestore_tuple_count(store) == 0;
}

static StatementDelta
statement_delta(FunctionCallInfo fcinfo, TriggerData *data)
{
	StatementDelta delta = {0};

	delta.relid = RelationGetRelid(data->tg_relation);
	delta.truncated = TRIGGER_FIRED_BY_TRUNCATE(data->tg_event);
	delta.others_fire = others_fire(fcinfo, data->tg_relation) || SessionRanInside();
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) || TRIGGER_FIRED_BY_DELETE(data->tg_event))
		delta.old_rows = data->tg_oldtable;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) || TRIGGER_FIRED_BY_INSERT(data->tg_event))
		delta.new_rows = data->tg_newtable;
	return delta;
}

static void
maintain_table(Oid contact_table, TriggerData *data, StatementDelta *delta)
{
	Program *program = SetAsideUncompiled(ProgramGetFor(contact_table, data->tg_relation));

	SessionBegin(program);
	if (program->image->foreign_functions)
		SessionEnter();
	if (contact_table == delta->relid)
	{
		if (delta->old_rows)
			tuplestore_rescan(delta->old_rows);
		if (delta->new_rows)
			tuplestore_rescan(delta->new_rows);
		ContactDelta(program, delta);
	}
	if (delta->truncated)
	{
		SessionEnter();
		BuildSegmentsReading(program, delta->relid, CAUSE_FILTER);
	}
	else
		RelatedDelta(program, delta);
	PointTriggersFire(program, data);
	SessionEnd();
}

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

PG_FUNCTION_INFO_V1(segments_maintain);
Datum
segments_maintain(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	RowStatement statement;
	StatementDelta delta;
	ListCell *cell;

	check_protocol(fcinfo);
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		data = statement_of_row(data, &statement);
	delta = statement_delta(fcinfo, data);
	if (!delta.truncated && is_empty(delta.old_rows) && is_empty(delta.new_rows))
		return PointerGetDatum(NULL);
	foreach (cell, list_copy(ProgramTablesReading(delta.relid)))
		maintain_table(lfirst_oid(cell), data, &delta);
	return PointerGetDatum(NULL);
}

/*
 * segments.invalidate(contact_table)
 */
PG_FUNCTION_INFO_V1(segments_invalidate);
Datum
segments_invalidate(PG_FUNCTION_ARGS)
{
	ProgramInvalidate(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}
