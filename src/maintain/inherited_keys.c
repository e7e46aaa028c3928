/*
 * inherited_keys.c - a contact's key is its own, also where tables that inherit
 * hold contacts.
 *
 * The server sees to it within each table, and over all partitions, but not
 * between a table and what inherits from it.  Members know contacts by their
 * keys: two with one key would be one there.
 */
#include "postgres.h"

#include "maintain/inherited_keys.h"

#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "maintain/statement_delta.h"
#include "maintain/uncommitted.h"
#include "program/keys.h"
#include "program/program.h"

static Datum
key_of(Program *program, TupleTableSlot *slot)
{
	bool isnull;

	return slot_getattr(slot, program->table->key_attnum, &isnull);
}

static void
check_key(Program *program, Relation contacts, Datum key)
{
	Oid output;
	bool varlena;

	if (!UncommittedKeyIsTaken(program, contacts, key))
		return;
	getTypeOutputInfo(program->table->key_type, &output, &varlena);
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("duplicate key of contact table \"%s\"", RelationGetRelationName(contacts)),
			 errdetail("Key (%s)=(%s) is in another table that inherits, or is inherited from.",
					   program->table->key_column, OidOutputFunctionCall(output, key))));
}

/*
 * An error where a statement gave a contact the key of another, in another of
 * the tables that hold contacts.
 */
void
InheritedKeysCheck(Program *program, Relation contacts, StatementDelta *delta)
{
	TupleTableSlot *before;
	TupleTableSlot *after;

	if (contacts->rd_rel->relkind != RELKIND_RELATION || !contacts->rd_rel->relhassubclass ||
		delta->new_rows == NULL)
		return;
	before = MakeSingleTupleTableSlot(RelationGetDescr(contacts), &TTSOpsMinimalTuple);
	after = MakeSingleTupleTableSlot(RelationGetDescr(contacts), &TTSOpsMinimalTuple);
	StatementDeltaRewind(delta);
	while (StatementDeltaNext(delta, before, after))
		if (delta->old_rows == NULL ||
			ProgramCompareKeys(program, key_of(program, before), key_of(program, after)) != 0)
			check_key(program, contacts, key_of(program, after));
	ExecDropSingleTupleTableSlot(before);
	ExecDropSingleTupleTableSlot(after);
}
