/*
 * pool.c - the connections to the database that are kept.
 *
 * A connection serves requests that bring the very name and password it was
 * opened with, so who has one has been let in by the database.  None is used
 * for longer than --recheck seconds: a password that was changed, a role that
 * was dropped or may no longer log in, is found out by then.
 *
 * Passwords are kept as they are: libpq keeps each in its connection anyway,
 * so that a hash beside it would protect nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pool.h"

static const Options *options;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_condattr_t by_clock;
static Link *links; /* all, those in use and those being opened too */
static long total;

/* A request that waits for a connection; they are served in order. */
typedef struct Waiter
{
	struct Waiter *next;
	const Credentials *credentials;
	Link *link; /* what it has been given */
	pthread_cond_t given;
} Waiter;

static Waiter *waiters;

void
PoolStart(const Options *given)
{
	options = given;
	pthread_condattr_init(&by_clock);
	pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
}

static bool
is_for(const Link *link, const Credentials *credentials)
{
	return strcmp(credentials->role, link->role) == 0 &&
		   SecretsEqual(credentials->password, link->password);
}

static bool
is_fresh(const Link *link)
{
	return ClockMs() - link->opened < options->recheck * 1000;
}

/*
 * Move a link from the list to those that are done with; the lock is held.
 * These are closed without it, as that takes time.
 */
static void
bury(Link *link, Link **dead)
{
	Link **at = &links;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	link->next = *dead;
	*dead = link;
	total--;
}

static void
close_all(Link *dead)
{
	while (dead != NULL)
	{
		Link *link = dead;

		dead = link->next;
		PQfreeCancel(link->cancel);
		PQfinish(link->conn);
		explicit_bzero(link->password, strlen(link->password));
		free(link->password);
		free(link->role);
		free(link);
	}
}

/*
 * List a link that is yet to be opened, so that it counts; NULL without memory.
 */
static Link *
enlist(const Credentials *credentials)
{
	Link *link = calloc(1, sizeof(Link));
	char *role = strdup(credentials->role);
	char *password = strdup(credentials->password);

	if (link == NULL || role == NULL || password == NULL)
	{
		free(link);
		free(role);
		free(password);
		return NULL;
	}
	link->role = role;
	link->password = password;
	link->busy = true;
	link->next = links;
	links = link;
	total++;
	return link;
}

/*
 * Bury the unused links that are of no use any more.
 */
static void
bury_aged(Link **dead)
{
	int64_t now = ClockMs();
	Link *next;

	for (Link *link = links; link != NULL; link = next)
	{
		next = link->next;
		if (!link->busy && (!is_fresh(link) || now - link->used >= options->pool_idle * 1000))
			bury(link, dead);
	}
}

/* The list, seen by one who needs a connection. */
typedef struct View
{
	Link *idle;    /* to be taken */
	Link *oldest;  /* unused for the longest time, whosever it is */
	long mine;     /* links of the same name and password */
	long unproven; /* links whose password is being checked */
	bool known;    /* one of mine has been let in */
} View;

static void
look(const Credentials *credentials, View *view)
{
	memset(view, 0, sizeof(*view));
	for (Link *link = links; link != NULL; link = link->next)
	{
		bool mine = is_for(link, credentials);

		view->mine += mine;
		view->unproven += link->conn == NULL;
		view->known |= mine && link->conn != NULL;
		if (link->busy)
			continue;
		if (mine && (view->idle == NULL || link->used > view->idle->used))
			view->idle = link;
		if (view->oldest == NULL || link->used < view->oldest->used)
			view->oldest = link;
	}
}

/*
 * May another connection be opened?  Passwords that may be wrong get half of
 * the places at most, so guessing doesn't shut out those who know theirs.
 */
static bool
may_open(const View *view)
{
	if (view->mine >= options->pool_per_role)
		return false;
	if (!view->known && view->unproven >= (options->pool + 1) / 2)
		return false;
	return total < options->pool || view->oldest != NULL;
}

/*
 * A connection that is unused, or a place for one to be opened; NULL when
 * there is neither.
 */
static Link *
find_place(const Credentials *credentials, Link **dead)
{
	View view;

	look(credentials, &view);
	if (view.idle != NULL)
	{
		view.idle->busy = true;
		return view.idle;
	}
	if (!may_open(&view))
		return NULL;
	if (total >= options->pool)
		bury(view.oldest, dead);
	return enlist(credentials);
}

/*
 * Something has become free, or somebody new waits: give to who has waited
 * longest of those that can be given something.
 */
