/*
 * pool.h - connections to the database, each opened with the name and the
 * password of the clients that it serves.
 */
#ifndef SEGMENTS_HTTP_POOL_H
#define SEGMENTS_HTTP_POOL_H

#include <libpq-fe.h>

#include "decode.h"
#include "http.h"

/* Why there is no connection. */
typedef enum LinkFailure
{
	LINK_FINE,
	LINK_REFUSED,   /* wrong name or password */
	LINK_FORBIDDEN, /* may not use this database */
	LINK_BUSY,      /* none became free in time */
	LINK_DOWN       /* the database cannot be reached */
} LinkFailure;

/* A connection; who has taken it has it for itself. */
typedef struct Link
{
	struct Link *next;
	PGconn *conn;     /* NULL while it is being opened */
	PGcancel *cancel; /* to end what it runs, from another thread */
	char *role;
	char *password;
	int64_t opened;
	int64_t used; /* when it was given back */
	bool busy;
	bool spoiled; /* not to be used again; only ever set */
} Link;

/* A call of segments.rest. */
typedef struct RestCall
{
	const char *method;
	const char *path;
	const char *query; /* JSON */
	const char *body;  /* JSON, or NULL */
} RestCall;

/* What became of a call. */
typedef enum RestOutcome
{
	REST_ANSWERED, /* an answer is there, be it an error */
	REST_REPEAT,   /* it lost against others, and left nothing */
	REST_LOST,     /* the connection broke, and it left nothing */
	REST_UNKNOWN   /* the connection broke while it was being committed */
} RestOutcome;

/* database.c */
extern PGconn *DatabaseConnect(const Options *options, const Credentials *credentials,
							   LinkFailure *failure, char *note, size_t size);
extern bool DatabaseAlive(PGconn *conn);
extern bool DatabasePing(const Options *options);

/* rest.c */
extern RestOutcome RestRun(const Options *options, Link *link, const RestCall *call,
						   Answer *answer);

/* pool.c */
extern void PoolStart(const Options *options);
extern Link *PoolTake(const Credentials *credentials, LinkFailure *failure, char *note,
					  size_t size);
extern void PoolGive(Link *link);
extern bool PoolKnows(const Credentials *credentials);
extern void PoolTidy(void);
extern void PoolCancel(void);
extern void PoolStop(void);

#endif
