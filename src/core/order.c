/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/order.h"

#include "util/strv.h"

/* A node is the rank of its name among all names: so everything is done in the order of the names. */
struct link {
	size_t first, then; /* then starts after first, and stops before it */
};

struct order {
	size_t n_nodes, n_links;
	size_t *unit_of; /* by node; ORDER_NONE: a name only */
	size_t *node_of; /* by unit */
	size_t *links_of; /* by node, and one more: where its links begin, those in which it is `then` */
	struct link *link; /* sorted by then, first */
	size_t *waits_for; /* by node: how many that started after it have not ended */
	size_t *ready;	   /* nodes whose turn has come; up to n_taken they were taken */
	size_t n_ready, n_taken;
};

/* ---- names ---- */

struct name {
	const char *text;
	size_t unit; /* whose name or alias it is; ORDER_NONE: only mentioned */
	bool is_alias;
	size_t node;
};

struct names {
	struct name *v;
	size_t n;
};

/* A unit's own name comes before the same name as an alias, and that before its mention. */
static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int r = strcmp(x->text, y->text);

	if (r != 0)
		return r;
	if (x->is_alias != y->is_alias && x->unit != ORDER_NONE && y->unit != ORDER_NONE)
		return x->is_alias - y->is_alias;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

static void add_names(struct names *names, char *const *list, size_t unit)
{
	for (size_t i = 0; list && list[i]; i++)
		names->v[names->n++] =
			(struct name){ .text = list[i], .unit = unit, .is_alias = unit != ORDER_NONE };
}

/* All names, each once, sorted. */
static bool collect_names(struct names *names, const struct unit *const *units, size_t n)
{
	size_t all = n, kept = 0;

	for (size_t i = 0; i < n; i++)
		all += strv_len(units[i]->deps[DEP_AFTER]) + strv_len(units[i]->deps[DEP_BEFORE]) +
		       strv_len(units[i]->alias);
	names->v = calloc(all + 1, sizeof(*names->v));
	if (!names->v)
		return false;
	for (size_t i = 0; i < n; i++) {
		names->v[names->n++] = (struct name){ .text = units[i]->name, .unit = i };
		add_names(names, units[i]->alias, i);
		add_names(names, units[i]->deps[DEP_AFTER], ORDER_NONE);
		add_names(names, units[i]->deps[DEP_BEFORE], ORDER_NONE);
	}
	qsort(names->v, names->n, sizeof(*names->v), compare_names);
	for (size_t i = 0; i < names->n; i++)
		if (kept == 0 || !streq(names->v[kept - 1].text, names->v[i].text))
			names->v[kept++] = names->v[i];
	names->n = kept;
	return true;
}

static struct name *find_name(const struct names *names, const char *text)
{
	size_t low = 0, high = names->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names->v[middle].text, text) <= 0)
			low = middle;
		else
			high = middle;
	}
	return &names->v[low]; /* it is there: they all are */
}

/* What a name means: an alias the unit's own node. */
static void assign_nodes(struct order *o, const struct names *names, const struct unit *const *units)
{
	for (size_t i = 0; i < names->n; i++) {
		o->unit_of[i] = names->v[i].is_alias ? ORDER_NONE : names->v[i].unit;
		if (o->unit_of[i] != ORDER_NONE)
			o->node_of[names->v[i].unit] = i;
	}
	for (size_t i = 0; i < names->n; i++)
		names->v[i].node =
			names->v[i].is_alias
				? (size_t)(find_name(names, units[names->v[i].unit]->name) - names->v)
				: i;
}

/* ---- links ---- */

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->then != y->then)
		return x->then < y->then ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static void add_link(struct order *o, size_t first, size_t then)
{
	if (first != then) /* systemd, too, lets a unit be after itself without effect */
		o->link[o->n_links++] = (struct link){ first, then };
}

static void collect_links(struct order *o, const struct names *names,
			  const struct unit *const *units, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (char **name = units[i]->deps[DEP_AFTER]; name && *name; name++)
			add_link(o, find_name(names, *name)->node, o->node_of[i]);
		for (char **name = units[i]->deps[DEP_BEFORE]; name && *name; name++)
			add_link(o, o->node_of[i], find_name(names, *name)->node);
	}
	qsort(o->link, o->n_links, sizeof(*o->link), compare_links);
	for (size_t i = 0; i < o->n_links; i++)
		o->links_of[o->link[i].then + 1]++;
	for (size_t i = 0; i < o->n_nodes; i++)
		o->links_of[i + 1] += o->links_of[i];
}

/* ---- cycles ---- */

enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

struct search {
	const struct names *names;
	struct diags *diags;
	enum visit *visit; /* by node */
	size_t *next;	   /* by node: its next link */
	size_t *path;
	size_t depth;
};

