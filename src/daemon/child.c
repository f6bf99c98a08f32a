/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "sys/kernel.h"
#include "sys/pidfd.h"
#include "util/log.h"
#include "util/parse.h"

/* It has all of our descriptors. */
static pid_t fork_child(int *pidfd)
{
	pid_t parent = getpid(), pid = fork();
	int fd;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		/* A kill in progress must not go on beside the cgkilld that comes after us. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
		return 0;
	}
	fd = pidfd_open_pid(pid);
	if (fd < 0) { /* out of descriptors; it has had no time to get anywhere that SIGKILL does not reach */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return fd;
	}
	*pidfd = fd;
	return pid;
}

pid_t child_fork(int keep_fd, int *pidfd)
{
	unsigned keep = (unsigned)keep_fd;
	pid_t pid = fork_child(pidfd);

	if (pid != 0)
		return pid;
	kernel_close_range(keep + 1, ~0U, 0);
	if (keep > 3)
		kernel_close_range(3, keep - 1, 0);
	return 0;
}

int child_hold(void)
{
	int pidfd = -1;
	pid_t pid = fork_child(&pidfd);

	if (pid == 0)
		for (;;)
			pause();
	return pidfd;
}

int child_reap(int pidfd, siginfo_t *out)
{
	int r = pidfd_reap(pidfd, out), sig = r == 1 && out->si_code != CLD_EXITED ? out->si_status : 0;

	if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGABRT)
		log_error("a helper process of cgkilld has crashed: %s", signal_name(sig));
	return r;
}

struct dismissed {
	struct list link;
	struct io_source io;
	int pidfd;
};

/* Those that have not ended; the logger may be one, which outlives us. */
static struct list waited_for = LIST_INIT(waited_for);

static void on_end(struct io_source *s, uint32_t events)
{
	struct dismissed *d = container_of(s, struct dismissed, io);
	siginfo_t si;

	(void)events;
	if (child_reap(d->pidfd, &si) == 0)
		return;
	io_unwatch(&d->io);
	list_remove(&d->link);
	close_fd(d->pidfd);
	free(d);
}

void child_await(struct loop *l, int pidfd)
{
	struct dismissed *d;
	siginfo_t si;

	d = child_reap(pidfd, &si) == 0 ? calloc(1, sizeof(*d)) : NULL;
	if (d && io_watch(l, &d->io, pidfd, EPOLLIN | EPOLLET, on_end) == 0) {
		d->pidfd = pidfd;
		list_init(&d->link);
		list_append(&waited_for, &d->link);
		return;
	}
	/* It has ended; or there is no memory to wait for it, and it stays a zombie until we end. */
	free(d);
	close_fd(pidfd);
}

void child_dismiss(struct loop *l, int pidfd)
{
	if (pidfd < 0)
		return;
	(void)!pidfd_signal(pidfd, SIGKILL);
	child_await(l, pidfd);
}

void child_dismiss_now(int pidfd)
{
	siginfo_t si;

	if (pidfd < 0)
		return;
	(void)!pidfd_signal(pidfd, SIGKILL);
	(void)!waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED);
	close_fd(pidfd);
}
