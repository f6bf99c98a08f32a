/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/signals.h"

#include <errno.h>

#include "daemon/ledger.h"
#include "daemon/manager.h"
#include "daemon/process.h"
#include "sys/explain.h"
#include "sys/sweep.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/parse.h"

/*
 * How much earlier than the others the main process gets the stop signal. Most daemons are gone by then, and their cgroup
 * is empty; and one that has helpers is told before them, not by their death (finit #124: avahi).
 */
#define LEADER_FIRST USEC_PER_MSEC

/* How many names of processes a record carries. */
#define NAMES_MAX 8

/* Each name once. Comma and space separate them; a comm may hold either. */
static char *join_names(const struct process_name *names, ssize_t n)
{
	struct buf b = BUF_INIT;

	for (ssize_t i = 0; i < n; i++) {
		ssize_t first = 0;

		while (!streq(names[first].comm, names[i].comm))
			first++;
		if (first < i)
			continue;
		buf_puts(&b, i > 0 ? ", " : "");
		for (const char *c = names[i].comm; *c; c++)
			buf_putc(&b, (char)(*c == ',' || *c == ' ' ? '_' : *c));
	}
	return buf_take(&b);
}

char *signals_names(const struct supervised *sv, size_t *total)
{
	struct process_name names[NAMES_MAX];
	ssize_t n = name_members(&sv->cgroups.unit, names, NAMES_MAX, total);

	return n > 0 ? join_names(names, n) : NULL;
}

/* The program as its unit names it: what the process calls itself would cost a look into /proc. */
static char *name_of(const struct supervised *sv, const struct process *p)
{
	const struct exec_commands *list = &sv->unit->exec[p->phase];
	const char *path = p->index < list->n ? list->v[p->index].path : NULL;
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *name = path ? strdup(slash ? slash + 1 : path) : NULL;

	for (char *c = name; c && *c; c++)
		if (*c == ',' || *c == ' ')
			*c = '_';
	return name;
}

/* After a signal that a process is to act on SIGCONT follows, so that a stopped one can. */
static bool wants_sigcont(int sig)
{
	return sig != SIGKILL && sig != SIGCONT && sig != SIGSTOP;
}

static int signal_process(const struct process *p, int sig, bool sighup)
{
	int r = pidfd_signal(p->pidfd, sig);

	if (r == 0 && wants_sigcont(sig))
		(void)!pidfd_signal(p->pidfd, SIGCONT);
	if (r == 0 && sighup)
		(void)!pidfd_signal(p->pidfd, SIGHUP);
	return r;
}

void signals_note_kill(struct supervised *sv)
{
	if (sv->main)
		sv->main->killed = true;
	if (sv->control)
		sv->control->killed = true;
}

static ssize_t signal_all(struct supervised *sv, int sig, bool sighup, bool thaw_first)
{
	struct sweep s = { .signal = sig,
			   .then_sigcont = wants_sigcont(sig),
			   .thaw = thaw_first,
			   .then_sighup = sighup,
			   .except = sv->main ? sv->main->pid : 0 };
	int r;

	r = sweep_run(&s, &sv->cgroups.unit);
	if (r < 0)
		return r;
	if (s.error < 0)
		log_warning("%s: not every process could be signalled: %s", supervised_name(sv),
			    strerror(-s.error));
	return (ssize_t)s.signalled;
}

int signals_guard(struct supervised *sv)
{
	const char *who = "it";
	int r = manager_guard(sv->manager, sv->cgroups.unit.path, NULL, &who);

	if (r < 0)
		log_error("%s: refusing to signal or kill %s: it holds %s", supervised_name(sv),
			  sv->cgroups.unit.path, who);
	return r;
}

/*
 * Our own child cannot be anybody else, but somebody may have moved it: what has left the cgroup is not the service's to
 * signal. Where it was born is asked about cheaply; it may also have gone down into a cgroup of its own.
 */
static bool is_member(const struct supervised *sv, const struct process *p)
{
	const struct cg born = { .fd = sv->cgroups.unit.fd,
				 .id = p->cgroup_id,
				 .path = sv->cgroups.unit.path };
	int r = pidfd_in_cgroup(p->pidfd, p->pid, &born, VERIFY_GET_INFO);

	if (r != 1)
		r = pidfd_in_subtree(p->pidfd, p->pid, &sv->cgroups.unit);
	if (r == 1 || (r < 0 && !p->adopted)) /* who was taken over is only believed to be ours */
		return true;
	log_warning("%s: process %d has left its cgroup: not signalled", supervised_name(sv), p->pid);
	return false;
}

