/*
 * sql_text.c - SQL for the text of a value, by nobody's cast.
 *
 * Whoever owns a type can make a cast from it, whose function would run with the
 * rights of whoever reads the value: of the owner of a contact table, or of a
 * caller of segments.matches().  So a value of a type that is not the server's
 * becomes text by the output function, which only a superuser can give a type.
 * A cast without a function is no code, and only a superuser's either.
 */
#include "postgres.h"

#include "base/sql_text.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/type_name.h"

/* Is its text made without a function of whoever owns the type? */
static bool
is_cast_by_server(Oid base)
{
	return base < FirstNormalObjectId || IsBinaryCoercible(base, TEXTOID);
}

/*
 * Are values of these types compared, if at all, without a cast of whoever owns
 * one of them?
 */
bool
TypesMeetByServer(Oid left, Oid right)
{
	left = getBaseType(left);
	right = getBaseType(right);
	return left == right || (is_cast_by_server(left) && is_cast_by_server(right));
}

/* Its output function, called. */
static char *
output_of(const char *value, Oid base)
{
	Oid output;
	bool varlena;

	getTypeOutputInfo(base, &output, &varlena);
	return psprintf("pg_catalog.textin(%s((%s)::%s))",
					quote_qualified_identifier(get_namespace_name(get_func_namespace(output)),
											   get_func_name(output)),
					value, UnmodifiedTypeName(base));
}

/*
 * The text of a value of this type, given as SQL; null for null.
 */
char *
SqlTextOf(const char *value, Oid type)
{
	Oid base = getBaseType(type);

	if (is_cast_by_server(base))
		return psprintf("(%s)::pg_catalog.text", value);
	return output_of(value, base);
}

/*
 * The same for the elements of an array: an array of their texts.
 */
char *
SqlTextsOf(const char *value, Oid type)
{
	Oid base = getBaseType(type);

	if (is_cast_by_server(getBaseType(get_element_type(base))))
		return psprintf("(%s)::pg_catalog.text[]", value);
	return psprintf("(%s)::pg_catalog.text[]", output_of(value, base));
}

/*
 * segments_internal.types_meet_by_server(type, other)
 */
PG_FUNCTION_INFO_V1(segments_types_meet_by_server);
Datum
segments_types_meet_by_server(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(TypesMeetByServer(PG_GETARG_OID(0), PG_GETARG_OID(1)));
}
