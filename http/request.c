/*
 * request.c - what is done with a request.
 *
 * The name and the password are checked before the body is read.  An answer
 * that is certain early waits for the rest of the body all the same, which is
 * thrown away: clients that are still sending would not see it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client.h"
#include "pool.h"

#define ATTEMPTS 3 /* of a call that loses against others */
#define DRAINED 4  /* times --max-body are read and thrown away, not more */

static const Options *options;

void
RequestStart(const Options *given)
{
	options = given;
}

/*
 * A request has begun; NULL without memory.
 */
Request *
RequestNew(const char *uri)
{
	Request *request = calloc(1, sizeof(Request));

	if (request == NULL)
		return NULL;
	request->started = ClockMs();
	request->uri = strdup(uri);
	return request;
}

void
RequestFree(Request *request)
{
	CredentialsForget(&request->credentials);
	AnswerFree(&request->answer);
	free(request->body);
	free(request->uri);
	free(request);
}

static const char *
header(const Request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/*
 * The answer is certain.
 */
static void
settle(Request *request, int status, const char *message)
{
	AnswerError(&request->answer, status, message);
	request->answered = true;
}

static bool
has_path(const Request *request, const char *path)
{
	size_t length = strlen(path);

	return strncmp(request->uri, path, length) == 0 &&
		   (request->uri[length] == '\0' || request->uri[length] == '?');
}

/*
 * /healthz, for whoever watches over the daemon: needs no password, tells no more
 * than yes or no.
 */
static void
answer_health(Request *request)
{
	const char *query = strchr(request->uri, '?');
	bool asks_db = query != NULL && strcmp(query, "?db=1") == 0;
	bool well = !asks_db || DatabasePing(options);

	request->answer.status = well ? 200 : 503;
	request->answer.body = strdup(well ? "ok\n" : "the database does not answer\n");
	request->answer.length = request->answer.body != NULL ? strlen(request->answer.body) : 0;
	request->answer.type = "text/plain";
	request->answered = true;
}

/*
 * Does the request come from a page of another site?  Browsers add a password
 * they know to those as well.
 */
static bool
is_foreign(const Request *request)
{
	const char *site = header(request, "Sec-Fetch-Site");
	const char *origin = header(request, "Origin");
	const char *host = header(request, "Host");
	const char *after;

	if (site != NULL)
		return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
	if (origin == NULL)
		return false;
	after = strstr(origin, "://");
	return after == NULL || host == NULL || strcasecmp(after + 3, host) != 0;
}

static enum MHD_Result
count_length(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	(void) kind;
	(void) value;
	*(int *) cls += strcasecmp(key, "Content-Length") == 0;
	return MHD_YES;
}

/*
 * Is it said in two ways how long the body is, or in one that we don't know?
 * Then somebody before us may have understood another request.
 */
static bool
has_odd_length(const Request *request)
{
	const char *encoding = header(request, "Transfer-Encoding");
	int lengths = 0;

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_length, &lengths);
	if (encoding != NULL)
		return lengths > 0 || strcasecmp(encoding, "chunked") != 0;
	return lengths > 1;
}

static bool
is_method(const Request *request, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(request->method, *list) == 0)
			return true;
	return false;
}

/*
 * Answer what needs neither a name nor the database.
 */
static void
check_form(Request *request)
{
	static const char *const reading[] = {"GET", "HEAD", NULL};
	static const char *const writing[] = {"POST", "PUT", "PATCH", "DELETE", NULL};

	if (ClientsTooMany() || ClientsStopping())
	{
		settle(request, 503, "The server is busy.  Try again.");
		request->answer.close = true;
	}
	else if (has_odd_length(request))
	{
		settle(request, 400, "The length of the body is given twice, or unclear.");
		request->answer.close = true;
	}
	else if (strcmp(request->method, "OPTIONS") == 0)
	{
		request->answer.status = 204;
		request->answered = true;
	}
	else if (!is_method(request, reading) && !is_method(request, writing))
		settle(request, 405, "This method is not supported.");
	else if (request->uri[0] != '/')
		settle(request, 400, "The path must begin with a slash.");
	else if (has_path(request, "/healthz") && is_method(request, reading))
		answer_health(request);
	else if (is_method(request, writing) && is_foreign(request))
		settle(request, 403, "Requests from other sites are not accepted.");
}

/*
 * The answer where there is no connection to the database.
 */
static void
settle_failure(Request *request, LinkFailure failure)
{
	if (failure == LINK_REFUSED)
		settle(request, 401, "The name or the password is wrong.");
	else if (failure == LINK_FORBIDDEN)
		settle(request, 403, "You do not have access to the requested area/action.");
	else
		settle(request, 503, "The database cannot be reached at the moment.  Try again.");
}

/*
 * Take a connection for the request's name and password; NULL when the answer
 * is certain instead.
 */
static Link *
take_link(Request *request)
{
	LinkFailure failure;
	Link *link = PoolTake(&request->credentials, &failure, request->answer.note,
						  sizeof(request->answer.note));

	if (link == NULL)
		settle_failure(request, failure);
	return link;
}

/*
 * Read the name and the password and, before much is received, have them
 * checked.
 */
static void
check_credentials(Request *request, bool has_body)
{
	Link *link;

	if (!CredentialsRead(header(request, "Authorization"), &request->credentials))
		settle(request, 401, "The name and the password of a PostgreSQL role are needed.");
	else if (has_body && !PoolKnows(&request->credentials))
	{
		ClientPhase(request->client, PHASE_WORK, 0);
		link = take_link(request);
		if (link != NULL)
			PoolGive(link);
	}
}

