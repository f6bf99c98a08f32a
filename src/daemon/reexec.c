/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/reexec.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

#include "core/record.h"
#include "daemon/boot.h"
#include "daemon/child.h"
#include "daemon/fdstore.h"
#include "daemon/guard.h"
#include "daemon/inherit.h"
#include "daemon/killer.h"
#include "daemon/ledger.h"
#include "daemon/namespaces.h"
#include "daemon/notify.h"
#include "daemon/ownlimits.h"
#include "daemon/processes.h"
#include "daemon/removals.h"
#include "daemon/scheduler.h"
#include "daemon/sockets.h"
#include "daemon/supervisor.h"
#include "sys/pidfd.h"
#include "util/log.h"

#define TRIAL_MAX  (10 * USEC_PER_SEC)
/* A command whose leftovers are being killed, and a signal that is a millisecond away, are known only to us: they are waited for. */
#define QUIET_MAX  USEC_PER_SEC
#define QUIET_LOOK USEC_PER_MSEC
#define LAST_WORDS (100 * USEC_PER_MSEC)

struct reexec {
	struct manager *manager;
	struct call *call; /* NULL: nobody waits */
	int pidfd;	   /* of the trial */
	struct io_source io;
	struct timer timer; /* the trial's limit, then the next look for quiet */
	usec_t quiet_until;
};

/* ---- the trial ---- */

void reexec_cancel(struct manager *m)
{
	struct reexec *x = TAKE_PTR(m->reexec);

	if (!x)
		return;
	io_unwatch(&x->io);
	timer_clear(&x->timer);
	if (x->pidfd >= 0)
		child_dismiss(m->loop, x->pidfd);
	free(x);
}

static void fail(struct manager *m, struct call *c, const char *why)
{
	log_error("not exchanging the program: %s", why);
	if (c)
		call_error(c, "io.cgkill.manager.ReexecFailed", json_pack("{s:s}", "message", why));
	reexec_cancel(m);
}

static void on_client_gone(struct call *c unused, void *arg)
{
	struct reexec *x = arg;

	x->call = NULL; /* it was asked for, and is done */
}

static bool is_quiet(const struct manager *m)
{
	struct supervised *sv;

	list_for_each(&m->services, sv, struct supervised, link)
		if (sv->leftovers || sv->rest)
			return false;
	return true;
}

static bool all_recorded(const struct manager *m)
{
	struct supervised *sv;

	list_for_each(&m->services, sv, struct supervised, link)
		if (!ledger_catch_up(sv))
			return false;
	return true;
}

static void on_look(struct timer *t, usec_t now)
{
	struct reexec *x = container_of(t, struct reexec, timer);
	struct manager *m = x->manager;

	if (!is_quiet(m) && now < x->quiet_until &&
	    timer_set(m->loop, t, usec_add(now, QUIET_LOOK), on_look) == 0)
		return;
	if (!all_recorded(m)) {
		fail(m, x->call, "the state of a service cannot be noted, and would be lost");
		return;
	}
	if (x->call)
		call_reply(x->call, NULL, false);
	reexec_cancel(m);
	m->reexec_due = true;
	loop_quit(m->loop);
}

static void on_too_long(struct timer *t, usec_t now unused)
{
	struct reexec *x = container_of(t, struct reexec, timer);

	fail(x->manager, x->call, "the new program did not pass its trial in time");
}

static void on_trial_end(struct io_source *s, uint32_t events unused)
{
	struct reexec *x = container_of(s, struct reexec, io);
	struct manager *m = x->manager;
	siginfo_t si;

	if (pidfd_reap(x->pidfd, &si) == 0)
		return;
	io_unwatch(&x->io);
	x->pidfd = close_fd(x->pidfd);
	if (si.si_code != CLD_EXITED || si.si_status != 0) {
		fail(m, x->call, "the new program cannot start, or cannot read what this one has noted");
		return;
	}
	x->quiet_until = usec_add(loop_now(m->loop), QUIET_MAX);
	timer_clear(&x->timer);
	on_look(&x->timer, loop_now(m->loop));
}

