/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/slices.h"

#include <errno.h>
#include <fcntl.h>

#include "core/resources.h"
#include "daemon/manager.h"
#include "daemon/resources.h"
#include "util/log.h"

const struct cg *slice_cg(const struct manager *m, const struct slice *s)
{
	return s ? &s->cg : &m->root;
}

bool slice_is_below(const struct slice *s, const struct slice *ancestor)
{
	while (s && s != ancestor)
		s = s->parent;
	return s;
}

struct slice *slices_find(const struct manager *m, const char *name)
{
	struct slice *s;

	list_for_each(&m->slices, s, struct slice, link)
		if (streq(s->name, name))
			return s;
	return NULL;
}

struct slice *slice_ref(struct slice *s)
{
	if (s)
		s->users++;
	return s;
}

/* Not empty: somebody else's, and left alone. */
void slice_unref(struct slice *s)
{
	struct slice *parent;

	for (; s && --s->users == 0; s = parent) {
		parent = s->parent;
		cg_close(&s->cg);
		(void)unlinkat(slice_cg(s->manager, parent)->fd, s->name, AT_REMOVEDIR);
		list_remove(&s->link);
		free(s->name);
		free(s);
	}
}

int slices_adopt(struct manager *m, struct slice *parent, const char *name, struct slice **out)
{
	struct slice *s = malloc(sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return r;
	*s = (struct slice){
		.manager = m, .name = strdup(name), .parent = parent, .cg = CG_INIT, .users = 1
	};
	if (s->name)
		r = cg_open(&s->cg, slice_cg(m, parent), name);
	if (r < 0) {
		free(s->name);
		free(s);
		return r;
	}
	slice_ref(parent);
	list_init(&s->link);
	list_append(&m->slices, &s->link);
	*out = s;
	return 0;
}

/* Made if need be, with what it is in, and limited as its unit says. */
static int slice_get(struct manager *m, const char *name, struct slice **out)
{
	cleanup_free char *above = slice_parent(name);
	struct slice *s = slices_find(m, name), *parent = NULL;
	struct cg cg = CG_INIT;
	int r = !above && errno == ENOMEM ? -ENOMEM : 0;

	if (s) {
		*out = slice_ref(s);
		return 0;
	}
	if (r == 0 && above)
		r = slice_get(m, above, &parent);
	if (r == 0)
		r = cg_create(&cg, slice_cg(m, parent), name);
	cg_close(&cg);
	if (r == 0 || r == -EEXIST)
		r = slices_adopt(m, parent, name, &s);
	slice_unref(parent);
	if (r < 0)
		return r;
	r = resources_limit_slice(m, s);
	if (r < 0)
		slice_unref(s);
	else
		*out = s;
	return r;
}

static const char *slice_of(const struct unit *u)
{
	return u->resources ? u->resources->slice : NULL;
}

const struct cg *slices_home(const struct supervised *sv)
{
	return slice_cg(sv->manager, sv->slice);
}

int slices_open_cgroup(struct supervised *sv)
{
	const char *name = slice_of(sv->unit);
	int r;

	if (cg_is_open(&sv->cgroups.unit))
		return 0;
	r = name && !sv->slice ? slice_get(sv->manager, name, &sv->slice) : 0;
	if (r == 0)
		r = cgroups_open(&sv->cgroups, slices_home(sv), supervised_name(sv));
	if (r < 0)
		slices_leave(sv);
	return r;
}

void slices_leave(struct supervised *sv)
{
	slice_unref(TAKE_PTR(sv->slice));
}

/* Looks without making anything: the slices on the way are opened where they are. */
static int slice_look_up(struct manager *m, const char *name, struct slice **out)
{
	cleanup_free char *above = slice_parent(name);
	struct slice *s = slices_find(m, name), *parent = NULL;
	int r = !above && errno == ENOMEM ? -ENOMEM : 0;

	if (s) {
		*out = slice_ref(s);
		return 0;
	}
	if (r == 0 && above)
		r = slice_look_up(m, above, &parent);
	if (r == 0)
		r = slices_adopt(m, parent, name, out);
	slice_unref(parent);
	return r;
}

bool slices_find_survivors(struct supervised *sv)
{
	const char *name = slice_of(sv->unit);

	if (!name || cg_is_open(&sv->cgroups.unit) || slice_look_up(sv->manager, name, &sv->slice) < 0)
		return false;
	if (cgroups_find(&sv->cgroups, &sv->slice->cg, supervised_name(sv)))
		return true;
	slices_leave(sv);
	return false;
}

/* By their names: "a-b.slice" is below "a.slice". */
static bool name_is_below(const char *name, const char *ancestor)
{
	size_t n = strlen(ancestor) - strlen(".slice");

	return streq(ancestor, "-.slice") || streq(name, ancestor) ||
	       (strncmp(name, ancestor, n) == 0 && name[n] == '-');
}

bool slices_holds(const char *slice, const struct supervised *sv)
{
	const char *own = sv->unit->kind == UNIT_SLICE	  ? supervised_name(sv)
			  : sv->slice			  ? sv->slice->name
			  : cg_is_open(&sv->cgroups.unit) ? NULL
							  : slice_of(sv->unit);

	return own ? name_is_below(own, slice) : streq(slice, "-.slice");
}
