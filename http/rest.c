/*
 * rest.c - one call of segments.rest_json, in a transaction of its own.
 *
 * GET runs READ ONLY, so it leaves nothing whatever happens, and the call is all
 * of its transaction: the server ends that with the statement.  For others the
 * commit is a step of its own, so a connection that breaks before it has
 * certainly left nothing, and the call may be repeated.  After that, or
 * with the commit, comes what makes the session forget: settings, statements,
 * temporary tables, locks, cursors.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

#define SILENCE_MS 2000 /* that a server may need above its own limit */
#define REST_SQL "SELECT status, body FROM segments.rest_json($1, $2, $3::jsonb, $4::jsonb)"
/* The same, in a transaction that is read only: arguments come before the call. */
#define READ_SQL                                                                                     \
	"SELECT status, body FROM segments.rest_json("                                                   \
	"CASE WHEN pg_catalog.set_config('transaction_read_only', 'on', true)::bool THEN $1::text END, " \
	"$2, $3::jsonb, $4::jsonb)"
#define FORGET                                                                                     \
	"RESET SESSION AUTHORIZATION; RESET ALL; DEALLOCATE ALL; CLOSE ALL; UNLISTEN *; "              \
	"SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"

/*
 * Wait until the connection can go on; false when it broke or time is up.
 */
static bool
wait_socket(PGconn *conn, int64_t deadline, bool writing)
{
	struct pollfd wait = {.fd = PQsocket(conn),
						  .events = (short) (writing ? POLLIN | POLLOUT : POLLIN)};
	int64_t left = deadline - ClockMs();

	if (left <= 0)
		return false;
	poll(&wait, 1, (int) left);
	return PQconsumeInput(conn) == 1;
}

/*
 * The next result, NULL at the end.  *lost when the connection broke, or the
 * server has not answered in time, which makes it as good as broken.
 */
static PGresult *
next_result(PGconn *conn, int64_t deadline, bool *lost)
{
	int unsent = 1;

	while (unsent != 0 || PQisBusy(conn))
	{
		if (unsent != 0)
			unsent = PQflush(conn);
		if (unsent == 0 && !PQisBusy(conn))
			break;
		if (unsent < 0 || !wait_socket(conn, deadline, unsent != 0))
		{
			*lost = true;
			return NULL;
		}
	}
	return PQgetResult(conn);
}

static bool
is_error(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_FATAL_ERROR ||
		   PQresultStatus(result) == PGRES_BAD_RESPONSE;
}

/*
 * Collect what was sent: the error if there is one, else the first result.
 * NULL when the connection broke.
 */
static PGresult *
collect(PGconn *conn, int sent, int64_t deadline)
{
	PGresult *kept = NULL;
	PGresult *result;
	bool lost = sent != 1;

	while (!lost && (result = next_result(conn, deadline, &lost)) != NULL)
	{
		if (kept == NULL || (is_error(result) && !is_error(kept)))
		{
			PQclear(kept);
			kept = result;
		}
		else
			PQclear(result);
	}
	if (lost || PQstatus(conn) != CONNECTION_OK)
	{
		PQclear(kept);
		return NULL;
	}
	return kept;
}

static PGresult *
run_simple(PGconn *conn, const char *sql, int64_t deadline)
{
	return collect(conn, PQsendQuery(conn, sql), deadline);
}

/*
 * Call segments.rest_json.  The statement has no name: what a trigger of another
 * role can reach by its name, it can put another in its place.
 */
static PGresult *
run_rest(PGconn *conn, const char *sql, const RestCall *call, int64_t deadline)
{
	const char *values[4] = {call->method, call->path, call->query, call->body};

	return collect(conn, PQsendQueryParams(conn, sql, 4, NULL, values, NULL, NULL, 0), deadline);
}

/*
 * Is the error one that goes away when the transaction is repeated?
 */
static bool
is_conflict(const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return sqlstate != NULL && (strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0);
}

/*
 * The answer to an error.
 */
static RestOutcome
answer_error(const PGresult *result, Answer *answer)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	AnswerSqlError(answer, sqlstate != NULL ? sqlstate : "XX000",
				   message != NULL ? message : "no message");
	return is_conflict(result) ? REST_REPEAT : REST_ANSWERED;
}

/*
 * Take over what segments.rest_json said.  Anything but one row with a status of
 * HTTP is a fault of the function.
 */
