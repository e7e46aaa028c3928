/*
 * secure.c - act as the owner of a contact table, with fixed settings.
 *
 * Membership must not depend on who writes, or on the session's settings
 * (SEMANTICS §7.3): everything that reads or writes on behalf of a segment
 * runs between SecureEnter and SecureLeave.  On error the transaction's (or
 * subtransaction's) abort restores both the user and the settings.
 */
#include "postgres.h"

#include "base/secure.h"

#include "miscadmin.h"
#include "utils/guc.h"

static const char *const fixed_settings[][2] = {
	{"search_path", "pg_catalog, pg_temp"},
	{"timezone", "UTC"},
	{"timezone_abbreviations", "Default"},
	{"datestyle", "ISO, YMD"},
	{"intervalstyle", "postgres"},
	{"extra_float_digits", "1"},
	{"standard_conforming_strings", "on"},
	{"quote_all_identifiers", "off"},
	{"transform_null_equals", "off"},
	{"row_security", "on"},
	{"bytea_output", "hex"},
	{"array_nulls", "on"},
	{"xmloption", "content"},
	{"xmlbinary", "base64"},
	/* to_char and its like */
	{"lc_monetary", "C"},
	{"lc_numeric", "C"},
	{"lc_time", "C"},
	/* an index that gives some of the rows only */
	{"gin_fuzzy_search_limit", "0"},
	/* compiling a large filter takes minutes, in which nothing looks for a cancel */
	{"jit", "off"},
};

/*
 * Become `owner` in a security-restricted context, with the session's settings.
 * InvalidOid: keep the user.
 */
void
SecureBecome(SecureContext *context, Oid owner)
{
	GetUserIdAndSecContext(&context->userid, &context->flags);
	if (OidIsValid(owner))
		SetUserIdAndSecContext(owner, context->flags | SECURITY_LOCAL_USERID_CHANGE |
										  SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
	context->nestlevel = NewGUCNestLevel();
}

/*
 * Become `owner` in a security-restricted context with fixed settings.
 * InvalidOid: keep the user, fix the settings only.
 */
void
SecureEnter(SecureContext *context, Oid owner)
{
	int i;

	SecureBecome(context, owner);
	for (i = 0; i < lengthof(fixed_settings); i++)
		if (strcmp(GetConfigOption(fixed_settings[i][0], false, false), fixed_settings[i][1]) != 0)
			(void) set_config_option(fixed_settings[i][0], fixed_settings[i][1], PGC_USERSET,
									 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Back to what was before SecureEnter or SecureBecome.
 */
void
SecureLeave(SecureContext *context)
{
	AtEOXact_GUC(false, context->nestlevel);
	SetUserIdAndSecContext(context->userid, context->flags);
}
