/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libcgkill/signal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "sys/pidfd.h"
#include "sys/sweep.h"

/* A process that is stopped takes nothing but these, and SIGSTOP is not to be undone. */
static bool wants_sigcont(int sig, unsigned flags)
{
	return flags & CGKILL_SIGNAL_CONT && sig != SIGKILL && sig != SIGCONT && sig != SIGSTOP;
}

/* No such file before Linux 5.2: nothing is frozen. */
static int thaw_one(const struct cg *cg, void *arg unused)
{
	(void)!cg_freeze(cg, false);
	return 0;
}

int signal_cgroup(const struct cg *cg, int sig, unsigned flags, size_t *reached)
{
	struct sweep s = {
		.signal = sig,
		.then_sigcont = wants_sigcont(sig, flags),
		.then_sighup = flags & CGKILL_SIGNAL_HUP,
	};
	int r = sweep_run(&s, cg);

	*reached = s.signalled;
	/* Afterwards: who is thawed acts on what is pending before all else. */
	if (flags & CGKILL_SIGNAL_THAW)
		(void)!cg_walk(cg, thaw_one, NULL);
	return r < 0 ? r : s.error;
}

int signal_check(int sig, unsigned flags)
{
	const unsigned known = CGKILL_SIGNAL_CONT | CGKILL_SIGNAL_THAW | CGKILL_SIGNAL_HUP;

	return sig < 0 || sig >= _NSIG || flags & ~known ? -EINVAL : 0;
}

PUBLIC int cgkill_signal(const struct cgkill_cgroup *cg, int sig, unsigned flags, size_t *reached)
{
	size_t n = 0;
	int r = signal_check(sig, flags);

	if (r == 0)
		r = cgkill_guard(cg, 0);

	if (r == 0)
		r = signal_cgroup(&cg->cg, sig, flags, &n);
	if (reached)
		*reached = n;
	return r;
}

/* proc_pid_fdinfo(5): the number of the process behind a pidfd; -1 once it was reaped. */
static int pid_of(int pidfd, pid_t *out)
{
	char path[48], text[512], *line;
	cleanup_close int fd = -1;
	ssize_t n;
	long pid;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return errno == ENOENT ? -EBADF : -errno;
	text[n] = '\0';
	line = strstr(text, "\nPid:\t");
	if (!line)
		return -EBADF; /* no pidfd */
	pid = strtol(line + strlen("\nPid:\t"), NULL, 10);
	if (pid <= 0)
		return -ESRCH;
	*out = (pid_t)pid;
	return 0;
}

int signal_member(const struct cg *cg, int pidfd, int sig, unsigned flags)
{
	pid_t pid = 0;
	int r = pid_of(pidfd, &pid);

	if (r == 0)
		r = pidfd_in_subtree(pidfd, pid, cg);
	if (r <= 0)
		return r < 0 ? r : -ESRCH;
	r = pidfd_signal(pidfd, sig);
	if (r == 0 && wants_sigcont(sig, flags))
		(void)!pidfd_signal(pidfd, SIGCONT);
	if (r == 0 && flags & CGKILL_SIGNAL_HUP)
		(void)!pidfd_signal(pidfd, SIGHUP);
	if (r == 0 && flags & CGKILL_SIGNAL_THAW)
		(void)!cg_walk(cg, thaw_one, NULL);
	return r;
}

PUBLIC int cgkill_signal_process(const struct cgkill_cgroup *cg, int pidfd, int sig, unsigned flags)
{
	int r = signal_check(sig, flags);

	if (r == 0)
		r = cgkill_guard(cg, 0);
	return r < 0 ? r : signal_member(&cg->cg, pidfd, sig, flags);
}
