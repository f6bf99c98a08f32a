/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/guard.h"

#include <cgkill/protocol.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/child.h"
#include "daemon/crash.h"
#include "daemon/exits.h"
#include "daemon/init.h"
#include "sys/pidfd.h"
#include "util/log.h"
#include "util/parse.h"

/*
 * A worker that has lived this long counts as a success. Of others in a row the first few are replaced at once, the next
 * after a pause that grows: what crashes at every start is not to use up the host, and never given up.
 */
#define LIVED_WELL  (10 * USEC_PER_SEC)
#define AT_ONCE	    5
#define PAUSE_FIRST (10 * USEC_PER_SEC)
#define PAUSE_LAST  (300 * USEC_PER_SEC)

struct kept {
	char name[INHERIT_NAME_SIZE];
	int fd;
};

struct guard {
	const struct options *options;
	char **argv;
	char program[PATH_MAX];
	sigset_t worker_mask;
	int signal_fd;
	struct exits *exits;
	int exits_fd;
	int ready_fd;

	pid_t worker; /* 0: there is none. Ours to reap, so its number stays its own until we do */
	usec_t started;
	bool up;		   /* it has sent us something */
	int link;		   /* to the worker */
	struct recorder *recorder; /* of this worker alone */
	struct kept kept[GUARD_KEEP_MAX];
	unsigned n_kept;

	unsigned crashes; /* in a row */
	usec_t retry_at;  /* while there is no worker */
	bool stopping;	  /* somebody wants the end */
	bool foreground;  /* with --init: we were there when we began */
	bool over;
	int status; /* when it is over */
};

static bool is_forwarded(const struct guard *g, int sig)
{
	return g->options->init ? init_hears(sig)
				: sig == SIGTERM || sig == SIGINT || sig == SIGHUP ||
					  sig == SIGUSR1 || sig == SIGUSR2;
}

static bool is_end(const struct guard *g, int sig)
{
	return sig == SIGTERM || sig == SIGINT || (g->options->init && init_is_end(sig));
}

static void end(struct guard *g, int status)
{
	g->over = true;
	g->status = status;
}

/* ---- the worker ---- */

static int pass_all(const struct guard *g, int link, int recorder_fd)
{
	int r = inherit_pass("guard", link);

	if (r == 0)
		r = inherit_pass("guard-exits", g->exits_fd);
	if (r == 0)
		r = inherit_pass("guard-recorder", recorder_fd);
	if (r == 0 && g->ready_fd >= 0)
		r = inherit_pass("ready", g->ready_fd);
	for (unsigned i = 0; i < g->n_kept; i++)
		if (inherit_pass(g->kept[i].name, g->kept[i].fd) < 0)
			log_error("guard: %s cannot be handed over", g->kept[i].name);
	return r == 0 ? inherit_write() : r;
}

/*
 * In the child. The worker is in a process group of its own: what a terminal or timeout(1) sends to the group comes once,
 * from us, and not twice, which means something else. The terminal is still there to be written to. With --init the
 * foreground is handed on: from us to the worker, and by it to its command (exec/foreground.c).
 *
 * What we forward it starts with blocked: it stays pending until the worker's loop takes it, and no signal acts before. Nor is
 * anything lost to us as process 1, for which the kernel drops what has no handler: what is blocked it keeps (kernel/signal.c,
 * sig_ignored()).
 *
 * The program by its path, which an upgrade may have replaced: records are meant for the newest. If there is none, as we are.
 */
static _Noreturn void become_worker(const struct guard *g, int link, int recorder_fd)
{
	const bool foreground = g->options->init && init_has_foreground();
	int r = pass_all(g, link, recorder_fd);

	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	if (foreground)
		(void)tcsetpgrp(STDIN_FILENO, getpgrp());
	umask(g->options->umask);
	sigprocmask(SIG_SETMASK, &g->worker_mask, NULL);
	if (r == 0) {
		execv(g->program, g->argv);
		execv("/proc/self/exe", g->argv);
		r = -errno;
	}
	log_error("guard: cannot execute a worker: %s", strerror(-r));
	_exit(CGKILL_EXIT_FAILED);
}

static int start_worker(struct guard *g)
{
	cleanup_close int recorder_fd = -1;
	struct recorder *recorder = NULL;
	int ends[2] = { -1, -1 }, r = recorder_new(&recorder, &recorder_fd);
	pid_t pid = -1;

	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0)
		pid = fork();
	if (pid == 0)
		become_worker(g, ends[1], recorder_fd);
	if (r == 0 && pid < 0)
		r = -errno;
	close_fd(ends[1]);
	if (r < 0) {
		close_fd(ends[0]);
		recorder_unmap(recorder);
		return r;
	}
	g->worker = pid;
	g->link = ends[0];
	g->recorder = recorder;
	g->started = clock_now();
	g->up = false;
	if (g->stopping)
		kill(pid, SIGTERM);
	return 0;
}

