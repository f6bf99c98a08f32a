/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Who depends on whom: names of units, and the links between them in both directions. What a unit's files say is one half;
 * what others say about it is the other half, which this keeps.
 *
 * A node is a name: of a unit that was loaded (graph_set()), or one that others only mention. It keeps its address until
 * graph_drop() or graph_sweep() frees it. A link is four bytes at each of its ends.
 */
#include "core/unit.h"

struct job; /* core/jobs.h */

struct graph;

struct graph_node {
	/* for whoever uses the graph */
	void *owner;	 /* the daemon's service of this name */
	struct job *job; /* core/jobs.h: at most one a unit */
	uint32_t n_jobs; /* that one, and those that have ended and were not freed yet */

	uint32_t scratch; /* core/transaction.h, while it builds a plan; 0 otherwise */

	/* read only */
	struct graph_node *alias_of; /* another name of that node; never of one that is itself an alias. NULL: it is not */
	uint32_t id;
	bool loaded; /* graph_set() has said what it wants */

	/* the graph's own */
	bool alias_is_fixed; /* by graph_alias(), not by an Alias= */
	uint32_t n_aliases;  /* nodes that are an alias of this one */
	uint32_t n_out, n_links, cap;
	uint32_t *link;		 /* n_out of its own, then those of others to it */
	struct graph_node *next; /* with the same hash */
	uint32_t hash;
	char name[];
};

/*
 * Sets of kinds of links: what the unit says of others (LINK_TO), and what others say of it (LINK_FROM):
 * LINK_FROM(DEP_REQUIRES) is systemd's RequiredBy.
 */
#define LINK_TO(dep)   (UINT32_C(1) << (dep))
#define LINK_FROM(dep) (UINT32_C(1) << (16 + (dep)))

struct graph *graph_new(void) must_check;
void graph_free(struct graph *g); /* and all nodes; owners and jobs are not touched */

/* The node of exactly this name, made where there is none. NULL without memory. */
struct graph_node *graph_node(struct graph *g, const char *name) must_check;
/* Likewise, but NULL where there is none. */
struct graph_node *graph_find(const struct graph *g, const char *name);

/* The node that a name means: itself, or what it is an alias of. */
static inline struct graph_node *graph_resolve(struct graph_node *n)
{
	return n->alias_of ? n->alias_of : n;
}

/*
 * The unit of that node was loaded, again or for the first time: its links are now those of unit->deps, and its
 * [Install] Alias= names lead to it as far as no unit has them and nothing else does. A name that gets a unit of its own is
 * no alias any more. Where nothing has changed it costs a look. Only names that nobody mentions any more are left behind for
 * graph_sweep(). The unit is not referred to afterwards. 0, or -ENOMEM: the node has no links then.
 */
int graph_set(struct graph *g, struct graph_node *n, const struct unit *unit) must_check;

/*
 * The name is a link to that unit's file, `to` (itself resolved): whoever mentions it means `to`. Its own links, if it had
 * a unit, are forgotten. NULL: it is none any more. 0, -ENOMEM, or -EBUSY: it has a job.
 */
int graph_alias(struct graph *g, struct graph_node *n, struct graph_node *to) must_check;

/*
 * Forgets what a unit wants; frees its node, and those that only it mentioned, as far as nothing uses them: no owner, no job,
 * no unit, no link. Set n->owner to NULL before. Not while a plan is being built or waits to be installed.
 */
void graph_drop(struct graph *g, struct graph_node *n);
/* Frees all such nodes: after a reload. Under the same condition. */
void graph_sweep(struct graph *g);

/*
 * The next node to which n has a link of one of these kinds, with aliases resolved, NULL behind the last; *at is 0 at the
 * beginning. One that is linked in several ways comes several times; n itself never does. *kind, unless NULL, gets the one
 * bit. The order is that of the files for LINK_TO, and any for LINK_FROM. Nothing may be set in between.
 */
struct graph_node *graph_next(const struct graph *g, const struct graph_node *n, uint32_t kinds,
			      uint32_t *at, uint32_t *kind);

/* The dependency that one such bit is about; LINK_FROM() kinds are all above LINK_FROM(0). */
enum dependency link_dependency(uint32_t kind);

#define graph_for_each(g, n, kinds, other) \
	for (uint32_t at_ = 0; ((other) = graph_next((g), (n), (kinds), &at_, NULL));)
