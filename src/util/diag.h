/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is said about something that a person wrote: where, and what to do. Collected, never printed here.
 */
#include "util/macro.h"

enum diag_level {
	DIAG_ERROR = 3, /* the unit cannot be used; values are syslog's priorities */
	DIAG_WARNING = 4,
	DIAG_NOTICE = 5,
};

struct diag {
	enum diag_level level;
	const char *id; /* static: the kind of remark, such as "unknown-key"; NULL: of no kind of its own */
	const char *unprotected; /* static: the directive, if it limits or protects and is not done as written */
	char *file;		 /* NULL: not about a file */
	unsigned line; /* 0: not about a line */
	char *text;    /* one sentence, no newline */
};

struct diags {
	struct diag *v;
	size_t n;
	size_t errors;
};

#define DIAGS_INIT         \
	{                  \
		NULL, 0, 0 \
	}

/* Best effort: without memory the count of errors still grows, so that a broken unit is never taken for a good one. */
void diag_add_id(struct diags *d, enum diag_level level, const char *id, const char *file,
		 unsigned line, const char *fmt, ...) printf_like(6, 7);
#define diag_add(d, level, ...) diag_add_id((d), (level), NULL, __VA_ARGS__)
void diags_deinit(struct diags *d);
/* "file:line: text", as far as known; the caller frees it, NULL without memory. */
char *diag_format(const struct diag *d) must_check;

#define cleanup_diags __attribute__((cleanup(diags_deinit)))
