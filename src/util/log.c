/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>

#include "util/clock.h"

/*
 * What is written at once is at most PIPE_BUF long, and whole lines: poll(2) calls a pipe writable
 * when it has room for that much, so that its one writer never blocks, and a line is never torn or
 * mixed with another's (pipe(7)). O_NONBLOCK would do that for any number of writers, but standard
 * error is shared with processes that do not expect it.
 */
static struct {
	const char *program;
	enum log_level max;
	enum log_format format;
	unsigned long dropped;
	void (*copy)(enum log_level level, const char *text);
} log_state = { "cgkill", LOG_INFO_, LOG_FORMAT_PLAIN, 0, NULL };

/* Entries that wait for log_flush(). */
static struct {
	bool on;
	pid_t owner; /* a child has a copy, which is not its to write */
	unsigned entries;
	size_t len;
	char text[PIPE_BUF];
} held;

void log_setup(const char *program, enum log_level max, enum log_format format)
{
	log_state.program = program;
	log_state.max = max;
	log_state.format = format;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.max || log_state.copy;
}

void log_copy_to(void (*fn)(enum log_level level, const char *text))
{
	log_state.copy = fn;
}

static size_t put_head(char *line, size_t size, enum log_level level)
{
	char stamp[CLOCK_STAMP_SIZE];

	switch (log_state.format) {
	case LOG_FORMAT_PLAIN:
		break;
	case LOG_FORMAT_STAMP:
		return (size_t)snprintf(line, size, "%s ", clock_stamp(clock_realtime(), stamp));
	case LOG_FORMAT_PRIORITY:
		return (size_t)snprintf(line, size, "<%d>", (int)level);
	}
	return MIN_OF((size_t)snprintf(line, size, "%s: ", log_state.program), size - 1);
}

/* Writes whole lines unless that would block. */
static bool put_lines(const char *lines, size_t len)
{
	struct pollfd stderr_room = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n;

	if (poll(&stderr_room, 1, 0) != 1 || !(stderr_room.revents & POLLOUT))
		return false;
	do
		n = write(STDERR_FILENO, lines, len);
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

/* Ends the entry in line, of which len bytes were to be written: cut to PIPE_BUF. Its length. */
static size_t end_entry(char line[static PIPE_BUF], size_t len)
{
	len = MIN_OF(len, (size_t)PIPE_BUF - 1);
	line[len] = '\0';
	make_harmless(line);
	line[len] = '\n';
	return len + 1;
}

/* Says how many entries went missing, as soon as there is room for that. False: there is none yet. */
static bool report_dropped(void)
{
	char line[PIPE_BUF];
	size_t len;

	if (log_state.dropped == 0)
		return true;
	len = put_head(line, sizeof(line), LOG_WARNING_);
	len += (size_t)snprintf(line + len, sizeof(line) - len,
				"%lu messages lost: nobody read the log", log_state.dropped);
	if (!put_lines(line, end_entry(line, len)))
		return false;
	log_state.dropped = 0;
	return true;
}

void log_flush(void)
{
	int saved = errno;

	if (held.entries == 0)
		return;
	if (held.owner == getpid() && !(report_dropped() && put_lines(held.text, held.len)))
		log_state.dropped += held.entries;
	held.entries = 0;
	held.len = 0;
	errno = saved;
}

void log_hold(bool on)
{
	static bool at_exit;

	log_flush();
	held.on = on && !isatty(STDERR_FILENO);
	if (held.on && !at_exit)
		at_exit = atexit(log_flush) == 0;
}

/* Held entries are one process's: what a child has inherited is thrown away before it adds its own. */
static void hold(const char *line, size_t len)
{
	pid_t self = getpid();

	if (held.owner != self || held.len + len > sizeof(held.text))
		log_flush();
	held.owner = self;
	memcpy(held.text + held.len, line, len);
	held.len += len;
	held.entries++;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	/* Not on the stack: each page of it that is written between two forks is copied once more. */
	static char line[PIPE_BUF];
	int saved = errno, n;
	size_t head;
	va_list ap;

	if (!log_wants(level))
		return;
	head = put_head(line, sizeof(line), level);
	va_start(ap, fmt);
	n = vsnprintf(line + head, sizeof(line) - head, fmt, ap);
	va_end(ap);
	if (n < 0)
		line[head] = '\0';
	if (log_state.copy)
		log_state.copy(level, line + head);
	if (level <= log_state.max) {
		hold(line, end_entry(line, head + (size_t)MAX_OF(n, 0)));
		if (!held.on || level <= LOG_WARNING_)
			log_flush();
	}
	errno = saved;
}
