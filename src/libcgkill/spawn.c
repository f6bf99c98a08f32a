/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "libcgkill/handle.h"
#include "sys/kernel.h"
#include "sys/pidfd.h"

#define STEP_PREPARE SPAWN_STEP_FIRST
#define STEP_EXEC    (SPAWN_STEP_FIRST + 1)

#define KNOWN_FLAGS (CGKILL_SPAWN_SEARCH | CGKILL_SPAWN_SESSION | CGKILL_SPAWN_IGNORED)

#define EXIT_PREPARE 126 /* as a shell has it: found, and could not be run */

struct program {
	struct cgkill_spawn_options options;
	sigset_t ignored;
};

static sigset_t ignored_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int sig = 1; sig < _NSIG; sig++)
		if (kernel_is_ignored(sig))
			sigaddset(&set, sig);
	return set;
}

_Noreturn static void run_program(void *arg, int report_fd)
{
	const struct program *program = arg;
	const struct cgkill_spawn_options *o = &program->options;
	const char *file = o->file ? o->file : o->argv[0];
	int r;

	if (o->flags & CGKILL_SPAWN_SESSION)
		setsid();
	r = o->prepare ? o->prepare(o->arg) : 0;
	if (r != 0)
		spawn_fail(report_fd, STEP_PREPARE, r < 0 ? -r : r, EXIT_PREPARE);
	kernel_ignore(SIGPIPE, false);
	for (int sig = 1; sig < _NSIG; sig++)
		if (sigismember(&program->ignored, sig) == 1)
			kernel_ignore(sig, true);
	if (o->flags & CGKILL_SPAWN_SEARCH)
		execvpe(file, o->argv, o->envp);
	else
		execve(file, o->argv, o->envp);
	spawn_fail(report_fd, STEP_EXEC, errno, EXIT_PREPARE);
}

/* The next report: 1; 0: there is none, since the child runs its program or has ended. */
static int next_report(int fd, struct spawn_report *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		ssize_t n = read(fd, out, sizeof(*out));

		if (n >= 0)
			return n == sizeof(*out);
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		(void)poll(&p, 1, -1); /* as long as its own steps take, which are the caller's */
	}
}

/* -ECHILD: the kernel killed it at birth. */
static int await_program(int report_fd)
{
	struct spawn_report report;
	int r = next_report(report_fd, &report);

	if (r <= 0)
		return r < 0 ? r : -ECHILD;
	if (report.step == SPAWN_STEP_ALIVE)
		r = next_report(report_fd, &report);
	return r <= 0 ? r : -(int)report.error;
}

static int spawn(const struct cg *cg, enum spawn_method method, struct program *program,
		 struct spawned *child)
{
	siginfo_t si;
	int r = spawn_into(child, cg, &method, run_program, program);

	if (r < 0)
		return r;
	r = await_program(child->report_fd);
	close_fd(child->report_fd);
	if (r == 0)
		return 0;
	(void)!pidfd_signal(child->pidfd, SIGKILL);
	(void)!waitid(P_PIDFD, (id_t)child->pidfd, &si, WEXITED);
	close_fd(child->pidfd);
	return r;
}

PUBLIC int cgkill_spawn(const struct cgkill_cgroup *cg, const struct cgkill_spawn_options *options,
			pid_t *pid, int *pidfd)
{
	struct program program;
	struct cgkill_spawn_options *o = &program.options;
	struct spawned child;
	int r = struct_take(o, sizeof(*o), options, options->size,
			    offsetof(struct cgkill_spawn_options, envp));

	if (r < 0)
		return r;
	if (!o->argv || !o->argv[0] || o->flags & ~(unsigned)KNOWN_FLAGS)
		return -EINVAL;
	if (!o->envp)
		o->envp = environ;
	sigemptyset(&program.ignored);
	if (o->flags & CGKILL_SPAWN_IGNORED)
		program.ignored = ignored_signals();
	r = spawn(&cg->cg, SPAWN_CLONE3, &program, &child);
	/* A cgroup on the way was once killed: what is born there dies, and what moves there lives (sys/spawn.h). */
	if (r == -ECHILD)
		r = spawn(&cg->cg, SPAWN_ATTACH, &program, &child);
	if (r < 0)
		return r;
	*pid = child.pid;
	if (pidfd)
		*pidfd = child.pidfd;
	else
		close_fd(child.pidfd);
	return 0;
}
