/*
 * wanted_key.c - contacts' keys in the type that the caller wants them in.
 *
 * Keys are read as the owner of the contact table, and the type that they are
 * wanted in may be somebody else's: a domain with a constraint, a type with a
 * cast.  None of these may run as the owner.  So as the owner keys are brought
 * to the base type of what is wanted only, by the server's own casts or their
 * own text; whether a domain takes them is asked as the caller.
 *
 * A text is made by the output function, not by a cast to text, which whoever
 * owns the keys' type may have made.
 */
#include "postgres.h"

#include "definition/wanted_key.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/type_name.h"
#include "definition/contact_table.h"

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID || type == NAMEOID;
}

/* Is there a cast between them that is the server's? */
static bool
is_cast_by_server(Oid from, Oid to)
{
	return from < FirstNormalObjectId && to < FirstNormalObjectId &&
		   can_coerce_type(1, &from, &to, COERCION_ASSIGNMENT);
}

/*
 * The base type of the type that keys are wanted in; an error when they cannot
 * be had in it.  InvalidOid: in their own.
 */
Oid
WantedKeyType(const ContactTable *table, Oid wanted)
{
	Oid from = getBaseType(table->key_type);
	Oid to = OidIsValid(wanted) ? getBaseType(wanted) : from;

	if (from != to && !is_text(to) && !is_cast_by_server(from, to))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("keys of contact table \"%s\" are of type %s, not %s",
						get_rel_name(table->relid), format_type_be(table->key_type),
						format_type_be(to)),
				 errhint("Give keys of that type, or as text; where keys are returned, add key => "
						 "NULL::%s.",
						 format_type_be(table->key_type))));
	return to;
}

/*
 * SQL for a key, given as SQL, in the base type of what is wanted.
 */
char *
WantedKeySql(const ContactTable *table, const char *key, Oid wanted)
{
	Oid from = getBaseType(table->key_type);
	Oid to = WantedKeyType(table, wanted);
	char *type;

	if (table->key_type == to)
		return pstrdup(key);
	type = UnmodifiedTypeName(to);
	return psprintf(
		from == to || is_cast_by_server(from, to) ? "(%s)::%s" : "pg_catalog.format('%%s', %s)::%s",
		key, type);
}

/*
 * A key in the base type of what is wanted, by its text.
 */
Datum
WantedKeyValue(const ContactTable *table, Datum key, Oid wanted)
{
	Oid to = WantedKeyType(table, wanted);
	Oid output;
	Oid input;
	Oid param;
	bool varlena;

	if (to == getBaseType(table->key_type))
		return key;
	getTypeOutputInfo(table->key_type, &output, &varlena);
	getTypeInputInfo(to, &input, &param);
	return OidInputFunctionCall(input, OidOutputFunctionCall(output, key), param, -1);
}

/*
 * Raise an error unless the domain that keys in this column (from 1) of a
 * store are wanted in takes them all; as the caller, whose domain it is.  The
 * keys' own has taken them before.
 */
void
WantedKeysConstrain(const ContactTable *table, Tuplestorestate *store, TupleDesc desc, int column)
{
	Oid wanted = TupleDescAttr(desc, column - 1)->atttypid;
	TupleTableSlot *slot;
	void *checks = NULL;
	int pointer;

	if (wanted == table->key_type || get_typtype(wanted) != TYPTYPE_DOMAIN)
		return;
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	pointer = tuplestore_alloc_read_pointer(store, 0);
	tuplestore_select_read_pointer(store, pointer);
	while (tuplestore_gettupleslot(store, true, false, slot))
	{
		bool isnull;
		Datum key = slot_getattr(slot, column, &isnull);

		CHECK_FOR_INTERRUPTS();
		domain_check(key, isnull, wanted, &checks, CurrentMemoryContext);
	}
	tuplestore_select_read_pointer(store, 0);
	ExecDropSingleTupleTableSlot(slot);
}
