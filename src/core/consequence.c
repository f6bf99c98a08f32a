/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/consequence.h"

#include <errno.h>

#define BIT(activity) (1U << (activity))
#define UP	      (BIT(ACTIVITY_ACTIVE) | BIT(ACTIVITY_RELOADING))
#define STARTED	      (UP | BIT(ACTIVITY_ACTIVATING))
#define DOWN	      (BIT(ACTIVITY_INACTIVE) | BIT(ACTIVITY_FAILED))
#define ENDING	      (DOWN | BIT(ACTIVITY_DEACTIVATING))
#define ANY	      (STARTED | ENDING)

/* A change from one of these to one of those has these consequences for the units to which links of these kinds lead. */
static const struct rule {
	unsigned from, to;
	bool unexpected;
	uint32_t kinds;
	enum job_type then;
} rules[] = {
	{ ANY, BIT(ACTIVITY_FAILED), false, LINK_TO(DEP_ON_FAILURE), JOB_START },
	{ ANY & ~DOWN, BIT(ACTIVITY_INACTIVE), false, LINK_TO(DEP_ON_SUCCESS), JOB_START },
	{ STARTED, ENDING, true,
	  LINK_FROM(DEP_BINDS_TO) | LINK_TO(DEP_PROPAGATES_STOP_TO) | LINK_FROM(DEP_STOP_PROPAGATED_FROM),
	  JOB_STOP },
	{ ENDING, STARTED, true,
	  LINK_TO(DEP_REQUIRES) | LINK_TO(DEP_BINDS_TO) | LINK_TO(DEP_WANTS) | LINK_TO(DEP_UPHOLDS),
	  JOB_START },
	{ ENDING, STARTED, true, LINK_TO(DEP_CONFLICTS) | LINK_FROM(DEP_CONFLICTS), JOB_STOP },
};

struct outcome {
	const struct world *world;
	struct anchor *v;
	size_t n;
	bool failed;
};

static bool is_one_of(const struct world *w, const struct graph_node *n, unsigned activities)
{
	return activities & BIT(w->activity(w->arg, n));
}

/* Each once, and only where it changes something. */
static void add(struct outcome *out, struct graph_node *n, enum job_type type)
{
	struct anchor *grown;

	if (is_one_of(out->world, n, type == JOB_START ? STARTED : DOWN))
		return;
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].node == n && out->v[i].type == type)
			return;
	grown = reallocarray(out->v, out->n + 1, sizeof(*grown));
	if (!grown) {
		out->failed = true;
		return;
	}
	out->v = grown;
	out->v[out->n++] = (struct anchor){ .node = n, .type = type };
}

static bool is_upheld(const struct graph *g, const struct graph_node *n, const struct world *w)
{
	const struct graph_node *by;

	graph_for_each(g, n, LINK_FROM(DEP_UPHOLDS), by)
		if (is_one_of(w, by, UP))
			return true;
	return false;
}

int consequences(const struct graph *g, struct graph_node *n, const struct change *change,
		 const struct world *world, struct anchor **out, size_t *n_out)
{
	struct outcome found = { .world = world };
	struct graph_node *other;

	for (size_t i = 0; i < ARRAY_SIZE(rules) && change->from != change->to; i++) {
		const struct rule *r = &rules[i];

		if ((r->unexpected && change->expected) || !(r->from & BIT(change->from)) ||
		    !(r->to & BIT(change->to)))
			continue;
		graph_for_each(g, n, r->kinds, other)
			add(&found, other, r->then);
	}
	if (change->from != change->to && (DOWN & BIT(change->to)) && is_upheld(g, n, world))
		add(&found, n, JOB_START);
	if (found.failed) {
		free(found.v);
		return -ENOMEM;
	}
	*out = found.v;
	*n_out = found.n;
	return 0;
}
