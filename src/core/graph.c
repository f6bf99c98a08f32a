/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/graph.h"

#include <assert.h>
#include <errno.h>

#include "util/checksum.h"
#include "util/ownmem.h"
#include "util/strv.h"

/*
 * A link is the number of the node at its other end and five bits for its kind: a dependency, or 16 and a dependency at the
 * end to which it leads. It names the node that was written there, be it an alias; the other end of it is with the node that
 * this one means. [Install] Alias= is kept as a link, too, of a kind of its own.
 */
#define KIND_BITS  5
#define KIND_MASK  ((1U << KIND_BITS) - 1)
#define KIND_FROM  16U
#define KIND_ALIAS 15U
#define ID_MAX	   (UINT32_MAX >> KIND_BITS)
_Static_assert(DEP_MAX <= KIND_ALIAS, "a kind of link has five bits");

struct graph {
	struct graph_node **node; /* by id; NULL where one was freed */
	uint32_t n_ids, cap_ids, first_free;
	struct graph_node **bucket;
	uint32_t n_buckets, n_nodes; /* a power of two */
};

static uint32_t link_to(const struct graph_node *n, uint32_t kind)
{
	return n->id << KIND_BITS | kind;
}

static struct graph_node *link_node(const struct graph *g, uint32_t link)
{
	return g->node[link >> KIND_BITS];
}

/* ---- names ---- */

static uint32_t hash_name(const char *name)
{
	uint64_t sum = checksum64(name, strlen(name));

	return (uint32_t)(sum ^ sum >> 32);
}

static struct graph_node *find_hashed(const struct graph *g, const char *name, uint32_t hash)
{
	struct graph_node *n = g->bucket[hash & (g->n_buckets - 1)];

	while (n && (n->hash != hash || !streq(n->name, name)))
		n = n->next;
	return n;
}

struct graph_node *graph_find(const struct graph *g, const char *name)
{
	return find_hashed(g, name, hash_name(name));
}

static void enter(struct graph *g, struct graph_node *n)
{
	struct graph_node **bucket = &g->bucket[n->hash & (g->n_buckets - 1)];

	n->next = *bucket;
	*bucket = n;
}

/* Without memory the table stays as it is: it only gets slower. */
static void grow_buckets(struct graph *g)
{
	struct graph_node **bucket = calloc(2 * (size_t)g->n_buckets, sizeof(struct graph_node *));

	if (!bucket)
		return;
	free(g->bucket);
	g->bucket = bucket;
	g->n_buckets *= 2;
	for (uint32_t i = 0; i < g->n_ids; i++)
		if (g->node[i])
			enter(g, g->node[i]);
}

/* A place in g->node. */
static int find_id(struct graph *g, uint32_t *id)
{
	while (g->first_free < g->n_ids && g->node[g->first_free])
		g->first_free++;
	if (g->first_free == g->cap_ids) {
		uint32_t cap = g->cap_ids ? 2 * g->cap_ids : 64;
		struct graph_node **grown;

		if (cap > ID_MAX)
			return -ENOMEM;
		grown = reallocarray(g->node, cap, sizeof(struct graph_node *));
		if (!grown)
			return -ENOMEM;
		g->node = grown;
		g->cap_ids = cap;
	}
	*id = g->first_free;
	return 0;
}

struct graph_node *graph_node(struct graph *g, const char *name)
{
	uint32_t hash = hash_name(name), id;
	struct graph_node *n = find_hashed(g, name, hash);
	size_t size = strlen(name) + 1;

	if (n)
		return n;
	if (find_id(g, &id) < 0)
		return NULL;
	n = own_alloc(sizeof(*n) + size);
	if (!n)
		return NULL;
	memcpy(n->name, name, size);
	n->hash = hash;
	n->id = id;
	g->node[id] = n;
	g->n_ids = MAX_OF(g->n_ids, id + 1);
	if (g->n_nodes++ == g->n_buckets)
		grow_buckets(g); /* which enters it with all others */
	if (find_hashed(g, name, hash) != n)
		enter(g, n);
	return n;
}

static void free_memory(struct graph_node *n)
{
	free(n->link);
	own_free(n, sizeof(*n) + strlen(n->name) + 1);
}

static void free_node(struct graph *g, struct graph_node *n)
{
	struct graph_node **at = &g->bucket[n->hash & (g->n_buckets - 1)];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	g->node[n->id] = NULL;
	g->first_free = MIN_OF(g->first_free, n->id);
	g->n_nodes--;
	free_memory(n);
}

/* ---- links ---- */

