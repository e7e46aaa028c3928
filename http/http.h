/*
 * http.h - the words that all files of segments_http share.
 *
 * The daemon is a thin front: it takes a request apart, lets PostgreSQL check
 * the name and the password, calls segments.rest and gives back what that
 * answers.  One thread serves one connection of a client, and a connection to
 * the database is used by one thread at a time.
 */
#ifndef SEGMENTS_HTTP_H
#define SEGMENTS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the command line says; constant once the daemon runs. */
typedef struct Options
{
	const char *listen;        /* host:port, [v6]:port */
	const char *db;            /* libpq's connection string, without user and password */
	const char *contact_table; /* or NULL */
	long max_connections;      /* of clients */
	long max_body;             /* bytes */
	long pool;                 /* connections to the database, in all */
	long pool_per_role;        /* of them, for one name and password */
	long pool_wait;            /* seconds that a request waits for one of them */
	long pool_idle;            /* seconds after which an unused one is closed */
	long recheck;              /* seconds for which a password that was right is right */
	long timeout;              /* seconds for the database to answer */
	long client_timeout;       /* seconds for the client to send its request */
	long client_rate;          /* bytes in a second that extend the client's time */
	long grace;                /* seconds for running requests when told to stop */
	bool allow_trust;          /* take servers at their word that ask for no password */
} Options;

/* What goes back to the client. */
typedef struct Answer
{
	int status;
	char *body; /* malloc'ed, or NULL */
	size_t length;
	char *location;   /* malloc'ed, or NULL */
	const char *type; /* of the body */
	bool close;       /* end the connection after this */
	char note[256];   /* for the log only: what the database said */
} Answer;

/* options.c */
extern bool OptionsRead(int argc, char **argv, Options *options, int *exit_code);

/* listen.c */
extern int ListenOpen(const char *address, char *shown, size_t size);

/* answer.c */
extern void AnswerError(Answer *answer, int status, const char *message);
extern void AnswerSqlError(Answer *answer, const char *sqlstate, const char *message);
extern void AnswerFree(Answer *answer);

/* log.c */
extern void LogLine(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern void LogEscape(const char *text, char *out, size_t size);
extern int64_t ClockMs(void);

#endif
