/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/warden.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

#include "sys/kernel.h"
#include "sys/pidfd.h"
#include "util/macro.h"

static void close_all_but(int a, int b)
{
	unsigned low = (unsigned)MIN_OF(a, b), high = (unsigned)MAX_OF(a, b);

	if (low > 0)
		kernel_close_range(0, low - 1, 0);
	if (high > low + 1)
		kernel_close_range(low + 1, high - 1, 0);
	kernel_close_range(high + 1, ~0U, 0);
}

_Noreturn static void watch(const struct cgkill_cgroup *cg, int parent)
{
	const struct cgkill_stop_options kill = { .size = sizeof(kill) };
	struct pollfd p = { .fd = parent, .events = POLLIN };

	prctl(PR_SET_NAME, "cgkill-warden");
	setsid();
	close_all_but(parent, cgkill_fd(cg));
	while (poll(&p, 1, -1) != 1)
		;
	if (cgkill_stop(cg, &kill, NULL) == 0)
		(void)!cgkill_remove(cg);
	_exit(0);
}

int warden_start(const struct cgkill_cgroup *cg)
{
	cleanup_close int parent = pidfd_open_pid(getpid());
	sigset_t all, old;
	int pidfd = -1;
	pid_t pid;

	if (parent < 0)
		return parent;
	/* From its first moment on: what stops or ends our process group must not stop it before it has left that. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = kernel_fork_quietly(&pidfd);
	if (pid == 0)
		watch(cg, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? pid : pidfd;
}

void warden_dismiss(int pidfd)
{
	siginfo_t si;

	if (pidfd < 0)
		return;
	(void)!pidfd_signal(pidfd, SIGKILL);
	(void)!pidfd_reap(pidfd, &si); /* or our reaper does */
	close_fd(pidfd);
}
