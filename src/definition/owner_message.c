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

/* Errors whose message may hold a value: of data, of constraints, raised by functions. */
static bool
may_hold_value(int code)
{
	int category = ERRCODE_TO_CATEGORY(code);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION || category == ERRCODE_PLPGSQL_ERROR;
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

	if (!may_hold_value(geterrcode()) || AccessAskerIsOwner(relid))
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
