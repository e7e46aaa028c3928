/*
 * clock.c - the instant at which everything is evaluated, and time zones by
 * name.
 *
 * Gives the start of the transaction, or the instant that the setting
 * segments.now pins for tests and what-if questions.  The text of the setting
 * is read the same way in every session: TimeZone and DateStyle do not count.
 */
#include "postgres.h"

#include "time/clock.h"

#include "access/xact.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "time/phrase_parse.h"

static char *now_setting = NULL; /* segments.now as written */
static bool now_pinned = false;
static TimestampTz pinned_now = 0; /* when now_pinned */

static bool
check_now(char **newval, void **extra, GucSource source)
{
	TimestampTz instant;

	if (**newval == '\0' || PhraseParseInstant(*newval, &instant))
		return true;
	GUC_check_errdetail("The value must be empty or an instant such as "
						"\"2026-03-18 10:30:00+00\"; without an offset it is UTC.");
	return false;
}

/*
 * The value has passed check_now(), so it parses.  Parsing it again is cheaper
 * than handing the result over: who frees that differs between servers.
 */
static void
assign_now(const char *newval, void *extra)
{
	now_pinned = newval != NULL && *newval != '\0' && PhraseParseInstant(newval, &pinned_now);
}

/* Define the clock's setting; called once, when the library is loaded. */
void
ClockDefineSettings(void)
{
	DefineCustomStringVariable("segments.now", "Pins the instant at which segments are evaluated.",
							   "Empty means the start of the transaction.", &now_setting, "",
							   PGC_SUSET, 0, check_now, assign_now, NULL);
}

/* The instant at which this transaction evaluates segments. */
TimestampTz
SegmentsNow(void)
{
	return now_pinned ? pinned_now : GetCurrentTransactionStartTimestamp();
}

/*
 * Is this a rule written out ("UTC+3") instead of the name of a zone?  Such a
 * rule means its opposite to most people (here: three hours west), and a
 * mistyped name can be one.  The server gives rules in capitals; the names
 * without a small letter that have a digit are few, and closed.
 */
static bool
is_written_rule(const char *name)
{
	static const char *const names[] = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
										"GMT0",    "GMT+0",   "GMT-0"};
	int i;

	if (strpbrk(name, "abcdefghijklmnopqrstuvwxyz") != NULL || strpbrk(name, "0123456789") == NULL)
		return false;
	for (i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return false;
	}
	return true;
}

/*
 * Read the zone that contact tables have unless they are given another, for all
 * backends that the postmaster will start: each would look for its file at the
 * first write.
 */
void
ClockReadDefaultZone(void)
{
	if (process_shared_preload_libraries_in_progress)
		(void) pg_tzset(CLOCK_DEFAULT_ZONE);
}

/*
 * Find a time zone by its name; the server caches it.  Raises 22023 when there
 * is none, and for zones that count leap seconds, which the server's own
 * calendar does not.
 */
pg_tz *
ClockZone(const char *name)
{
	pg_tz *zone = *name == '\0' ? NULL : pg_tzset(name);

	if (zone == NULL || is_written_rule(pg_get_timezone_name(zone)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" not recognized", name),
						errhint("The view pg_timezone_names lists the names of time zones.")));
	if (!pg_tz_acceptable(zone))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" appears to use leap seconds", name),
						errdetail("PostgreSQL does not support leap seconds.")));
	return zone;
}

PG_FUNCTION_INFO_V1(segments_now);
Datum
segments_now(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(SegmentsNow());
}
