/*
 * client.c - who is connected, and for how long.
 *
 * libmicrohttpd's own limit is on silence: a client that sends a byte now and
 * then would stay for ever.  Here a watcher looks at all connections and cuts
 * those that take too long for what they are at.  Cutting is shutdown(), which
 * wakes the connection's thread; that one closes the socket.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "client.h"
#include "pool.h"

#define WATCH_MS 100

static const char late[] =
	"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n"
	"Content-Length: 85\r\n\r\n"
	"{\"errors\":[{\"message\":\"The request did not arrive in time.\",\"code\":408,\"type\":null}]}";

static const Options *options;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t watcher;
static Client *clients;
static long total;
static bool stopping; /* no request is to begin any more */
static bool stopped;  /* the watcher is to end */

/*
 * May a connection stay?
 */
static bool
in_time(const Client *client, int64_t now)
{
	int64_t limit =
		options->client_timeout * 1000 + (int64_t) client->bytes * 1000 / options->client_rate;

	if (client->phase == PHASE_WORK)
		return true;
	if (client->phase == PHASE_WAIT && stopping)
		return false;
	return now - client->since < limit;
}

/*
 * Cut a connection.  Who has begun to ask is told why.
 */
static void
cut(Client *client)
{
	if (client->phase == PHASE_HEAD || client->phase == PHASE_BODY)
		(void) send(client->fd, late, sizeof(late) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(client->fd, SHUT_RDWR);
}

static void *
watch(void *arg)
{
	const struct timespec pause = {.tv_nsec = WATCH_MS * 1000000L};
	bool more = true;

	(void) arg;
	while (more)
	{
		int64_t now = ClockMs();

		pthread_mutex_lock(&lock);
		for (Client *client = clients; client != NULL; client = client->next)
			if (!in_time(client, now))
				cut(client);
		more = !stopped;
		pthread_mutex_unlock(&lock);
		PoolTidy();
		nanosleep(&pause, NULL);
	}
	return NULL;
}

void
ClientStart(const Options *given)
{
	options = given;
	if (pthread_create(&watcher, NULL, watch, NULL) != 0)
	{
		LogLine("cannot start a thread: %m");
		exit(1);
	}
}

void
ClientStop(void)
{
	pthread_mutex_lock(&lock);
	stopped = true;
	pthread_mutex_unlock(&lock);
	pthread_join(watcher, NULL);
}

/*
 * A client has connected; NULL without memory.
 */
Client *
ClientAdd(int fd)
{
	Client *client = calloc(1, sizeof(Client));

	if (client == NULL)
		return NULL;
	client->fd = fd;
	client->since = ClockMs();
	pthread_mutex_lock(&lock);
	client->next = clients;
	clients = client;
	total++;
	pthread_mutex_unlock(&lock);
	return client;
}

/*
 * A connection is about to be closed: from here on its descriptor may be
 * another's.
 */
void
ClientRemove(Client *client)
{
	Client **at = &clients;

	pthread_mutex_lock(&lock);
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	total--;
	pthread_mutex_unlock(&lock);
	free(client);
}

/*
 * A connection begins with something else.
 */
void
ClientPhase(Client *client, Phase phase, size_t bytes)
{
	pthread_mutex_lock(&lock);
	client->phase = phase;
	client->since = ClockMs();
	client->bytes = bytes;
	pthread_mutex_unlock(&lock);
}

/*
 * More of a body has come.
 */
void
ClientProgress(Client *client, size_t bytes)
{
	pthread_mutex_lock(&lock);
	client->bytes += bytes;
	pthread_mutex_unlock(&lock);
}

/*
 * Are there more than --max-connections?
 */
bool
ClientsTooMany(void)
{
	bool many;

	pthread_mutex_lock(&lock);
	many = total > options->max_connections;
	pthread_mutex_unlock(&lock);
	return many;
}

/*
 * Begin to stop: connections without a request are cut.  True when none with
 * one is left.
 */
bool
ClientsDrain(void)
{
	bool idle = true;

	pthread_mutex_lock(&lock);
	stopping = true;
	for (Client *client = clients; client != NULL; client = client->next)
		idle &= client->phase == PHASE_WAIT;
	pthread_mutex_unlock(&lock);
	return idle;
}

bool
ClientsStopping(void)
{
	bool result;

	pthread_mutex_lock(&lock);
	result = stopping;
	pthread_mutex_unlock(&lock);
	return result;
}
