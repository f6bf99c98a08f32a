/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links in both directions, aliases, what is forgotten; and at random against a list of all that was said.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "lib/unitworld.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/strv.h"

TestSuite(graph, .timeout = 60);

#define ALL_KINDS ((LINK_TO(DEP_MAX) - 1) | (LINK_FROM(DEP_MAX) - LINK_FROM(0)))

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "Requires:b From.After:c", sorted; n itself and names without their suffix. */
static char *links_of(const struct graph *g, const struct graph_node *n)
{
	char **words = NULL, *word;
	const struct graph_node *other;
	struct buf b = BUF_INIT;
	uint32_t at = 0, kind;

	while ((other = graph_next(g, n, ALL_KINDS, &at, &kind))) {
		cr_assert_geq(asprintf(&word, "%s%s:%.*s", kind >= LINK_FROM(0) ? "From." : "",
				       dependency_name(link_dependency(kind)),
				       (int)strcspn(other->name, "."), other->name),
			      0);
		cr_assert_eq(strv_push_take(&words, word), 0);
	}
	if (words)
		qsort(words, strv_len(words), sizeof(*words), compare_words);
	for (size_t i = 0; words && words[i]; i++)
		buf_printf(&b, "%s%s", i ? " " : "", words[i]);
	strv_free(words);
	return b.len ? buf_take(&b) : strdup("");
}

static void expect_links(struct unitworld *w, const char *name, const char *wanted)
{
	cleanup_free char *full = NULL, *got = NULL;

	cr_assert_geq(asprintf(&full, "%s.service", name), 0);
	got = links_of(w->graph, graph_find(w->graph, full));
	cr_assert_str_eq(got, wanted, "%s: \"%s\"", name, got);
}

/* The unit's text changes. */
static void set(struct unitworld *w, const char *name, enum dependency d, const char *value)
{
	struct place *p = unitworld_place(w, name);
	cleanup_free char *full = NULL;

	strv_free(p->unit->deps[d]);
	p->unit->deps[d] = NULL;
	if (value) {
		cr_assert_geq(asprintf(&full, "%s.service", value), 0);
		cr_assert_eq(strv_push(&p->unit->deps[d], full), 0);
	}
	cr_assert_eq(graph_set(w->graph, p->node, p->unit), 0);
}

Test(graph, both_directions)
{
	struct unitworld w;

	unitworld_init(&w,
		       "a Requires=b,c After=b,a; b Before=c Conflicts=a; c PropagatesStopTo=a");
	expect_links(&w, "a", "After:b From.Conflicts:b From.PropagatesStopTo:c Requires:b Requires:c");
	expect_links(&w, "b", "Before:c Conflicts:a From.After:a From.Requires:a");
	expect_links(&w, "c", "From.Before:b From.Requires:a PropagatesStopTo:a");
	unitworld_deinit(&w);
}

Test(graph, a_unit_that_is_read_again)
{
	struct unitworld w;

	unitworld_init(&w, "a Requires=b After=b; b Wants=a; c After=b");
	set(&w, "a", DEP_REQUIRES, "c");
	expect_links(&w, "a", "After:b From.Wants:b Requires:c");
	expect_links(&w, "b", "From.After:a From.After:c Wants:a");
	expect_links(&w, "c", "After:b From.Requires:a");
	set(&w, "c", DEP_ON_FAILURE, "a"); /* one more, behind those that there were */
	expect_links(&w, "a", "After:b From.OnFailure:c From.Wants:b Requires:c");
	set(&w, "c", DEP_ON_FAILURE, NULL);
	set(&w, "a", DEP_REQUIRES, NULL);
	set(&w, "a", DEP_AFTER, NULL);
	expect_links(&w, "a", "From.Wants:b");
	expect_links(&w, "b", "From.After:c Wants:a");
	unitworld_deinit(&w);
}

Test(graph, aliases_of_install)
{
	struct unitworld w;

	/* x is mentioned before anybody says that it is b, and y after */
	unitworld_init(&w, "a Requires=x,b After=y; b Alias=x,y Before=x; c Wants=y");
	expect_links(&w, "a", "After:b Requires:b Requires:b");
	expect_links(&w, "b", "From.After:a From.Requires:a From.Requires:a From.Wants:c");
	cr_assert_eq(graph_resolve(graph_find(w.graph, "x.service")), unitworld_place(&w, "b")->node);

	/* b has no such alias any more: each name has its own links back */
	strv_free(unitworld_place(&w, "b")->unit->alias);
	unitworld_place(&w, "b")->unit->alias = NULL;
	set(&w, "b", DEP_BEFORE, NULL);
	expect_links(&w, "a", "After:y Requires:b Requires:x");
	expect_links(&w, "b", "From.Requires:a");
	expect_links(&w, "x", "From.Requires:a");
	expect_links(&w, "y", "From.After:a From.Wants:c");
	unitworld_deinit(&w);
}