/*
 * How long the body is said to be; -1 when that is not said, for a body in
 * chunks.
 */
static long long
said_length(const Request *request)
{
	const char *length = header(request, "Content-Length");

	if (length != NULL)
		return strtoll(length, NULL, 10);
	return header(request, "Transfer-Encoding") != NULL ? -1 : 0;
}

/*
 * The headers are here.  True when the answer is to go out at once, and the
 * body not to be read.
 */
bool
RequestHead(Request *request)
{
	long long length = said_length(request);
	const char *encoding = header(request, "Content-Encoding");

	request->begun = true;
	check_form(request);
	if (!request->answered)
		check_credentials(request, length != 0);
	if (!request->answered && encoding != NULL && strcasecmp(encoding, "identity") != 0)
		settle(request, 415, "The body must not be compressed.");
	if (!request->answered && length > options->max_body)
		settle(request, 413, "The body is too long.");
	if (request->answered && length != 0 &&
		(request->answer.close || header(request, "Expect") != NULL ||
		 length > DRAINED * (long long) options->max_body))
	{
		request->answer.close = true;
		return true;
	}
	ClientPhase(request->client, PHASE_BODY, 0);
	return false;
}

/*
 * Make room for the body's next part.
 */
static bool
grow(Request *request, size_t length)
{
	size_t room = request->room > 0 ? request->room : 4096;
	char *body;

	while (room < request->length + length)
		room *= 2;
	if (room == request->room)
		return true;
	body = realloc(request->body, room);
	if (body == NULL)
		return false;
	request->body = body;
	request->room = room;
	return true;
}

/*
 * Keep a part of the body, or make the answer that it cannot be kept.
 */
static void
keep(Request *request, const char *data, size_t length)
{
	if (request->length + length > (size_t) options->max_body)
		settle(request, 413, "The body is too long.");
	else if (!grow(request, length))
		settle(request, 503, "The server is out of memory.");
	else
	{
		memcpy(request->body + request->length, data, length);
		request->length += length;
		return;
	}
	free(request->body);
	request->body = NULL;
	request->length = request->room = 0;
}

/*
 * A part of the body has come.  False when there has been so much, without
 * an announced length, that the client is not heard any more.
 */
bool
RequestBody(Request *request, const char *data, size_t length)
{
	ClientProgress(request->client, length);
	request->received += length;
	if (!request->answered)
		keep(request, data, length);
	return request->received <= DRAINED * (size_t) options->max_body;
}

/*
 * Wait a little before a call is repeated, not as long as others wait.
 */
static void
pause_before(int attempt)
{
	unsigned seed = (unsigned) (uintptr_t) &attempt ^ (unsigned) ClockMs();
	struct timespec pause = {.tv_nsec = (5 + rand_r(&seed) % 20) * 1000000L * attempt};

	nanosleep(&pause, NULL);
}

/*
 * Has the database had all its time?  Then it is silent rather than gone.
 */
static bool
is_late(const Request *request)
{
	return ClockMs() - request->started >= options->timeout * 1000;
}

/*
 * Call segments.rest_json.  What certainly left nothing is repeated: a few times
 * where it lost against others, once where the connection broke.
 */
static void
call_rest(Request *request, const RestCall *call)
{
	RestOutcome outcome = REST_REPEAT;

	for (int attempt = 1; attempt <= ATTEMPTS && outcome != REST_ANSWERED; attempt++)
	{
		Link *link;

		AnswerFree(&request->answer);
		link = take_link(request);
		if (link == NULL)
			return;
		outcome = RestRun(options, link, call, &request->answer);
		PoolGive(link);
		if (outcome == REST_UNKNOWN || (outcome == REST_LOST && (attempt > 1 || is_late(request))))
			break;
		if (outcome == REST_REPEAT && attempt < ATTEMPTS)
			pause_before(attempt);
	}
	if (outcome == REST_LOST)
		AnswerError(&request->answer, 503, "The connection to the database broke.  Try again.");
	else if (outcome == REST_UNKNOWN)
		AnswerError(&request->answer, 503,
					"The connection to the database broke.  Whether the request was carried out "
					"is not known.");
}

/*
 * The body as JSON; NULL when there is none, or the answer is certain.
 */
static char *
body_json(Request *request)
{
	char problem[PROBLEM_SIZE];
	int status;
	char *json;

	if (request->length == 0)
		return NULL;
	json = BodyToJson(header(request, "Content-Type"), request->body, request->length, &status,
					  problem);
	free(request->body);
	request->body = NULL;
	request->room = 0;
	if (json == NULL)
		settle(request, status, problem);
	return json;
}

/*
 * The request is complete: work for its answer, unless that is certain.
 */
void
RequestRun(Request *request)
{
	char problem[PROBLEM_SIZE];
	RestCall call = {.method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method};
	char *path;
	char *query;
	char *body;

	if (request->answered)
		return;
	ClientPhase(request->client, PHASE_WORK, 0);
	body = body_json(request);
	path = request->answered ? NULL : TargetPath(request->uri, problem);
	query = path == NULL ? NULL : TargetQuery(request->uri, options->contact_table, problem);
	if (query != NULL)
	{
		call.path = path;
		call.query = query;
		call.body = body;
		call_rest(request, &call);
		request->answer.location = TargetLocation(path, &request->answer);
	}
	else if (!request->answered)
		settle(request, 400, problem);
	free(path);
	free(query);
	free(body);
}