static usec_t pause_after(unsigned crashes)
{
	if (crashes <= AT_ONCE)
		return 0;
	return MIN_OF(PAUSE_FIRST << MIN_OF(crashes - AT_ONCE - 1, 8U), PAUSE_LAST);
}

static void report(const struct guard *g, const struct crash *c)
{
	cleanup_free char *path = NULL;
	int r = crash_report(g->options->runtime_dir, c, &path);

	if (r < 0)
		log_error("guard: cannot write a report of the crash in %s: %s",
			  g->options->runtime_dir, strerror(-r));
	else
		log_notice("guard: what process %d was doing is told in %s", (int)c->pid, path);
}

/* Says when there is to be another one. */
static void plan_next(struct guard *g, usec_t lived)
{
	usec_t wait;

	g->crashes = lived >= LIVED_WELL ? 1 : g->crashes + 1;
	wait = pause_after(g->crashes);
	if (wait > 0 && g->stopping) {
		log_error("guard: %u workers in a row have failed to stop the services: giving up; "
			  "what still runs is left to itself",
			  g->crashes);
		end(g, CGKILL_EXIT_FAILED);
		return;
	}
	g->retry_at = usec_add(clock_now(), wait);
	if (wait > 0)
		log_error(
			"guard: %u workers in a row have crashed: the next one is started in %u s; "
			"services run on",
			g->crashes, (unsigned)(wait / USEC_PER_SEC));
}

static void start_if_due(struct guard *g)
{
	while (!g->over && g->worker == 0 && clock_now() >= g->retry_at) {
		int r = start_worker(g);

		if (r == 0)
			break;
		log_error("guard: cannot start a worker: %s", strerror(-r));
		plan_next(g, 0);
	}
}

/*
 * A worker ends by itself after it was told to, with one of two statuses, or because it cannot start. Once a worker has
 * been up, services may run: then a start that fails is no reason to leave them alone, nor is a program that is none of ours
 * by now, and ends well at once.
 */
static bool is_crash(const struct guard *g, struct exit_info e)
{
	if (e.code != CLD_EXITED)
		return true;
	if (g->up && (e.status == CGKILL_EXIT_OK || e.status == CGKILL_EXIT_SURVIVORS))
		return false;
	return g->n_kept > 0;
}

static void take_kept(struct guard *g);
static struct kept *find_kept(struct guard *g, const char *name);

/* The next worker first, the report then: it may take its time, on a disk. */
static void on_worker_end(struct guard *g, struct exit_info e)
{
	struct recorder *recorder = TAKE_PTR(g->recorder);
	const struct crash c = { .pid = g->worker,
				 .exit = e,
				 .lived = usec_sub(clock_now(), g->started),
				 .recorder = recorder };
	char cause[CRASH_CAUSE_SIZE];

	take_kept(g); /* what it sent before */
	g->link = close_fd(g->link);
	g->worker = 0;
	if (is_crash(g, e)) {
		log_error("guard: the worker, process %d, has crashed (%s)", (int)c.pid,
			  crash_cause(e, cause));
		plan_next(g, c.lived);
		start_if_due(g);
		report(g, &c);
	} else {
		const struct kept *status = find_kept(g, INIT_STATUS);

		end(g, e.status == CGKILL_EXIT_SURVIVORS
			       ? e.status
			       : init_read_status(status ? status->fd : -1, e.status));
	}
	recorder_unmap(recorder);
}

/* ---- children ---- */

/* The child is a zombie: its number and its identity are its own until we reap it. */
static void remember(struct guard *g, pid_t pid, struct exit_info e)
{
	cleanup_close int fd = pidfd_open_pid(pid);
	struct process_id id = { .pid = pid };

	if (fd >= 0 && pidfd_identity(fd, pid, &id.identity) == 0)
		exits_add(g->exits, &id, e);
}

/* The worker is dealt with last: the next one shall find what ended before. */
static void reap_all(struct guard *g)
{
	struct exit_info worker = { 0, 0 };
	siginfo_t si = { 0 };

	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid != 0) {
		const struct exit_info e = { si.si_code, si.si_status };
		const pid_t pid = si.si_pid;

		if (pid == g->worker)
			worker = e;
		else
			remember(g, pid, e);
		if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG) < 0)
			break;
		si.si_pid = 0;
	}
	if (worker.code != 0)
		on_worker_end(g, worker);
}

/* ---- signals ---- */

static void on_signal(struct guard *g, int sig)
{
	if (sig == SIGCHLD)
		return; /* reap_all() looks anyway */
	g->stopping |= is_end(g, sig);
	if (g->worker != 0) {
		kill(g->worker, sig);
	} else if (g->stopping) {
		log_notice("guard: there is no worker, starting one to stop the services");
		g->retry_at = 0;
	}
}

static void take_signals(struct guard *g)
{
	struct signalfd_siginfo si;

	while (read(g->signal_fd, &si, sizeof(si)) == sizeof(si))
		on_signal(g, (int)si.ssi_signo);
	reap_all(g);
}

