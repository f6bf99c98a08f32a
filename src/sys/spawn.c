/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/kernel.h"
#include "sys/pidfd.h"
#include "util/parse.h"

#define EXIT_CGROUP 219 /* systemd.exec(5), "Process Exit Codes" */

/* How long the parent waits for a child that joins by itself; the lock that it needs costs up to 10 ms. */
#define ATTACH_WAIT_MSEC 100
#define PROBE_WAIT_MSEC	 2000

/* What the child needs to become what it shall be. */
struct birth {
	int procs_fd; /* cgroup.procs to join; -1 when it was born there */
	pid_t parent;
	int report_fd;
	spawn_fn fn;
	void *arg;
};

static void report(int fd, uint32_t step, int error)
{
	const struct spawn_report r = { .step = step, .error = (uint32_t)error };
	ssize_t n;

	do /* so few bytes are written into a pipe whole or not at all: pipe(7), PIPE_BUF */
		n = write(fd, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
}

void spawn_fail(int report_fd, uint32_t step, int error, int exit_status)
{
	kernel_ignore(SIGPIPE, true); /* its exit status is for whoever reaps it, also if nobody reads this */
	report(report_fd, step, error);
	_exit(exit_status);
}

/*
 * CLONE_CLEAR_SIGHAND leaves ignored signals ignored, and so does execve. All of them: posix_spawn(3), and so make(1), starts
 * programs with glibc's own two ignored.
 */
static void default_signals(void)
{
	for (int sig = 1; sig < _NSIG; sig++)
		kernel_ignore(sig, false);
	kernel_ignore(SIGPIPE, true); /* who reads our reports may die, and we go on */
}

/*
 * A child that outlived its parent outside the cgroup would be nobody's: until it has joined it
 * dies with it. The death that came before prctl(2) shows in getppid(2).
 */
static int join(const struct birth *b)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != b->parent)
		_exit(EXIT_CGROUP);
	if (write(b->procs_fd, "0", 1) < 0)
		return -errno;
	prctl(PR_SET_PDEATHSIG, 0);
	return 0;
}

_Noreturn static void run_child(const struct birth *b)
{
	int r = b->procs_fd >= 0 ? join(b) : 0;
	sigset_t none;

	if (r < 0)
		spawn_fail(b->report_fd, SPAWN_STEP_ATTACH, -r, EXIT_CGROUP);
	default_signals();
	report(b->report_fd, SPAWN_STEP_ALIVE, 0);
	/* Only now may a signal act: a child that dies before ALIVE was killed by the kernel at birth. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	b->fn(b->arg, b->report_fd);
	_exit(EXIT_FAILURE);
}

/* bookworm's glibc has no clone3(). Returns twice, as fork(2) does; -errno. */
static pid_t clone_into(int cgroup_fd, int *pidfd)
{
	const struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned)cgroup_fd,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	return pid < 0 ? -errno : (pid_t)pid;
}

static int spawn_born(struct spawned *out, int cgroup_fd, const struct birth *b)
{
	int pidfd = -1;
	pid_t pid = clone_into(cgroup_fd, &pidfd);

	if (pid < 0)
		return pid;
	if (pid == 0)
		run_child(b);
	out->pid = pid;
	out->pidfd = pidfd;
	return 0;
}

static int spawn_attached(struct spawned *out, int cgroup_fd, struct birth *b)
{
	cleanup_close int procs_fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	pid_t pid;
	int pidfd;

	if (procs_fd < 0)
		return -errno;
	b->procs_fd = procs_fd;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(b);
	pidfd = pidfd_open_pid(pid); /* no race: the number is the child's until we reap it */
	if (pidfd < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return pidfd;
	}
	out->pid = pid;
	out->pidfd = pidfd;
	return 0;
}

static int start_child(struct spawned *out, int cgroup_fd, enum spawn_method *method, struct birth *b)
{
	if (*method == SPAWN_CLONE3) {
		int r = spawn_born(out, cgroup_fd, b);

		if (r != -ENOSYS && r != -EINVAL && r != -EPERM)
			return r;
		*method = SPAWN_ATTACH;
	}
	return spawn_attached(out, cgroup_fd, b);
}

/*
 * Until a child has joined, a kill of the cgroup would miss it and yet find the cgroup empty. The
 * write that it is in ends soon, except in a frozen cgroup, and then it is a member.
 */