Test(graph, a_file_beats_an_alias)
{
	struct unitworld w;
	struct unit *x = unit_new("x.service");

	unitworld_init(&w, "a Alias=x,c; b After=x; c Before=b");
	expect_links(&w, "b", "After:a From.Before:c");
	cr_assert_eq(strv_push(&x->deps[DEP_WANTS], "a.service"), 0);
	cr_assert_eq(graph_set(w.graph, graph_find(w.graph, "x.service"), x), 0);
	expect_links(&w, "b", "After:x From.Before:c");
	expect_links(&w, "a", "From.Wants:x");
	expect_links(&w, "c", "Before:b");
	unit_free(x);
	unitworld_deinit(&w);
}

Test(graph, who_has_an_alias_keeps_it)
{
	struct unitworld w;

	unitworld_init(&w, "x; a Alias=x,y; b Alias=y; c After=x,y");
	expect_links(&w, "c", "After:a After:x");
	expect_links(&w, "a", "From.After:c");
	expect_links(&w, "b", "");
	unitworld_deinit(&w);
}

Test(graph, aliases_of_links)
{
	struct unitworld w;
	struct graph_node *x, *b;

	unitworld_init(&w, "a Requires=x; b After=a Alias=z; d After=z; c Wants=b; e Wants=x,c");
	x = graph_find(w.graph, "x.service");
	b = unitworld_place(&w, "b")->node;
	cr_assert_eq(graph_alias(w.graph, x, b), 0);
	cr_assert_eq(graph_alias(w.graph, x, b), 0);
	expect_links(&w, "b", "After:a From.After:d From.Requires:a From.Wants:c From.Wants:e");
	/* an alias of what becomes one itself: b's own wishes, and so its Alias=, are over */
	cr_assert_eq(graph_alias(w.graph, b, unitworld_place(&w, "c")->node), 0);
	expect_links(&w, "c", "From.Requires:a From.Wants:e From.Wants:e");
	expect_links(&w, "d", "After:z");
	cr_assert_eq(x->alias_of, unitworld_place(&w, "c")->node);
	cr_assert_eq(graph_alias(w.graph, x, NULL), 0);
	expect_links(&w, "x", "From.Requires:a From.Wants:e");
	expect_links(&w, "c", "From.Wants:e");
	unitworld_deinit(&w);
}

Test(graph, a_job_keeps_its_name)
{
	struct unitworld w;

	unitworld_init(&w, "a; b");
	unitworld_place(&w, "a")->node->job = (struct job *)&w;
	cr_assert_eq(graph_alias(w.graph, unitworld_place(&w, "a")->node, unitworld_place(&w, "b")->node),
		     -EBUSY);
	unitworld_deinit(&w);
}

Test(graph, what_nobody_uses_is_forgotten)
{
	struct unitworld w;
	struct place *a;

	unitworld_init(&w, "a Requires=b,x,x After=y; b After=y");
	a = unitworld_place(&w, "a");
	set(&w, "a", DEP_WANTS, "z");
	set(&w, "a", DEP_WANTS, NULL);
	cr_assert_not_null(graph_find(w.graph, "z.service"));
	graph_sweep(w.graph);
	cr_assert_null(graph_find(w.graph, "z.service"));

	a->node->owner = NULL;
	graph_drop(w.graph, a->node);
	cr_assert_null(graph_find(w.graph, "a.service"));
	cr_assert_null(graph_find(w.graph, "x.service"));
	expect_links(&w, "y", "From.After:b");
	expect_links(&w, "b", "After:y");
	/* its number is given to another one */
	cr_assert_eq(graph_node(w.graph, "new.service")->id, 0);
	expect_links(&w, "new", "");
	unitworld_deinit(&w);
}

Test(graph, what_is_mentioned_is_kept)
{
	struct unitworld w;
	struct place *b;

	unitworld_init(&w, "a Requires=b; b After=c");
	b = unitworld_place(&w, "b");
	b->node->owner = NULL;
	graph_drop(w.graph, b->node);
	graph_sweep(w.graph);
	expect_links(&w, "b", "From.Requires:a");
	cr_assert_null(graph_find(w.graph, "c.service"));
	unitworld_deinit(&w);
}

/* ---- at random ---- */

