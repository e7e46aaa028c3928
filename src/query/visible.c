/*
 * visible.c - contacts that row security lets the caller see, and keys given as
 * text.
 *
 * Filters are evaluated as the owner of the contact table, for whom its row
 * security is not.  Where it is for the caller, the keys that were found are
 * looked for once more, as the caller: what the policies run then runs as in
 * any query of the caller's.
 *
 * A text becomes a key by the input function of the key's base type: no
 * constraint of a domain is checked, as whoever has another key is not a contact.
 * Input functions of composite types and ranges can run one all the same; so
 * they run as the owner of the contact table, whose type it is.
 *
 * A key becomes a text by the output function of its type, with the settings
 * that everything runs with: any session reads that text as the same key.  A
 * cast to text would be code of whoever owns the type.
 */
#include "postgres.h"

#include "query/visible.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/secure.h"
#include "definition/contact_table.h"
#include "definition/owner_message.h"

PG_FUNCTION_INFO_V1(segments_key_in);
PG_FUNCTION_INFO_V1(segments_value_text);

#define FETCH_ROWS 10000

/* ----- keys ----- */

/*
 * Rows of one column, a key.
 */
TupleDesc
KeyDesc(const ContactTable *table)
{
	TupleDesc desc = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(desc, 1, "key", getBaseType(table->key_type), -1, 0);
	TupleDescFinalize(desc);
	return desc;
}

/* With the settings of the session, in which the text was written. */
static Datum
key_in(const ContactTable *table, Oid type, const char *text)
{
	SecureContext secure;
	Oid input;
	Oid param;
	Datum result;

	getTypeInputInfo(type, &input, &param);
	SecureBecome(&secure, table->owner);
	result = OidInputFunctionCall(input, unconstify(char *, text), param, -1);
	SecureLeave(&secure);
	return result;
}

/*
 * A text as a key of a contact table, of its base type.
 */
Datum
KeyOfText(const ContactTable *table, const char *text)
{
	return key_in(table, getBaseType(table->key_type), text);
}

/* What the caller wants it to be must be what it is. */
static void
check_key_type(Oid wanted, Oid type)
{
	if (wanted != type)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("keys are of type %s, not %s", format_type_be(type),
							   format_type_be(wanted))));
}

/*
 * A text as a key of the contact table with this id, whose keys have this base
 * type.
 */
Datum
KeyOfTextIn(Oid relid, Oid type, char *text)
{
	ContactTable *table;

	/* nobody's code can run: not worth reading the catalogue for each key */
	if (type < FirstGenbkiObjectId && get_typtype(type) == TYPTYPE_BASE)
	{
		Oid input;
		Oid param;

		getTypeInputInfo(type, &input, &param);
		return OidInputFunctionCall(input, text, param, -1);
	}
	table = CatalogContactTable(relid, false);
	check_key_type(type, getBaseType(table->key_type));
	return KeyOfText(table, text);
}

/*
 * segments_internal.key_in(contact_table, key text, type anyelement) -> anyelement
 */
Datum
segments_key_in(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(KeyOfTextIn(PG_GETARG_OID(0), get_fn_expr_argtype(fcinfo->flinfo, 2),
								text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* Is a value's text the same under all settings? */
static bool
is_free_of_settings(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case BOOLOID:
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
		case UUIDOID:
			return true;
		default:
			return type_is_enum(type);
	}
}

/*
 * A value as text.  Of a char(n) without the blanks that don't count.
 */
char *
ValueText(Datum value, Oid type)
{
	bool set;
	SecureContext secure;
	Oid output;
	bool varlena;
	char *result;

	type = getBaseType(type);
	if (type == BPCHAROID)
		return TextDatumGetCString(DirectFunctionCall1(rtrim1, value));
	set = !is_free_of_settings(type);
	getTypeOutputInfo(type, &output, &varlena);
	if (set)
		SecureEnter(&secure, InvalidOid);
	result = OidOutputFunctionCall(output, value);
	if (set)
		SecureLeave(&secure);
	return result;
}

/*
 * segments_internal.value_text(anyelement) -> text
 */
Datum
segments_value_text(PG_FUNCTION_ARGS)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);

	PG_RETURN_TEXT_P(cstring_to_text(ValueText(PG_GETARG_DATUM(0), type)));
}

/* ----- rows ----- */

/*
 * Run a query of one column over a contact table and put its rows into the
 * store.
 */
void
StoreQuery(const ContactTable *table, const char *sql, Tuplestorestate *store, TupleDesc desc)
{
	OwnerMessage message;
	SPIPlanPtr plan;
	Portal portal;

	OwnerMessageBegin(&message, table->relid);
	SPI_connect();
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
	do
	{
		uint64 i;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		for (i = 0; i < SPI_processed; i++)
		{
			bool isnull;
			Datum value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

			tuplestore_putvalues(store, desc, &value, &isnull);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	SPI_finish();
	OwnerMessageEnd(&message);
}

/* The next keys of a store as an array Datum; 0 when there are no more. */
static Datum
next_keys(Tuplestorestate *keys, TupleTableSlot *slot, Oid type)
{
	ArrayBuildState *state = NULL;
	int n = 0;

	while (n++ < FETCH_ROWS && tuplestore_gettupleslot(keys, true, false, slot))
	{
		bool isnull;
		Datum key = slot_getattr(slot, 1, &isnull);

		state = accumArrayResult(state, key, isnull, type, CurrentMemoryContext);
	}
	return state == NULL ? (Datum) 0 : makeArrayResult(state, CurrentMemoryContext);
}

static void
run_as_caller(const char *sql, Oid type, Datum value)
{
	if (SPI_execute_with_args(sql, 1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for contacts");
}

/*
 * Call a function with `select`, SQL over the contact c, for each of these keys
 * whose contact the current role sees.
 */
void
VisibleContacts(const ContactTable *table, Tuplestorestate *keys, const char *select,
				VisibleVisit visit, void *arg)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(KeyDesc(table), &TTSOpsMinimalTuple);
	Oid type = getBaseType(table->key_type);
	char *sql = psprintf("SELECT %s FROM %s c WHERE c.%s OPERATOR(pg_catalog.=) ANY ($1)", select,
						 table->name, table->key);
	MemoryContext caller = CurrentMemoryContext;
	Datum array;

	SPI_connect();
	while ((array = next_keys(keys, slot, type)) != (Datum) 0)
	{
		uint64 i;
		bool isnull;

		CHECK_FOR_INTERRUPTS();
		run_as_caller(sql, get_array_type(type), array);
		for (i = 0; i < SPI_processed; i++)
		{
			Datum value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
			MemoryContext inner = MemoryContextSwitchTo(caller);

			visit(arg, value, isnull);
			MemoryContextSwitchTo(inner);
		}
		SPI_freetuptable(SPI_tuptable);
		pfree(DatumGetPointer(array));
	}
	SPI_finish();
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Does the current role see a contact with this key, of the base type?
 */
bool
ContactIsVisible(const ContactTable *table, Datum key)
{
	bool found;

	SPI_connect();
	run_as_caller(
		psprintf("SELECT FROM %s c WHERE c.%s OPERATOR(pg_catalog.=) $1", table->name, table->key),
		getBaseType(table->key_type), key);
	found = SPI_processed > 0;
	SPI_finish();
	return found;
}
