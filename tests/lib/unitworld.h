/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * For tests of dependencies: units from a few lines of text, in a graph, with activities that the test sets.
 */
#include "core/jobs.h"

struct place {
	struct unit *unit;
	struct graph_node *node;	/* its owner is this place */
	enum availability availability; /* AVAILABLE, unless the test says otherwise */
	enum activity activity;
};

struct unitworld {
	struct graph *graph;
	struct place *place;
	size_t n;
	struct world world; /* loads nothing: everything is there; other names are not found, those of other kinds reached */
};

/*
 * "a Requires=b,c After=b; b; c.target": ".service" is added where a name has no suffix. A '+' before the name: active.
 */
void unitworld_init(struct unitworld *w, const char *text);
/* n units without dependencies, u0000.service and so on, which the test fills in before unitworld_link(). */
void unitworld_init_blank(struct unitworld *w, size_t n);
void unitworld_link(struct unitworld *w);
void unitworld_deinit(struct unitworld *w);

struct place *unitworld_place(struct unitworld *w, const char *name); /* "a" */
/* "start a" → an anchor. */
struct anchor unitworld_anchor(struct unitworld *w, const char *request);
