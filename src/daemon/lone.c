/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/lone.h"

#include <cgkill/protocol.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/lone.h"
#include "daemon/init.h"
#include "daemon/ready.h"
#include "sys/facts.h"
#include "sys/hierarchy.h"
#include "sys/kin.h"
#include "sys/pidfd.h"
#include "util/buf.h"
#include "util/parse.h"

/* For those whom the command has left behind. */
#define REST (5 * USEC_PER_SEC)

/* Of the default budget, 8 s, docker's 10 s leave this to tell who outlives SIGKILL. */
#define VERIFY (2 * USEC_PER_SEC)

/* Of --shutdown-deadline=, by which all has been killed, the kill gets a tenth, and at most this: daemon/shutdown.h. */
#define KILL_TIME (500 * USEC_PER_MSEC)

#define NAMED_MAX    32
#define READING_TIME USEC_PER_SEC /* of one survivor */

/* clang-format off */
#define REMEDY "docker run --privileged or --security-opt writable-cgroups=true, podman run " \
	"--systemd=always, privileged: true in Kubernetes; see cgkilld(8), \"Without cgroups\""
/* clang-format on */

/* As a shell has them. */
enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127, EXIT_BY_SIGNAL = 128 };

struct run {
	struct lone life;
	bool is_init; /* process 1 of a PID namespace */
	char **command;
	pid_t pid;	 /* the command; 0: it was reaped */
	int status;	 /* … and this has become of it */
	bool childless;	 /* nobody is our child any more */
	bool foreground; /* of a terminal; we were there, and the command is */
	int stop_signal; /* to the command */
	int signal_fd;
	int stranger; /* pidfd of somebody who lives here, and is not our child to wait for; or -1 */
	sigset_t mask; /* as we found it */
	mode_t umask;  /* the same */
};

/* ---- what is not there ---- */

static const char *lack(int error)
{
	switch (error) {
	case -ENOENT:
		return "no cgroup2 is mounted here";
	case -EROFS:
		return "cgroup2 is mounted read-only";
	case -EACCES:
	case -EPERM:
		return "our cgroup belongs to somebody else";
	default:
		return strerror(-error);
	}
}

bool lone_is_needed(const struct options *o)
{
	return !o->root && hierarchy_usable() < 0;
}

static void tell_limits(const struct run *run)
{
	const char *why = lack(hierarchy_usable());

	if (run->is_init)
		log_warning(
			"%s: all in this PID namespace counts as started by %s and ends with it. "
			"Limits and units need cgroups: " REMEDY,
			why, run->command[0]);
	else
		log_warning(
			"%s: only who descends from %s ends with it, and nobody if we are killed. "
			"Limits and units need cgroups: " REMEDY,
			why, run->command[0]);
}

/* ---- signals ---- */

static bool is_stop(int sig)
{
	return sig == SIGTERM || sig == SIGINT || init_is_end(sig);
}

/*
 * Blocked, they reach process 1 also where it has no handler for them. SIGTTOU is for run_command(), SIGTTIN for
 * init_has_foreground().
 */
static int catch_signals(struct run *run)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (init_hears(sig))
			sigaddset(&set, sig);
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&set, SIGTTOU);
	sigaddset(&set, SIGTTIN);
	sigprocmask(SIG_BLOCK, &set, &run->mask);
	return run->signal_fd < 0 ? -errno : 0;
}

/* It is our child and was not reaped, so that the number is its own. One that is stopped takes only what it shall end of. */
static void tell_command(const struct run *run, int sig, bool to_end)
{
	if (run->pid > 0 && kill(run->pid, sig) == 0 && to_end)
		(void)kill(run->pid, SIGCONT);
}

static void tell_descendants(const struct run *run, int sig)
{
	struct kin kin;

	if (kin_find(&kin, KIN_DESCENDANTS) < 0) { /* no /proc: who is not our child cannot be found */
		tell_command(run, sig, true);
		return;
	}
	for (size_t i = 0; i < kin.n; i++)
		if (pidfd_signal(kin.v[i].pidfd, sig) == 0 && sig != SIGKILL)
			(void)!pidfd_signal(kin.v[i].pidfd, SIGCONT);
	kin_free(&kin);
}

