/*
 * company_lock.c - hold a company while a contact is on its way to it.
 *
 * Whoever changes a company looks for its contacts by what is committed: links,
 * or what contacts' rows point at.  A contact that is on its way to the company
 * in our transaction is not found, and we don't see the company's change.  So a
 * new link, and a contact that is new or points elsewhere than before, holds
 * its company FOR SHARE until the transaction ends: the two take turns, at the
 * company.
 *
 * A contact that others see pointing at the company already is found, and they
 * wait for its lock: whichever transaction gets it last sees both changes.  It
 * holds nothing.  If it did, a write of the contact (which has the contact and
 * wants the company) and one of the company (which has the company and wants
 * its contacts) would wait for each other.
 */
#include "postgres.h"

#include "maintain/company_lock.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/secure.h"
#include "base/spi.h"
#include "base/sql_text.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "evaluate/batch.h"
#include "maintain/contact_lock.h"
#include "maintain/set_aside.h"
#include "maintain/uncommitted.h"
#include "program/program.h"
#include "program/session.h"

/*
 * Returns how many there are.  With the rights of the companies' owner: the
 * owner of the contact table needs SELECT on companies, as everywhere, and not
 * the UPDATE that FOR SHARE asks for.
 */
static uint64
hold(Program *program, RowSource *source, Oid type, Datum *keys, int nkeys)
{
	RelatedRows *rows = source->rows;
	const char *key = quote_identifier(rows->key_column);
	Oid array_type = get_array_type(type);
	int16 len;
	bool byval;
	char align;
	Datum value;
	SecureContext secure;
	uint64 held;

	SessionEnter();
	SecureEnter(&secure, CatalogRelationOwner(rows->relid));
	get_typlenbyvalalign(type, &len, &byval, &align);
	value = PointerGetDatum(construct_array(keys, nkeys, type, len, byval, align));
	SpiExecute(
		ProgramPlan(program, &source->share_plan,
					psprintf("SELECT FROM %s r WHERE r.%s = ANY ($1) ORDER BY r.%s FOR SHARE",
							 CatalogRelationName(rows->relid), key, key),
					1, &array_type),
		&value, SPI_OK_SELECT);
	held = SPI_processed;
	SPI_freetuptable(SPI_tuptable);
	SecureLeave(&secure);
	return held;
}

static int
compare_words(const void *a, const void *b)
{
	Datum left = *(const Datum *) a;
	Datum right = *(const Datum *) b;

	return left < right ? -1 : left > right;
}

/* The same keys, each once where that is easily told. */
static int
drop_repeated(Oid type, Datum *keys, int nkeys)
{
	int kept = 0;
	int i;

	if (!get_typbyval(type))
		return nkeys;
	qsort(keys, nkeys, sizeof(Datum), compare_words);
	for (i = 0; i < nkeys; i++)
		if (kept == 0 || keys[kept - 1] != keys[i])
			keys[kept++] = keys[i];
	return kept;
}

/*
 * May the owner of the contacts read the companies still, and are they found by
 * no cast of anybody's, which would run with the rights of the companies' owner?
 * Asked before, as a subtransaction would have an id for the locks that it
 * takes.  If not, the segments that read them can't be evaluated.
 */
static bool
may_hold(Program *program, RowSource *source, Oid type)
{
	Oid relid = source->rows->relid;
	Oid key = get_atttype(relid, get_attnum(relid, source->rows->key_column));
	ErrorData error = {0};

	if (pg_class_aclcheck(relid, program->table->owner, ACL_SELECT) != ACLCHECK_OK)
	{
		error.sqlerrcode = ERRCODE_INSUFFICIENT_PRIVILEGE;
		error.message = psprintf("permission denied for table %s", get_rel_name(relid));
	}
	else if (!TypesMeetByServer(type, key))
	{
		error.sqlerrcode = ERRCODE_DATATYPE_MISMATCH;
		error.message = psprintf("types %s and %s cannot be compared", format_type_be(type),
								 format_type_be(key));
	}
	else
		return true;
	SetAsideReading(program, source, &error);
	return false;
}

/*
 * Hold the rows of a source that have these keys, of type `type`, in key order.
 * Those that somebody is inserting are waited for; looking: by the statement that
 * wrote links to them, or NULL.  The keys are reordered.
 */
void
CompanyHold(Program *program, RowSource *source, const Looking *looking, Oid type, Datum *keys,
			int nkeys)
{
	if (!may_hold(program, source, type))
		return;
	nkeys = drop_repeated(type, keys, nkeys);
	while (hold(program, source, type, keys, nkeys) < (uint64) nkeys &&
		   UncommittedWaitForCompanies(program, source, looking, type, keys, nkeys))
		;
}

/* ----- contacts that point at their company themselves ----- */

/* Did our transaction write this version of the contact? */
static bool
is_ours(TupleTableSlot *slot)
{
	bool isnull;
	Datum xmin = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull);

	return !TransactionIdIsValid(DatumGetTransactionId(xmin)) ||
		   TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin));
}

/*
 * A snapshot of what all others see: the latest, before our first command.
 */
static Snapshot
others_snapshot(void)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());

	snapshot->curcid = FirstCommandId;
	return snapshot;
}

/* Do others see the contact pointing at the same? */
static bool
is_seen(ContactProbe *others, Form_pg_attribute column, Datum key, Datum reference)
{
	TupleTableSlot *slot = ContactProbeAsk(others, key);
	Datum value;
	bool isnull;

	if (slot == NULL)
		return false;
	value = slot_getattr(slot, column->attnum, &isnull);
	return !isnull && datumIsEqual(value, reference, column->attbyval, column->attlen);
}

/* What contacts of the batch point at and others don't see yet. */
static void
collect_new(Batch *batch, Form_pg_attribute column, DatumVector *references)
{
	ContactProbe others = {0};
	int i;

	for (i = 0; i < batch->nrows; i++)
	{
		TupleTableSlot *slot = batch->rows[i].slot;
		Datum reference;
		bool isnull;

		if (slot == NULL)
			continue;
		BatchVisit(batch, i);
		if (!is_ours(slot))
			continue;
		reference = slot_getattr(slot, column->attnum, &isnull);
		if (isnull)
			continue;
		if (others.rel == NULL)
			ContactProbeBegin(&others, batch->program, others_snapshot());
		if (!is_seen(&others, column, batch->keys[i], reference))
			DatumVectorAdd(references, reference);
	}
	if (others.rel != NULL)
		ContactProbeEnd(&others);
}

/*
 * Hold the companies that contacts of the batch newly point at.  The contacts
 * are locked.  looking: by the statement that wrote them, or NULL.
 */
void
CompanyHoldReferenced(Batch *batch, const Looking *looking)
{
	Program *program = batch->program;
	int i;

	for (i = 1; i < program->nsources; i++)
	{
		RelatedRows *rows = program->sources[i]->rows;
		Form_pg_attribute column;
		DatumVector references;

		if (rows->contact_reference == NULL)
			continue;
		column = TupleDescAttr(program->sources[0]->desc,
							   get_attnum(program->relid, rows->contact_reference) - 1);
		DatumVectorInit(&references, CurrentMemoryContext, column->attbyval, column->attlen);
		collect_new(batch, column, &references);
		if (references.n > 0)
			CompanyHold(program, program->sources[i], looking, column->atttypid, references.items,
						references.n);
	}
}
