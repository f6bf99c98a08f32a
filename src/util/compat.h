/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What glibc has and musl (1.2.3 to 1.2.5) has not, with glibc's names and contracts, from what configure found missing. Included by
 * who needs one of them, after <sys/stat.h> and <sys/mount.h>.
 */
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#else
typedef int __rlimit_resource_t; /* which getrlimit(2) takes as an enumeration in glibc */
#endif

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1 /* include/uapi/linux/fs.h, which collides with <sys/mount.h> */
#endif

#ifndef GLOB_BRACE
#define GLOB_BRACE 0 /* braces are then data */
#endif

#ifndef HAVE_STRUCT_STATX
#include <linux/stat.h>
#endif

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000 /* include/uapi/linux/stat.h */
#endif

#ifndef HAVE_STATX
static inline int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *out)
{
	return (int)syscall(SYS_statx, dirfd, path, flags, mask, out);
}
#endif

#ifndef HAVE_RENAMEAT2
static inline int renameat2(int from, const char *name, int to, const char *other, unsigned flags)
{
	return (int)syscall(SYS_renameat2, from, name, to, other, flags);
}
#endif

#ifndef HAVE_MALLOC_TRIM
static inline int malloc_trim(size_t pad)
{
	(void)pad;
	return 0;
}
#endif

#ifndef HAVE_GROUP_MEMBER
static inline int group_member(gid_t gid)
{
	int n = getgroups(0, NULL), found = 0;
	gid_t *groups = n > 0 ? calloc((size_t)n, sizeof(*groups)) : NULL;

	n = groups ? getgroups(n, groups) : 0;
	for (int i = 0; i < n && !found; i++)
		found = groups[i] == gid;
	free(groups);
	return found;
}
#endif

#ifndef HAVE_TWALK_R
#include <search.h>

struct twalk_r_call {
	void (*visit)(const void *node, VISIT which, void *arg);
	void *arg;
};

static _Thread_local struct twalk_r_call twalk_r_call;

static inline void twalk_r_visit(const void *node, VISIT which, int depth)
{
	(void)depth;
	twalk_r_call.visit(node, which, twalk_r_call.arg);
}

static inline void twalk_r(const void *root, void (*visit)(const void *, VISIT, void *), void *arg)
{
	const struct twalk_r_call before = twalk_r_call;

	twalk_r_call = (struct twalk_r_call){ visit, arg };
	twalk(root, twalk_r_visit);
	twalk_r_call = before;
}
#endif

#ifndef HAVE_OPEN_TREE /* glibc 2.36 has all of these */
#include <linux/mount.h>

static inline int open_tree(int dirfd, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

static inline int move_mount(int from, const char *path, int to, const char *place, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, path, to, place, flags);
}

static inline int fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int fsconfig(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

static inline int fsmount(int fd, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fd, flags, attributes);
}

static inline int mount_setattr(int dirfd, const char *path, unsigned flags,
				struct mount_attr *attr, size_t size)
{
	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, attr, size);
}
#endif
