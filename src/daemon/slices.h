/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The cgroups of slices: ROOT/a.slice/a-b.slice, in which the cgroups of services are that have a Slice=. Each is there
 * while somebody is in it: made with the first, removed with the last. (A slice as a unit, which is started, stopped and
 * shown, is a service like a target to the rest; see core/defaults.c.)
 *
 * A service keeps the place where its cgroup is for as long as there is one, whatever its unit says by then.
 */
#include "daemon/supervisor.h"
#include "util/list.h"

struct slice {
	struct list link; /* in manager.slices */
	struct manager *manager;
	char *name;
	struct slice *parent; /* NULL = the root */
	struct cg cg;
	unsigned users; /* services, and slices in it */
	bool spares;	/* daemon/slicekill.c: it is not to be killed as a whole in this round */
};

/* The cgroup that the service's is in, or will be next. */
const struct cg *slices_home(const struct supervised *sv);
/* Opens the cgroup of a service, made if need be, with what it is in. 0, also when it is open, or -errno. */
int slices_open_cgroup(struct supervised *sv) must_check;
/* It has none any more: its slices are removed where they are empty now. Idempotent. */
void slices_leave(struct supervised *sv);

/* Opens the cgroup that its unit says, if somebody lives in it: then true. */
bool slices_find_survivors(struct supervised *sv) must_check;

/* The slice of that name while it has a cgroup; else NULL. */
struct slice *slices_find(const struct manager *m, const char *name);
/* Is the cgroup of the service in that slice, or below; or will be when it has one? */
bool slices_holds(const char *slice, const struct supervised *sv);

/* For adoption: a slice that is there already, in parent (NULL = the root). *out is used once. */
int slices_adopt(struct manager *m, struct slice *parent, const char *name, struct slice **out) must_check;
/* Uses it once more; NULL is the root. */
struct slice *slice_ref(struct slice *s);
void slice_unref(struct slice *s);
/* NULL: the root's. */
const struct cg *slice_cg(const struct manager *m, const struct slice *s);
bool slice_is_below(const struct slice *s, const struct slice *ancestor);
