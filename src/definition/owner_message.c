/*
 * owner_message.c - an error in what the owner declared, as others may see it.
 *
 * The message of a failed cast quotes the value, which can be of a row or a
 * column that the caller may not read.  So where an expression fails in the
 * hands of somebody without the rights of the contact table's owner, the
 * client gets another message under the same SQLSTATE, and the server's log
 * the cause.
 */
#include "postgres.h"

#include "definition/owner_message.h"

#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "definition/access.h"

/*
 * May the message of an error hold a value of a row?  Only what the server says of
 * objects, rights and the moment doesn't: functions raise under any other code,
 * and a text that is parsed as a query is quoted as a syntax error.
 */
bool
ErrorMayQuoteRow(int code)
{
	switch (code)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_AMBIGUOUS_FUNCTION:
		case ERRCODE_CANNOT_COERCE:
		case ERRCODE_DATATYPE_MISMATCH:
		case ERRCODE_WRONG_OBJECT_TYPE:
		case ERRCODE_INTERNAL_ERROR:
			return false;
	}
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return false;
	}
	return true;
}

/*
 * Within an error: put `message` in its place, unless it holds no value or who
 * asks has the rights of the table's owner.
 */
void
OwnerMessageHide(Oid relid, const char *message)
{
	MemoryContext old;
	ErrorData *error;

	if (!ErrorMayQuoteRow(geterrcode()) || AccessAskerIsOwner(relid))
		return;
	old = MemoryContextSwitchTo(CurTransactionContext);
	error = CopyErrorData();
	MemoryContextSwitchTo(old);
	errmsg_internal("%s", message);
	errdetail("The cause is told to the owner of the table, and is in the server's log.");
	errdetail_log("The cause is: %s.", error->message ? error->message : "unknown");
	FreeErrorData(error);
}

static void
hide(void *arg)
{
	const OwnerMessage *context = arg;
	char *name = get_rel_name(context->relid);

	OwnerMessageHide(
		context->relid,
		psprintf("filter cannot be evaluated for some contact of table \"%s\"", name ? name : "?"));
}

/*
 * From here on errors are about rows of a contact table that the caller may not
 * all read.
 */
void
OwnerMessageBegin(OwnerMessage *context, Oid contact_table)
{
	context->relid = contact_table;
	context->callback.callback = hide;
	context->callback.arg = context;
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

void
OwnerMessageEnd(OwnerMessage *context)
{
	error_context_stack = context->callback.previous;
}
