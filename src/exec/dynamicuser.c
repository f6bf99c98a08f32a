/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The number of a name that no database has: the first one from a place that the name decides which is nobody else's. Whose it
 * is stands in a file, until the host is started again; so a name keeps its number, and what it owns, from run to run.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "exec/child.h"
#include "util/checksum.h"

/* systemd's range: nobody else gives out numbers of it. */
#define FIRST 61184U
#define LAST  65519U

/* True: the number is the name's. */
static bool take(int dir, unsigned number, const char *name)
{
	char file[16], owner[256];
	cleanup_close int fd = -1;
	size_t len = strlen(name);
	ssize_t n;

	snprintf(file, sizeof(file), "%u", number);
	fd = openat(dir, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return false;
	n = read(fd, owner, sizeof(owner));
	if (n != 0)
		return n == (ssize_t)len && memcmp(owner, name, len) == 0;
	if (getpwuid(number) || getgrgid(number))
		return false;
	return write(fd, name, len) == (ssize_t)len;
}

int dynamic_user_number(const struct child *c, const char *name, unsigned *out)
{
	const unsigned n = LAST - FIRST + 1, start = (unsigned)(checksum64(name, strlen(name)) % n);
	cleanup_close int base = open(c->x->runtime_dir, O_PATH | O_DIRECTORY | O_CLOEXEC), dir = -1;

	if (base < 0 || (mkdirat(base, "users", 0755) < 0 && errno != EEXIST))
		return -errno;
	dir = openat(base, "users", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	for (unsigned i = 0; i < n; i++)
		if (take(dir, FIRST + (start + i) % n, name)) {
			*out = FIRST + (start + i) % n;
			return 0;
		}
	return -ENOSPC;
}
