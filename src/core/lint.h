/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The checks of "cgkillctl verify": what can be said about units before they run. Pure: what the host has is asked for
 * through a function.
 *
 * A claim that cannot be proven from the unit alone says "may" and is a hint, unless what may happen hits strangers.
 */
#include "core/assignment.h"
#include "core/finding.h"

/* One unit and what is known about it. */
struct lint_subject {
	const struct unit *unit;
	const struct assignments *where;
	const struct host_facts *host;
	usec_t budget; /* the longest that a stop should take; USEC_INFINITY = none is given */
	/* 0, or -errno: why the program cannot be executed; path is absolute or a bare name */
	int (*find_program)(const char *path);
};

/* What unit_load() and unitdir_read() had to say about the unit name; where may be empty. */
void lint_diags(const struct diags *diags, const char *name, const struct assignments *where,
		struct findings *out);
/* The unit by itself. */
void lint_unit(const struct lint_subject *s, struct findings *out);
/* … and its command lines, which is part of it. */
void lint_commands(const struct lint_subject *s, struct findings *out);

/* Does the signal suspend a process instead of ending it? */
bool lint_signal_stops(int sig);

enum lint_role {
	LINT_GIVEN = 1, /* to be checked */
	LINT_PULLED,	/* started with those that are given */
	LINT_MENTIONED, /* whether it is there is all that counts */
};

/* A name that units refer to; of a unit with several names there are several. */
struct lint_name {
	const char *name;
	const struct unit *unit; /* NULL: there is no such unit */
	const struct assignments *where;
	enum lint_role role;
};

/* How units refer to each other. Names that are not among them are not judged. */
void lint_units(const struct lint_name *names, size_t n, struct findings *out);
