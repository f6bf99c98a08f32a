/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The log of a program: one line an entry on standard error, "<N>" prefixed (sd-daemon(3)) when
 * asked for. Used by the layers that decide (daemon, ctl); util, core and sys return errors
 * instead. Not thread-safe; a write that would block is dropped and counted, so that a full pipe
 * never hangs the caller.
 */
#include "util/macro.h"

enum log_level { LOG_ERROR_ = 3, LOG_WARNING_ = 4, LOG_NOTICE_ = 5, LOG_INFO_ = 6, LOG_DEBUG_ = 7 };

enum log_format {
	LOG_FORMAT_PLAIN = 1, /* "cgkilld: text" */
	LOG_FORMAT_STAMP,     /* "2026-01-31T12:00:00.123456Z text" */
	LOG_FORMAT_PRIORITY,  /* "<6>text" */
};

void log_setup(const char *program, enum log_level max, enum log_format format);
void log_at(enum log_level level, const char *fmt, ...) printf_like(2, 3);
bool log_wants(enum log_level level);
/* From now on fn gets the text of every entry as well, also of those that are not printed. NULL: no more. */
void log_copy_to(void (*fn)(enum log_level level, const char *text));

/*
 * Holds entries back, but for warnings and errors, so that many cost one write: until log_flush(), until the next warning or
 * error, until there are PIPE_BUF of them, or the end of the program by exit(3). For a program that calls log_flush()
 * whenever it is about to sleep, to answer somebody, or to execve itself. Their order stays; each has its own time. A child
 * does not write what its parent holds. On a terminal nothing is held back.
 */
void log_hold(bool on);
void log_flush(void);

#define log_error(...)	 log_at(LOG_ERROR_, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING_, __VA_ARGS__)
#define log_notice(...)	 log_at(LOG_NOTICE_, __VA_ARGS__)
#define log_info(...)	 log_at(LOG_INFO_, __VA_ARGS__)
#define log_debug(...)                                   \
	do {                                             \
		if (log_wants(LOG_DEBUG_))               \
			log_at(LOG_DEBUG_, __VA_ARGS__); \
	} while (0)
