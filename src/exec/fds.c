/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "core/socket.h"
#include "exec/child.h"
#include "sys/kernel.h"

/* First all out of the way of each other, then each to its place, without close-on-exec but for what is the child's own. */
static int install(const struct exec_fds *fds, int first)
{
	const size_t n = fds->n + fds->n_own;
	const int above = first + (int)n;

	for (size_t i = 0; i < n; i++) {
		fds->v[i] = fcntl(fds->v[i], F_DUPFD_CLOEXEC, above);
		if (fds->v[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < n; i++)
		if (dup3(fds->v[i], first + (int)i, i < fds->n ? 0 : O_CLOEXEC) < 0)
			return -errno;
	return 0;
}

/* The flag belongs to all who share the socket, so that also a run before this one may have set it: systemd.service(5). */
static void set_blocking(const struct child *c, int first)
{
	const struct socket_unit *s = c->x->unit->socket;
	const int wanted = s && s->non_blocking ? O_NONBLOCK : 0;

	for (size_t i = 0; i < c->x->fds.n_sockets; i++) {
		int fd = first + (int)i, flags = fcntl(fd, F_GETFL);

		if (flags >= 0 && (flags & O_NONBLOCK) != wanted)
			(void)!fcntl(fd, F_SETFL, (flags & ~O_NONBLOCK) | wanted);
	}
}

/*
 * What is stored for it is put where it belongs, behind standard error, and the rest is closed: a child that blocks on its
 * way to execve, or is frozen there, must not keep cgkilld's lock, socket and clients.
 */
void child_set_up_fds(struct child *c)
{
	const int first = STDERR_FILENO + 1, end = first + (int)(c->x->fds.n + c->x->fds.n_own);

	if (end > first) {
		int fd = fcntl(c->report_fd, F_DUPFD_CLOEXEC, end), r;

		if (fd < 0)
			child_fail(c, STEP_FDS, errno);
		c->report_fd = fd;
		r = install(&c->x->fds, first);
		if (r < 0)
			child_fail(c, STEP_FDS, r);
		set_blocking(c, first);
	}
	if (c->report_fd > end)
		kernel_close_range((unsigned)end, (unsigned)c->report_fd - 1, 0);
	kernel_close_range((unsigned)c->report_fd + 1, UINT_MAX, 0);
}
