/*
 * database.c - a connection to the database: how it is opened, and whether it
 * is still there.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

#define CONNECT_MS 10000

static void
ignore_notice(void *arg, const char *message)
{
	(void) arg;
	(void) message;
}

/*
 * What the session starts with: PGOPTIONS and those of --db, and our limits.
 * Being the session's defaults, they outlast RESET ALL.
 */
static void
session_options(const Options *options, char *out, size_t size)
{
	PQconninfoOption *parsed =
		strchr(options->db, '=') != NULL ? PQconninfoParse(options->db, NULL) : NULL;
	const char *given = getenv("PGOPTIONS");

	for (PQconninfoOption *option = parsed; option != NULL && option->keyword != NULL; option++)
		if (strcmp(option->keyword, "options") == 0 && option->val != NULL)
			given = option->val;
	snprintf(out, size, "%s -c statement_timeout=%lds -c idle_in_transaction_session_timeout=%lds",
			 given != NULL ? given : "", options->timeout, options->timeout + 10);
	PQconninfoFree(parsed);
}

/*
 * Begin to connect as a role.  What is said here stands after --db, so wins;
 * libpq looks for a password nowhere else.
 */
static PGconn *
connect_start(const Options *options, const Credentials *credentials)
{
	char session[2048];
	const char *names[] = {"dbname",
						   "user",
						   "password",
						   "passfile",
						   "client_encoding",
						   "options",
						   "fallback_application_name",
						   NULL};
	const char *values[] = {options->db, credentials->role, credentials->password, "/dev/null",
							"UTF8",      session,           "segments_http",       NULL};
	PGconn *conn;

	session_options(options, session, sizeof(session));
	conn = PQconnectStartParams(names, values, 1);
	if (conn != NULL)
	{
		/* The only way to learn the SQLSTATE of a refusal: see find_sqlstate. */
		PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
		PQsetNoticeProcessor(conn, ignore_notice, NULL);
	}
	return conn;
}

/*
 * Go on connecting until it is done, has failed, or has taken too long.
 */
static bool
connect_wait(PGconn *conn)
{
	int64_t deadline = ClockMs() + CONNECT_MS;
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;

	while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING)
	{
		struct pollfd wait = {.fd = PQsocket(conn),
							  .events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT};
		int64_t left = deadline - ClockMs();

		if (PQstatus(conn) == CONNECTION_BAD || left <= 0)
			return false;
		if (poll(&wait, 1, (int) left) > 0)
			step = PQconnectPoll(conn);
	}
	return step == PGRES_POLLING_OK;
}

/*
 * The SQLSTATE within the text of a failed connection: verbose messages read
 * "FATAL:  28P01: …" in every language.  An empty string where the server
 * has not answered.
 */
static void
find_sqlstate(const char *message, char *sqlstate)
{
	*sqlstate = '\0';
	for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 3, ":  "))
	{
		if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && at[8] == ':')
		{
			memcpy(sqlstate, at + 3, 5);
			sqlstate[5] = '\0';
		}
	}
}

/*
 * Why a connection failed; the first line of the message is for the log.
 */
static LinkFailure
failure_of(PGconn *conn, char *note, size_t size)
{
	const char *message = conn != NULL ? PQerrorMessage(conn) : "out of memory";
	char sqlstate[6];

	find_sqlstate(message, sqlstate);
	snprintf(note, size, "%.*s", (int) strcspn(message, "\n"), message);
	if (strncmp(sqlstate, "28", 2) == 0)
		return LINK_REFUSED;
	return strcmp(sqlstate, "42501") == 0 ? LINK_FORBIDDEN : LINK_DOWN;
}

/*
 * Connect with a name and a password.  Where the server lets everybody in, it
 * has checked nothing: then no password is right, unless --allow-trust.
 */
PGconn *
DatabaseConnect(const Options *options, const Credentials *credentials, LinkFailure *failure,
				char *note, size_t size)
{
	PGconn *conn = connect_start(options, credentials);

	*failure = LINK_FINE;
	if (conn == NULL || !connect_wait(conn))
		*failure = failure_of(conn, note, size);
	else if (!PQconnectionUsedPassword(conn) && !options->allow_trust)
	{
		snprintf(note, size, "the database did not ask for a password (see --allow-trust)");
		*failure = LINK_REFUSED;
	}
	else if (PQsetnonblocking(conn, 1) != 0)
		*failure = failure_of(conn, note, size);
	if (*failure == LINK_FINE)
	{
		PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
		return conn;
	}
	PQfinish(conn);
	return NULL;
}

/*
 * Is an unused connection still good?  A server has nothing to say to it, but
 * that it ends.
 */
bool
DatabaseAlive(PGconn *conn)
{
	struct pollfd look = {.fd = PQsocket(conn), .events = POLLIN};

	if (PQstatus(conn) != CONNECTION_OK || PQtransactionStatus(conn) != PQTRANS_IDLE)
		return false;
	if (poll(&look, 1, 0) == 0)
		return true;
	/* A notice or a changed setting is no harm. */
	return PQconsumeInput(conn) == 1 && PQstatus(conn) == CONNECTION_OK && poll(&look, 1, 0) == 0;
}

/*
 * Does the database accept connections?  Asked without a name, so it is asked
 * at most once in a second, whoever wants to know.
 */
bool
DatabasePing(const Options *options)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int64_t asked = -1000;
	static bool answer = false;
	const char *names[] = {"dbname", "connect_timeout", NULL};
	const char *values[] = {options->db, "3", NULL};
	bool result;

	pthread_mutex_lock(&lock);
	if (ClockMs() - asked >= 1000)
	{
		answer = PQpingParams(names, values, 1) == PQPING_OK;
		asked = ClockMs();
	}
	result = answer;
	pthread_mutex_unlock(&lock);
	return result;
}
