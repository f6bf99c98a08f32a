/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/heap.h"

#include <errno.h>

static void put(struct heap *h, size_t pos, struct heap_node *node)
{
	h->v[pos] = node;
	node->pos = pos;
}

/*
 * Finds the place for a node whose old place at pos is free, first towards the root, then towards
 * the leaves.
 */
static void sift(struct heap *h, size_t pos, struct heap_node *node)
{
	for (; pos > 1 && h->v[pos / 2]->key > node->key; pos /= 2)
		put(h, pos, h->v[pos / 2]);
	for (size_t child; (child = 2 * pos) <= h->n; pos = child) {
		if (child < h->n && h->v[child + 1]->key < h->v[child]->key)
			child++;
		if (h->v[child]->key >= node->key)
			break;
		put(h, pos, h->v[child]);
	}
	put(h, pos, node);
}

static int grow(struct heap *h)
{
	size_t cap = h->cap ? 2 * h->cap : 16;
	struct heap_node **v;

	if (h->n + 1 < h->cap)
		return 0;
	v = reallocarray(h->v, cap, sizeof(*v));
	if (!v)
		return -ENOMEM;
	h->v = v;
	h->cap = cap;
	return 0;
}

int heap_set(struct heap *h, struct heap_node *node, usec_t key)
{
	if (node->pos == 0) {
		int r = grow(h);

		if (r < 0)
			return r;
		put(h, ++h->n, node);
	}
	node->key = key;
	sift(h, node->pos, node);
	return 0;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	size_t hole = node->pos;
	struct heap_node *last;

	if (hole == 0)
		return;
	node->pos = 0;
	last = h->v[h->n--];
	if (last != node)
		sift(h, hole, last);
}

struct heap_node *heap_min(const struct heap *h)
{
	return h->n > 0 ? h->v[1] : NULL;
}

void heap_deinit(struct heap *h)
{
	for (size_t i = 1; i <= h->n; i++)
		h->v[i]->pos = 0;
	free(h->v);
	*h = (struct heap)HEAP_INIT;
}