static void tell_all(const struct run *run, int sig)
{
	if (!run->is_init)
		tell_descendants(run, sig);
	else if (kill(-1, sig) == 0 && sig != SIGKILL)
		(void)kill(-1, SIGCONT);
}

/* ---- who is left ---- */

static bool may_signal(const struct relative *r)
{
	return pidfd_signal(r->pidfd, 0) != -EPERM;
}

/*
 * Somebody whose parent is outside, as of docker exec, may live here, and is not to be waited for by waitid(2); a zombie is the
 * affair of that parent. Who we may not signal, or cannot see without /proc, ends when we do, before anybody learns of it.
 */
static bool find_stranger(struct run *run)
{
	struct kin kin;
	bool found = false;

	if ((kill(-1, 0) < 0 && errno == ESRCH) || kin_find(&kin, KIN_NAMESPACE) < 0)
		return false;
	for (size_t i = 0; i < kin.n && !found; i++)
		if (!pidfd_has_ended(kin.v[i].pidfd) && may_signal(&kin.v[i])) {
			run->stranger = TAKE_FD(kin.v[i].pidfd);
			found = true;
		}
	kin_free(&kin);
	return found;
}

static bool is_empty(struct run *run)
{
	run->stranger = close_fd(run->stranger);
	return run->childless && !(run->is_init && find_stranger(run));
}

static int find_left(const struct run *run, struct kin *out)
{
	return kin_find(out, run->is_init ? KIN_NAMESPACE : KIN_DESCENDANTS);
}

static void tell_who_is_killed(const struct run *run)
{
	cleanup_buf struct buf names = BUF_INIT;
	struct process_name name;
	struct kin kin = KIN_INIT;
	size_t n = 0;

	if (find_left(run, &kin) == 0)
		for (size_t i = 0; i < kin.n; i++)
			if (!pidfd_has_ended(kin.v[i].pidfd) && name_process(kin.v[i].pid, &name) &&
			    ++n <= NAMED_MAX)
				buf_printf(&names, "%s%s (%d)", n > 1 ? ", " : "", name.comm,
					   (int)name.pid);
	kin_free(&kin);
	log_warning("SIGKILL to all that is left%s%s%s", n > 0 ? ": " : "",
		    names.data ? names.data : "", n > NAMED_MAX ? ", …" : "");
}

static void tell_survivor(const struct relative *r)
{
	struct process_facts facts;
	char reason[256];
	int hanging;

	if (facts_of_process(r->pid, &facts, READING_TIME, &hanging) < 0)
		return;
	close_fd(hanging);
	log_error("%d (%s) outlives SIGKILL: it %s", (int)r->pid, facts.comm,
		  may_signal(r) ? explain_reason(&facts, reason, sizeof(reason))
				: "is somebody else's, whom we may not signal");
}

static void tell_survivors(const struct run *run)
{
	struct kin kin = KIN_INIT;

	if (find_left(run, &kin) < 0 || kin.n == 0)
		log_error("processes outlive SIGKILL, and /proc does not show them");
	for (size_t i = 0; i < MIN_OF(kin.n, (size_t)NAMED_MAX); i++)
		tell_survivor(&kin.v[i]);
	kin_free(&kin);
}

/* ---- the course ---- */

static void step(struct run *run, enum lone_event event)
{
	enum lone_state before = run->life.state;

	switch (lone_step(&run->life, event, clock_now())) {
	case LONE_NOTHING:
		break;
	case LONE_TELL:
		log_notice("stopping: SIG%s to %s", signal_name(run->stop_signal), run->command[0]);
		tell_command(run, run->stop_signal, true);
		break;
	case LONE_TELL_ALL:
		tell_all(run, SIGTERM);
		break;
	case LONE_KILL_ALL:
		if (before != LONE_KILLING)
			tell_who_is_killed(run);
		tell_all(run, SIGKILL);
		break;
	}
}

