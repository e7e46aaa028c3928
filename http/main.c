/*
 * main.c - segments_http from start to stop.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "pool.h"

#define CANCEL_MS 5000 /* for requests to end that were told to */

/*
 * As many files as we are allowed, and at least as we need.
 */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max)
	{
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * Signals that end us are waited for by the main thread alone.
 */
static void
block_signals(sigset_t *signals)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

/*
 * Wait until no request is left, or the time is over.
 */
static bool
wait_drained(int64_t ms, bool cancel)
{
	const struct timespec pause = {.tv_nsec = 20000000L};
	int64_t deadline = ClockMs() + ms;

	while (!ClientsDrain())
	{
		if (ClockMs() >= deadline)
			return false;
		if (cancel)
			PoolCancel();
		nanosleep(&pause, NULL);
	}
	return true;
}

/*
 * Stop: no new connections; what runs may end, and is ended when the grace
 * is over.
 */
static void
stop(struct MHD_Daemon *daemon, const Options *options)
{
	int fd = MHD_quiesce_daemon(daemon);

	if (fd >= 0)
		close(fd);
	if (!wait_drained(options->grace * 1000, false))
		wait_drained(CANCEL_MS, true);
	MHD_stop_daemon(daemon);
	ClientStop();
	PoolStop();
}

int
main(int argc, char **argv)
{
	Options options;
	sigset_t signals;
	char address[300];
	struct MHD_Daemon *daemon;
	int exit_code;
	int signal_number;
	int fd;

	if (!OptionsRead(argc, argv, &options, &exit_code))
		return exit_code;
	unsetenv("PGPASSWORD"); /* a password comes with each request, or not at all */
	raise_file_limit();
	block_signals(&signals);
	fd = ListenOpen(options.listen, address, sizeof(address));
	if (fd < 0)
		return 1;
	PoolStart(&options);
	ClientStart(&options);
	RequestStart(&options);
	daemon = ServerStart(&options, fd);
	if (daemon == NULL)
	{
		LogLine("cannot start the server");
		return 1;
	}
	LogLine("listening on %s", address);
	sigwait(&signals, &signal_number);
	LogLine("stopping");
	stop(daemon, &options);
	LogLine("stopped");
	return 0;
}