static void
answer_rest(const PGresult *result, Answer *answer)
{
	bool row = PQntuples(result) == 1 && !PQgetisnull(result, 0, 0);
	int status = row ? atoi(PQgetvalue(result, 0, 0)) : 0;

	if (status < 200 || status > 599)
	{
		AnswerSqlError(answer, "XX000", "segments.rest_json gave no status");
		return;
	}
	answer->status = status;
	answer->type = "application/json";
	if (PQgetisnull(result, 0, 1) || status == 204 || status == 304)
		return;
	answer->length = (size_t) PQgetlength(result, 0, 1);
	answer->body = malloc(answer->length + 1);
	if (answer->body == NULL)
		AnswerError(answer, 503, "The server is out of memory.");
	else
		memcpy(answer->body, PQgetvalue(result, 0, 1), answer->length + 1);
}

/*
 * Have the session forget; a connection that cannot is given up.
 */
static void
forget(Link *link, const char *sql, int64_t deadline)
{
	PGresult *result = run_simple(link->conn, sql, deadline);

	if (result == NULL || is_error(result))
		link->spoiled = true;
	PQclear(result);
}

/*
 * End the transaction that a failed statement was in.
 */
static RestOutcome
roll_back(Link *link, PGresult *failed, int64_t deadline, Answer *answer)
{
	RestOutcome outcome = answer_error(failed, answer);

	forget(link, "ROLLBACK; " FORGET, deadline);
	PQclear(failed);
	return outcome;
}

/*
 * Commit, and forget.  The first word back tells whether the transaction has
 * happened; when it does and the session cannot forget, only the connection
 * is given up.
 */
static RestOutcome
commit(Link *link, int64_t deadline, Answer *answer)
{
	bool lost = PQsendQuery(link->conn, "COMMIT; " FORGET) != 1;
	PGresult *first = lost ? NULL : next_result(link->conn, deadline, &lost);
	PGresult *result;

	if (first == NULL || PQstatus(link->conn) != CONNECTION_OK)
	{
		PQclear(first);
		return REST_UNKNOWN;
	}
	while (!lost && (result = next_result(link->conn, deadline, &lost)) != NULL)
	{
		lost |= is_error(result);
		PQclear(result);
	}
	if (lost)
		link->spoiled = true;
	if (is_error(first))
	{
		/* A deferred constraint, or a conflict. */
		AnswerFree(answer);
		return roll_back(link, first, deadline, answer);
	}
	PQclear(first);
	return REST_ANSWERED;
}

/*
 * A call within BEGIN and COMMIT.
 */
static RestOutcome
run_within(Link *link, const char *begin, const RestCall *call, int64_t deadline, Answer *answer)
{
	PGresult *result = run_simple(link->conn, begin, deadline);

	if (result != NULL && !is_error(result))
	{
		PQclear(result);
		result = run_rest(link->conn, REST_SQL, call, deadline);
	}
	if (result == NULL)
		return REST_LOST;
	if (is_error(result))
		return roll_back(link, result, deadline, answer);
	answer_rest(result, answer);
	PQclear(result);
	return commit(link, deadline, answer);
}

/*
 * Has the role not the right, which everybody has at first, to set what makes the
 * statement read only?
 */
static bool
may_not_set(const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	return sqlstate != NULL && strcmp(sqlstate, "42501") == 0 && message != NULL &&
		   strstr(message, "set_config") != NULL;
}

/*
 * A call that only reads: a statement by itself, whose error may come after its
 * row, when the transaction ends.
 */
static RestOutcome
run_reading(Link *link, const RestCall *call, int64_t deadline, Answer *answer)
{
	PGresult *result = run_rest(link->conn, READ_SQL, call, deadline);
	RestOutcome outcome = REST_ANSWERED;

	if (result == NULL)
		return REST_LOST;
	if (is_error(result) && may_not_set(result))
	{
		PQclear(result);
		return run_within(link, "BEGIN READ ONLY", call, deadline, answer);
	}
	if (is_error(result))
		outcome = answer_error(result, answer);
	else
		answer_rest(result, answer);
	PQclear(result);
	forget(link, FORGET, deadline);
	return outcome;
}

/*
 * Call segments.rest_json.  The server ends a statement that takes too long; only
 * when it doesn't answer for some time longer is it given up.
 */
RestOutcome
RestRun(const Options *options, Link *link, const RestCall *call, Answer *answer)
{
	int64_t deadline = ClockMs() + options->timeout * 1000 + SILENCE_MS;
	bool reading = strcmp(call->method, "GET") == 0;
	RestOutcome outcome = reading ? run_reading(link, call, deadline, answer)
								  : run_within(link, "BEGIN", call, deadline, answer);

	if (outcome == REST_LOST || outcome == REST_UNKNOWN)
		snprintf(answer->note, sizeof(answer->note), "%.*s",
				 (int) strcspn(PQerrorMessage(link->conn), "\n"), PQerrorMessage(link->conn));
	return outcome;
}
