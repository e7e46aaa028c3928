/*
 * access.c - who the application's user is, which segments they see, and what
 * they may ask and change.
 *
 * Every function that serves others than the owner of the contact table asks
 * one of these questions first, while it is the caller still:
 *
 *     AccessMaySee         is this a segment that one sees?
 *     AccessContactTable   may one ask about these contacts? (SELECT)
 *     AccessCheckChange    may one change segments of these contacts?
 *     AccessCheckOwner     is it one's own?
 *     AccessMayMonitor     may one look at what it costs?
 *     AccessHidesRows      does row security hide some contacts?
 *     AccessMaySeeValueAs  may one see what a contact has in a field?
 *
 * The user is what the settings segments.user_id and segments.user_name say,
 * else the session's role: the one that SET ROLE chose, else the one that
 * logged in.  It is the same inside functions that run with others' rights.
 *
 * Invariants: row security of segments.segment and the C functions ask the same
 * question here, so that they never disagree.  A segment that one doesn't see
 * does not exist, in whatever words that is asked.
 */
#include "postgres.h"

#include "definition/access.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "base/plain_expr.h"
#include "base/sql_expr.h"
#include "definition/contact_table.h"
#include "definition/field.h"

#define MAX_USER_NAME 255 /* characters */

PG_FUNCTION_INFO_V1(segments_user_id);
PG_FUNCTION_INFO_V1(segments_user_name);
PG_FUNCTION_INFO_V1(segments_may_see);
PG_FUNCTION_INFO_V1(segments_asker_may_see);
PG_FUNCTION_INFO_V1(segments_asker_may_follow);

/* A setting's text, or NULL when it is empty. */
static const char *
setting_or_null(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value != NULL && *value != '\0' ? value : NULL;
}

/* A whole number of 64 bits in digits, and nothing else? */
static bool
read_id(const char *value, int64 *id)
{
	char *end;

	if (*value != '-' && !isdigit((unsigned char) *value))
		return false;
	errno = 0;
	*id = strtoll(value, &end, 10);
	return errno == 0 && end != value && *end == '\0';
}

/*
 * Check hook of segments.user_id: empty, or a whole number.
 */
bool
AccessCheckUserId(char **newval, void **extra, GucSource source)
{
	int64 id;

	if (**newval == '\0' || read_id(*newval, &id))
		return true;
	GUC_check_errdetail("It must be empty or a whole number of 64 bits.");
	return false;
}

/*
 * Check hook of segments.user_name: no longer than what is stored.
 */
bool
AccessCheckUserName(char **newval, void **extra, GucSource source)
{
	if (pg_mbstrlen(*newval) <= MAX_USER_NAME)
		return true;
	GUC_check_errdetail("It may have %d characters.", MAX_USER_NAME);
	return false;
}

/*
 * The id of the application's user; false when none is set.
 */
static bool
user_id(int64 *id)
{
	const char *value = setting_or_null("segments.user_id");

	/* the check hook saw to it that it is a number */
	return value != NULL && read_id(value, id);
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

/*
 * The application's user as one text, the same for two that have the same
 * segments; in the current memory context.
 */
char *
AccessUserKey(void)
{
	int64 id;

	return user_id(&id) ? psprintf(INT64_FORMAT, id) : psprintf("name %s", AccessUserName());
}

/* Did the application's user create this segment? */
static bool
is_own(const SegmentHandle *segment)
{
	int64 user;

	if (user_id(&user))
		return segment->has_creator && segment->created_by == user;
	return segment->created_by_user != NULL &&
		   strcmp(segment->created_by_user, AccessUserName()) == 0;
}

/*
 * Does a role own the table, or have the rights of its owner?
 */
bool
AccessOwns(Oid role, Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return superuser_arg(role);
	result = has_privs_of_role(role, ((Form_pg_class) GETSTRUCT(tuple))->relowner);
	ReleaseSysCache(tuple);
	return result;
}


/* Of those who may read a contact table: its owner, and who has to back it up. */
static bool
sees_all(Oid role, Oid contact_table)
{
	return AccessOwns(role, contact_table) || has_privs_of_role(role, ROLE_PG_READ_ALL_DATA) ||
		   has_privs_of_role(role, ROLE_PG_DATABASE_OWNER);
}

/*
 * May a role see this segment?  Of those who may read the contact table, its
 * owner sees all, and who has to back them up: who reads all data, and the owner
 * of the database.  Others see global ones and their own.
 */
bool
AccessMaySeeAs(Oid role, const SegmentHandle *segment)
{
	bool is_missing = false;

	if (pg_class_aclcheck_ext(segment->contact_table, role, ACL_SELECT, &is_missing) != ACLCHECK_OK)
		return is_missing && superuser_arg(role);
	return segment->is_global || is_own(segment) || sees_all(role, segment->contact_table);
}

/*
 * Does the current role, which may read a contact table, see all its segments?
 */
bool
AccessSeesAll(Oid contact_table)
{
	return sees_all(GetUserId(), contact_table) || GetUserId() == CatalogOwner();
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
 * May the current role read a table?  Who has its owner's rights may, and the
 * extension's own functions.
 */
bool
AccessMayRead(Oid relid)
{
	bool is_missing = false;

	return pg_class_aclcheck_ext(relid, GetUserId(), ACL_SELECT, &is_missing) == ACLCHECK_OK ||
		   (!is_missing && AccessOwns(GetUserId(), relid)) || GetUserId() == CatalogOwner();
}

/*
 * Has the current role the rights of a table's owner?
 */
bool
AccessIsOwner(Oid relid)
{
	return AccessOwns(GetUserId(), relid);
}

/*
 * Has the role that the session acts for these rights?  To be asked while we act
 * as somebody else.
 */
bool
AccessAskerIsOwner(Oid relid)
{
	return AccessOwns(GetOuterUserId(), relid);
}

/*
 * May the current role change segments of a contact table?  Its owner may, and
 * readers who may update rows of segments.segment.
 */
static bool
may_change(Oid contact_table)
{
	if (AccessIsOwner(contact_table))
		return true;
	/* owners of contact tables hold the privilege by columns */
	return AccessMayRead(contact_table) &&
		   pg_class_aclcheck(CatalogRelid("segment"), GetUserId(), ACL_UPDATE) == ACLCHECK_OK;
}

/*
 * May the current role see what the segments of a contact table cost?
 */
bool
AccessMayMonitor(Oid contact_table)
{
	return AccessMayRead(contact_table) || has_privs_of_role(GetUserId(), ROLE_PG_MONITOR);
}

/*
 * Does row security hide rows of a table from the current role, perhaps?
 */
bool
AccessHidesRows(Oid relid)
{
	return check_enable_rls(relid, GetUserId(), true) == RLS_ENABLED;
}

/*
 * The contact table with this OID, which the current role may ask about.
 */
ContactTable *
AccessContactTable(Oid relid)
{
	ContactTable *table = CatalogContactTable(relid, false);

	if (!AccessMayRead(relid))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(relid));
	return table;
}

/*
 * Raise an error unless the current role may change segments of this table.
 */
void
AccessCheckChange(Oid contact_table)
{
	if (!may_change(contact_table))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for segments of contact table \"%s\"",
						get_rel_name(contact_table)),
				 errdetail("They are changed by the owner of the table, and by readers of it who "
						   "may update segments.segment.")));
}

