/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/resolve.h"

#include <errno.h>
#include <fnmatch.h>

#include "daemon/manager.h"
#include "daemon/slices.h"
#include "daemon/supervisor.h"

static int add(struct resolved_list *l, const struct resolved *r)
{
	struct resolved *grown;

	if ((l->n & (l->n - 1)) == 0) { /* the capacity is the next power of two */
		grown = reallocarray(l->v, l->n ? l->n * 2 : 1, sizeof(*l->v));
		if (!grown)
			goto fail;
		l->v = grown;
	}
	if (!r->name)
		goto fail;
	l->v[l->n++] = *r;
	return 0;
fail:
	free(r->name);
	return -ENOMEM;
}

static int add_service(struct resolved_list *l, struct supervised *sv)
{
	return add(l, &(struct resolved){ .name = strdup(supervised_name(sv)), .service = sv });
}

static int add_glob(struct manager *m, struct resolved_list *l, const char *glob)
{
	struct supervised *sv;
	int r;

	list_for_each(&m->services, sv, struct supervised, link) {
		if (fnmatch(glob, supervised_name(sv), 0) != 0)
			continue;
		r = add_service(l, sv);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_name(struct manager *m, struct resolved_list *l, const char *typed, bool load)
{
	cleanup_free char *name = manager_unit_name(typed);
	struct supervised *sv;

	if (!name && errno == ENOMEM)
		return -ENOMEM;
	if (!name)
		return add(l, &(struct resolved){ .name = strdup(typed),
						  .result = "invalid-name",
						  .problem = "not a valid unit name" });
	sv = load ? manager_get(m, name) : manager_find(m, name);
	if (sv)
		return add_service(l, sv);
	return add(l, &(struct resolved){ .name = TAKE_PTR(name),
					  .result = "not-found",
					  .problem = "it is not loaded" });
}

static int compare(const void *a, const void *b)
{
	const struct resolved *const *x = a, *const *y = b;

	if ((*x)->service != (*y)->service)
		return (uintptr_t)(*x)->service < (uintptr_t)(*y)->service ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* Drops all but the first mention of a service, in O(n log n): a glob and a name may both mean it. */
static int drop_repeats(struct resolved_list *l)
{
	const struct resolved **order;
	size_t kept = 0;

	if (l->n < 2)
		return 0;
	order = calloc(l->n, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++)
		order[i] = &l->v[i];
	qsort(order, l->n, sizeof(*order), compare);
	for (size_t i = 1; i < l->n; i++)
		if (order[i]->service && order[i]->service == order[i - 1]->service)
			free(TAKE_PTR(l->v[order[i] - l->v].name));
	free(order);
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].name)
			l->v[kept++] = l->v[i];
	l->n = kept;
	return 0;
}

int resolve_units(struct manager *m, json_t *names, bool load, struct resolved_list *out)
{
	struct resolved_list l = { 0 };
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(names, i, item) {
		const char *typed = json_string_value(item);

		r = strpbrk(typed, "*?[") ? add_glob(m, &l, typed) : add_name(m, &l, typed, load);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = drop_repeats(&l);
	if (r < 0) {
		resolved_list_deinit(&l);
		return r;
	}
	*out = l;
	return 0;
}

static bool has_life(const struct supervised *sv)
{
	return sv->machine.populated || !service_state_is_ended(sv->machine.state);
}

int resolve_slices(struct manager *m, struct resolved_list *l)
{
	const size_t named = l->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < named; i++) {
		const struct supervised *slice = l->v[i].service;
		struct supervised *sv;

		if (!slice || slice->unit->kind != UNIT_SLICE)
			continue;
		list_for_each(&m->services, sv, struct supervised, link)
			if (r == 0 && sv != slice && sv->unit->kind != UNIT_TARGET &&
			    has_life(sv) && slices_holds(supervised_name(slice), sv))
				r = add_service(l, sv);
	}
	return l->n > named && r == 0 ? drop_repeats(l) : r;
}

void resolved_list_deinit(struct resolved_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	*l = (struct resolved_list){ 0 };
}
