/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where cgroup v2 is mounted, and where a process lives in it. Nothing here assumes /sys/fs/cgroup:
 * hybrid hosts have cgroup2 elsewhere, containers see a part of the tree.
 */
#include <sys/types.h>

#include "util/macro.h"

/*
 * Paths of cgroups exist in two spellings. The *cgroup path* is what /proc/PID/cgroup shows ("/a/b", "/" for the root of
 * our cgroup namespace); the *file path* is under a mount point whose root is some cgroup path.
 */
struct hierarchy {
	char *mount_point; /* file path of the mount, e.g. /sys/fs/cgroup/unified */
	char *mount_root; /* cgroup path of what is mounted there: field 4 of proc_pid_mountinfo(5), usually "/" */
	bool read_only;
	bool nsdelegate;
};

/*
 * Finds a cgroup2 mount that shows our own cgroup; a writable one is preferred. 0; -ENOENT: no cgroup2 is mounted (or none
 * that shows our cgroup); other -errno from /proc. mountinfo NULL = /proc/self/mountinfo.
 */
int hierarchy_find(struct hierarchy *out, const char *mountinfo) must_check;
void hierarchy_deinit(struct hierarchy *h);
/*
 * May we make cgroups below our own one, as far as mounts and permissions go? Nothing is made to find out. 0; -ENOENT: no
 * cgroup2 is mounted that shows our cgroup; -EROFS: it is mounted read-only; -EACCES: it is somebody else's; other -errno.
 */
int hierarchy_usable(void) must_check;

/* With this the kernel ends the path of a cgroup that is removed; kernel/cgroup/cgroup.c, proc_cgroup_show(). */
#define CGROUP_REMOVED " (deleted)"
/*
 * The cgroup path of a process in the v2 hierarchy, read from /proc/PID/cgroup (pid 0 = this thread). CGROUP_REMOVED is cut off, also
 * of a cgroup that lives and is called so: the path alone does not tell it.
 * 0; -ESRCH: no such process; -ENODATA: it shows no v2 line. The caller frees *out.
 */
int cgroup_path_of(pid_t pid, char **out) must_check;

/*
 * The cgroup path of an open directory on cgroup2, by the mount that it is on, whatever else that shows. file_path: what it
 * was opened by without a symlink; NULL: /proc is asked. -EXDEV: that mount is another cgroup namespace's, or not in our mount
 * namespace, and nobody can tell from here; -ENOSYS: no /proc is mounted, on a kernel where it would be needed (before Linux
 * 6.8, or where file_path is none to go by). The caller frees *out.
 */
int cgroup_path_of_directory(int fd, const char *file_path, char **out) must_check;

/* cgroup path → file path under h; -EXDEV when it is not below mount_root. The caller frees *out. */
int hierarchy_file_path(const struct hierarchy *h, const char *cgroup_path, char **out) must_check;
/* file path → cgroup path; -EXDEV when it is not below mount_point. The caller frees *out. */
int hierarchy_cgroup_path(const struct hierarchy *h, const char *file_path, char **out) must_check;

/* path is ancestor, or below it: whole components, so "/a/bc" is not below "/a/b". */
bool cgroup_path_is_below(const char *path, const char *ancestor);
