/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/unitworld.h"

#include <criterion/criterion.h>

#include "util/strv.h"

static char *full_name(const char *name)
{
	char *full = NULL;

	cr_assert_geq(asprintf(&full, "%s%s", name, strchr(name, '.') ? "" : ".service"), 0);
	return full;
}

static enum availability on_load(void *arg unused, struct graph_node *n)
{
	const struct place *p = n->owner;

	if (p)
		return p->availability;
	return unit_kind_of(n->name) == UNIT_KIND_INVALID ? UNIT_IS_REACHED : UNIT_IS_NOT_FOUND;
}

static enum activity on_activity(void *arg unused, const struct graph_node *n)
{
	const struct place *p = n->owner;

	return p ? p->activity : ACTIVITY_INACTIVE;
}

static void add_dependency(struct unit *u, char *word)
{
	char *value = strchr(word, '='), *name;
	char ***list = NULL;

	cr_assert_not_null(value, "%s", word);
	*value++ = '\0';
	for (unsigned d = 0; d < DEP_MAX; d++)
		if (streq(word, dependency_name((enum dependency)d)))
			list = &u->deps[d];
	if (streq(word, "Alias"))
		list = &u->alias;
	cr_assert_not_null(list, "%s", word);
	while ((name = strsep(&value, ",")))
		cr_assert_eq(strv_push_take(list, full_name(name)), 0);
}

static void read_unit(struct place *p, char *text)
{
	char *word;

	while ((word = strsep(&text, " "))) {
		cleanup_free char *name = NULL;

		if (!*word)
			continue;
		if (p->unit) {
			add_dependency(p->unit, word);
			continue;
		}
		p->activity = *word == '+' ? ACTIVITY_ACTIVE : ACTIVITY_INACTIVE;
		name = full_name(word + (*word == '+'));
		p->unit = unit_new(name);
		cr_assert_not_null(p->unit);
	}
}

static void allocate(struct unitworld *w, size_t n)
{
	*w = (struct unitworld){
		.graph = graph_new(),
		.n = n,
		.place = calloc(n, sizeof(*w->place)),
		.world = { .load = on_load, .activity = on_activity },
	};
	cr_assert(w->graph && w->place);
	for (size_t i = 0; i < n; i++)
		w->place[i] = (struct place){ .availability = UNIT_IS_AVAILABLE,
					      .activity = ACTIVITY_INACTIVE };
}

void unitworld_link(struct unitworld *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct place *p = &w->place[i];

		p->node = graph_node(w->graph, p->unit->name);
		cr_assert_not_null(p->node);
		p->node->owner = p;
		cr_assert_eq(graph_set(w->graph, p->node, p->unit), 0);
	}
}

void unitworld_init(struct unitworld *w, const char *text)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *part;
	size_t n = 1, i = 0;

	for (const char *c = text; *c; c++)
		n += *c == ';';
	allocate(w, n);
	while ((part = strsep(&rest, ";")))
		read_unit(&w->place[i++], part);
	unitworld_link(w);
}

void unitworld_init_blank(struct unitworld *w, size_t n)
{
	char name[32];

	allocate(w, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "u%04zu.service", i);
		w->place[i].unit = unit_new(name);
		cr_assert_not_null(w->place[i].unit);
	}
}

void unitworld_deinit(struct unitworld *w)
{
	graph_free(w->graph);
	for (size_t i = 0; i < w->n; i++)
		unit_free(w->place[i].unit);
	free(w->place);
}

struct place *unitworld_place(struct unitworld *w, const char *name)
{
	cleanup_free char *full = full_name(name);

	for (size_t i = 0; i < w->n; i++)
		if (streq(w->place[i].unit->name, full))
			return &w->place[i];
	return NULL;
}

struct anchor unitworld_anchor(struct unitworld *w, const char *request)
{
	cleanup_free char *copy = strdup(request), *full = NULL;
	char *name = copy, *type = strsep(&name, " ");
	struct anchor a = { 0 };

	full = full_name(name);
	for (unsigned t = JOB_TYPE_INVALID + 1; t < JOB_TYPE_MAX; t++)
		if (streq(type, job_type_name((enum job_type)t)))
			a.type = (enum job_type)t;
	cr_assert(a.type, "%s", type);
	a.node = graph_node(w->graph, full);
	return a;
}
