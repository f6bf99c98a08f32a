/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A binary min-heap of deadlines, intrusive: O(log n) to set and to drop, O(1) to see the earliest.
 * Insertion needs memory only when the heap grows past its largest size so far.
 */
#include "util/clock.h"
#include "util/macro.h"

struct heap_node {
	usec_t key;
	size_t pos; /* 0 = not in a heap */
};

struct heap {
	struct heap_node **v; /* v[1] is the earliest */
	size_t n, cap;
};

#define HEAP_INIT          \
	{                  \
		NULL, 0, 0 \
	}

/* Inserts the node, or moves it when it is in the heap. 0 or -ENOMEM (only on insertion). */
int heap_set(struct heap *h, struct heap_node *node, usec_t key) must_check;
void heap_remove(struct heap *h, struct heap_node *node); /* no-op when not in */
struct heap_node *heap_min(const struct heap *h);	  /* NULL when empty */
void heap_deinit(struct heap *h);
