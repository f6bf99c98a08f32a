/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The /dev of PrivateDevices=: systemd.exec(5), and mount_private_dev() of systemd 252. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "exec/child.h"
#include "util/compat.h"

/* As the host has them: nodes and links are made again, the rest is shown. */
static const char *const names[] = {
	"null", "zero",	  "full",      "random", "urandom", "tty",   "ptmx",   "pts",
	"shm",	"mqueue", "hugepages", "log",	 "fd",	    "stdin", "stdout", "stderr",
};

/* The place for what is mounted there later. */
static int make_place(int dev, const char *name, bool is_directory)
{
	return (is_directory ? mkdirat(dev, name, 0755) : mknodat(dev, name, S_IFREG | 0600, 0)) < 0
		       ? -errno
		       : 0;
}

/* *tree is set to what is to be mounted there in the end. What the host lacks is left out. */
static int make(int host, int dev, const char *name, int *tree)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstatat(host, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(host, name, target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		return symlinkat(target, dev, name) < 0 ? -errno : 0;
	}
	if (S_ISCHR(st.st_mode) && mknodat(dev, name, st.st_mode, st.st_rdev) == 0)
		return fchownat(dev, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	*tree = open_tree(host, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (*tree < 0)
		return -errno;
	return make_place(dev, name, S_ISDIR(st.st_mode));
}

int devices_mount(int place)
{
	cleanup_close int host = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC),
			  dev = mounts_make_tmpfs(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	int trees[ARRAY_SIZE(names)], r = host < 0 ? -errno : dev < 0 ? dev : 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		trees[i] = -1;
		if (r == 0)
			r = make(host, dev, names[i], &trees[i]);
	}
	if (r == 0)
		r = symlinkat("/proc/kcore", dev, "core") < 0 ? -errno : 0;
	if (r == 0 &&
	    move_mount(dev, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = -errno;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (r == 0 && trees[i] >= 0 &&
		    move_mount(trees[i], "", dev, names[i], MOVE_MOUNT_F_EMPTY_PATH) < 0)
			r = -errno;
		close_fd(trees[i]);
	}
	return r;
}
