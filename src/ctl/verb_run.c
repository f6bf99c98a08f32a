/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run: a command in a cgroup of its own, in the foreground, and nothing of it is left when it has ended, however that came:
 * by itself, by a signal to us, by its time, or by our own death. No cgkilld is needed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "cgkill/cgkill.h"
#include "ctl/ctl.h"
#include "ctl/describe.h"
#include "ctl/limits.h"
#include "ctl/process.h"
#include "ctl/reap.h"
#include "ctl/warden.h"
#include "sys/cgfile.h"
#include "sys/hierarchy.h"
#include "sys/pidfd.h"
#include "util/parse.h"

/* As docker stop and podman stop have it. */
#define TIMEOUT_DEFAULT (10 * USEC_PER_SEC)

#define SURVIVORS_MAX 32
#define NAMES_TRIED   100

/* How long a process may take to end of SIGKILL. */
#define VERIFY_MSEC 5000

/* As timeout(1) and env(1) have them. */
enum {
	EXIT_TIMED_OUT = 124,
	EXIT_OURS = 125, /* cgkillctl itself has failed, or something has survived */
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
};

struct run {
	const struct options *options;
	char **command;
	struct limits limits;
	struct cgkill_cgroup *cg;
	pid_t pid; /* the command; 0 = it was reaped */
	int pidfd, signal_fd, warden;
	usec_t started_at;
	usec_t ends_at;		  /* --runtime-max=; infinity: it is over, or there is none */
	usec_t kill_at;		  /* infinity: nothing has asked it to end yet */
	int status;		  /* the exit code that it comes to */
	struct cgkill_stop *stop; /* NULL: the command lives, and has time */
};

/* ---- its cgroup ---- */

static void explain_no_cgroup(const char *parent, int error)
{
	if (error == -EACCES || error == -EPERM || error == -EROFS)
		complain(
			"No cgroup can be made below %s (%s): run this as root, or below a cgroup "
			"that is yours: "
			"--parent=CGROUP, or under \"systemd-run --user --scope -p Delegate=yes\".",
			parent, strerror(-error));
	else
		complain("No cgroup can be made below %s: %s.", parent, strerror(-error));
}

/* One that is there was left behind by another of our number, and is not ours. */
static int create(struct run *run, const struct cgkill_cgroup *parent)
{
	char name[sizeof("cgkill-run..") + 6 * sizeof(pid_t)];
	int r = -EEXIST;

	for (unsigned i = 0; r == -EEXIST && i < NAMES_TRIED; i++) {
		snprintf(name, sizeof(name), i ? "cgkill-run.%d.%u" : "cgkill-run.%d", (int)getpid(), i);
		r = cgkill_create(parent, name, &run->cg);
	}
	return r;
}

/* Below --parent=, else below our own. */
static int make_cgroup(struct run *run)
{
	cleanup_free char *own = NULL;
	struct cgkill_cgroup *parent = NULL;
	const char *path = run->options->parent;
	int r = path ? 0 : cgroup_path_of(0, &own);

	path = path ? path : own;
	if (r == 0)
		r = cgkill_open(path, &parent);
	if (r < 0) {
		complain("The cgroup %s cannot be used: %s.", path ? path : "of our own",
			 reap_error(r));
		return r;
	}
	r = create(run, parent);
	if (r < 0)
		explain_no_cgroup(path, r);
	else
		r = limits_set(&run->limits, parent, run->cg);
	cgkill_close(parent); /* others need its descriptor, where there are few */
	return r;
}

/* ---- signals ---- */

/* What is passed on to the command. The others have no handler, or stop and continue it with us. */
static const int passed_on[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				 SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH };

/* Those that we ignore, as nohup(1) makes us, are not for the command either. */
static int catch_signals(void)
{
	struct sigaction now;
	sigset_t set;

	signal(SIGCHLD, SIG_DFL); /* who ignores it cannot wait for a child: waitpid(2) */
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (sigaction(passed_on[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- its end ---- */

static usec_t grace(const struct run *run)
{
	usec_t timeout = run->options->timeout_stop;

	return timeout == USEC_INFINITY ? TIMEOUT_DEFAULT : timeout;
}

/* From now on who is left of it is told to end, and killed when the time is over; 0: is killed. */
static void end_rest(struct run *run, int signal)
{
	const struct cgkill_stop_options options = {
		.size = sizeof(options),
		.signal = signal,
		.signal_flags = CGKILL_SIGNAL_CONT | CGKILL_SIGNAL_THAW,
		.timeout_usec = usec_sub(run->kill_at, clock_now()),
	};
	int r = cgkill_stop_begin(run->cg, &options, &run->stop);

	if (r < 0) {
		complain("The command cannot be ended: %s.", strerror(-r));
		run->status = EXIT_OURS;
	}
}

/* The time of all of it is running. */
static void begin_end(struct run *run)
{
	if (run->kill_at == USEC_INFINITY)
		run->kill_at = usec_add(clock_now(), grace(run));
}

/* It is our child, wherever it may have moved. One that is stopped takes only what it shall end of. */
static void tell_command(const struct run *run, int sig, bool to_end)
{
	if (run->pid > 0 && pidfd_signal(run->pidfd, sig) == 0 && to_end)
		(void)!pidfd_signal(run->pidfd, SIGCONT);
}

static void on_signal(struct run *run)
{
	struct signalfd_siginfo si;

	while (read(run->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		int sig = (int)si.ssi_signo;
		bool to_end = sig == SIGTERM || sig == SIGHUP;
		/*
		 * The terminal tells the whole foreground group, and so has told the command: termios(3). Only that it
		 * hangs up it may tell its session's leader alone, which we may be.
		 */
		bool told = si.ssi_code == SI_KERNEL && sig != SIGHUP;

		if (!told)
			tell_command(run, sig, to_end);
		if (to_end)
			begin_end(run);
	}
}

static void on_exit_of_command(struct run *run)
{
	int status;

	if (run->pid == 0 || waitpid(run->pid, &status, WNOHANG) != run->pid)
		return;
	run->pid = 0;
	run->pidfd = close_fd(run->pidfd);
	run->ends_at = USEC_INFINITY;
	if (run->status == 0)
		run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	begin_end(run);
	if (!run->stop)
		end_rest(run, SIGTERM);
}

static void on_time(struct run *run)
{
	usec_t now = clock_now();

	if (now >= run->ends_at) {
		run->ends_at = USEC_INFINITY;
		run->status = EXIT_TIMED_OUT;
		tell_command(run, SIGTERM, true);
		begin_end(run);
	}
	if (now >= run->kill_at && !run->stop)
		end_rest(run, 0);
}

/* ---- the course ---- */

static void watch_over(struct run *run)
{
	if (run->warden < 0 || pidfd_has_ended(run->warden)) {
		warden_dismiss(run->warden);
		run->warden = warden_start(run->cg);
	}
}

static int time_left(usec_t until)
{
	usec_t left = usec_sub(until, clock_now());

	return until == USEC_INFINITY ? -1 : (int)MIN_OF(left / USEC_PER_MSEC + 1, (usec_t)INT32_MAX);
}

/* Without a descriptor for the stop, since we have too many, there is nothing but to look again soon. */
#define LOOK_MSEC 10

static void wait_for(const struct run *run)
{
	int stop_fd = run->stop ? cgkill_stop_fd(run->stop) : -1;
	usec_t until = run->stop ? run->ends_at : MIN_OF(run->ends_at, run->kill_at);
	struct pollfd fds[] = {
		{ .fd = run->signal_fd, .events = POLLIN },
		{ .fd = run->pidfd, .events = POLLIN },
		{ .fd = run->warden, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};

	(void)poll(fds, ARRAY_SIZE(fds), run->stop && stop_fd < 0 ? LOOK_MSEC : time_left(until));
}

/*
 * The cgroup is empty, and the command may live all the same: it may have moved elsewhere, or be on its way from the one to
 * the other (exit(2) leaves the cgroup before it tells the parent).
 */
static int end_command(struct run *run)
{
	struct pollfd p = { .fd = run->pidfd, .events = POLLIN };

	if (run->pid == 0)
		return 0;
	(void)!pidfd_signal(run->pidfd, SIGKILL);
	while (poll(&p, 1, VERIFY_MSEC) < 0)
		;
	on_exit_of_command(run);
	return run->pid == 0 ? 0 : -ETIMEDOUT;
}

/* Until all of it has ended: 0; or it is known that it does not. */
static int attend(struct run *run)
{
	int r = 1;

	while (r == 1) {
		wait_for(run);
		watch_over(run);
		on_signal(run);
		on_exit_of_command(run);
		on_time(run);
		if (run->stop)
			r = cgkill_stop_step(run->stop);
		else if (run->status == EXIT_OURS)
			r = -EIO;
	}
	return r < 0 ? r : end_command(run);
}

static int tell_survivor(const struct cgkill_process *p, void *arg unused)
{
	cleanup_buf struct buf line = BUF_INIT;
	json_t *survivor = process_object(p);

	describe_survivor(&line, survivor, 0);
	complain("  %s", line.data ? line.data : "?");
	json_decref(survivor);
	return 0;
}

/* What failed is ours, or the command's. */
static int code_of(int error)
{
	switch (error) {
	case -ENOENT:
		return EXIT_NOT_FOUND;
	case -EMFILE:
	case -ENFILE:
	case -EAGAIN:
	case -ENOMEM:
		return EXIT_OURS;
	default:
		return EXIT_CANNOT_RUN;
	}
}

static int start(struct run *run)
{
	const struct cgkill_spawn_options options = {
		.size = sizeof(options),
		.argv = run->command,
		.flags = CGKILL_SPAWN_SEARCH | CGKILL_SPAWN_IGNORED,
		.prepare = run->limits.unit ? limits_take_on : NULL,
		.arg = &run->limits,
	};
	int r = cgkill_spawn(run->cg, &options, &run->pid, &run->pidfd);

	if (r == 0)
		return 0;
	if (r == -ECANCELED) /* limits_take_on() */
		return EXIT_OURS;
	complain("%s: %s.", run->command[0], strerror(-r));
	return code_of(r);
}

/* ---- what it took ---- */

/* The one that the kernel has killed for, if it was asked for: "MemoryMax=64M". */
static const char *memory_limit(const struct options *o)
{
	const char *found = NULL;

	for (char **p = o->properties; p && *p; p++)
		if (after_prefix(*p, "MemoryMax=") || after_prefix(*p, "MemorySwapMax=") ||
		    after_prefix(*p, "MemoryLimit="))
			found = *p;
	return found;
}

static void tell_out_of_memory(const struct run *run)
{
	const char *limit = memory_limit(run->options);
	uint64_t kills;

	if (cgfile_key(cgkill_fd(run->cg), "memory.events", "oom_kill", &kills) < 0 || kills == 0)
		return;
	complain("%s: %skilled: out of memory%s%s%s.", run->command[0],
		 run->status == 128 + SIGKILL ? "" : "a process of it was ", limit ? " (" : "",
		 limit ? limit : "", limit ? ")" : "");
}

/* As systemd-run --wait tells it; what this kernel, or this cgroup, does not count is left out. */
static void tell_usage(const struct run *run)
{
	char span[SPAN_MAX], bytes[BYTES_MAX];
	uint64_t n;

	complain("Exit status: %d", run->status);
	complain("Runtime: %s", format_span_short(usec_sub(clock_now(), run->started_at), span));
	if (cgfile_key(cgkill_fd(run->cg), "cpu.stat", "usage_usec", &n) == 0)
		complain("CPU time: %s", format_span_short(n, span));
	if (cgfile_number(cgkill_fd(run->cg), "memory.peak", &n) == 0)
		complain("Memory peak: %s", format_bytes(n, bytes));
}

static int attended(struct run *run)
{
	int r = start(run);

	if (r > 0)
		return r;
	run->started_at = clock_now();
	run->ends_at = usec_add(run->started_at, run->options->runtime_max);
	run->kill_at = USEC_INFINITY;
	r = attend(run);
	cgkill_stop_end(run->stop);
	tell_out_of_memory(run);
	if (run->options->verbose)
		tell_usage(run);
	if (r == 0)
		return run->status;
	complain("%s has left processes that cannot be ended:", run->command[0]);
	(void)!cgkill_explain(run->cg, SURVIVORS_MAX, NULL, tell_survivor, NULL);
	return EXIT_OURS;
}

/* In its cgroup, which is there. */
static int run_command(struct run *run)
{
	int code = EXIT_OURS;

	run->signal_fd = catch_signals();
	run->warden = warden_start(run->cg);
	if (run->warden < 0)
		complain("No process can be started: %s.", strerror(-run->warden));
	else
		code = attended(run);
	close_fd(run->signal_fd);
	close_fd(run->pidfd);
	return code;
}

int verb_run(struct ctl *ctl, char **args)
{
	struct run run = {
		.options = &ctl->options, .command = args + 1, .pidfd = -1, .signal_fd = -1, .warden = -1
	};
	int r = limits_read(ctl->options.properties, &run.limits), code = EXIT_OURS;

	if (r < 0)
		return r == -EINVAL ? CGKILL_EXIT_USAGE : EXIT_OURS;
	if (make_cgroup(&run) == 0)
		code = run_command(&run);
	/* What we could not do the warden may: it has its own descriptors, and goes on when we have ended. */
	if (run.cg && cgkill_remove(run.cg) == 0)
		warden_dismiss(run.warden);
	cgkill_close(run.cg);
	limits_deinit(&run.limits);
	return code;
}