static int reserve(struct graph_node *n, uint32_t cap)
{
	uint32_t *grown;

	if (cap <= n->cap)
		return 0;
	grown = reallocarray(n->link, cap, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	n->link = grown;
	n->cap = cap;
	return 0;
}

static int add_link(struct graph_node *n, uint32_t link)
{
	if (n->n_links == n->cap && reserve(n, n->cap + n->cap / 2 + 2) < 0)
		return -ENOMEM;
	n->link[n->n_links++] = link;
	return 0;
}

/* One of others to n, which is there. */
static void remove_link(struct graph_node *n, uint32_t link)
{
	uint32_t i = n->n_out;

	while (n->link[i] != link)
		i++;
	n->link[i] = n->link[--n->n_links];
}

static uint32_t count_links(const struct graph_node *n, uint32_t from, uint32_t to, uint32_t link)
{
	uint32_t count = 0;

	for (uint32_t i = from; i < to; i++)
		count += n->link[i] == link;
	return count;
}

/* ---- aliases ---- */

/* Those that mention `a` by its name, among those that lead to n, lead to `a` itself, for which there is room. */
static void take_back(const struct graph *g, struct graph_node *n, struct graph_node *a)
{
	for (uint32_t i = n->n_links; i-- > n->n_out;) {
		uint32_t link = n->link[i];
		const struct graph_node *by = link_node(g, link);
		uint32_t written =
			count_links(by, 0, by->n_out, link_to(a, (link & KIND_MASK) - KIND_FROM));

		if (count_links(a, a->n_out, a->n_links, link) == written)
			continue;
		n->link[i] = n->link[--n->n_links];
		a->link[a->n_links++] = link;
	}
}

/* All that lead to `a`, by its own name or by what is an alias of it, lead to n, where there is room for them. */
static void hand_over(const struct graph *g, struct graph_node *a, struct graph_node *n)
{
	uint32_t count = a->n_links - a->n_out;

	for (uint32_t i = 0; i < count; i++)
		n->link[n->n_links++] = a->link[a->n_out + i];
	a->n_links = a->n_out;
	for (uint32_t i = 0; a->n_aliases > 0 && i < g->n_ids; i++) {
		if (!g->node[i] || g->node[i]->alias_of != a)
			continue;
		g->node[i]->alias_of = n;
		a->n_aliases--;
		n->n_aliases++;
	}
}

/* NULL: it means itself. */
static int set_alias(const struct graph *g, struct graph_node *a, struct graph_node *to)
{
	struct graph_node *was = a->alias_of;

	if (was == to)
		return 0;
	if (was) {
		if (reserve(a, a->n_links + was->n_links - was->n_out) < 0)
			return -ENOMEM;
		a->alias_of = NULL;
		a->alias_is_fixed = false;
		was->n_aliases--;
		take_back(g, was, a);
	}
	if (to) {
		if (reserve(to, to->n_links + a->n_links - a->n_out) < 0)
			return -ENOMEM;
		a->alias_of = to;
		to->n_aliases++;
		hand_over(g, a, to);
	}
	return 0;
}

/* ---- what a unit says ---- */

/*
 * Its first `count` links are not known at their other ends any more, and then its aliases are none: in that order, because
 * what a name takes back is counted.
 */
static int detach(struct graph *g, struct graph_node *n, uint32_t count)
{
	int error = 0;

	for (uint32_t i = 0; i < count; i++)
		remove_link(graph_resolve(link_node(g, n->link[i])),
			    link_to(n, KIND_FROM + (n->link[i] & KIND_MASK)));
	for (uint32_t i = 0; i < count; i++) {
		struct graph_node *other = link_node(g, n->link[i]);

		if ((n->link[i] & KIND_MASK) == KIND_ALIAS && other->alias_of == n &&
		    !other->alias_is_fixed && set_alias(g, other, NULL) < 0)
			error = -ENOMEM;
	}
	return error;
}

static int attach(struct graph *g, struct graph_node *n)
{
	for (uint32_t i = 0; i < n->n_out; i++) {
		struct graph_node *other = link_node(g, n->link[i]);
		uint32_t kind = n->link[i] & KIND_MASK;
		int error = add_link(graph_resolve(other), link_to(n, KIND_FROM + kind));

		if (error < 0) {
			(void)detach(g, n, i);
			return error;
		}
		if (kind == KIND_ALIAS && !other->loaded && !other->alias_of && !other->job &&
		    set_alias(g, other, n) < 0) {
			(void)detach(g, n, i + 1);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Its own links become these, which are not known at their other ends yet. */
static int replace_links(struct graph_node *n, const uint32_t *link, uint32_t count)
{
	uint32_t others = n->n_links - n->n_out;

	if (reserve(n, count + others) < 0)
		return -ENOMEM;
	if (others > 0)
		memmove(n->link + count, n->link + n->n_out, others * sizeof(*link));
	if (count > 0)
		memcpy(n->link, link, count * sizeof(*link));
	n->n_out = count;
	n->n_links = count + others;
	return 0;
}

static int forget_links(struct graph *g, struct graph_node *n)
{
	int error = detach(g, n, n->n_out);

	(void)replace_links(n, NULL, 0); /* needs no memory */
	return error;
}

struct links {
	uint32_t *v, n;
};

/* A unit may name itself: that means nothing. */
static bool append_names(struct graph *g, const struct graph_node *n, char *const *names,
			 uint32_t kind, struct links *links)
{
	for (; names && *names; names++) {
		const struct graph_node *other = graph_node(g, *names);

		if (!other)
			return false;
		if (other != n)
			links->v[links->n++] = link_to(other, kind);
	}
	return true;
}

static int collect(struct graph *g, const struct graph_node *n, const struct unit *unit,
		   struct links *links)
{
	size_t count = strv_len(unit->alias);
	bool ok;

	for (uint32_t d = 0; d < DEP_MAX; d++)
		count += strv_len(unit->deps[d]);
	links->v = calloc(count + 1, sizeof(*links->v));
	ok = links->v;
	for (uint32_t d = 0; ok && d < DEP_MAX; d++)
		ok = append_names(g, n, unit->deps[d], d, links);
	return ok && append_names(g, n, unit->alias, KIND_ALIAS, links) ? 0 : -ENOMEM;
}

static bool same_links(const struct graph_node *n, const struct links *links)
{
	return n->n_out == links->n &&
	       (links->n == 0 || memcmp(n->link, links->v, links->n * sizeof(*links->v)) == 0);
}

int graph_set(struct graph *g, struct graph_node *n, const struct unit *unit)
{
	struct links links = { 0 };
	int error = set_alias(g, n, NULL);

	if (error == 0)
		error = collect(g, n, unit, &links);
	if (error < 0 || !n->loaded || !same_links(n, &links)) {
		int first = forget_links(g, n);

		error = error < 0 ? error : first;
		n->loaded = true;
		if (error == 0)
			error = replace_links(n, links.v, links.n);
		if (error == 0)
			error = attach(g, n);
		if (error < 0)
			(void)replace_links(n, NULL, 0);
	}
	free(links.v);
	return error;
}

int graph_alias(struct graph *g, struct graph_node *n, struct graph_node *to)
{
	int error;

	if (n->job && to)
		return -EBUSY;
	assert(n != to && (!to || !to->alias_of));
	if (to) {
		error = forget_links(g, n);
		if (error < 0)
			return error;
		n->loaded = false;
	}
	error = set_alias(g, n, to);
	if (error == 0)
		n->alias_is_fixed = to != NULL;
	return error;
}

/* ---- the end ---- */

/* A name that is an alias is kept: those that mention it have their links elsewhere. */
static void free_if_unused(struct graph *g, struct graph_node *n)
{
	if (!n->owner && n->n_jobs == 0 && !n->loaded && n->n_links == 0 && !n->alias_of &&
	    n->n_aliases == 0)
		free_node(g, n);
}

void graph_drop(struct graph *g, struct graph_node *n)
{
	uint32_t count = n->n_out;
	cleanup_free uint32_t *link = calloc(count + 1, sizeof(*link)); /* NULL: left to graph_sweep() */

	if (link && count > 0)
		memcpy(link, n->link, count * sizeof(*link));
	(void)forget_links(g, n);
	n->loaded = false;
	for (uint32_t i = 0; link && i < count; i++)
		if (link_node(g, link[i])) /* it may have been there twice */
			free_if_unused(g, link_node(g, link[i]));
	free_if_unused(g, n);
}

void graph_sweep(struct graph *g)
{
	for (uint32_t i = 0; i < g->n_ids; i++)
		if (g->node[i])
			free_if_unused(g, g->node[i]);
}

struct graph *graph_new(void)
{
	struct graph *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->n_buckets = 64;
	g->bucket = calloc(g->n_buckets, sizeof(struct graph_node *));
	if (!g->bucket) {
		free(g);
		return NULL;
	}
	return g;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->n_ids; i++) {
		if (g->node[i])
			free_memory(g->node[i]);
	}
	free(g->node);
	free(g->bucket);
	free(g);
}

/* ---- looking ---- */

struct graph_node *graph_next(const struct graph *g, const struct graph_node *n, uint32_t kinds,
			      uint32_t *at, uint32_t *kind)
{
	while (*at < n->n_links) {
		uint32_t link = n->link[(*at)++];
		uint32_t bit = UINT32_C(1) << (link & KIND_MASK);
		struct graph_node *other;

		if (!(kinds & bit))
			continue;
		other = graph_resolve(link_node(g, link));
		if (other == n)
			continue;
		if (kind)
			*kind = bit;
		return other;
	}
	return NULL;
}

enum dependency link_dependency(uint32_t kind)
{
	return (enum dependency)((unsigned)__builtin_ctz(kind) % KIND_FROM);
}
