/*
 * options.c - the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "http.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

enum
{
	OPT_VERSION = 256,
	OPT_ALLOW_TRUST,
	OPT_TEXT, /* and the texts, then the numbers, below */
	OPT_NUMBER = 300
};

/* An option that is a number: where it goes and what it may be. */
typedef struct NumberOption
{
	const char *name;
	size_t offset;
	long min;
	long max;
} NumberOption;

static const NumberOption number_options[] = {
	{"max-connections", offsetof(Options, max_connections), 1, 100000},
	{"max-body", offsetof(Options, max_body), 1, 256L * 1024 * 1024},
	{"pool", offsetof(Options, pool), 1, 10000},
	{"pool-per-role", offsetof(Options, pool_per_role), 1, 10000},
	{"pool-idle", offsetof(Options, pool_idle), 1, 86400},
	{"recheck", offsetof(Options, recheck), 1, 86400},
	{"timeout", offsetof(Options, timeout), 1, 86400},
	{"client-timeout", offsetof(Options, client_timeout), 1, 86400},
	{"client-rate", offsetof(Options, client_rate), 1, 1000000000},
	{"pool-wait", offsetof(Options, pool_wait), 0, 86400},
	{"grace", offsetof(Options, grace), 0, 86400},
};

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{"allow-trust", no_argument, NULL, OPT_ALLOW_TRUST},
	{"listen", required_argument, NULL, OPT_TEXT},
	{"db", required_argument, NULL, OPT_TEXT + 1},
	{"contact-table", required_argument, NULL, OPT_TEXT + 2},
	{"max-connections", required_argument, NULL, OPT_NUMBER},
	{"max-body", required_argument, NULL, OPT_NUMBER + 1},
	{"pool", required_argument, NULL, OPT_NUMBER + 2},
	{"pool-per-role", required_argument, NULL, OPT_NUMBER + 3},
	{"pool-idle", required_argument, NULL, OPT_NUMBER + 4},
	{"recheck", required_argument, NULL, OPT_NUMBER + 5},
	{"timeout", required_argument, NULL, OPT_NUMBER + 6},
	{"client-timeout", required_argument, NULL, OPT_NUMBER + 7},
	{"client-rate", required_argument, NULL, OPT_NUMBER + 8},
	{"pool-wait", required_argument, NULL, OPT_NUMBER + 9},
	{"grace", required_argument, NULL, OPT_NUMBER + 10},
	{NULL, 0, NULL, 0},
};

static void
print_help(void)
{
	fputs("segments_http serves the segments of a PostgreSQL database over HTTP.\n"
		  "\n"
		  "Usage: segments_http [OPTION]...\n"
		  "\n"
		  "  --listen HOST:PORT      where to listen (127.0.0.1:8080; [::1]:8080)\n"
		  "  --db CONNINFO           database, as libpq writes it ('dbname=crm'), without user\n"
		  "                          and password: these come with each request\n"
		  "  --contact-table NAME    the contact table to serve, where there are several\n"
		  "  --max-connections N     connections of clients (256)\n"
		  "  --max-body BYTES        length of a request's body (8388608)\n"
		  "  --pool N                connections to the database (32)\n"
		  "  --pool-per-role N       of them, for one role (16)\n"
		  "  --pool-wait S           a request waits so many seconds for one of them (10)\n"
		  "  --pool-idle S           closes them after so many seconds without use (300)\n"
		  "  --recheck S             has the database check a password again after so many\n"
		  "                          seconds (60)\n"
		  "  --timeout S             seconds for the database to answer (30)\n"
		  "  --client-timeout S      seconds for a client to send its request (30)\n"
		  "  --client-rate BYTES     ... and a second more for so many bytes of a body or an\n"
		  "                          answer (16384)\n"
		  "  --grace S               seconds for running requests when told to stop (25)\n"
		  "  --allow-trust           accept any password where the database asks for none\n"
		  "  --help, --version\n",
		  stdout);
}

/*
 * Is a connection string fit for us?  Names and passwords come from clients,
 * so one here would let them in without, and is refused.
 */
static bool
check_db(const char *db)
{
	char *error = NULL;
	PQconninfoOption *parsed;
	bool good = true;

	if (strchr(db, '=') == NULL && strstr(db, "://") == NULL)
		return true; /* the name of a database */
	parsed = PQconninfoParse(db, &error);
	if (parsed == NULL)
	{
		fprintf(stderr, "segments_http: --db: %s", error ? error : "out of memory\n");
		PQfreemem(error);
		return false;
	}
	for (PQconninfoOption *option = parsed; option->keyword != NULL; option++)
	{
		if (option->val == NULL)
			continue;
		if (strcmp(option->keyword, "user") == 0 || strcmp(option->keyword, "password") == 0 ||
			strcmp(option->keyword, "passfile") == 0 || strcmp(option->keyword, "replication") == 0)
		{
			fprintf(stderr, "segments_http: --db must not have \"%s\"\n", option->keyword);
			good = false;
		}
	}
	PQconninfoFree(parsed);
	return good;
}

static bool
read_number(const NumberOption *option, const char *text, Options *options)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < option->min || value > option->max)
	{
		fprintf(stderr, "segments_http: --%s must be a number between %ld and %ld\n", option->name,
				option->min, option->max);
		return false;
	}
	memcpy((char *) options + option->offset, &value, sizeof(long));
	return true;
}

static void
set_defaults(Options *options)
{
	memset(options, 0, sizeof(*options));
	options->listen = "127.0.0.1:8080";
	options->db = "";
	options->max_connections = 256;
	options->max_body = 8 * 1024 * 1024;
	options->pool = 32;
	options->pool_per_role = 16;
	options->pool_wait = 10;
	options->pool_idle = 300;
	options->recheck = 60;
	options->timeout = 30;
	options->client_timeout = 30;
	options->client_rate = 16384;
	options->grace = 25;
}

/*
 * One option; false where it is wrong.
 */
static bool
read_option(int c, Options *options)
{
	const char **texts[] = {&options->listen, &options->db, &options->contact_table};

	if (c >= OPT_NUMBER)
		return read_number(&number_options[c - OPT_NUMBER], optarg, options);
	if (c == OPT_ALLOW_TRUST)
		options->allow_trust = true;
	else if (c >= OPT_TEXT)
		*texts[c - OPT_TEXT] = optarg;
	else
		return false;
	return true;
}

/*
 * Read the command line.  False when there is nothing to serve: then
 * *exit_code is what the program ends with.
 */
bool
OptionsRead(int argc, char **argv, Options *options, int *exit_code)
{
	int c;

	set_defaults(options);
	*exit_code = 2;
	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
	{
		if (c == 'h' || c == OPT_VERSION)
		{
			if (c == 'h')
				print_help();
			else
				puts("segments_http " VERSION);
			*exit_code = 0;
			return false;
		}
		if (!read_option(c, options))
			return false;
	}
	if (optind < argc)
	{
		fprintf(stderr, "segments_http: unrecognized argument \"%s\"; see --help\n", argv[optind]);
		return false;
	}
	if (options->pool_per_role > options->pool)
		options->pool_per_role = options->pool;
	return check_db(options->db);
}