static int thaw_one(const struct cg *cg, void *arg)
{
	(void)arg;
	(void)!cg_freeze(cg, false); /* no cgroup.freeze there (a kernel before 5.2): nothing can be frozen */
	return 0;
}

void signals_thaw(struct supervised *sv)
{
	(void)!cg_walk(&sv->cgroups.unit, thaw_one, NULL);
}

void signals_send(struct supervised *sv, const struct action *a)
{
	struct process *p = a->whom == WHOM_MAIN      ? sv->main
			    : a->whom == WHOM_CONTROL ? sv->control
						      : NULL;
	struct trail_event e = { .kind = a->signal == SIGKILL ? TRAIL_KILL : TRAIL_SIGNAL,
				 .signal = { a->signal, a->whom, 0 } };
	cleanup_free char *name = NULL;
	ssize_t n = 0;

	if (!cg_is_open(&sv->cgroups.unit) || signals_guard(sv) < 0)
		return;
	if (a->signal == SIGKILL)
		signals_note_kill(sv);
	/* Where all are signalled the sweep thaws as it goes. */
	if (p && sv->unit->kill_mode != KILL_CONTROL_GROUP && a->signal != SIGKILL)
		signals_thaw(sv);
	if (p && is_member(sv, p)) {
		name = name_of(sv, p);
		e.names = name;
		n = signal_process(p, a->signal, a->sighup) == 0;
	} else if (!p && a->whom == WHOM_ALL) {
		n = signal_all(sv, a->signal, a->sighup, a->signal != SIGKILL);
	}
	if (n < 0)
		log_error("%s: cannot signal its processes: %s", supervised_name(sv),
			  strerror((int)-n));
	if (n <= 0)
		return;
	e.signal.count = (unsigned)n;
	supervised_tell(sv, &e);
	supervised_recheck(sv);
}

struct rest {
	struct supervised *service;
	struct timer timer;
	struct action action;
};

void signals_drop_rest(struct supervised *sv)
{
	struct rest *r = TAKE_PTR(sv->rest);

	if (!r)
		return;
	timer_clear(&r->timer);
	free(r);
}

static void send_rest(struct supervised *sv, const struct action *a)
{
	if (sv->machine.populated)
		signals_send(sv, a);
	ledger_signals_sent(sv);
}

void signals_send_rest(struct supervised *sv)
{
	struct action a;

	if (!sv->rest)
		return;
	a = sv->rest->action;
	signals_drop_rest(sv);
	send_rest(sv, &a);
}

static void on_rest(struct timer *t, usec_t now)
{
	struct supervised *sv = container_of(t, struct rest, timer)->service;

	(void)now;
	if (!sv->main || !process_has_ended(sv->main)) /* else on_process_exit() is about to look */
		signals_send_rest(sv);
}

void signals_put_off(struct supervised *sv, const struct action *a)
{
	struct rest *r = malloc(sizeof(*r));

	signals_drop_rest(sv);
	if (!r) {
		send_rest(sv, a);
		return;
	}
	*r = (struct rest){ .service = sv, .action = *a };
	sv->rest = r;
	if (timer_set(sv->manager->loop, &r->timer, usec_add(clock_now(), LEADER_FIRST), on_rest) < 0)
		signals_send_rest(sv);
}

ssize_t supervised_signal(struct supervised *sv, enum whom whom, int sig, const struct peer *by)
{
	ssize_t n = 0;

	if (!cg_is_open(&sv->cgroups.unit))
		return -ESRCH;
	if (signals_guard(sv) < 0)
		return -EPERM;
	log_info("%s: signal %s asked for by uid %u pid %d (%s)", supervised_name(sv),
		 signal_name(sig), by->uid, by->pid, by->comm);
	if (sig == SIGKILL)
		signals_note_kill(sv);
	if (whom != WHOM_CONTROL && sv->main && is_member(sv, sv->main))
		n += signal_process(sv->main, sig, false) == 0;
	if (whom == WHOM_CONTROL && sv->control && is_member(sv, sv->control))
		n += signal_process(sv->control, sig, false) == 0;
	if (whom == WHOM_ALL) {
		ssize_t rest;

		/* The sweep counts, and can lose against a fork bomb; an error of the kill leaves it at that. */
		rest = signal_all(sv, sig, false, false);
		if (sig == SIGKILL)
			(void)!cg_kill_write(&sv->cgroups.unit);
		if (rest < 0)
			return rest;
		n += rest;
	}
	if (n > 0)
		supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_SIGNAL,
							   .signal = { sig, whom, (unsigned)n } });
	return n > 0 ? n : -ESRCH;
}
