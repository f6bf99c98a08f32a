/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int replace_file(int dir, const char *name, const char *fresh, mode_t mode, const char *text, size_t len)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	cleanup_close int fd = openat(dir, fresh, flags, mode);
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n == (ssize_t)len && renameat(dir, fresh, dir, name) == 0)
		return 0;
	r = n >= 0 && n < (ssize_t)len ? -ENOSPC : -errno; /* a short write: what fits is written */
	(void)unlinkat(dir, fresh, 0);
	return r;
}
