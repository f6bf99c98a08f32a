/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/heap.h"

#include <criterion/criterion.h>

TestSuite(heap, .timeout = 30);

Test(heap, empty)
{
	struct heap h = HEAP_INIT;
	struct heap_node loose = { 0 };

	cr_assert_null(heap_min(&h));
	heap_remove(&h, &loose);
	cr_assert_null(heap_min(&h));
	heap_deinit(&h);
	heap_deinit(&h);
}

Test(heap, deinit_unlinks_the_nodes)
{
	struct heap h = HEAP_INIT;
	struct heap_node a = { 0 }, b = { 0 };

	cr_assert_eq(heap_set(&h, &a, 2), 0);
	cr_assert_eq(heap_set(&h, &b, 1), 0);
	heap_deinit(&h);
	cr_assert_eq(a.pos, 0);
	cr_assert_eq(b.pos, 0);
	cr_assert_eq(heap_set(&h, &a, 3), 0);
	cr_assert_eq(heap_min(&h), &a);
	heap_deinit(&h);
}

/* Every node knows its place, and no parent is later than its children. */
static void check_order(const struct heap *h)
{
	for (size_t i = 1; i <= h->n; i++) {
		cr_assert_eq(h->v[i]->pos, i);
		cr_assert(i == 1 || h->v[i / 2]->key <= h->v[i]->key);
	}
}

/*
 * The model is the array of nodes itself: which are in, and with what key. Random sets, moves and
 * removals; the earliest of the heap must be as early as the model's each time.
 */
Test(heap, random_operations_against_a_model)
{
	enum { NODES = 64, STEPS = 100000 };
	static struct heap_node nodes[NODES];
	static bool in[NODES];
	static usec_t keys[NODES];
	struct heap h = HEAP_INIT;
	uint64_t state = 1;

	for (int step = 0; step < STEPS; step++) {
		usec_t least = USEC_INFINITY;
		size_t n = 0, i, op;

		state = state * 6364136223846793005 + 1442695040888963407;
		i = state >> 33 & (NODES - 1);
		/* swings between mostly filling and mostly emptying */
		op = (state >> 45) % 8;
		if (op < (step / 1000 % 2 ? 6U : 3U)) {
			keys[i] = state >> 50; /* few bits: keys often equal */
			in[i] = true;
			cr_assert_eq(heap_set(&h, &nodes[i], keys[i]), 0);
		} else {
			in[i] = false;
			heap_remove(&h, &nodes[i]);
		}
		for (size_t j = 0; j < NODES; j++) {
			cr_assert_eq(in[j], nodes[j].pos != 0);
			if (!in[j])
				continue;
			n++;
			least = MIN_OF(least, keys[j]);
			cr_assert_eq(nodes[j].key, keys[j]);
		}
		cr_assert_eq(h.n, n);
		if (n > 0)
			cr_assert_eq(heap_min(&h)->key, least);
		else
			cr_assert_null(heap_min(&h));
		check_order(&h);
	}
	heap_deinit(&h);
}

Test(heap, yields_in_order)
{
	enum { NODES = 10000 };
	static struct heap_node nodes[NODES];
	struct heap h = HEAP_INIT;
	usec_t last = 0;
	size_t n = 0;

	for (size_t i = 0; i < NODES; i++)
		cr_assert_eq(heap_set(&h, &nodes[i], i * 7919 % NODES), 0);
	for (struct heap_node *node; (node = heap_min(&h)); n++) {
		cr_assert_geq(node->key, last);
		last = node->key;
		heap_remove(&h, node);
	}
	cr_assert_eq(n, NODES);
	heap_deinit(&h);
}