/* SIGINT stays what it is, as some end in another way by it; the other two are known to inits only. */
static void on_signals(struct run *run)
{
	struct signalfd_siginfo si;

	while (read(run->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		int sig = (int)si.ssi_signo;

		if (sig == SIGCHLD)
			continue;
		if (!is_stop(sig)) {
			tell_command(run, sig, false);
			continue;
		}
		run->stop_signal = sig == SIGINT ? SIGINT : SIGTERM;
		step(run, LONE_STOP);
	}
}

/* All that have ended at once count as one, for who looks for those that they have left. */
static void on_ends(struct run *run)
{
	siginfo_t si = { 0 };
	bool others = false;
	int r;

	while ((r = waitid(P_ALL, 0, &si, WEXITED | WNOHANG)) == 0 && si.si_pid > 0) {
		if (si.si_pid == run->pid) {
			run->pid = 0;
			run->status = si.si_status + (si.si_code == CLD_EXITED ? 0 : EXIT_BY_SIGNAL);
			step(run, LONE_ENDED);
		} else {
			others = true;
		}
		si.si_pid = 0;
	}
	run->childless = r < 0; /* ECHILD: it can have no other reason */
	if (others)
		step(run, LONE_OTHER);
}

static void wait_for(const struct run *run)
{
	struct pollfd fds[] = { { .fd = run->signal_fd, .events = POLLIN },
				{ .fd = run->stranger, .events = POLLIN } };
	usec_t left = usec_sub(run->life.timer, clock_now());
	struct timespec ts = { .tv_sec = (time_t)(left / USEC_PER_SEC),
			       .tv_nsec = (long)(left % USEC_PER_SEC) * 1000 };

	(void)ppoll(fds, ARRAY_SIZE(fds), run->life.timer == USEC_INFINITY ? NULL : &ts, NULL);
}

static void attend(struct run *run)
{
	while (run->life.state != LONE_OVER && run->life.state != LONE_STUCK) {
		wait_for(run);
		on_signals(run);
		on_ends(run);
		if (run->pid == 0 && is_empty(run))
			step(run, LONE_EMPTY);
		step(run, LONE_TIME);
	}
}

/* ---- the command ---- */

/*
 * In a process group of its own, which the terminal's signals are for from now on if they were for us. SIGTTOU is blocked, so
 * that who is not in the foreground may put itself there: tcsetpgrp(3).
 */
_Noreturn static void run_command(const struct run *run)
{
	int error;

	if (setpgid(0, 0) == 0 && run->foreground)
		(void)!tcsetpgrp(STDIN_FILENO, getpgrp());
	umask(run->umask);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &run->mask, NULL);
	execvp(run->command[0], run->command);
	error = errno;
	log_error("%s: %s", run->command[0], strerror(error));
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

static int start(struct run *run)
{
	int r = catch_signals(run);

	if (r < 0)
		return r;
	if (!run->is_init && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	run->foreground = init_has_foreground();
	run->pid = fork();
	if (run->pid == 0)
		run_command(run);
	return run->pid < 0 ? -errno : 0;
}

static usec_t time_to_stop(const struct options *o)
{
	return usec_sub(o->shutdown_budget, MIN_OF(o->shutdown_budget / 10, KILL_TIME));
}

int lone_run(const struct options *o)
{
	const struct lone_times times = { .stop = time_to_stop(o), .rest = REST, .verify = VERIFY };
	struct run run = { .life = lone_begin(times),
			   .is_init = getpid() == 1,
			   .command = o->init_words,
			   .umask = o->umask,
			   .signal_fd = -1,
			   .stranger = -1 };
	int r;

	if (!o->init_command) {
		log_error("%s, and a unit needs a cgroup: give a command instead, or: " REMEDY,
			  lack(hierarchy_usable()));
		return CGKILL_EXIT_FAILED;
	}
	tell_limits(&run);
	r = start(&run);
	if (r < 0) {
		log_error("cannot start a process: %s", strerror(-r));
		return CGKILL_EXIT_FAILED;
	}
	ready_newline(o->ready_fd);
	attend(&run);
	if (run.foreground) /* whoever has started us goes on there */
		(void)!tcsetpgrp(STDIN_FILENO, getpgrp());
	close_fd(run.signal_fd);
	close_fd(run.stranger);
	if (run.life.state == LONE_STUCK) {
		tell_survivors(&run);
		return CGKILL_EXIT_SURVIVORS;
	}
	return run.status;
}
