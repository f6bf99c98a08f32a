/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/empty.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sys/kernel.h"
#include "util/clock.h"
#include "util/compat.h"
#include "util/macro.h"

static DIR *list(int dir, const char *name)
{
	int fd = kernel_openat2(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				RESOLVE_NO_XDEV);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		close_fd(fd);
	return d;
}

static bool is_dot(const char *name)
{
	return streq(name, ".") || streq(name, "..");
}

/* Out of the directory from, up to dir, by whatever name is free there. A mount point cannot be moved: rename(2), EBUSY. */
static bool lift(int from, const char *name, int dir)
{
	char fresh[64];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(fresh, sizeof(fresh), "%d.%llu.%u", (int)getpid(),
			 (unsigned long long)clock_now(), i);
		if (renameat2(from, name, dir, fresh, RENAME_NOREPLACE) == 0)
			return true;
		if (errno == EACCES && geteuid() != 0) /* of root's, nothing would be refused */
			(void)!fchmodat(from, name, 0700, 0);
		else if (errno != EEXIST)
			return false;
	}
	return false;
}

static bool lift_all(DIR *from, int dir)
{
	int fd = dirfd(from);
	bool moved = false;
	struct dirent *e;

	while ((e = readdir(from))) {
		if (is_dot(e->d_name))
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0 || (errno == EISDIR && lift(fd, e->d_name, dir)))
			moved = true;
	}
	return moved;
}

/* True: something is gone, be it only from there to here. */
static bool remove_entry(int dir, const char *name)
{
	bool moved;
	DIR *d;

	if (unlinkat(dir, name, 0) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return true;
	if (geteuid() != 0 && errno == ENOTEMPTY)
		(void)!fchmodat(dir, name, 0700, 0);
	d = list(dir, name);
	if (!d)
		return false;
	moved = lift_all(d, dir);
	closedir(d);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0 || moved;
}

void empty_directory(int fd)
{
	bool moved;
	DIR *d;

	do {
		struct dirent *e;

		moved = false;
		d = list(fd, ".");
		while (d && (e = readdir(d)))
			if (!is_dot(e->d_name) && remove_entry(fd, e->d_name))
				moved = true;
		if (d)
			closedir(d);
	} while (moved);
}