#define NAMES 8

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct oracle {
	bool loaded[NAMES];
	uint32_t says[NAMES][NAMES]; /* [who][name]: kinds */
	size_t alias[NAMES];	     /* its own number: none */
};

static size_t meaning(const struct oracle *o, size_t name)
{
	return o->alias[name];
}

static void compare(const struct graph *g, struct graph_node *const *node, const struct oracle *o)
{
	uint32_t wanted[NAMES][NAMES] = { 0 };

	for (size_t i = 0; i < NAMES; i++)
		for (size_t j = 0; j < NAMES; j++) {
			size_t to = meaning(o, j);

			if (to == i)
				continue;
			wanted[i][to] |= o->says[i][j];
			wanted[to][i] |= o->says[i][j] << 16;
		}
	for (size_t i = 0; i < NAMES; i++) {
		uint32_t got[NAMES] = { 0 }, at = 0, kind;
		const struct graph_node *other;

		while ((other = graph_next(g, node[i], ALL_KINDS, &at, &kind)))
			got[other->name[0] - 'a'] |= kind;
		for (size_t j = 0; j < NAMES; j++)
			cr_assert_eq(got[j], wanted[i][j], "%zu to %zu: %x, not %x", i, j, got[j],
				     wanted[i][j]);
	}
}

static void set_random(struct graph *g, struct graph_node *const *node, struct oracle *o, size_t i,
		       uint64_t *state)
{
	struct unit *u = unit_new(node[i]->name);

	o->alias[i] = i;
	o->loaded[i] = true;
	for (size_t j = 0; j < NAMES; j++) {
		o->says[i][j] = 0;
		for (unsigned n = (unsigned)(next_random(state) % 3); n > 0; n--) {
			unsigned d = (unsigned)(next_random(state) % DEP_MAX);

			cr_assert_eq(strv_push(&u->deps[d], node[j]->name), 0);
			o->says[i][j] |= LINK_TO(d);
		}
	}
	cr_assert_eq(graph_set(g, node[i], u), 0);
	unit_free(u);
}

static void alias_random(struct graph *g, struct graph_node *const *node, struct oracle *o,
			 size_t i, size_t to)
{
	if (o->alias[to] != to || i == to) {
		cr_assert_eq(graph_alias(g, node[i], NULL), 0);
		o->alias[i] = i;
		return;
	}
	cr_assert_eq(graph_alias(g, node[i], node[to]), 0);
	o->alias[i] = to;
	for (size_t j = 0; j < NAMES; j++) {
		o->says[i][j] = 0;
		if (o->alias[j] == i)
			o->alias[j] = to;
	}
}

Test(graph, random_changes)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t state = seed * 0x9e3779b97f4a7c15U;
		struct graph *g = graph_new();
		struct graph_node *node[NAMES];
		struct oracle o = { 0 };

		for (size_t i = 0; i < NAMES; i++) {
			char name[] = "a.service";

			name[0] = (char)(name[0] + (char)i);
			node[i] = graph_node(g, name);
			node[i]->owner = &o;
			o.alias[i] = i;
		}
		for (unsigned step = 0; step < 60; step++) {
			size_t i = next_random(&state) % NAMES;

			if (next_random(&state) % 4 == 0)
				alias_random(g, node, &o, i, next_random(&state) % NAMES);
			else
				set_random(g, node, &o, i, &state);
			compare(g, node, &o);
		}
		graph_free(g);
	}
}

/* A name that all mention, and all units read again: nothing is quadratic. */
Test(graph, large)
{
	enum { N = 10000 };
	struct unitworld w;
	usec_t start;
	uint32_t count = 0, at = 0;

	unitworld_init_blank(&w, N);
	for (size_t i = 0; i < N; i++) {
		struct unit *u = w.place[i].unit;

		for (size_t j = 1; j < 8; j++)
			cr_assert_eq(strv_push(&u->deps[DEP_WANTS], w.place[(i + j * 97) % N].unit->name),
				     0);
		cr_assert_eq(strv_push(&u->deps[DEP_AFTER], "basic.target"), 0);
		cr_assert_eq(strv_push(&u->deps[DEP_CONFLICTS], "shutdown.target"), 0);
	}
	start = clock_now();
	unitworld_link(&w);
	unitworld_link(&w);
	while (graph_next(w.graph, graph_find(w.graph, "basic.target"), ALL_KINDS, &at, NULL))
		count++;
	cr_assert_eq(count, N);
	cr_assert_lt(clock_now() - start, 2 * USEC_PER_SEC);
	unitworld_deinit(&w);
}
