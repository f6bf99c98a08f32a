/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/stopchain.h"

#include <errno.h>

#include "core/chain.h"
#include "core/stopbound.h"
#include "core/varlink.h"
#include "daemon/supervisor.h"

/* One of the two ways to see a stop: by its bounds, or by what was measured. */
struct view {
	usec_t *takes;
	struct chain_link *links;
};

struct stopchain {
	struct supervised *const *services;
	const struct unit **units;
	size_t n;
	struct stopbound *bounds;
	struct view can, took;
	usec_t *fit;
};

static void set_usec(json_t *o, const char *key, usec_t t)
{
	json_object_set_new(o, key, t == USEC_INFINITY ? json_null() : json_integer((json_int_t)t));
}

static int view_find(const struct stopchain *c, struct view *v)
{
	cleanup_diags struct diags told_at_load = DIAGS_INIT;

	return chain_find(c->units, c->n, v->takes, v->links, &told_at_load);
}

static int find(struct stopchain *c, usec_t budget)
{
	int r;

	for (size_t i = 0; i < c->n; i++) {
		usec_t took = history_took(&c->services[i]->history.stop);

		c->units[i] = c->services[i]->unit;
		stopbound_of(c->units[i], &c->bounds[i]);
		c->can.takes[i] = c->fit[i] = c->bounds[i].total;
		c->took.takes[i] = took == USEC_INFINITY ? 0 : took;
	}
	r = view_find(c, &c->can);
	if (r == 0)
		r = view_find(c, &c->took);
	return r < 0 ? r : chain_fit(c->units, c->n, c->fit, budget);
}

/* ---- as JSON ---- */

static json_t *render_stages(const struct stopchain *c, size_t i)
{
	const struct history_run *last = &c->services[i]->history.stop;
	bool known = history_took(last) != USEC_INFINITY;
	json_t *list = json_array();
	usec_t took[STATE_MAX];

	history_stages(last, took);
	for (enum service_state s = STATE_STOP; s <= STATE_STUCK; s++) {
		const char *directive = stopbound_directive(c->units[i], s);
		json_t *o;

		if (c->bounds[i].stage[s] == 0 && (!known || took[s] == 0))
			continue;
		o = json_pack("{s:s}", "stage", service_state_name(s));
		set_usec(o, "canTakeUSec", c->bounds[i].stage[s]);
		set_usec(o, "tookUSec", known ? took[s] : USEC_INFINITY);
		json_object_set_new(o, "directive", directive ? json_string(directive) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static void set_link(json_t *o, const struct stopchain *c, const struct chain_link *l,
		     const char *begin, const char *after)
{
	set_usec(o, begin, l->begin);
	json_object_set_new(o, after,
			    l->after == ORDER_NONE ? json_null()
						   : json_string(c->units[l->after]->name));
}

static json_t *render_link(const struct stopchain *c, size_t i)
{
	json_t *o = json_pack("{s:s}", "unit", c->units[i]->name);

	set_link(o, c, &c->can.links[i], "canBeginUSec", "canAfter");
	set_usec(o, "canTakeUSec", c->can.takes[i]);
	set_link(o, c, &c->took.links[i], "tookBeginUSec", "tookAfter");
	set_usec(o, "tookUSec", history_took(&c->services[i]->history.stop));
	json_object_set_new(o, "stages", render_stages(c, i));
	return o;
}

static json_t *render_shorten(const struct unit *u, usec_t limit)
{
	struct stopbound_setting settings[STOPBOUND_SETTINGS_MAX];
	size_t n = stopbound_shorten(u, limit, settings);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I}", "directive", settings[i].directive,
						      "valueUSec", (json_int_t)settings[i].value));
	return json_pack("{s:s, s:I, s:o}", "unit", u->name, "limitUSec", (json_int_t)limit,
			 "settings", list);
}

static usec_t end_of(const struct stopchain *c, const struct view *v)
{
	size_t last = chain_last(v->links, c->n);

	return last == ORDER_NONE ? 0 : v->links[last].end;
}

static json_t *render(const struct stopchain *c)
{
	json_t *chain = json_array(), *shorten = json_array();
	json_t *o = json_pack("{s:o, s:o}", "chain", chain, "shorten", shorten);

	for (size_t i = 0; i < c->n; i++) {
		json_array_append_new(chain, render_link(c, i));
		if (c->fit[i] < c->can.takes[i])
			json_array_append_new(shorten, render_shorten(c->units[i], c->fit[i]));
	}
	set_usec(o, "canTakeUSec", end_of(c, &c->can));
	set_usec(o, "tookUSec", end_of(c, &c->took));
	return o;
}

static int allocate(struct stopchain *c)
{
	size_t n = c->n + 1;

	c->units = calloc(n, sizeof(*c->units));
	c->bounds = calloc(n, sizeof(*c->bounds));
	c->can.takes = calloc(n, sizeof(usec_t));
	c->took.takes = calloc(n, sizeof(usec_t));
	c->fit = calloc(n, sizeof(usec_t));
	c->can.links = calloc(n, sizeof(struct chain_link));
	c->took.links = calloc(n, sizeof(struct chain_link));
	return c->units && c->bounds && c->can.takes && c->took.takes && c->fit && c->can.links &&
			       c->took.links
		       ? 0
		       : -ENOMEM;
}

json_t *stopchain_render(struct supervised *const *services, size_t n, usec_t budget)
{
	struct stopchain c = { .services = services, .n = n };
	json_t *reply = NULL;

	if (allocate(&c) == 0 && find(&c, budget) == 0)
		reply = render(&c);
	free(c.units);
	free(c.bounds);
	free(c.can.takes);
	free(c.can.links);
	free(c.took.takes);
	free(c.took.links);
	free(c.fit);
	return reply;
}
