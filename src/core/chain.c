/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/chain.h"

#include <errno.h>

#include "util/heap.h"

/* A stop in virtual time: who is being stopped, by when that ends. */
struct stopping {
	struct heap_node end;
	size_t unit;
};

struct walk {
	struct order *order;
	struct heap heap;
	struct stopping *v; /* by unit */
	const usec_t *takes;
	struct chain_link *links;
};

/* Asks all whose turn has come by now, with the end of `after`. */
static int ask_ready(struct walk *w, usec_t now, size_t after)
{
	size_t i;
	int r = 0;

	while (r == 0 && (i = order_next(w->order)) != ORDER_NONE) {
		w->links[i] = (struct chain_link){ now, usec_add(now, w->takes[i]), after };
		w->v[i].unit = i;
		r = heap_set(&w->heap, &w->v[i].end, w->links[i].end);
	}
	return r;
}

static int walk_all(struct walk *w)
{
	struct heap_node *node;
	int r = ask_ready(w, 0, ORDER_NONE);

	while (r == 0 && (node = heap_min(&w->heap))) {
		size_t unit = container_of(node, struct stopping, end)->unit;

		heap_remove(&w->heap, node);
		order_ended(w->order, unit);
		r = ask_ready(w, w->links[unit].end, unit);
	}
	return r;
}

static int find_links(struct order *order, size_t n, const usec_t *takes, struct chain_link *links)
{
	struct walk w = { .order = order,
			  .heap = HEAP_INIT,
			  .v = calloc(n + 1, sizeof(*w.v)),
			  .takes = takes,
			  .links = links };
	int r = w.v ? walk_all(&w) : -ENOMEM;

	heap_deinit(&w.heap);
	free(w.v);
	return r;
}

int chain_find(const struct unit *const *units, size_t n, const usec_t *takes,
	       struct chain_link *links, struct diags *diags)
{
	struct order *order = order_new(units, n, diags);
	int r = order ? find_links(order, n, takes, links) : -ENOMEM;

	order_free(order);
	return r;
}

size_t chain_last(const struct chain_link *links, size_t n)
{
	size_t last = ORDER_NONE;

	for (size_t i = 0; i < n; i++)
		if (last == ORDER_NONE || links[i].end > links[last].end)
			last = i;
	return last;
}

static int compare_usec(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

/* The length that none of n may exceed for all of them to fit into budget; sorts v. */
static usec_t common_length(usec_t *v, size_t n, usec_t budget)
{
	qsort(v, n, sizeof(*v), compare_usec);
	for (size_t i = 0; i < n; i++) {
		usec_t share = budget / (n - i);

		if (v[i] > share)
			return share;
		budget -= v[i];
	}
	return USEC_INFINITY;
}

static void fit_chain(const struct chain_link *links, size_t last, usec_t *takes, usec_t budget,
		      usec_t *scratch)
{
	usec_t length;
	size_t n = 0;

	for (size_t i = last; i != ORDER_NONE; i = links[i].after)
		scratch[n++] = takes[i];
	length = common_length(scratch, n, budget);
	for (size_t i = last; i != ORDER_NONE; i = links[i].after)
		takes[i] = MIN_OF(takes[i], length);
}

/* Who ends too late, and is not what another such unit waited for: where each chain that is too long ends. */
static size_t find_late(const struct chain_link *links, size_t n, usec_t budget, bool *late)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		late[i] = links[i].end > budget;
	for (size_t i = 0; i < n; i++)
		if (links[i].end > budget && links[i].after != ORDER_NONE)
			late[links[i].after] = false;
	for (size_t i = 0; i < n; i++)
		found += late[i];
	return found;
}

/* Each turn makes chains fit that did not, and none longer. */
int chain_fit(const struct unit *const *units, size_t n, usec_t *takes, usec_t budget)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct order *order = order_new(units, n, &diags);
	struct chain_link *links = calloc(n + 1, sizeof(*links));
	usec_t *scratch = calloc(n + 1, sizeof(*scratch));
	bool *late = calloc(n + 1, sizeof(*late));
	int r = order && links && scratch && late ? 0 : -ENOMEM;

	while (r == 0) {
		order_rewind(order);
		r = find_links(order, n, takes, links);
		if (r < 0 || find_late(links, n, budget, late) == 0)
			break;
		for (size_t i = 0; i < n; i++)
			if (late[i])
				fit_chain(links, i, takes, budget, scratch);
	}
	order_free(order);
	free(links);
	free(scratch);
	free(late);
	return r;
}
