/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What has to be done so that units start, stop or restart as their dependencies want it: from some requests, the anchors,
 * to a plan of at most one job a unit, which contradicts itself nowhere and can be put in an order. The rules are those of
 * systemd (systemd.unit(5); src/core/transaction.c there), mode "replace":
 *
 *  start     Requires= and BindsTo= start (they matter: if they cannot, the whole is refused), Wants= and Upholds= start
 *            (best effort), Requisite= is verified to be active, Conflicts= stops, in either direction
 *  stop      stops those that Requires=, Requisite=, BindsTo= or are PartOf= this one, and those of PropagatesStopTo= or
 *            StopPropagatedFrom=
 *  restart   as start, and the units that a stop would stop are restarted if they run or start; but those of the latter two
 *            links only if it starts them, too, and else are stopped
 *  reload    PropagatesReloadTo= and ReloadPropagatedFrom=: reloaded if they are active
 *
 * Then jobs on one unit are merged; of those that contradict each other the one that does not matter is dropped, and
 * otherwise the plan is refused; of a cycle in the order one that does not matter is dropped, or the plan refused; and what
 * changes nothing is dropped. All this costs time linear in units and links, beside the breaking of cycles.
 * Nothing is done here: jobs_install() puts a plan to work.
 */
#include "core/graph.h"
#include "util/clock.h"
#include "util/diag.h"

enum job_type {
	JOB_TYPE_INVALID,
	JOB_START,
	JOB_VERIFY_ACTIVE, /* done where the unit is active, or failed */
	JOB_STOP,
	JOB_RELOAD,
	JOB_RESTART, /* a unit that does not run is started */
	JOB_TRY_RESTART, /* … is left alone; of anchors only, in a plan it has become one of the others */
	JOB_TYPE_MAX,
};

const char *job_type_name(enum job_type t); /* "verify-active", as systemctl list-jobs has them */

enum activity {
	ACTIVITY_INVALID,
	ACTIVITY_INACTIVE,
	ACTIVITY_ACTIVATING,
	ACTIVITY_ACTIVE,
	ACTIVITY_RELOADING,
	ACTIVITY_DEACTIVATING,
	ACTIVITY_FAILED,
	ACTIVITY_MAX,
};

/* What became of loading a unit, and so of an anchor. */
enum availability {
	AVAILABILITY_INVALID,
	UNIT_IS_AVAILABLE,
	UNIT_IS_REACHED, /* a kind that is not ours (.socket, .mount): taken for active, and never gets a job */
	UNIT_IS_NOT_FOUND,
	UNIT_IS_MASKED,
	UNIT_IS_BAD, /* its files have errors */
};

/* What the daemon knows and the graph does not. */
struct world {
	/*
	 * Sees to it that the unit is loaded, and that graph_set() or graph_alias() has been called; at most once a name and
	 * transaction. Where it says that the name is an alias the answer for the unit is asked for next.
	 */
	enum availability (*load)(void *arg, struct graph_node *n);
	/* Of a resolved node. A unit that waits to be restarted is activating. */
	enum activity (*activity)(void *arg, const struct graph_node *n);
	void *arg;
};

/* One request of a transaction. */
struct anchor {
	struct graph_node *node; /* as asked for; resolved afterwards */
	enum job_type type;
	/*
	 * Filled in: AVAILABLE, or why nothing is done for it. A stop is made for every unit that runs, loaded or not. missing:
	 * it is not the unit itself that is not available, but this one, which it cannot start without.
	 */
	enum availability availability;
	const struct graph_node *missing;
	bool planned; /* there is a job for it; not for TRY_RESTART of what does not run, nor for what is not available */
	struct job *job; /* … which is this one, by jobs_install() */
};

enum {
	TRANSACTION_ALONE = 1 << 0, /* the anchors, and nothing that they pull in or propagate */
};

/* A job to be. Its node is resolved. */
struct planned {
	struct graph_node *node;
	enum job_type type;
	bool is_anchor;
	bool matters; /* an anchor cannot be without it */
};

struct plan {
	struct planned *v;
	size_t n;
};

void plan_deinit(struct plan *p);

/*
 * 0: *plan is what to install, perhaps nothing; it has to be before anything else changes jobs, activities or the graph. Where
 * an anchor is not available, that one alone is lost: look at each. Otherwise nothing is to be done for any of them:
 *   -EDEADLK  the order has a cycle of jobs that all matter, and not all are stops
 *   -EEXIST   a unit would have to be started and stopped
 *   -ENOMEM
 * With the first two diags says why in a sentence (DIAG_ERROR); whatever is left out of a plan is told there, too
 * (DIAG_WARNING).
 */
int transaction_build(struct graph *g, const struct world *world, struct anchor *anchors, size_t n,
		      unsigned flags, struct plan *plan, struct diags *diags) must_check;

/* ---- what core/jobs.h shares ---- */

/* Of two jobs on one unit the one that does both; INVALID: they contradict each other. */
enum job_type job_type_merge(enum job_type a, enum job_type b, enum activity now);

/* Links to units that are to start before, or after, the one at hand. */
#define LINKS_BEFORE (LINK_TO(DEP_AFTER) | LINK_FROM(DEP_BEFORE))
#define LINKS_AFTER  (LINK_TO(DEP_BEFORE) | LINK_FROM(DEP_AFTER))

/*
 * Two jobs on units that are ordered: does `mine` have to wait for `other`, to which a link of that kind leads? Either it does
 * or the other one waits for it. Stops come before starts, and in the reverse order of starts; a restart begins as a stop.
 */
static inline bool job_waits(enum job_type mine, uint32_t kind, enum job_type other)
{
	enum job_type later = (kind & LINKS_AFTER) ? other : mine; /* of the unit that starts later */
	bool stops = later == JOB_STOP || later == JOB_RESTART;

	return (kind & LINKS_AFTER) ? stops : !stops;
}