/* A dropped link leads from its node to itself: the walk passes it over. */
static void drop_link(struct search *s, struct link *l)
{
	diag_add(s->diags, DIAG_WARNING, NULL, 0, "Ordering cycle: that %s starts after %s is ignored.",
		 s->names->v[l->then].text, s->names->v[l->first].text);
	l->first = l->then;
}

static void open_node(struct order *o, struct search *s, size_t node)
{
	s->visit[node] = VISIT_OPEN;
	s->next[node] = o->links_of[node];
	s->path[s->depth++] = node;
}

/* A link back to where the path of a search in depth has come from closes a cycle, and every cycle has one. */
static void search_from(struct order *o, struct search *s, size_t start)
{
	open_node(o, s, start);
	while (s->depth > 0) {
		size_t node = s->path[s->depth - 1];
		struct link *l;

		if (s->next[node] == o->links_of[node + 1]) {
			s->visit[node] = VISIT_DONE;
			s->depth--;
			continue;
		}
		l = &o->link[s->next[node]++];
		if (s->visit[l->first] == VISIT_OPEN)
			drop_link(s, l);
		else if (s->visit[l->first] == VISIT_NEW)
			open_node(o, s, l->first);
	}
}

static bool break_cycles(struct order *o, const struct names *names, struct diags *diags)
{
	struct search s = { .names = names,
			    .diags = diags,
			    .visit = calloc(o->n_nodes + 1, sizeof(*s.visit)),
			    .next = calloc(o->n_nodes + 1, sizeof(*s.next)),
			    .path = calloc(o->n_nodes + 1, sizeof(*s.path)) };
	bool ok = s.visit && s.next && s.path;

	for (size_t i = 0; ok && i < o->n_nodes; i++)
		if (s.visit[i] == VISIT_NEW)
			search_from(o, &s, i);
	free(s.visit);
	free(s.next);
	free(s.path);
	return ok;
}

/* ---- the walk ---- */

static void start_walk(struct order *o)
{
	memset(o->waits_for, 0, o->n_nodes * sizeof(*o->waits_for));
	o->n_ready = o->n_taken = 0;
	for (size_t i = 0; i < o->n_links; i++)
		if (o->link[i].first != o->link[i].then)
			o->waits_for[o->link[i].first]++;
	for (size_t i = 0; i < o->n_nodes; i++)
		if (o->waits_for[i] == 0)
			o->ready[o->n_ready++] = i;
}

static void end_node(struct order *o, size_t node)
{
	for (size_t i = o->links_of[node]; i < o->links_of[node + 1]; i++) {
		size_t first = o->link[i].first;

		if (first != node && --o->waits_for[first] == 0)
			o->ready[o->n_ready++] = first;
	}
}

size_t order_next(struct order *o)
{
	while (o->n_taken < o->n_ready) {
		size_t node = o->ready[o->n_taken++];

		if (o->unit_of[node] != ORDER_NONE)
			return o->unit_of[node];
		end_node(o, node);
	}
	return ORDER_NONE;
}

void order_ended(struct order *o, size_t unit)
{
	end_node(o, o->node_of[unit]);
}

void order_rewind(struct order *o)
{
	start_walk(o);
}

/* ---- life ---- */

static bool allocate(struct order *o, size_t n_nodes, const struct unit *const *units, size_t n)
{
	size_t links = 1;

	for (size_t i = 0; i < n; i++)
		links += strv_len(units[i]->deps[DEP_AFTER]) + strv_len(units[i]->deps[DEP_BEFORE]);
	o->n_nodes = n_nodes;
	o->unit_of = calloc(n_nodes + 1, sizeof(*o->unit_of));
	o->node_of = calloc(n + 1, sizeof(*o->node_of));
	o->links_of = calloc(n_nodes + 1, sizeof(*o->links_of));
	o->link = calloc(links, sizeof(*o->link));
	o->waits_for = calloc(n_nodes + 1, sizeof(*o->waits_for));
	o->ready = calloc(n_nodes + 1, sizeof(*o->ready));
	return o->unit_of && o->node_of && o->links_of && o->link && o->waits_for && o->ready;
}

struct order *order_new(const struct unit *const *units, size_t n, struct diags *diags)
{
	struct order *o = calloc(1, sizeof(*o));
	struct names names = { 0 };
	bool ok = o && collect_names(&names, units, n) && allocate(o, names.n, units, n);

	if (ok) {
		assign_nodes(o, &names, units);
		collect_links(o, &names, units, n);
		ok = break_cycles(o, &names, diags);
	}
	if (ok) {
		start_walk(o);
	} else {
		order_free(o);
		o = NULL;
	}
	free(names.v);
	return o;
}

void order_free(struct order *o)
{
	if (!o)
		return;
	free(o->unit_of);
	free(o->node_of);
	free(o->links_of);
	free(o->link);
	free(o->waits_for);
	free(o->ready);
	free(o);
}
