/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/resources.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/resources.h"
#include "daemon/manager.h"
#include "daemon/slices.h"
#include "sys/cgfile.h"
#include "sys/controllers.h"
#include "util/log.h"
#include "util/strv.h"

/* Below what one walk of ours goes down (sys/cgroup.c): what a delegate makes can be removed. */
#define DELEGATED_DEPTH 200

/* ---- the controllers ---- */

/* To the children of the slice, and of all above it. */
static int pass_on(const struct manager *m, const struct slice *s, const char *controller)
{
	int r = s ? pass_on(m, s->parent, controller) : 0;

	return r < 0 ? r : cgfile_pass_on(slice_cg(m, s)->fd, controller);
}

static void tell_missing(const struct manager *m, const char *unit, const char *directive,
			 const char *controller, int error)
{
	int version = error == -ENODEV ? controllers_version(controller_v1_name(controller)) : 2;
	cleanup_buf struct buf why = BUF_INIT;

	controller_put_missing(&why, controller, m->root.path, version, error);
	log_warning("%s: %s= has no effect: %s", unit, directive, why.data ? why.data : "out of memory");
}

/* ---- the files ---- */

/* One cgroup, and what is told of it. */
struct target {
	struct manager *manager;
	const char *unit;
	const struct slice *parent;
	const struct cg *cg;
	unsigned passed, missing; /* 1 << enum controller: what was tried already */
	bool refused;
};

/* Each is tried, and told, once. */
static bool has_controller(struct target *t, const char *directive, enum controller c)
{
	int r;

	if (t->missing & (1U << c))
		t->refused = true;
	if ((t->passed | t->missing) & (1U << c))
		return t->passed & (1U << c);
	r = pass_on(t->manager, t->parent, controller_name(c));
	if (r < 0) {
		tell_missing(t->manager, t->unit, directive, controller_name(c), r);
		t->missing |= 1U << c;
		t->refused = true;
	} else {
		t->passed |= 1U << c;
	}
	return r == 0;
}

static int write_one(const struct resource_write *w, void *arg)
{
	struct target *t = arg;
	int r;

	if (!has_controller(t, w->directive, w->controller))
		return 0;
	r = controllers_write(&t->manager->hierarchy, t->cg, controller_name(w->controller),
			      w->file, w->value);
	if (r < 0) {
		log_warning("%s: %s= has no effect: cannot write '%s' to %s/%s: %s", t->unit,
			    w->directive, w->value, t->cg->path, w->file,
			    r == -ENOENT ? "this kernel has no such file" : strerror(-r));
		t->refused = true;
	}
	return 0;
}

