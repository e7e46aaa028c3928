/*
 * server.c - libmicrohttpd's side: a thread for each connection of a client.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define SPARE_CONNECTIONS 64 /* for telling those beyond the limit that they are */
#define HEADER_MEMORY (64 * 1024)
#define THREAD_STACK (1024 * 1024)

/*
 * A client connects, or its connection is about to be closed.
 */
static void
on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;

	(void) cls;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
	{
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = ClientAdd(info->connect_fd);
	}
	else if (*context != NULL)
	{
		ClientRemove(*context);
		*context = NULL;
	}
}

static Client *
client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

/*
 * The first line of a request is here.
 */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	Request *request = RequestNew(uri);
	Client *client = client_of(connection);

	(void) cls;
	if (client != NULL)
		ClientPhase(client, PHASE_HEAD, 0);
	if (request != NULL && (request->uri == NULL || client == NULL))
	{
		RequestFree(request);
		return NULL;
	}
	if (request != NULL)
		request->client = client;
	return request;
}

/*
 * Headers that an answer has for its status.
 */
static void
add_headers(struct MHD_Response *response, const Answer *answer)
{
	MHD_add_response_header(response, "Cache-Control", "no-cache, private");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (answer->type != NULL && answer->length > 0)
		MHD_add_response_header(response, "Content-Type", answer->type);
	if (answer->location != NULL)
		MHD_add_response_header(response, "Location", answer->location);
	if (answer->status == 401)
		MHD_add_response_header(response, "WWW-Authenticate",
								"Basic realm=\"segments\", charset=\"UTF-8\"");
	if (answer->status == 503)
		MHD_add_response_header(response, "Retry-After", "1");
	if (answer->status == 405 || answer->status == 204)
		MHD_add_response_header(response, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	if (answer->close || ClientsStopping())
		MHD_add_response_header(response, "Connection", "close");
}

/*
 * Send the answer; its body is libmicrohttpd's from here on.
 */
static enum MHD_Result
send_answer(Request *request)
{
	Answer *answer = &request->answer;
	enum MHD_ResponseMemoryMode mode =
		answer->body != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->body != NULL ? answer->length : 0, answer->body != NULL ? answer->body : "", mode);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	answer->body = NULL;
	add_headers(response, answer);
	ClientPhase(request->client, PHASE_SEND, answer->length);
	result = MHD_queue_response(request->connection, (unsigned) answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/*
 * Called with the headers, with each part of the body, and at the end.
 */
static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
		   const char *version, const char *data, size_t *size, void **context)
{
	Request *request = *context;

	(void) cls;
	(void) url;
	(void) version;
	if (request == NULL)
		return MHD_NO;
	if (!request->begun)
	{
		request->connection = connection;
		request->method = method;
		return RequestHead(request) ? send_answer(request) : MHD_YES;
	}
	if (*size > 0)
	{
		bool more = RequestBody(request, data, *size);

		*size = 0;
		return more ? MHD_YES : MHD_NO;
	}
	RequestRun(request);
	return send_answer(request);
}

/*
 * The address of a client, without its port.
 */
static void
client_address(struct MHD_Connection *connection, char *out, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info->client_addr;
	socklen_t length =
		address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (getnameinfo(address, length, out, (socklen_t) size, NULL, 0, NI_NUMERICHOST) != 0)
		snprintf(out, size, "?");
}

/*
 * The line of the log: who asked for what, and what came of it.
 */
static void
log_request(struct MHD_Connection *connection, const Request *request, bool completed)
{
	const Answer *answer = &request->answer;
	char address[64];
	char role[128];
	char path[256];
	char uri[512];
	char note[512];

	snprintf(uri, sizeof(uri), "%.*s", (int) strcspn(request->uri, "?"), request->uri);
	client_address(connection, address, sizeof(address));
	LogEscape(request->credentials.role, role, sizeof(role));
	LogEscape(uri, path, sizeof(path));
	LogEscape(answer->note, note, sizeof(note));
	LogLine("%s \"%s\" \"%.16s %s\" %d %zu %lldms%s%s%s%s", address, role,
			request->method != NULL ? request->method : "-", path, answer->status, answer->length,
			(long long) (ClockMs() - request->started), completed ? "" : " broken",
			*note != '\0' ? " \"" : "", note, *note != '\0' ? "\"" : "");
}

/*
 * A request is over, one way or another.
 */
static void
on_completed(void *cls, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode code)
{
	Request *request = *context;

	(void) cls;
	if (request == NULL)
		return;
	log_request(connection, request, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	ClientPhase(request->client, PHASE_WAIT, 0);
	RequestFree(request);
	*context = NULL;
}

static void
ignore_log(void *cls, const char *format, va_list args)
{
	(void) cls;
	(void) format;
	(void) args;
}

/*
 * Serve what connects to the socket; NULL when that cannot be begun.
 */
struct MHD_Daemon *
ServerStart(const Options *options, int fd)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
					 MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG;

	/* clang-format off */
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, NULL,
							MHD_OPTION_EXTERNAL_LOGGER, ignore_log, NULL,
							MHD_OPTION_LISTEN_SOCKET, fd,
							MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
							MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
							MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
							MHD_OPTION_CONNECTION_LIMIT,
							(unsigned) options->max_connections + SPARE_CONNECTIONS,
							MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) HEADER_MEMORY,
							MHD_OPTION_THREAD_STACK_SIZE, (size_t) THREAD_STACK,
							MHD_OPTION_STRICT_FOR_CLIENT, 1,
							MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
							MHD_OPTION_END);
	/* clang-format on */
}
