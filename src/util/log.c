/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <time.h>

#include "util/clock.h"

/*
 * A line is at most PIPE_BUF long: poll(2) calls a pipe writable when it has room for that much, so
 * that its one writer never blocks, and a line is never torn or mixed with another's (pipe(7)).
 * O_NONBLOCK would do that for any number of writers, but standard error is shared with processes
 * that do not expect it.
 */
static struct {
	const char *program;
	enum log_level max;
	enum log_format format;
	unsigned long dropped;
} log_state = { "cgkill", LOG_INFO_, LOG_FORMAT_PLAIN, 0 };

void log_setup(const char *program, enum log_level max, enum log_format format)
{
	log_state.program = program;
	log_state.max = max;
	log_state.format = format;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.max;
}

/* "2026-01-31T12:00:00.123456Z " */
static size_t put_stamp(char *line, size_t size)
{
	usec_t now = clock_realtime();
	time_t seconds = (time_t)(now / USEC_PER_SEC);
	struct tm tm;
	size_t len;

	if (!gmtime_r(&seconds, &tm))
		return 0;
	len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return len +
	       (size_t)snprintf(line + len, size - len, ".%06uZ ", (unsigned)(now % USEC_PER_SEC));
}

static size_t put_head(char *line, size_t size, enum log_level level)
{
	switch (log_state.format) {
	case LOG_FORMAT_PLAIN:
		break;
	case LOG_FORMAT_STAMP:
		return put_stamp(line, size);
	case LOG_FORMAT_PRIORITY:
		return (size_t)snprintf(line, size, "<%d>", (int)level);
	}
	return MIN_OF((size_t)snprintf(line, size, "%s: ", log_state.program), size - 1);
}

/* Writes the line unless that would block. */
static bool put_line(const char *line, size_t len)
{
	struct pollfd stderr_room = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n;

	if (poll(&stderr_room, 1, 0) != 1 || !(stderr_room.revents & POLLOUT))
		return false;
	do
		n = write(STDERR_FILENO, line, len);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

/*
 * Names of processes and text of unit files come along here: none may forge a line or steer a
 * terminal.
 */
static void make_harmless(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

/* Writes one entry, cut to PIPE_BUF. */
static bool put_entry(enum log_level level, const char *text)
{
	char line[PIPE_BUF];
	size_t len = put_head(line, sizeof(line), level), room = sizeof(line) - len - 1;

	len += MIN_OF((size_t)snprintf(line + len, room + 1, "%s", text), room);
	make_harmless(line);
	line[len++] = '\n'; /* where the NUL was */
	return put_line(line, len);
}

/* Says how many entries went missing, as soon as there is room for that. */
static void report_dropped(void)
{
	char text[64];

	if (log_state.dropped == 0)
		return;
	snprintf(text, sizeof(text), "%lu messages lost: nobody read the log", log_state.dropped);
	if (put_entry(LOG_WARNING_, text))
		log_state.dropped = 0;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char text[PIPE_BUF];
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	report_dropped();
	if (!put_entry(level, text))
		log_state.dropped++;
	errno = saved;
}
