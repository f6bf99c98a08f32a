/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The critical path of a stop: by hand, and of random graphs against the longest path that a recursion finds.
 */
#include <criterion/criterion.h>

#include "core/chain.h"
#include "util/clock.h"
#include "util/strv.h"

TestSuite(chain, .timeout = 60);

#define SEC	  USEC_PER_SEC
#define UNITS_MAX 40

struct graph {
	struct unit *unit[UNITS_MAX];
	usec_t takes[UNITS_MAX];
	size_t n;
};

static const struct unit *const *units_of(const struct graph *g)
{
	return (const struct unit *const *)g->unit;
}

static size_t add(struct graph *g, const char *name, usec_t takes)
{
	struct unit *u = unit_new(name);

	cr_assert_not_null(u);
	g->takes[g->n] = takes;
	g->unit[g->n] = u;
	return g->n++;
}

/* `then` starts after `first`: it stops before it. */
static void link_units(struct graph *g, size_t first, size_t then)
{
	cr_assert_eq(strv_push(&g->unit[then]->deps[DEP_AFTER], g->unit[first]->name), 0);
}

static void graph_deinit(struct graph *g)
{
	for (size_t i = 0; i < g->n; i++)
		unit_free(g->unit[i]);
	g->n = 0;
}

static void find(const struct graph *g, struct chain_link *links)
{
	cleanup_diags struct diags diags = DIAGS_INIT;

	cr_assert_eq(chain_find(units_of(g), g->n, g->takes, links, &diags), 0);
}

Test(chain, of_nothing)
{
	struct chain_link links[1];
	struct graph g = { .n = 0 };

	find(&g, links);
	cr_assert_eq(chain_last(links, 0), ORDER_NONE);
	cr_assert_eq(chain_fit(units_of(&g), 0, g.takes, 0), 0);
}

Test(chain, leads_from_the_last_to_the_first)
{
	struct chain_link links[UNITS_MAX];
	struct graph g = { .n = 0 };
	size_t db = add(&g, "db.service", 5 * SEC), app = add(&g, "app.service", 2 * SEC);
	size_t web = add(&g, "web.service", SEC), worker = add(&g, "worker.service", 9 * SEC);

	link_units(&g, db, app);
	link_units(&g, app, web);
	link_units(&g, db, worker);
	find(&g, links);
	cr_assert_eq(links[web].begin, 0);
	cr_assert_eq(links[web].after, ORDER_NONE);
	cr_assert_eq(links[app].begin, SEC);
	cr_assert_eq(links[app].after, web);
	cr_assert_eq(links[db].begin, 9 * SEC);
	cr_assert_eq(links[db].after, worker, "it waits for the slower of the two");
	cr_assert_eq(links[db].end, 14 * SEC);
	cr_assert_eq(chain_last(links, g.n), db);
	graph_deinit(&g);
}

Test(chain, what_never_ends_is_never_followed)
{
	struct chain_link links[UNITS_MAX];
	struct graph g = { .n = 0 };
	size_t a = add(&g, "a.service", SEC), b = add(&g, "b.service", USEC_INFINITY);
	size_t c = add(&g, "c.service", 2 * SEC);

	link_units(&g, a, b);
	link_units(&g, b, c);
	find(&g, links);
	cr_assert_eq(links[b].begin, 2 * SEC);
	cr_assert_eq(links[a].begin, USEC_INFINITY);
	cr_assert_eq(links[a].end, USEC_INFINITY);

	cr_assert_eq(chain_fit(units_of(&g), g.n, g.takes, 10 * SEC), 0);
	cr_assert_eq(g.takes[a], SEC);
	cr_assert_eq(g.takes[b], 7 * SEC);
	cr_assert_eq(g.takes[c], 2 * SEC);
	graph_deinit(&g);
}

Test(chain, shortens_the_longest_and_only_where_it_helps)
{
	struct graph g = { .n = 0 };
	size_t a = add(&g, "a.service", 90 * SEC), b = add(&g, "b.service", 80 * SEC);
	size_t c = add(&g, "c.service", 5 * SEC), alone = add(&g, "alone.service", 20 * SEC);
	size_t slow = add(&g, "slow.service", 30 * SEC);

	link_units(&g, a, b);
	link_units(&g, b, c);
	cr_assert_eq(chain_fit(units_of(&g), g.n, g.takes, 25 * SEC), 0);
	cr_assert_eq(g.takes[a], 10 * SEC);
	cr_assert_eq(g.takes[b], 10 * SEC);
	cr_assert_eq(g.takes[c], 5 * SEC);
	cr_assert_eq(g.takes[alone], 20 * SEC);
	cr_assert_eq(g.takes[slow], 25 * SEC);
	graph_deinit(&g);
}

