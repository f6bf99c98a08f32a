/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An intrusive, circular, doubly linked list. An unlinked node points to itself, so that
 * list_remove() may be called on it any number of times.
 */
#include <stdbool.h>

#include "util/macro.h"

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Links an unlinked node in at the end. */
static inline void list_append(struct list *l, struct list *node)
{
	node->prev = l->prev;
	node->next = l;
	l->prev->next = node;
	l->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Moves all nodes of from to the end of to, in order; from is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	list_init(from);
}

/* The first node, unlinked; NULL when the list is empty. */
static inline struct list *list_pop(struct list *l)
{
	struct list *node = l->next;

	if (node == l)
		return NULL;
	list_remove(node);
	return node;
}

/* The body may unlink or free the entry at hand, but no other. */
#define list_for_each(l, var, type, member)                                     \
	for (struct list *node_ = (l)->next, *next_ = node_->next;              \
	     node_ != (l) && ((var) = container_of(node_, type, member), true); \
	     node_ = next_, next_ = node_->next)