/* The kernel throttles whole disks: of a partition the directory above its own in sysfs says which one it is on. */
static void find_disk(unsigned *dev_major, unsigned *dev_minor)
{
	char path[64];
	cleanup_fclose FILE *f = NULL;
	unsigned a, b;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", *dev_major, *dev_minor);
	if (access(path, F_OK) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", *dev_major, *dev_minor);
	f = fopen(path, "re");
	if (f && fscanf(f, "%u:%u", &a, &b) == 2) {
		*dev_major = a;
		*dev_minor = b;
	}
}

/* Only below /dev: to ask for a file elsewhere may hang, on a dead network mount, and is not for us to do. */
static int device_of(const char *path, unsigned *dev_major, unsigned *dev_minor)
{
	struct stat st;

	if (!after_prefix(path, "/dev/"))
		return -EOPNOTSUPP;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	*dev_major = major(st.st_rdev);
	*dev_minor = minor(st.st_rdev);
	find_disk(dev_major, dev_minor);
	return 0;
}

static void write_device(struct target *t, const struct io_limit *l, bool unset)
{
	unsigned dev_major = 0, dev_minor = 0;
	struct resource_write w;
	char text[80];
	int r;

	if (!has_controller(t, io_kind_directive(l->kind), CONTROLLER_IO))
		return;
	r = device_of(l->path, &dev_major, &dev_minor);
	if (r < 0) {
		log_warning("%s: %s= has no effect: %s: %s", t->unit, io_kind_directive(l->kind),
			    l->path,
			    r == -EOPNOTSUPP ? "name the block device below /dev" : strerror(-r));
		t->refused = true;
		return;
	}
	w = resources_io_write(l, dev_major, dev_minor, unset, text);
	(void)!write_one(&w, t);
}

static bool has_io(const struct resources *r, const struct io_limit *l)
{
	for (size_t i = 0; r && i < r->n_io; i++)
		if (r->io[i].kind == l->kind && streq(r->io[i].path, l->path))
			return true;
	return false;
}

static void write_all(struct target *t, const struct resources *now, const struct resources *before)
{
	if (resources_each_write(now, before, write_one, t) < 0)
		log_error("%s: out of memory", t->unit);
	for (size_t i = 0; before && i < before->n_io; i++)
		if (!has_io(now, &before->io[i]))
			write_device(t, &before->io[i], true);
	for (size_t i = 0; now && i < now->n_io; i++)
		write_device(t, &now->io[i], false);
}

/* OOMPolicy=kill: the kernel kills them together. Where there are no memory controllers nothing is killed for memory alone. */
static void group_oom_kills(struct target *t)
{
	if (pass_on(t->manager, t->parent, controller_name(CONTROLLER_MEMORY)) == 0)
		(void)!controllers_write(&t->manager->hierarchy, t->cg,
					 controller_name(CONTROLLER_MEMORY), "memory.oom.group", "1");
}

static struct target target_of(struct supervised *sv)
{
	return (struct target){ .manager = sv->manager,
				.unit = supervised_name(sv),
				.parent = sv->slice,
				.cg = &sv->cgroups.unit };
}

/* -EOPNOTSUPP: where that is asked for nothing starts without its limits. */
static int result_of(const struct target *t, const struct supervised *sv)
{
	return t->refused && (sv->manager->strict || sv->unit->require_protections) ? -EOPNOTSUPP : 0;
}

int resources_limit_unit(struct supervised *sv)
{
	struct target t = target_of(sv);
	int r;

	if (sv->limited)
		return 0;
	if (sv->unit->oom_policy == OOM_POLICY_KILL)
		group_oom_kills(&t);
	if (resources_limit(sv->unit->resources))
		write_all(&t, sv->unit->resources, NULL);
	r = result_of(&t, sv);
	sv->limited = r == 0;
	return r;
}

int resources_limit_slice(struct manager *m, struct slice *s)
{
	struct target t = { .manager = m, .unit = s->name, .parent = s->parent, .cg = &s->cg };
	const struct supervised *sv = manager_get(m, s->name);

	if (!sv || !resources_limit(sv->unit->resources))
		return 0;
	write_all(&t, sv->unit->resources, NULL);
	return result_of(&t, sv);
}

void resources_reloaded(struct supervised *sv, const struct resources *before)
{
	const struct slice *s =
		sv->unit->kind == UNIT_SLICE ? slices_find(sv->manager, supervised_name(sv)) : NULL;
	struct target t = target_of(sv);

	if (!resources_limit(sv->unit->resources) && !resources_limit(before))
		return;
	if (s) {
		t.parent = s->parent;
		t.cg = &s->cg;
	} else if (!cg_is_open(&sv->cgroups.unit) || service_state_is_ended(sv->machine.state)) {
		return; /* who lives there then is not to be touched */
	}
	write_all(&t, sv->unit->resources, before);
}

/* ---- delegation ---- */

static void delegate_one(struct supervised *sv, const char *controller, bool tell)
{
	struct manager *m = sv->manager;
	int r = pass_on(m, sv->slice, controller);

	if (r == 0)
		r = cgfile_pass_on(sv->cgroups.unit.fd, controller);
	if (r < 0 && tell)
		tell_missing(m, supervised_name(sv), "Delegate", controller, r);
}

void resources_delegate(struct supervised *sv, const struct cg *leaf)
{
	const struct resources *r = sv->unit->resources;
	cleanup_strv char **all = NULL;
	char *const *wanted = r->controllers;

	if (r->delegates_all && controllers_list(&sv->manager->root, &all) == 0)
		wanted = all;
	for (; wanted && *wanted; wanted++)
		delegate_one(sv, *wanted, !r->delegates_all);
	(void)!cg_limit_depth(leaf, DELEGATED_DEPTH);
}
