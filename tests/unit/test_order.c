/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order of a stop: of small graphs as a person would have it; of random ones, that the walk is always finished and goes
 * by every link that is on no cycle; of large ones, that it takes no time.
 */
#include <criterion/criterion.h>

#include "core/order.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/strv.h"

TestSuite(order, .timeout = 60);

#define UNITS_MAX 16

struct graph {
	struct unit *unit[UNITS_MAX];
	size_t n;
};

/* Words by spaces: NULL is none. */
static void push_words(char ***list, const char *words)
{
	cleanup_free char *copy = strdup(words ? words : "");
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")))
		if (*word)
			cr_assert_eq(strv_push(list, word), 0);
}

static void add(struct graph *g, const char *name, const char *after, const char *before)
{
	struct unit *u = unit_new(name);

	cr_assert_not_null(u);
	push_words(&u->deps[DEP_AFTER], after);
	push_words(&u->deps[DEP_BEFORE], before);
	g->unit[g->n++] = u;
}

static void graph_deinit(struct graph *g)
{
	for (size_t i = 0; i < g->n; i++)
		unit_free(g->unit[i]);
	g->n = 0;
}

/* The waves of a stop in which each wave ends before the next one is asked for: "c; a b". Names sorted in each. */
static char *waves(const struct graph *g, struct diags *diags)
{
	struct order *o = order_new((const struct unit *const *)g->unit, g->n, diags);
	size_t wave[UNITS_MAX], n, unit;
	struct buf out = BUF_INIT;

	cr_assert_not_null(o);
	for (;;) {
		for (n = 0; (unit = order_next(o)) != ORDER_NONE; n++)
			wave[n] = unit;
		if (n == 0)
			break;
		buf_puts(&out, out.len ? "; " : "");
		for (size_t i = 0; i < n; i++)
			buf_printf(&out, "%s%s", i ? " " : "", g->unit[wave[i]]->name);
		for (size_t i = 0; i < n; i++)
			order_ended(o, wave[i]);
	}
	order_free(o);
	return out.len ? buf_take(&out) : strdup("");
}

static void expect_waves(struct graph *g, const char *wanted, const char *told)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *got = waves(g, &diags);
	struct buf said = BUF_INIT;

	for (size_t i = 0; i < diags.n; i++)
		buf_printf(&said, "%s\n", diags.v[i].text);
	cr_expect_str_eq(got, wanted, "got \"%s\", wanted \"%s\"", got, wanted);
	cr_expect_str_eq(said.data ? said.data : "", told, "told \"%s\"", said.data);
	buf_deinit(&said);
	graph_deinit(g);
}

Test(order, who_started_last_stops_first)
{
	struct graph g = { .n = 0 };

	expect_waves(&g, "", "");
	add(&g, "b.service", NULL, NULL);
	add(&g, "a.service", NULL, NULL);
	expect_waves(&g, "a.service b.service", "");
	add(&g, "db.service", NULL, "app.service log.service");
	add(&g, "app.service", NULL, NULL);
	add(&g, "web.service", "app.service db.service", NULL);
	add(&g, "log.service", "log.service absent.service", NULL);
	expect_waves(&g, "log.service web.service; app.service; db.service", "");
}

Test(order, both_may_say_it)
{
	struct graph g = { .n = 0 };

	add(&g, "a.service", NULL, "b.service b.service");
	add(&g, "b.service", "a.service", NULL);
	expect_waves(&g, "b.service; a.service", "");
}

Test(order, a_target_stands_between_its_sides)
{
	struct graph g = { .n = 0 };

	add(&g, "net.service", NULL, "network.target");
	add(&g, "web.service", "network.target", NULL);
	add(&g, "wifi.service", NULL, "network.target");
	add(&g, "other.service", NULL, NULL);
	expect_waves(&g, "other.service web.service; net.service wifi.service", "");
}

Test(order, an_alias_is_its_unit)
{
	struct graph g = { .n = 0 };

	add(&g, "sshd.service", NULL, NULL);
	push_words(&g.unit[0]->alias, "ssh.service other.service");
	add(&g, "user.service", "ssh.service", NULL);
	add(&g, "other.service", NULL, NULL); /* who has the name itself is meant by it */
	add(&g, "last.service", "other.service", NULL);
	expect_waves(&g, "last.service user.service; other.service sshd.service", "");
}

Test(order, a_cycle_is_broken_and_told)
{
	static const char *const names[] = { "a.service", "b.service", "c.service" };
	static const char told[] =
		"Ordering cycle: that b.service starts after a.service is ignored.\n";

	/* the same whatever order the units come in */
	for (unsigned turn = 0; turn < 3; turn++) {
		struct graph g = { .n = 0 };

		for (unsigned i = 0; i < 3; i++)
			add(&g, names[(turn + i) % 3], names[(turn + i + 2) % 3], NULL);
		add(&g, "z.service", "c.service", NULL);
		expect_waves(&g, "a.service z.service; c.service; b.service", told);
	}
}

