/*
 * triggers.c - segments.maintain(), the one trigger function.
 *
 * Statement-level AFTER triggers on the contact table and on every table whose
 * rows belong to contacts come here, with transition tables.  A statement that
 * changed nothing, or a table that no segment reads, costs a look into a hash
 * table.
 */
#include "postgres.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

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
	if (!TRIGGER_FIRED_AFTER(data->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function segments.maintain must be fired AFTER, FOR EACH STATEMENT")));
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
statement_delta(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	StatementDelta delta = {0};

	delta.relid = RelationGetRelid(data->tg_relation);
	delta.truncated = TRIGGER_FIRED_BY_TRUNCATE(data->tg_event);
	delta.alone = ActiveSnapshotSet() && !SessionRanInside();
	if (delta.alone)
		delta.command = GetActiveSnapshot()->curcid;
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

PG_FUNCTION_INFO_V1(segments_maintain);
Datum
segments_maintain(PG_FUNCTION_ARGS)
{
	StatementDelta delta;
	ListCell *cell;

	check_protocol(fcinfo);
	delta = statement_delta(fcinfo);
	if (!delta.truncated && is_empty(delta.old_rows) && is_empty(delta.new_rows))
		return PointerGetDatum(NULL);
	foreach (cell, list_copy(ProgramTablesReading(delta.relid)))
		maintain_table(lfirst_oid(cell), (TriggerData *) fcinfo->context, &delta);
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
