/*
 * access.c - who the application's user is, and which segments they see.
 *
 * The user is what the settings segments.user_id and segments.user_name say,
 * else the session's role: the one that SET ROLE chose, else the one that
 * logged in.  It is the same inside functions that run with others' rights.
 *
 * Invariant: row security of segments.segment and the C functions ask the same
 * question here, so that they never disagree.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "definition/access.h"

PG_FUNCTION_INFO_V1(segments_user_id);
PG_FUNCTION_INFO_V1(segments_user_name);
PG_FUNCTION_INFO_V1(segments_may_see);

/* A setting's text, or NULL when it is empty. */
static const char *
setting_or_null(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value != NULL && *value != '\0' ? value : NULL;
}

/*
 * The id of the application's user; false when none is set.
 */
bool
AccessUserId(int64 *id)
{
	const char *value = setting_or_null("segments.user_id");
	char *end;

	if (value == NULL)
		return false;
	errno = 0;
	*id = strtoll(value, &end, 10);
	if (errno != 0 || *end != '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("setting segments.user_id is no whole number: \"%s\"", value)));
	return true;
}

/*
 * The name of the application's user, in the current memory context.
 */
char *
AccessUserName(void)
{
	const char *value = setting_or_null("segments.user_name");
	Oid role = GetCurrentRoleId();

	if (value != NULL)
		return pstrdup(value);
	return GetUserNameFromId(OidIsValid(role) ? role : GetSessionUserId(), false);
}

/* Did the application's user create this segment? */
static bool
is_own(const SegmentHandle *segment)
{
	int64 user;

	if (AccessUserId(&user))
		return segment->has_creator && segment->created_by == user;
	return segment->created_by_user != NULL &&
		   strcmp(segment->created_by_user, AccessUserName()) == 0;
}

/* Does a role own the table, or have the rights of its owner? */
static bool
has_rights_of_owner(Oid role, Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return superuser_arg(role);
	result = has_privs_of_role(role, ((Form_pg_class) GETSTRUCT(tuple))->relowner);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * May a role see this segment?  The owner of the contact table sees all;
 * others who may read the contact table see global ones and their own.
 */
bool
AccessMaySeeAs(Oid role, const SegmentHandle *segment)
{
	bool is_missing = false;

	if (pg_class_aclcheck_ext(segment->contact_table, role, ACL_SELECT, &is_missing) != ACLCHECK_OK)
		return is_missing && superuser_arg(role);
	return segment->is_global || is_own(segment) ||
		   has_rights_of_owner(role, segment->contact_table);
}

/*
 * May the current role see this segment?
 */
bool
AccessMaySee(const SegmentHandle *segment)
{
	return AccessMaySeeAs(GetUserId(), segment);
}

/*
 * Does the current role own a table, or have the rights of its owner?
 */
bool
AccessOwns(Oid relid)
{
	return has_rights_of_owner(GetUserId(), relid);
}

/* segments.user_id() */
Datum
segments_user_id(PG_FUNCTION_ARGS)
{
	int64 id;

	if (!AccessUserId(&id))
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

/* segments.user_name() */
Datum
segments_user_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(AccessUserName()));
}

/* segments.may_see(contact_table, is_global, created_by, created_by_user) */
Datum
segments_may_see(PG_FUNCTION_ARGS)
{
	SegmentHandle segment = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	segment.contact_table = PG_GETARG_OID(0);
	segment.is_global = PG_GETARG_BOOL(1);
	segment.has_creator = !PG_ARGISNULL(2);
	segment.created_by = segment.has_creator ? PG_GETARG_INT64(2) : 0;
	segment.created_by_user = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	PG_RETURN_BOOL(AccessMaySee(&segment));
}