static void await_joined(int report_fd)
{
	const struct timespec limit = { .tv_nsec = ATTACH_WAIT_MSEC * 1000000L };
	struct pollfd p = { .fd = report_fd, .events = POLLIN };
	sigset_t all;

	sigfillset(&all);
	(void)ppoll(&p, 1, &limit, &all);
}

int spawn_into(struct spawned *out, const struct cg *cg, enum spawn_method *method, spawn_fn fn,
	       void *arg)
{
	cleanup_close int read_fd = -1, write_fd = -1;
	struct spawned child;
	struct birth birth;
	sigset_t all, old;
	int fds[2], r;

	/* The child's end, too, does not block: the few reports of one child find room, whoever reads them. */
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	read_fd = fds[0];
	write_fd = fds[1];
	birth = (struct birth){
		.procs_fd = -1, .parent = getpid(), .report_fd = write_fd, .fn = fn, .arg = arg
	};

	/* None of the parent's handlers may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = start_child(&child, cg->fd, method, &birth);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		return r;

	close_fd(TAKE_FD(write_fd));
	child.report_fd = TAKE_FD(read_fd);
	if (*method == SPAWN_ATTACH)
		await_joined(child.report_fd);
	*out = child;
	return 0;
}

_Noreturn static void exit_at_once(unused void *arg, unused int report_fd)
{
	_exit(EXIT_SUCCESS);
}

/* 1: the child lived; 0: it was killed at birth; -errno. */
static int await_alive(int report_fd)
{
	struct pollfd p = { .fd = report_fd, .events = POLLIN };
	struct spawn_report first;
	int r;

	do
		r = poll(&p, 1, PROBE_WAIT_MSEC);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	if (read(report_fd, &first, sizeof(first)) != sizeof(first))
		return 0;
	return first.step == SPAWN_STEP_ALIVE ? 1 : -(int)first.error;
}

/* Ends the child and waits until its cgroup can be removed. */
static void end_probe(struct spawned *child, const struct cg *cg)
{
	cleanup_close int events_fd = cg_events_open(cg);
	struct cg_events events;
	siginfo_t status;

	(void)!pidfd_signal(child->pidfd, SIGKILL);
	(void)poll(&(struct pollfd){ .fd = child->pidfd, .events = POLLIN }, 1, PROBE_WAIT_MSEC);
	(void)!pidfd_reap(child->pidfd, &status);
	/* From Linux 6.19 on a cgroup may be populated for a moment after its last process was reaped. */
	while (events_fd >= 0 && cg_events_read(events_fd, &events) == 0 && events.populated)
		if (poll(&(struct pollfd){ .fd = events_fd, .events = POLLPRI }, 1, PROBE_WAIT_MSEC) == 0)
			break;
	close_fd(child->pidfd);
	close_fd(child->report_fd);
}

/* Starts a child in a fresh cgroup `name`, which is gone again afterwards. As await_alive(). */
static int try_method(const struct cg *parent, const char *name, enum spawn_method *method)
{
	struct spawned child = { .pidfd = -1, .report_fd = -1 };
	struct cg cg = CG_INIT;
	int r;

	r = cg_create(&cg, parent, name);
	if (r < 0)
		return r;
	r = spawn_into(&child, &cg, method, exit_at_once, NULL);
	if (r == 0) {
		r = await_alive(child.report_fd);
		end_probe(&child, &cg);
	}
	cg_close(&cg);
	(void)!cg_remove(parent, name);
	return r;
}

/* Is it the cgroup of a probe by a process that exists no more (or by this one, before it has made any)? */
static bool is_stale_probe(const char *name)
{
	const char *number = after_prefix(name, "probe.");
	int pid = 0;

	return number && parse_pid(number, &pid) == 0 &&
	       (pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH));
}

/* A probe that crashed has left its cgroup behind. */
static void remove_stale_probes(const struct cg *parent)
{
	int fd = openat(parent->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		close_fd(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));)
		if (is_stale_probe(e->d_name))
			(void)!cg_remove(parent, e->d_name);
	closedir(dir);
}

int spawn_probe(const struct cg *parent, enum spawn_method *method)
{
	enum spawn_method found = SPAWN_CLONE3;
	char name[sizeof("probe.") + 3 * sizeof(pid_t)];
	int r;

	remove_stale_probes(parent);
	snprintf(name, sizeof(name), "probe.%d", (int)getpid());
	r = try_method(parent, name, &found);
	if (r == 0 && found == SPAWN_CLONE3) {
		found = SPAWN_ATTACH;
		r = try_method(parent, name, &found);
	}
	if (r <= 0)
		return r < 0 ? r : -EIO;
	*method = found;
	return 0;
}
