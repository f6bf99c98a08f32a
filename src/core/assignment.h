/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where the settings of a unit stand in its files, for whoever has to point at a line. Read from the same texts as the unit,
 * a second time: so a unit that is only run does not carry its line numbers with it.
 */
#include "core/load.h"

struct assignment {
	const char *file; /* the path of its text, borrowed */
	unsigned line;
	char *section, *key;
	char *value; /* as it is written, a comment behind it included; "" resets a list */
};

struct assignments {
	struct assignment *v; /* in the order in which they apply */
	size_t n, cap;
};

#define ASSIGNMENTS_INIT   \
	{                  \
		NULL, 0, 0 \
	}

/* Lines that unit_load() complains about are passed over. 0 or -ENOMEM. */
int assignments_read(struct assignments *out, const struct unit_text *texts, size_t n) must_check;
void assignments_deinit(struct assignments *a);

/* The last assignment of key; NULL: there is none. */
const struct assignment *assignment_last(const struct assignments *a, const char *key);
/* … whose value has this word, or else the last one. */
const struct assignment *assignment_naming(const struct assignments *a, const char *key,
					   const char *word);

#define cleanup_assignments __attribute__((cleanup(assignments_deinit)))
