/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/leaf.h"

#include <errno.h>
#include <fcntl.h>

#include "daemon/guard.h"
#include "sys/cgfile.h"
#include "sys/controllers.h"
#include "util/log.h"
#include "util/strv.h"

/* An attribute of the leaf: we have made it in a cgroup that passed nothing on, and it is to be so again at the end. */
#define TO_BE_UNDONE "cgkill.undo"

void leaf_find_given(char *own_path)
{
	if (!ends_with(own_path, "/" LEAF_CGROUP))
		return;
	own_path[strlen(own_path) - strlen("/" LEAF_CGROUP)] = '\0';
	if (*own_path == '\0')
		strcpy(own_path, "/");
}

/* It alone has no type, and may have processes and children with controllers. */
static bool is_kernel_root(const struct cg *cg)
{
	return faccessat(cg->fd, "cgroup.type", F_OK, 0) < 0;
}

/* Does nobody live in cg but us and our guard? Else *other is one of them; 0: one outside our PID namespace. */
static bool is_ours_alone(const struct manager *m, const struct cg *cg, pid_t *other)
{
	const pid_t guard = guard_pid(m->guard);
	struct cg_pids pids = { 0 };
	bool alone = cg_read_procs(cg, &pids) == 0;

	*other = 0;
	for (size_t i = 0; alone && i < pids.n; i++) {
		alone = pids.v[i] == getpid() || (guard > 0 && pids.v[i] == guard);
		*other = pids.v[i];
	}
	cg_pids_deinit(&pids);
	return alone;
}

static void tell_staying(const struct cg *given, pid_t other)
{
	const char *user = geteuid() == 0 ? "" : " --user";
	char who[64] = "processes outside our PID namespace live";

	if (other > 0)
		snprintf(who, sizeof(who), "process %d lives", (int)other);
	log_notice("%s, too, in the cgroup %s that cgkilld was started in: so no controller "
		   "can be passed on to services, and limits have no effect; to have them "
		   "start it in a cgroup of its own: 'systemd-run%s --scope -p Delegate=yes "
		   "cgkilld%s', or Delegate=yes in its unit",
		   who, given->path, user, user);
}

static bool passes_nothing_on(const struct cg *cg)
{
	cleanup_strv char **list = NULL;

	return controllers_passed_on(cg, &list) == 0 && !list;
}

/* Ourselves last: it is by the cgroup that we live in that the next of us finds the way. */
static int move_us(const struct manager *m, const struct cg *to)
{
	const pid_t guard = guard_pid(m->guard);
	int r = guard > 0 ? cg_attach(to, guard) : 0;

	return r == 0 ? cg_attach(to, 0) : r;
}

static int move_in(const struct manager *m, const struct cg *given)
{
	struct cg leaf = CG_INIT;
	int r = cg_create(&leaf, given, LEAF_CGROUP);
	bool made = r == 0;

	if (r == -EEXIST)
		r = cg_open(&leaf, given, LEAF_CGROUP);
	if (made && passes_nothing_on(given))
		(void)!cg_attr_set(&leaf, TO_BE_UNDONE, "1", 1); /* at worst it stays */
	if (r == 0)
		r = move_us(m, &leaf);
	cg_close(&leaf);
	if (r < 0 && made)
		(void)unlinkat(given->fd, LEAF_CGROUP, AT_REMOVEDIR);
	return r;
}

static bool lives_in(const struct cg *cg)
{
	cleanup_free char *own = NULL;

	return cgroup_path_of(0, &own) == 0 && streq(own, cg->path);
}

/* What cannot be passed on is told of by whatever directive needs it. */
static void pass_on_all(const struct cg *given)
{
	cleanup_strv char **all = NULL;

	if (controllers_list(given, &all) < 0)
		return;
	for (char **c = all; c && *c; c++)
		(void)!cgfile_pass_on(given->fd, *c);
}

void leaf_enter(struct manager *m, const struct cg *given, bool pass_on)
{
	pid_t other;
	int r = 0;

	if (is_kernel_root(given))
		return;
	if (lives_in(given)) {
		if (!is_ours_alone(m, given, &other)) {
			tell_staying(given, other);
			return;
		}
		r = move_in(m, given);
	}
	if (r < 0) {
		log_notice("cannot move from the cgroup %s to %s below it: %s: so no controller "
			   "can be passed on to services, and limits have no effect",
			   given->path, LEAF_CGROUP, strerror(-r));
		return;
	}
	m->given = given;
	if (pass_on)
		pass_on_all(given);
}

static void take_back_all(const struct cg *given)
{
	cleanup_strv char **all = NULL;
	char text[64];

	if (controllers_passed_on(given, &all) < 0)
		return;
	for (char **c = all; c && *c; c++)
		if (snprintf(text, sizeof(text), "-%s", *c) < (int)sizeof(text))
			(void)!cgfile_write(given->fd, "cgroup.subtree_control", text);
}

/* Whoever is beside us by now may be limited, and would not be any more without the controllers. */
static bool has_only_leaf(const struct cg *given)
{
	uint64_t n;

	return cgfile_key(given->fd, "cgroup.stat", "nr_descendants", &n) == 0 && n == 1;
}

void leaf_leave(struct manager *m)
{
	struct cg leaf = CG_INIT;
	char value[1];
	pid_t other;

	if (!m->given || cg_open(&leaf, m->given, LEAF_CGROUP) < 0)
		return;
	if (cg_attr_get(&leaf, TO_BE_UNDONE, value, sizeof(value)) == 1 &&
	    is_ours_alone(m, &leaf, &other) && has_only_leaf(m->given)) {
		take_back_all(m->given);
		if (move_us(m, m->given) == 0)
			(void)unlinkat(m->given->fd, LEAF_CGROUP, AT_REMOVEDIR);
	}
	cg_close(&leaf);
	m->given = NULL;
}
