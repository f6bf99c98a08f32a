/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Delegate=: the cgroup of the main process is handed to the user that it runs as. That is the directory, so that it can
 * make cgroups in it, and the files that the kernel lists as safe to be given away, so that it can move processes among
 * these; limits stay root's: cgroup-v2.rst, "Delegation Containment".
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/resources.h"
#include "exec/child.h"

/* cgroup_delegate_file of the kernel, since Linux 4.15. */
#define LIST "/sys/kernel/cgroup/delegate"

/* Those of every kernel with cgroup v2: not there is not the same as to be had. */
static const char basics[] = "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n";

static void read_list(char *text, size_t cap)
{
	cleanup_close int fd = open(LIST, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);

	if (n <= 0)
		n = snprintf(text, cap, "%s", basics);
	text[n] = '\0';
}

/* A file of a controller that is not here is not missed. */
static int hand_over(int dir, uid_t uid, gid_t gid)
{
	char list[1024], *rest = list, *name;

	read_list(list, sizeof(list));
	if (fchown(dir, uid, gid) < 0)
		return -errno;
	while ((name = strsep(&rest, "\n")))
		if (*name && !strchr(name, '/') &&
		    fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return -errno;
	return 0;
}

static int open_directory(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The subgroup first: who owns what it is in could put something else in its place. */
void child_delegate(const struct child *c)
{
	const struct resources *r = c->x->unit->resources;
	cleanup_close int leaf = -1, subgroup = -1;
	uid_t uid;
	gid_t gid;
	int e = 0;

	if (!c->x->delegated)
		return;
	child_look_up_owner(c, &uid, &gid);
	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return;
	leaf = open_directory(AT_FDCWD, c->x->delegated);
	if (leaf < 0)
		child_fail_at(c, STEP_CGROUP, errno, "Delegate=");
	if (r->subgroup) {
		subgroup = open_directory(leaf, r->subgroup);
		e = subgroup < 0 ? -errno : hand_over(subgroup, uid, gid);
	}
	if (e == 0)
		e = hand_over(leaf, uid, gid);
	if (e < 0)
		child_fail_at(c, STEP_CGROUP, e, "Delegate=");
}