Test(order, what_only_leads_to_a_cycle_keeps_its_order)
{
	struct graph g = { .n = 0 };

	add(&g, "a.service", "x.service", NULL);
	add(&g, "x.service", "y.service", NULL);
	add(&g, "y.service", "x.service b.service", NULL);
	add(&g, "b.service", NULL, NULL);
	expect_waves(&g, "a.service; x.service; y.service; b.service",
		     "Ordering cycle: that y.service starts after x.service is ignored.\n");
}

Test(order, an_end_before_its_turn)
{
	struct graph g = { .n = 0 };
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct order *o;

	add(&g, "a.service", NULL, NULL);
	add(&g, "b.service", "a.service", NULL);
	add(&g, "c.service", "b.service", NULL);
	o = order_new((const struct unit *const *)g.unit, g.n, &diags);
	cr_assert_eq(order_next(o), 2);
	cr_assert_eq(order_next(o), ORDER_NONE);
	order_ended(o, 1); /* crashed */
	cr_assert_eq(order_next(o), 0, "what a was waiting for has ended");
	order_ended(o, 2);
	cr_assert_eq(order_next(o), 1, "each has its turn, once");
	cr_assert_eq(order_next(o), ORDER_NONE);
	order_free(o);
	graph_deinit(&g);
}

/* ---- random graphs ---- */

static unsigned pick(uint64_t *seed, unsigned n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (unsigned)(*seed >> 20) % n;
}

/* reach[i][j]: j started before i, by a chain of links. */
static void find_reach(bool reach[UNITS_MAX][UNITS_MAX])
{
	for (unsigned k = 0; k < UNITS_MAX; k++)
		for (unsigned i = 0; i < UNITS_MAX; i++)
			for (unsigned j = 0; j < UNITS_MAX; j++)
				reach[i][j] |= reach[i][k] && reach[k][j];
}

static void check_random(uint64_t seed)
{
	bool link[UNITS_MAX][UNITS_MAX] = { { false } }, reach[UNITS_MAX][UNITS_MAX];
	cleanup_diags struct diags diags = DIAGS_INIT;
	unsigned n_links = pick(&seed, 3 * UNITS_MAX), taken = 0;
	bool ended[UNITS_MAX] = { false }, cyclic = false;
	struct graph g = { .n = 0 };
	struct order *o;
	size_t unit;

	for (unsigned i = 0; i < UNITS_MAX; i++) {
		char name[32];

		snprintf(name, sizeof(name), "u%02u.service", i);
		add(&g, name, NULL, NULL);
	}
	for (unsigned i = 0; i < n_links; i++) {
		unsigned then = pick(&seed, UNITS_MAX), first = pick(&seed, UNITS_MAX);
		bool says = pick(&seed, 2);

		link[then][first] |= then != first;
		cr_assert_eq(strv_push(says ? &g.unit[then]->deps[DEP_AFTER]
					    : &g.unit[first]->deps[DEP_BEFORE],
				       g.unit[says ? first : then]->name),
			     0);
	}
	memcpy(reach, link, sizeof(reach));
	find_reach(reach);
	for (unsigned i = 0; i < UNITS_MAX; i++)
		cyclic |= reach[i][i];
	o = order_new((const struct unit *const *)g.unit, g.n, &diags);
	cr_assert_eq(diags.n > 0, cyclic);
	for (; (unit = order_next(o)) != ORDER_NONE; taken++) {
		for (unsigned i = 0; i < UNITS_MAX; i++)
			cr_assert(!link[i][unit] || reach[unit][i] || ended[i], "%zu before %u",
				  unit, i);
		cr_assert_not(ended[unit], "%zu twice", unit);
		ended[unit] = true;
		order_ended(o, unit);
	}
	cr_assert_eq(taken, UNITS_MAX, "%u of them had their turn", taken);
	order_free(o);
	graph_deinit(&g);
}

Test(order, random_graphs)
{
	for (uint64_t seed = 1; seed <= 20000; seed++)
		check_random(seed * 0x9e3779b97f4a7c15U);
}

/* A chain, in which a walk that goes over all units for each, or calls itself, is found out; and one name that all mention. */
Test(order, large)
{
	enum { N = 20000 };
	struct unit **units = calloc(N, sizeof(*units));
	cleanup_diags struct diags diags = DIAGS_INIT;
	usec_t start = clock_now();
	struct order *o;
	char name[32];

	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "u%05u.service", i);
		units[i] = unit_new(name);
		push_words(&units[i]->deps[DEP_AFTER],
			   i % 2 ? "basic.target sysinit.target" : "basic.target");
		if (i > 0)
			push_words(&units[i]->deps[DEP_AFTER], units[i - 1]->name);
	}
	o = order_new((const struct unit *const *)units, N, &diags);
	for (size_t i = N; i-- > 0;) {
		cr_assert_eq(order_next(o), i);
		order_ended(o, i);
	}
	cr_assert_eq(order_next(o), ORDER_NONE);
	cr_assert_lt(clock_now() - start, 5 * USEC_PER_SEC);
	order_free(o);
	for (unsigned i = 0; i < N; i++)
		unit_free(units[i]);
	free(units);
}