static void
serve(Link **dead)
{
	Waiter **at = &waiters;

	bury_aged(dead);
	while (*at != NULL)
	{
		Waiter *waiter = *at;

		waiter->link = find_place(waiter->credentials, dead);
		if (waiter->link == NULL)
		{
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		pthread_cond_signal(&waiter->given);
	}
}

/*
 * Wait, in the queue, for what serve gives; NULL when the time is over.
 */
static Link *
wait_place(const Credentials *credentials, Link **dead)
{
	Waiter self = {.credentials = credentials};
	Waiter **at = &waiters;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += options->pool_wait;
	pthread_cond_init(&self.given, &by_clock);
	while (*at != NULL)
		at = &(*at)->next;
	*at = &self;
	serve(dead);
	while (self.link == NULL)
	{
		if (pthread_cond_timedwait(&self.given, &lock, &until) == ETIMEDOUT && self.link == NULL)
		{
			for (at = &waiters; *at != &self;)
				at = &(*at)->next;
			*at = self.next;
			break;
		}
	}
	pthread_cond_destroy(&self.given);
	return self.link;
}

/*
 * A link that is not to be used again; the caller has it.
 */
static void
discard(Link *link)
{
	Link *dead = NULL;

	pthread_mutex_lock(&lock);
	bury(link, &dead);
	serve(&dead);
	pthread_mutex_unlock(&lock);
	close_all(dead);
}

/*
 * The database has refused what it once let in: close what is open on it.
 */
static void
forget_refused(const Credentials *credentials)
{
	Link *dead = NULL;
	Link *next;

	pthread_mutex_lock(&lock);
	for (Link *link = links; link != NULL; link = next)
	{
		next = link->next;
		if (!is_for(link, credentials))
			continue;
		link->spoiled = true;
		if (!link->busy)
			bury(link, &dead);
	}
	serve(&dead);
	pthread_mutex_unlock(&lock);
	close_all(dead);
}

/*
 * Open a link that has its place.
 */
static bool
open_link(Link *link, const Credentials *credentials, LinkFailure *failure, char *note, size_t size)
{
	int64_t opened = ClockMs();
	PGconn *conn = DatabaseConnect(options, credentials, failure, note, size);
	PGcancel *cancel = conn != NULL ? PQgetCancel(conn) : NULL;
	Link *dead = NULL;

	if (conn == NULL)
	{
		discard(link);
		if (*failure == LINK_REFUSED)
			forget_refused(credentials);
		return false;
	}
	pthread_mutex_lock(&lock);
	link->opened = opened;
	link->conn = conn;
	link->cancel = cancel;
	serve(&dead); /* others with this password may open theirs now */
	pthread_mutex_unlock(&lock);
	close_all(dead);
	return true;
}

/*
 * A connection for a name and a password; NULL, with the reason, when there
 * is none.  It goes back by PoolGive.
 */
Link *
PoolTake(const Credentials *credentials, LinkFailure *failure, char *note, size_t size)
{
	*failure = LINK_FINE;
	for (;;)
	{
		Link *dead = NULL;
		Link *link;

		pthread_mutex_lock(&lock);
		link = wait_place(credentials, &dead);
		pthread_mutex_unlock(&lock);
		close_all(dead);
		if (link == NULL)
		{
			snprintf(note, size, "no connection to the database became free");
			*failure = LINK_BUSY;
			return NULL;
		}
		if (link->conn == NULL)
			return open_link(link, credentials, failure, note, size) ? link : NULL;
		if (DatabaseAlive(link->conn))
			return link;
		discard(link);
	}
}

/*
 * Give a connection back.  One that broke, or is within a transaction still,
 * is closed.
 */
void
PoolGive(Link *link)
{
	bool usable =
		PQstatus(link->conn) == CONNECTION_OK && PQtransactionStatus(link->conn) == PQTRANS_IDLE;
	Link *dead = NULL;

	pthread_mutex_lock(&lock);
	if (usable && !link->spoiled)
	{
		link->busy = false;
		link->used = ClockMs();
	}
	else
		bury(link, &dead);
	serve(&dead);
	pthread_mutex_unlock(&lock);
	close_all(dead);
}

/*
 * Has the database let in this name and password lately?
 */
bool
PoolKnows(const Credentials *credentials)
{
	bool known = false;

	pthread_mutex_lock(&lock);
	for (Link *link = links; link != NULL && !known; link = link->next)
		known = link->conn != NULL && is_fresh(link) && is_for(link, credentials);
	pthread_mutex_unlock(&lock);
	return known;
}

/*
 * Close what has been unused for long, from time to time.
 */
void
PoolTidy(void)
{
	Link *dead = NULL;

	pthread_mutex_lock(&lock);
	serve(&dead);
	pthread_mutex_unlock(&lock);
	close_all(dead);
}

/*
 * End what runs: the grace is over.
 */
void
PoolCancel(void)
{
	char ignored[256];

	pthread_mutex_lock(&lock);
	for (Link *link = links; link != NULL; link = link->next)
		if (link->busy && link->cancel != NULL)
			PQcancel(link->cancel, ignored, sizeof(ignored));
	pthread_mutex_unlock(&lock);
}

/*
 * Close everything; nobody uses it any more.
 */
void
PoolStop(void)
{
	close_all(links);
	links = NULL;
	total = 0;
	pthread_condattr_destroy(&by_clock);
}