/* The same command line, so that an option that is no more is found out; and the version of our records. */
static _Noreturn void try_program(const struct manager *m)
{
	size_t n = 0;
	char **argv, can_read[32];

	while (m->argv[n])
		n++;
	argv = calloc(n + 2, sizeof(*argv));
	if (!argv)
		_exit(EXIT_FAILURE);
	snprintf(can_read, sizeof(can_read), "--can-read=%d", RECORD_VERSION);
	argv[0] = m->argv[0];
	argv[1] = can_read; /* in front: what ends the options of --init is a command */
	memcpy(argv + 2, m->argv + 1, (n - 1) * sizeof(*argv));
	execv(m->program, argv);
	_exit(EXIT_FAILURE);
}

static int start_trial(struct manager *m, struct reexec *x)
{
	pid_t pid = child_fork(STDERR_FILENO, &x->pidfd);
	int r;

	if (pid < 0)
		return pid;
	if (pid == 0)
		try_program(m);
	r = timer_set(m->loop, &x->timer, usec_add(clock_now(), TRIAL_MAX), on_too_long);
	return r < 0 ? r : io_watch(m->loop, &x->io, x->pidfd, EPOLLIN, on_trial_end);
}

void reexec_begin(struct manager *m, struct call *c)
{
	struct reexec *x;

	if (m->reexec || m->shutdown) {
		if (c)
			call_error(c, "io.cgkill.manager.ReexecFailed",
				   json_pack("{s:s}", "message",
					     m->reexec ? "another exchange is under way"
						       : "cgkilld is shutting down"));
		return;
	}
	x = calloc(1, sizeof(*x));
	if (x) {
		*x = (struct reexec){ .manager = m, .pidfd = -1 };
		m->reexec = x;
	}
	if (!x || start_trial(m, x) < 0) {
		fail(m, c, "no process or memory for the trial of the new program");
		return;
	}
	x->call = c;
	if (c)
		call_on_cancel(c, on_client_gone, x);
}

/* ---- the exchange ---- */

static int pass_descriptors(struct manager *m)
{
	int r = inherit_pass("listen", server_listen_fd(m->server));
	const struct supervised *sv;

	if (r == 0)
		r = inherit_pass("root-lock", m->root_lock_fd);
	if (r == 0)
		r = inherit_pass("runtime-lock", m->lock_fd);
	if (r == 0)
		r = boot_pass(m->boot);
	if (r == 0)
		r = guard_pass(m->guard);
	list_for_each(&m->services, sv, struct supervised, link) {
		if (r == 0)
			r = notify_pass(sv);
		if (r == 0)
			r = namespaces_pass(sv);
		if (r == 0)
			r = fdstore_pass(sv);
		if (r == 0)
			r = sockets_pass(sv);
	}
	return r < 0 ? r : inherit_write();
}

static void halt_killers(struct manager *m)
{
	struct supervised *sv;

	list_for_each(&m->services, sv, struct supervised, link) {
		killer_halt(sv->killer);
		processes_halt_leftovers(sv);
	}
}

void reexec_now(struct manager *m)
{
	int r;

	m->reexec_due = false;
	if (m->shutdown)
		return;
	log_notice("becoming %s as it is installed now", m->program);
	scheduler_drain(m->scheduler); /* jobs are not recorded */
	server_drain(m->server, usec_add(clock_now(), LAST_WORDS));
	halt_killers(m);
	removals_halt(m->removals);
	r = pass_descriptors(m);
	ownlimits_restore(m);
	if (r == 0) {
		execv(m->program, m->argv);
		r = -errno;
	}
	inherit_take_back();
	ownlimits_raise(m);
	log_error("cannot become %s, going on: %s", m->program, strerror(-r));
}
