/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * RuntimeDirectory= and its like: directories that are made for a service, below bases that the host has for each kind.
 */
#include "core/load.h"

enum directory_kind {
	DIRECTORY_RUNTIME,
	DIRECTORY_STATE,
	DIRECTORY_CACHE,
	DIRECTORY_LOGS,
	DIRECTORY_CONFIGURATION,
	DIRECTORY_KIND_MAX,
};

/* Paths below the base, normalized: neither empty nor absolute, without "." and "..". */
struct directory {
	char *path;
	char **links; /* symlinks to it */
};

struct directory_list {
	struct directory *v; /* by path, each once: what contains another one comes before it */
	size_t n;
	unsigned mode;
};

struct directories {
	struct directory_list of[DIRECTORY_KIND_MAX];
	enum fdstore_preserve preserve; /* RuntimeDirectoryPreserve=, whose words are the same */
};

/* None, with the default modes. NULL without memory. */
struct directories *directories_new(void) must_check;
void directories_free(struct directories *d);

/* The names of a kind: in a unit, for the service, for a person, and where it is (%t, %S …); NULL where the host has none. */
const char *directory_kind_name(enum directory_kind kind);     /* "RuntimeDirectory" */
const char *directory_kind_variable(enum directory_kind kind); /* "RUNTIME_DIRECTORY" */
const char *directory_kind_word(enum directory_kind kind);     /* "runtime" */
const char *directory_kind_base(enum directory_kind kind, const struct host_facts *host);

/* The rows of unit_show(); d may be NULL. */
void directories_show(const struct directories *d, struct showing *out);
