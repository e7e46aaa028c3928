/*
 * client.h - connections of clients, and the requests on them.
 */
#ifndef SEGMENTS_HTTP_CLIENT_H
#define SEGMENTS_HTTP_CLIENT_H

#include <microhttpd.h>

#include "decode.h"
#include "http.h"

/* What a connection is at. */
typedef enum Phase
{
	PHASE_WAIT, /* for a request */
	PHASE_HEAD, /* its first line is here */
	PHASE_BODY,
	PHASE_WORK, /* the database has it */
	PHASE_SEND  /* the answer is on its way */
} Phase;

/* A connection of a client. */
typedef struct Client
{
	struct Client *next;
	int fd;
	Phase phase;
	int64_t since; /* when the phase began */
	size_t bytes;  /* that have come, or are to go, in the phase */
} Client;

/* client.c */
extern void ClientStart(const Options *options);
extern void ClientStop(void);
extern Client *ClientAdd(int fd);
extern void ClientRemove(Client *client);
extern void ClientPhase(Client *client, Phase phase, size_t bytes);
extern void ClientProgress(Client *client, size_t bytes);
extern bool ClientsTooMany(void);
extern bool ClientsDrain(void);
extern bool ClientsStopping(void);

/* A request, from its first line to its last byte. */
typedef struct Request
{
	struct MHD_Connection *connection;
	Client *client;
	int64_t started;
	char *uri; /* as it came, with the query */
	const char *method;
	Credentials credentials;
	bool begun;    /* its headers have been looked at */
	bool answered; /* the answer need not be worked for */
	char *body;
	size_t received; /* of the body, what was thrown away too */
	size_t length;   /* of what is kept */
	size_t room;
	Answer answer;
} Request;

/* request.c */
extern void RequestStart(const Options *options);
extern Request *RequestNew(const char *uri);
extern bool RequestHead(Request *request);
extern bool RequestBody(Request *request, const char *data, size_t length);
extern void RequestRun(Request *request);
extern void RequestFree(Request *request);

/* target.c */
extern char *TargetPath(const char *uri, char *problem);
extern char *TargetQuery(const char *uri, const char *contact_table, char *problem);
extern char *TargetLocation(const char *path, const Answer *answer);

/* server.c */
extern struct MHD_Daemon *ServerStart(const Options *options, int fd);

#endif