Test(chain, a_cycle_is_broken_and_told)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct chain_link links[UNITS_MAX];
	struct graph g = { .n = 0 };
	size_t a = add(&g, "a.service", SEC), b = add(&g, "b.service", SEC);

	link_units(&g, a, b);
	link_units(&g, b, a);
	cr_assert_eq(chain_find(units_of(&g), g.n, g.takes, links, &diags), 0);
	cr_assert_eq(diags.n, 1);
	cr_assert_eq(links[chain_last(links, g.n)].end, 2 * SEC);
	graph_deinit(&g);
}

/* ---- random graphs ---- */

static uint64_t seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

/* In after[i][j]: i starts after j, which is smaller: no cycle. */
static void random_graph(struct graph *g, bool after[UNITS_MAX][UNITS_MAX])
{
	size_t n = 1 + pick(UNITS_MAX);
	unsigned density = 1 + pick(10);

	for (size_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "u%u-%zu.service", pick(1000), i);
		add(g, name, pick(10) * SEC);
		for (size_t j = 0; j < i; j++) {
			after[i][j] = pick(density) == 0;
			if (after[i][j])
				link_units(g, j, i);
		}
	}
}

/* All that start after it end first; from the one that starts last. */
static void longest_paths(const struct graph *g, bool after[UNITS_MAX][UNITS_MAX], usec_t *end)
{
	for (size_t i = g->n; i-- > 0;) {
		usec_t begin = 0;

		for (size_t j = i + 1; j < g->n; j++)
			if (after[j][i])
				begin = MAX_OF(begin, end[j]);
		end[i] = begin + g->takes[i];
	}
}

Test(chain, is_the_longest_path)
{
	for (unsigned turn = 0; turn < 500; turn++) {
		bool after[UNITS_MAX][UNITS_MAX] = { { false } };
		struct chain_link links[UNITS_MAX];
		usec_t end[UNITS_MAX];
		struct graph g = { .n = 0 };

		random_graph(&g, after);
		longest_paths(&g, after, end);
		find(&g, links);
		for (size_t i = 0; i < g.n; i++) {
			cr_assert_eq(links[i].end, end[i]);
			cr_assert_eq(links[i].end, links[i].begin + g.takes[i]);
			if (links[i].after == ORDER_NONE)
				cr_assert_eq(links[i].begin, 0);
			else
				cr_assert_eq(links[i].begin, links[links[i].after].end);
		}
		graph_deinit(&g);
	}
}

/* Anybody may ask, and meanwhile nobody else is served. */
Test(chain, of_a_thousand_takes_no_time)
{
	enum { N = 1000 };
	static struct unit *unit[N];
	static usec_t takes[N], wide[N];
	usec_t since;

	for (size_t i = 0; i < N; i++) {
		char name[32];

		snprintf(name, sizeof(name), "u%zu.service", i);
		unit[i] = unit_new(name);
		cr_assert_not_null(unit[i]);
		takes[i] = wide[i] = (1 + pick(100)) * SEC;
	}
	since = clock_now();
	cr_assert_eq(chain_fit((const struct unit *const *)unit, N, wide, 10 * SEC), 0);
	for (size_t i = 0; i < N; i++)
		for (unsigned k = 0; i > 0 && k < 3; k++)
			cr_assert_eq(strv_push(&unit[i]->deps[DEP_AFTER], unit[pick((unsigned)i)]->name),
				     0);
	cr_assert_eq(chain_fit((const struct unit *const *)unit, N, takes, 60 * SEC), 0);
	cr_assert_lt(clock_now() - since, 2 * SEC);
	for (size_t i = 0; i < N; i++)
		unit_free(unit[i]);
}

Test(chain, fits_every_budget)
{
	for (unsigned turn = 0; turn < 500; turn++) {
		bool after[UNITS_MAX][UNITS_MAX] = { { false } };
		usec_t before[UNITS_MAX], end[UNITS_MAX], budget = pick(20) * SEC;
		struct graph g = { .n = 0 };

		random_graph(&g, after);
		memcpy(before, g.takes, sizeof(before));
		cr_assert_eq(chain_fit(units_of(&g), g.n, g.takes, budget), 0);
		longest_paths(&g, after, end);
		for (size_t i = 0; i < g.n; i++) {
			cr_assert_leq(end[i], budget);
			cr_assert_leq(g.takes[i], before[i]);
		}
		graph_deinit(&g);
	}
}
