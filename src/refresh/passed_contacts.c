/*
 * passed_contacts.c - contacts that have values which moving boundaries passed,
 * in the order of their keys.
 *
 * However many they are: contacts are locked in this order by all who lock
 * several, and who locked the first ten thousand before knowing the others would
 * come to a lower key with higher ones in hand.  So they are sorted, in work_mem
 * and beyond it on disk.
 */
#include "postgres.h"

#include "refresh/passed_contacts.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/resowner.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "base/compat.h"

#define NCOLUMNS 4 /* key, address of the value, at, range */

struct PassedContacts
{
	Tuplesortstate *sort;
	ResourceOwner owner; /* of what it writes to disk */
	TupleTableSlot *added;
	TupleTableSlot *slot; /* the next one, when it is ahead */
	bool ahead;
};

static TupleDesc
describe(Program *program)
{
	TupleDesc desc = CreateTemplateTupleDesc(NCOLUMNS);

	TupleDescInitEntry(desc, 1, "key", program->table->key_type, -1, 0);
	TupleDescInitEntry(desc, 2, "value", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 3, "at", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 4, "range", INT4OID, -1, 0);
	TupleDescFinalize(desc);
	return desc;
}

/*
 * An empty set, in the current memory context.  It may be filled in
 * subtransactions; when one is rolled back, the set is of no use any more.
 */
PassedContacts *
PassedContactsBegin(Program *program)
{
	PassedContacts *contacts = palloc0(sizeof(PassedContacts));
	TupleDesc desc = describe(program);
	AttrNumber column = 1;
	Oid less = lookup_type_cache(program->table->key_type, TYPECACHE_LT_OPR)->lt_opr;
	Oid collation = program->key_collation;
	bool nulls_first = false;

	contacts->owner = CurrentResourceOwner;
	contacts->added = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	contacts->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	contacts->sort = tuplesort_begin_heap(desc, 1, &column, &less, &collation, &nulls_first,
										  work_mem, NULL, false);
	return contacts;
}

/*
 * The key is copied; the value must stay.
 */
void
PassedContactsAdd(PassedContacts *contacts, Datum key, const PassedValue *value, int64 at,
				  int range)
{
	TupleTableSlot *slot = contacts->added;
	ResourceOwner present = CurrentResourceOwner;

	ExecClearTuple(slot);
	slot->tts_values[0] = key;
	slot->tts_values[1] = Int64GetDatum((int64) (intptr_t) value);
	slot->tts_values[2] = Int64GetDatum(at);
	slot->tts_values[3] = Int32GetDatum(range);
	memset(slot->tts_isnull, false, sizeof(bool) * NCOLUMNS);
	ExecStoreVirtualTuple(slot);
	CurrentResourceOwner = contacts->owner;
	tuplesort_puttupleslot(contacts->sort, slot);
	CurrentResourceOwner = present;
}

/*
 * All were added.
 */
void
PassedContactsSort(PassedContacts *contacts)
{
	tuplesort_performsort(contacts->sort);
}

/*
 * The next one, which stays the next; false: there are no more.  Its key is good
 * until PassedContactsAdvance.
 */
bool
PassedContactsPeek(PassedContacts *contacts, PassedContact *next)
{
	TupleTableSlot *slot = contacts->slot;

	if (!contacts->ahead)
		contacts->ahead = tuplesort_gettupleslot(contacts->sort, true, false, slot, NULL);
	if (!contacts->ahead)
		return false;
	slot_getallattrs(slot);
	next->key = slot->tts_values[0];
	next->value = (const PassedValue *) (intptr_t) DatumGetInt64(slot->tts_values[1]);
	next->at = DatumGetInt64(slot->tts_values[2]);
	next->range = DatumGetInt32(slot->tts_values[3]);
	return true;
}

void
PassedContactsAdvance(PassedContacts *contacts)
{
	contacts->ahead = false;
}

void
PassedContactsEnd(PassedContacts *contacts)
{
	ExecDropSingleTupleTableSlot(contacts->added);
	ExecDropSingleTupleTableSlot(contacts->slot);
	tuplesort_end(contacts->sort);
	pfree(contacts);
}
