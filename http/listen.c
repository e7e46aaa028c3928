/*
 * listen.c - the socket that clients connect to.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

/*
 * Take "host:port" or "[v6]:port" apart; false when it is neither.
 */
static bool
split_address(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	const char *begin = address;
	const char *end = colon;

	if (colon == NULL || colon == address || colon[1] == '\0')
		return false;
	if (*begin == '[')
	{
		begin++;
		end--;
		if (end <= begin || *end != ']')
			return false;
	}
	else if (memchr(begin, ':', (size_t) (end - begin)) != NULL)
		return false;
	if ((size_t) (end - begin) >= size)
		return false;
	memcpy(host, begin, (size_t) (end - begin));
	host[end - begin] = '\0';
	*port = colon + 1;
	return true;
}

/*
 * A listening socket on one address, or -1 with errno as it was left.
 */
static int
open_one(const struct addrinfo *info)
{
	int on = 1;
	int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, 1024) == 0)
		return fd;
	close(fd);
	return -1;
}

/*
 * How the address reads that a socket has been bound to; with port 0 only
 * this tells which one it is.
 */
static void
show_address(int fd, char *shown, size_t size)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char host[256] = "?";
	char port[32] = "?";

	if (getsockname(fd, (struct sockaddr *) &address, &length) == 0)
		getnameinfo((struct sockaddr *) &address, length, host, sizeof(host), port, sizeof(port),
					NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(shown, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/*
 * Listen on "host:port"; -1 with a line in the log when that cannot be.
 */
int
ListenOpen(const char *address, char *shown, size_t size)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list = NULL;
	char host[256];
	const char *port;
	int fd = -1;
	int code;

	if (!split_address(address, host, sizeof(host), &port))
	{
		LogLine("cannot listen on \"%s\": HOST:PORT or [ADDRESS]:PORT is needed", address);
		return -1;
	}
	code = getaddrinfo(host, port, &hints, &list);
	if (code != 0)
	{
		LogLine("cannot listen on \"%s\": %s", address, gai_strerror(code));
		return -1;
	}
	for (const struct addrinfo *info = list; info != NULL && fd < 0; info = info->ai_next)
		fd = open_one(info);
	freeaddrinfo(list);
	if (fd < 0)
		LogLine("cannot listen on \"%s\": %m", address);
	else
		show_address(fd, shown, size);
	return fd;
}
