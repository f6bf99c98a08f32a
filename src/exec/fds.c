/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "exec/child.h"

/* First all out of the way of each other, then each to its place, without close-on-exec. */
static int install(const struct exec_fds *fds, int first)
{
	const int above = first + (int)fds->n;

	for (size_t i = 0; i < fds->n; i++) {
		fds->v[i] = fcntl(fds->v[i], F_DUPFD_CLOEXEC, above);
		if (fds->v[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < fds->n; i++)
		if (dup2(fds->v[i], first + (int)i) < 0)
			return -errno;
	return 0;
}

/*
 * What is stored for it is put where it belongs, behind standard error, and the rest is closed: a child that blocks on its
 * way to execve, or is frozen there, must not keep cgkilld's lock, socket and clients.
 */
void child_set_up_fds(struct child *c)
{
	const int first = STDERR_FILENO + 1, end = first + (int)c->x->fds.n;

	if (end > first) {
		int fd = fcntl(c->report_fd, F_DUPFD_CLOEXEC, end), r;

		if (fd < 0)
			child_fail(c, STEP_FDS, errno);
		c->report_fd = fd;
		r = install(&c->x->fds, first);
		if (r < 0)
			child_fail(c, STEP_FDS, r);
	}
	if (c->report_fd > end)
		(void)!close_range((unsigned)end, (unsigned)c->report_fd - 1, 0);
	(void)!close_range((unsigned)c->report_fd + 1, UINT_MAX, 0);
}
