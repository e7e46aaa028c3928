/*
 * type_name.c - a type's name, in SQL that casts to it.
 */
#include "postgres.h"

#include "base/type_name.h"

#include "utils/builtins.h"

/*
 * The name of a type, qualified, without a modifier.  To be without one must be
 * said: character, which format_type_be() has for bpchar, is character(1), and
 * a cast to that cuts.
 */
char *
UnmodifiedTypeName(Oid type)
{
	return format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}
