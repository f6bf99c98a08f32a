/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "sys/kernel.h"
#include "util/compat.h"

#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* Whatever is in it was put there by root, or by us. */
static bool is_trusted(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid()) &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* resolve: RESOLVE_* of openat2(2). */
static int enter(int parent, const char *name, uint64_t resolve)
{
	int fd = kernel_openat2(parent, name, DIRECTORY | O_NOFOLLOW, resolve);

	if (fd == -ENOTDIR && is_trusted(parent))
		fd = kernel_openat2(parent, name, DIRECTORY, resolve);
	return fd;
}

int beneath_enter(int parent, const char *name)
{
	return enter(parent, name, 0);
}

/* Of the first len bytes of path. */
static int enter_first(int parent, const char *path, size_t len, bool make, uint64_t resolve)
{
	char name[NAME_MAX + 1];

	if (len >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, path, len);
	name[len] = '\0';
	if (make && mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	return enter(parent, name, resolve);
}

static int enter_parent(int base, const char *path, bool make, uint64_t resolve, const char **name)
{
	int dir = fcntl(base, F_DUPFD_CLOEXEC, 3), next;
	const char *slash;

	if (dir < 0)
		return -errno;
	while ((slash = strchr(path, '/'))) {
		next = enter_first(dir, path, (size_t)(slash - path), make, resolve);
		close(dir);
		if (next < 0)
			return next;
		dir = next;
		path = slash + 1;
	}
	*name = path;
	return dir;
}

int beneath_parent(int base, const char *path, bool make, const char **name)
{
	return enter_parent(base, path, make, make ? 0 : RESOLVE_NO_XDEV, name);
}

int beneath_open(int base, const char *path)
{
	const char *name;
	cleanup_close int parent = enter_parent(base, path, false, 0, &name), fd = -1;
	struct stat st;

	if (parent < 0)
		return parent;
	if (*name == '\0')
		return TAKE_FD(parent);
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return TAKE_FD(fd);
	if (!is_trusted(parent))
		return -ELOOP;
	close_fd(fd);
	fd = openat(parent, name, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : TAKE_FD(fd);
}

int beneath_open_base(const char *path, bool make)
{
	cleanup_close int root = -1, parent = -1;
	int fd = open(path, DIRECTORY);
	const char *name = path;

	if (fd >= 0 || errno != ENOENT || !make)
		return fd < 0 ? -errno : fd;
	root = open("/", DIRECTORY);
	if (root < 0)
		return -errno;
	parent = beneath_parent(root, path + 1, true, &name);
	return parent < 0 ? parent : enter_first(parent, name, strlen(name), true, 0);
}

bool beneath_is_mount(int fd)
{
	struct statx st;

	/* Linux 5.8; older than cgroup.kill */
	return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, 0, &st) < 0 ||
	       !(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ||
	       st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}