static int open_signals(struct guard *g)
{
	sigset_t set, all;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &g->worker_mask) < 0)
		return -errno;
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (!is_forwarded(g, sig))
			continue;
		sigaddset(&set, sig);
		sigaddset(&g->worker_mask, sig);
	}
	g->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return g->signal_fd < 0 ? -errno : 0;
}

/* ---- descriptors that are kept ---- */

static struct kept *find_kept(struct guard *g, const char *name)
{
	for (unsigned i = 0; i < g->n_kept; i++)
		if (streq(g->kept[i].name, name))
			return &g->kept[i];
	return NULL;
}

/* What a service has stored nobody else may have open any more: it ends in a child, and then it is no time to wait for. */
static void let_go(int fd)
{
	int held = child_hold();

	close_fd(fd);
	child_dismiss_now(held);
}

/* Owns fd. */
static void keep(struct guard *g, const char *name, int fd)
{
	struct kept *k = find_kept(g, name);

	if (!k && g->n_kept == GUARD_KEEP_MAX) {
		log_error("guard: no room to keep %s", name);
		let_go(fd);
		return;
	}
	if (!k) {
		k = &g->kept[g->n_kept++];
		*k = (struct kept){ .fd = -1 };
		strcpy(k->name, name);
	}
	close_fd(k->fd);
	k->fd = fd;
	g->ready_fd = close_fd(g->ready_fd); /* the worker is up, and has told so */
}

static void drop(struct guard *g, const char *name)
{
	struct kept *k = find_kept(g, name);

	if (!k)
		return;
	let_go(k->fd);
	*k = g->kept[--g->n_kept];
}

/* False: there is nothing more. */
static bool take_one(struct guard *g)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char name[INHERIT_NAME_SIZE];
	struct iovec text = { name, sizeof(name) - 1 };
	struct msghdr msg = { .msg_iov = &text,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(g->link, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fd;

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) { /* it has closed the link: there is nothing to poll for until the next one */
		g->link = close_fd(g->link);
		return false;
	}
	g->up = true;
	name[n] = '\0';
	if (!c && !(msg.msg_flags & MSG_CTRUNC))
		drop(g, name);
	if (!c || c->cmsg_type != SCM_RIGHTS || (msg.msg_flags & MSG_CTRUNC))
		return true; /* we are out of descriptors: it cannot be kept */
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	keep(g, name, fd);
	return true;
}

static void take_kept(struct guard *g)
{
	while (g->link >= 0 && take_one(g))
		;
}

/* ---- the guard ---- */

static int set_up(struct guard *g)
{
	ssize_t n = readlink("/proc/self/exe", g->program, sizeof(g->program) - 1);
	int r;

	if (n < 0) {
		r = -errno;
		log_error("guard: cannot read /proc/self/exe: is /proc mounted, and not masked?");
		return r;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	(void)prctl(PR_SET_NAME, "cgkilld-guard"); /* to be told from the worker */
	r = exits_new(&g->exits, &g->exits_fd);
	if (r == 0)
		r = open_signals(g);
	g->foreground = g->options->init && init_has_foreground();
	return r == 0 ? start_worker(g) : r;
}

static int timeout_ms(const struct guard *g)
{
	usec_t left = usec_sub(g->retry_at, clock_now());

	return g->worker != 0 ? -1 : (int)MIN_OF(left / USEC_PER_MSEC + 1, (usec_t)INT_MAX);
}

static void run(struct guard *g)
{
	while (!g->over) {
		struct pollfd fds[] = { { .fd = g->signal_fd, .events = POLLIN },
					{ .fd = g->link, .events = POLLIN } };

		if (poll(fds, ARRAY_SIZE(fds), timeout_ms(g)) > 0) {
			if (fds[1].revents)
				take_kept(g);
			if (fds[0].revents)
				take_signals(g);
		}
		start_if_due(g);
	}
}

/* The worker's, and ours until it is up. It may be one of the standard ones, which are not handed over by name. */
static int take_ready_fd(const struct options *o)
{
	int fd = fcntl(o->ready_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (o->ready_fd > STDERR_FILENO)
		close_fd(o->ready_fd);
	return fd;
}

int guard_run(const struct options *o, char **argv)
{
	struct guard g = { .options = o,
			   .argv = argv,
			   .signal_fd = -1,
			   .exits_fd = -1,
			   .ready_fd = take_ready_fd(o),
			   .link = -1 };
	int r = set_up(&g);

	if (r < 0) {
		log_error("guard: cannot start: %s", strerror(-r));
		end(&g, CGKILL_EXIT_FAILED);
	}
	run(&g);
	if (g.foreground) /* whoever has started us goes on there */
		(void)!tcsetpgrp(STDIN_FILENO, getpgrp());
	exits_unmap(g.exits);
	recorder_unmap(g.recorder);
	close_fd(g.exits_fd);
	close_fd(g.signal_fd);
	close_fd(g.link);
	close_fd(g.ready_fd);
	return g.status; /* what is kept ends with us, which takes no time: let_go() */
}