/*
 * Raise an error unless the current role has the rights of the table's owner.
 */
void
AccessCheckOwner(Oid relid)
{
	if (!AccessIsOwner(relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

/*
 * Who has to see the segments that a filter names when this role binds it.  The
 * extension's own triggers, which run as its owner, bind what others stored.
 */
Oid
AccessViewer(Oid role)
{
	return role == CatalogOwner() ? InvalidOid : role;
}

static bool
may_read_all_of(Oid role, Oid relid)
{
	return pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(relid, role, true) != RLS_ENABLED;
}

/* Of the columns that an expression over a table is made of. */
static bool
may_read_columns(Oid role, Oid relid, Node *expr)
{
	Bitmapset *columns = NULL;
	int column = -1;

	if (pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK)
		return true;
	pull_varattnos(expr, 1, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber attnum = column + FirstLowInvalidHeapAttributeNumber;

		/* the whole row, which takes the whole table */
		if (attnum == InvalidAttrNumber ||
			pg_attribute_aclcheck(relid, attnum, role, ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/* A column, perhaps as text. */
static bool
is_column(const Node *expr)
{
	while (IsA(expr, CoerceViaIO) || IsA(expr, RelabelType))
		expr = IsA(expr, CoerceViaIO) ? (const Node *) ((const CoerceViaIO *) expr)->arg
									  : (const Node *) ((const RelabelType *) expr)->arg;
	return IsA(expr, Var);
}

/*
 * May a role see what contacts have in a field?  What the owner computes by
 * functions or subqueries can show anything that the owner may read, and is
 * for those who have the owner's rights.  Runs as the owner.
 */
bool
AccessMaySeeValueAs(Oid role, const ContactTable *table, const Field *field)
{
	const RelatedRows *rows = field->rows ? field->rows : field->row_of;
	Oid relid = rows ? rows->relid : table->relid;
	Node *expr;

	if (AccessOwns(role, table->relid) || field->value == NULL)
		return true;
	if (rows && (check_enable_rls(rows->relid, role, true) == RLS_ENABLED ||
				 (OidIsValid(rows->link_relid) && !may_read_all_of(role, rows->link_relid))))
		return false;
	expr = SqlExprParse(field->value, relid, rows ? "r" : "c");
	return (is_column(expr) || SqlExprIsPlain(expr, InvalidOid)) &&
		   may_read_columns(role, relid, expr);
}

/* segments.user_id() */
Datum
segments_user_id(PG_FUNCTION_ARGS)
{
	int64 id;

	if (!user_id(&id))
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

/* segments.user_name() */
Datum
segments_user_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(AccessUserName()));
}

/* The arguments contact_table, is_global, created_by and created_by_user. */
static SegmentHandle
handle_argument(FunctionCallInfo fcinfo)
{
	SegmentHandle segment = {0};

	segment.contact_table = PG_GETARG_OID(0);
	segment.is_global = PG_GETARG_BOOL(1);
	segment.has_creator = !PG_ARGISNULL(2);
	segment.created_by = segment.has_creator ? PG_GETARG_INT64(2) : 0;
	segment.created_by_user = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	return segment;
}

/* segments.may_see(contact_table, is_global, created_by, created_by_user) */
Datum
segments_may_see(PG_FUNCTION_ARGS)
{
	SegmentHandle segment;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	segment = handle_argument(fcinfo);
	PG_RETURN_BOOL(AccessMaySee(&segment));
}

/*
 * segments_internal.asker_may_see(the same): of the role that the session acts for, also
 * where the extension's own functions run as its owner.
 */
Datum
segments_asker_may_see(PG_FUNCTION_ARGS)
{
	SegmentHandle segment;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	segment = handle_argument(fcinfo);
	PG_RETURN_BOOL(AccessMaySeeAs(GetOuterUserId(), &segment));
}

/*
 * segments_internal.asker_may_follow(relation): has the role that the session acts
 * for the right to make triggers on a table?
 */
Datum
segments_asker_may_follow(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pg_class_aclcheck(PG_GETARG_OID(0), GetOuterUserId(), ACL_TRIGGER) ==
				   ACLCHECK_OK);
}
