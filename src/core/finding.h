/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a check of unit files has found: where, how grave, why, and what to do about it.
 */
#include "util/macro.h"

enum severity {
	SEVERITY_INVALID,
	SEVERITY_HINT,	  /* true, but it may be meant so; or a guess, whose text then says "may" */
	SEVERITY_WARNING, /* not what its author will have meant, or a stop that can go wrong */
	SEVERITY_ERROR,	  /* it cannot work */
	SEVERITY_MAX,
};

const char *severity_name(enum severity s);

/* A kind of finding. Static data: each check has one. */
struct lint_rule {
	const char *id; /* in kebab-case; never changes its meaning */
	enum severity severity;
	const char *remedy; /* what to write, a sentence */
};

struct finding {
	const struct lint_rule *rule;
	char *file;    /* or the name of the unit */
	unsigned line; /* 0: about the unit as a whole */
	char *text;    /* the reason, a sentence without its full stop */
};

struct findings {
	struct finding *v;
	size_t n, cap;
	bool failed; /* memory ran out: some are missing */
};

#define FINDINGS_INIT             \
	{                         \
		NULL, 0, 0, false \
	}

void findings_add(struct findings *f, const struct lint_rule *rule, const char *file, unsigned line,
		  const char *fmt, ...) printf_like(5, 6);
/* By file and line; what is there twice, because units share a file, is there once afterwards. */
void findings_sort(struct findings *f);
void findings_deinit(struct findings *f);

#define cleanup_findings __attribute__((cleanup(findings_deinit)))
