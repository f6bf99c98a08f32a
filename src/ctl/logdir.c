/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/logdir.h"

#include <errno.h>
#include <fcntl.h>

#include "ctl/manager.h"

#define LOG_DIR_SYSTEM \
	"/var/log/cgkill" /* of a cgkilld that has ended, whose runtime directory may be gone */

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* RUNTIME-DIR/logs, a link by cgkilld; or RUNTIME-DIR/log. */
int logdir_open(const struct options *o, char **path)
{
	cleanup_buf struct buf b = BUF_INIT, usual = BUF_INIT;
	int fd;

	*path = NULL;
	if (!manager_runtime_path(o, "logs", &b) || !manager_runtime_path(o, "log", &usual))
		return -ENOKEY;
	*path = buf_take(access(b.data, F_OK) == 0 ? &b : &usual);
	fd = *path ? open_dir(*path) : -ENOMEM;
	if (fd != -ENOENT || !streq(*path, CGKILL_RUNTIME_DIR_SYSTEM "/log"))
		return fd;
	free(*path);
	*path = strdup(LOG_DIR_SYSTEM);
	return *path ? open_dir(*path) : -ENOMEM;
}
