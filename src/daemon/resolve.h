/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * From what a client typed to services: names, with or without ".service", and globs over the loaded units.
 */
#include <jansson.h>

#include "util/macro.h"

struct manager;
struct supervised;

struct resolved {
	char *name;		    /* as typed, or completed */
	struct supervised *service; /* NULL: result and problem say why */
	const char *result;	    /* a word of the interface: "not-found", "refused" */
	const char *problem;	    /* for a person */
};

struct resolved_list {
	struct resolved *v;
	size_t n;
};

/*
 * names: an array of strings (already checked). load: read the files of a unit that is not known yet; else such a unit is
 * "not-found". Each service comes once, at its first mention. 0 or -ENOMEM.
 */
int resolve_units(struct manager *m, json_t *names, bool load, struct resolved_list *out) must_check;
/* Adds to each slice in the list what runs in it, and below. 0 or -ENOMEM; the list is to be freed in any case. */
int resolve_slices(struct manager *m, struct resolved_list *l) must_check;
void resolved_list_deinit(struct resolved_list *l);
