/*
 * log.c - lines on standard error, and the clock.
 *
 * Passwords and query strings never come here; what clients choose, such as a
 * path or the name of a role, is escaped first, so it cannot forge a line.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

/*
 * One line with the time before it.  A single write, so lines of several
 * threads don't mix.
 */
void
LogLine(const char *format, ...)
{
	char line[2048];
	struct timespec now;
	struct tm utc;
	va_list args;
	size_t length;
	ssize_t written;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
	length += snprintf(line + length, sizeof(line) - length, ".%03ldZ ", now.tv_nsec / 1000000);
	va_start(args, format);
	vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	length = strlen(line);
	line[length++] = '\n';
	written = write(STDERR_FILENO, line, length);
	(void) written;
}

/*
 * Copy text so that it can stand between quotes in a line of the log; what
 * doesn't fit is cut off.
 */
void
LogEscape(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 5 < size; text++)
	{
		unsigned char c = (unsigned char) *text;

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			n += (size_t) snprintf(out + n, size - n, "\\x%02x", c);
		else
			out[n++] = (char) c;
	}
	out[n] = '\0';
}

/*
 * Milliseconds that only go forward.
 */
int64_t
ClockMs(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
