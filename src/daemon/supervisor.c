/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include "daemon/killer.h"
#include "daemon/manager.h"
#include "daemon/process.h"
#include "sys/explain.h"
#include "sys/sweep.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strv.h"

/*
 * cgroup.events tells of a change at most once in about 10 ms (kernel/cgroup/cgroup.c, CGROUP_FILE_NOTIFY_MIN_INTV), so
 * right after a change it is looked at a few times on our own account, ever more seldom, and then no more.
 */
#define RECHECK_FIRST	  USEC_PER_MSEC
#define RECHECK_LAST	  (16 * USEC_PER_MSEC)
/* Without a descriptor or memory for the watch it is all that there is: then it goes on, this seldom. */
#define RECHECK_UNWATCHED USEC_PER_SEC

/*
 * How much earlier than the others the main process gets the stop signal. Most daemons are gone by then, and their cgroup
 * is empty; and one that has helpers is told before them, not by their death (finit #124: avahi).
 */
#define LEADER_FIRST USEC_PER_MSEC

/* How many names of processes a record carries. */
#define NAMES_MAX 8

static void feed(struct supervised *sv, const struct event *ev);

const char *supervised_name(const struct supervised *sv)
{
	return sv->unit->name;
}

static void feed_kind(struct supervised *sv, enum event_kind kind)
{
	feed(sv, &(struct event){ .kind = kind, .deadline = USEC_INFINITY });
}

static void tell(struct supervised *sv, const struct trail_event *e)
{
	const struct trail_event *kept = trail_add(&sv->trail, e);

	if (kept)
		manager_tell(sv->manager, supervised_name(sv), kept);
}

/* ---- the cgroup ---- */

static void close_cgroup(struct supervised *sv)
{
	io_unwatch(&sv->events_io);
	sv->events_fd = close_fd(sv->events_fd);
	timer_clear(&sv->recheck);
	timer_clear(&sv->rest);
	cgroups_close(&sv->cgroups);
}

/* Processes that live under its name, be it since an earlier cgkilld: it is not started over them. */
static void find_survivors(struct supervised *sv)
{
	sv->machine.populated = cgroups_find(&sv->cgroups, &sv->manager->root, supervised_name(sv));
}

/* Empty and sealed, so this fails only for who was put into the unit's own cgroup since: then there are survivors. */
static void release_cgroup(struct supervised *sv)
{
	int r;

	close_cgroup(sv);
	r = cgroups_remove(&sv->cgroups, &sv->manager->root, supervised_name(sv));
	if (r < 0)
		log_warning("%s: cannot remove its cgroup: %s", supervised_name(sv), strerror(-r));
	if (r == -EBUSY)
		find_survivors(sv);
}

/* ---- emptiness ---- */

/* An error is no proof of emptiness. */
static bool is_empty(const struct supervised *sv)
{
	struct cg_events ev;

	if (!cg_is_open(&sv->cgroups.unit))
		return true;
	if (sv->events_fd < 0)
		return cg_populated(&sv->cgroups.unit) == 0;
	switch (cg_events_read(sv->events_fd, &ev)) {
	case 0:
		return !ev.populated;
	case -ENODEV:
		return true; /* somebody has removed it, which takes that it was empty */
	default:
		return false;
	}
}

/*
 * Reads the truth, and tells the machine if it is news. While the kill engine is at work it is the
 * one to say so: nothing new may be spawned into its reach.
 */
static void look(struct supervised *sv)
{
	if (!sv->machine.populated || sv->killer || !is_empty(sv) || !cgroups_seal(&sv->cgroups))
		return;
	if (service_state_is_stopping(sv->machine.state))
		tell(sv, &(struct trail_event){ .kind = TRAIL_EMPTY });
	feed_kind(sv, EVENT_EMPTY);
}

static void on_events(struct io_source *s, uint32_t events)
{
	(void)events;
	look(container_of(s, struct supervised, events_io));
}

static void on_recheck(struct timer *t, usec_t now)
{
	struct supervised *sv = container_of(t, struct supervised, recheck);

	sv->recheck_delay = MIN_OF(sv->recheck_delay * 2, RECHECK_UNWATCHED);
	if (sv->recheck_delay <= RECHECK_LAST || !sv->events_io.loop)
		(void)!timer_set(sv->manager->loop, t, usec_add(now, sv->recheck_delay), on_recheck);
	look(sv);
}

static void recheck_soon(struct supervised *sv)
{
	sv->recheck_delay = RECHECK_FIRST;
	(void)!timer_set(sv->manager->loop, &sv->recheck, usec_add(clock_now(), RECHECK_FIRST),
			 on_recheck);
}

/* As long as a process of ours lives, its end is the next time to look. What is stuck may be a zombie that is withheld. */
static bool end_will_tell(const struct supervised *sv)
{
	return (sv->main || sv->control) && sv->machine.state != STATE_STUCK;
}

/* True when the watch is new: what happened before it is not told. */
static bool watch_empty(struct supervised *sv)
{
	bool wanted = service_watches_empty(&sv->machine) && !sv->killer && !end_will_tell(sv) &&
		      cg_is_open(&sv->cgroups.unit);

	if (!wanted) {
		io_unwatch(&sv->events_io);
		sv->events_fd = close_fd(sv->events_fd);
		timer_clear(&sv->recheck);
		return false;
	}
	if (sv->events_fd >= 0)
		return false;
	sv->events_fd = cg_events_open(&sv->cgroups.unit);
	if (sv->events_fd < 0 || io_watch(sv->manager->loop, &sv->events_io, sv->events_fd,
					  EPOLLPRI | EPOLLERR, on_events) < 0)
		log_error("%s: cannot watch its cgroup: out of descriptors or memory",
			  supervised_name(sv));
	recheck_soon(sv);
	return true;
}

/* ---- processes ---- */

static void log_exit(const struct supervised *sv, const char *what, struct exit_info e)
{
	const char *name = e.code == CLD_EXITED ? exit_status_name(e.status) : signal_name(e.status);

	log_at(e.code == CLD_EXITED && e.status == 0 ? LOG_DEBUG_ : LOG_NOTICE_,
	       "%s: %s process exited, code=%s, status=%d/%s", supervised_name(sv), what,
	       exit_code_name(e.code), e.status, name ? name : "n/a");
}

static void drop_leaf_killer(struct supervised *sv)
{
	killer_free(TAKE_PTR(sv->leaf_killer));
	cg_close(&sv->leaf);
}

static void on_leaf_killed(struct killer *k, enum kill_status status)
{
	struct supervised *sv = k->owner;

	if (status == KILL_STUCK)
		log_warning("%s: what an Exec*Pre command left behind does not die",
			    supervised_name(sv));
	drop_leaf_killer(sv);
	feed(sv, &sv->held);
}

/*
 * What ExecCondition= and ExecStartPre= leave behind is killed before the next command runs:
 * systemd.service(5). True when there is something, and the event is held back until it is gone.
 */
static bool clear_leftovers(struct supervised *sv, const struct event *ev)
{
	enum service_state state = sv->machine.state;

	if (state != STATE_CONDITION && state != STATE_START_PRE)
		return false;
	if (cgroups_open_control(&sv->cgroups, &sv->leaf) < 0)
		return false;
	if (cg_populated(&sv->leaf) == 1) {
		sv->held = *ev;
		sv->leaf_killer = killer_new(sv->manager->loop, &sv->leaf, 0, sv->unit->kill_verify,
					     sv, on_leaf_killed);
	}
	if (sv->leaf_killer)
		cgroups_retire_control(&sv->cgroups); /* killed once: not to be launched into again */
	else
		cg_close(&sv->leaf);
	return sv->leaf_killer;
}

static int spawn_again(struct supervised *sv, struct process *dead);
static void signal_rest(struct supervised *sv);

static void on_process_exit(struct process *p, struct exit_info e)
{
	struct supervised *sv = p->owner;
	struct event ev = { .kind = p->is_main ? EVENT_MAIN_EXIT : EVENT_CONTROL_EXIT,
			    .is_main = p->is_main,
			    .exit = e,
			    .deadline = USEC_INFINITY };

	if (!p->born && !p->killed && e.code == CLD_KILLED && e.status == SIGKILL &&
	    spawn_again(sv, p) == 0)
		return;
	if (p->is_main)
		sv->main = NULL;
	else
		sv->control = NULL;
	if (sv->last[p->phase].pid == p->pid)
		sv->last[p->phase].exit = e;
	tell(sv, &(struct trail_event){ .kind = TRAIL_EXIT, .exit = { p->pid, e, p->is_main } });
	log_exit(sv, p->is_main ? "Main" : "Control", e);
	if (!p->is_main && clear_leftovers(sv, &ev))
		return;
	/* The truth about the cgroup first, so that a stage that nobody is left for is not entered. */
	look(sv);
	if (p->is_main)
		signal_rest(sv);
	feed(sv, &ev);
}

static void on_process_exec(struct process *p)
{
	struct supervised *sv = p->owner;

	if (p->is_main)
		feed(sv, &(struct event){
				 .kind = EVENT_EXECED, .is_main = true, .deadline = USEC_INFINITY });
}

static void on_process_report(struct process *p, uint32_t step, int error)
{
	struct supervised *sv = p->owner;
	const struct exec_commands *list = &sv->unit->exec[p->phase];
	const char *path = p->index < list->n ? list->v[p->index].path
					      : "?"; /* a reload may have taken it away */

	if (step & EXEC_STEP_WARNING)
		log_warning("%s: step %s refused by the host, going on: %s", supervised_name(sv),
			    exec_step_name(step), strerror(error));
	else
		log_error("%s: failed at step %s spawning %s: %s", supervised_name(sv),
			  exec_step_name(step), path, strerror(error));
}

static int start_process(struct supervised *sv, bool is_main, enum exec_phase phase, size_t index)
{
	struct manager *m = sv->manager;
	bool tells_result = phase == EXEC_STOP || phase == EXEC_STOP_POST;
	struct exec_context x = { .unit = sv->unit,
				  .command = &sv->unit->exec[phase].v[index],
				  .log_dir = m->log_dir,
				  .nice = m->nice,
				  .no_file = &m->no_file,
				  .main_pid = !is_main && sv->main ? sv->main->pid : 0,
				  .result = tells_result ? sv->machine.result : RESULT_INVALID,
				  .main_exit = sv->machine.main_exit,
				  .runtime_dir = m->runtime_dir };
	struct process *p = calloc(1, sizeof(*p));
	struct cg leaf = CG_INIT;
	int r = p ? cgroups_open(&sv->cgroups, &m->root, supervised_name(sv)) : -ENOMEM;

	if (r == 0)
		r = is_main ? cgroups_main_leaf(&sv->cgroups, &leaf)
			    : cgroups_control_leaf(&sv->cgroups, &leaf);
	if (r == 0) {
		*p = (struct process){ .is_main = is_main,
				       .phase = phase,
				       .index = index,
				       .owner = sv,
				       .pidfd = -1,
				       .report_fd = -1,
				       .on_report = on_process_report,
				       .on_exec = on_process_exec,
				       .on_exit = on_process_exit };
		r = process_start(p, m->loop, &leaf, &m->spawn_method, &x);
	}
	cg_close(&leaf);
	if (r < 0) {
		free(p);
		return r;
	}
	process_abandon(is_main ? sv->main : sv->control);
	*(is_main ? &sv->main : &sv->control) = p;
	sv->last[phase] = (struct last_command){ .pid = p->pid };
	tell(sv, &(struct trail_event){ .kind = TRAIL_SPAWN, .spawn = { p->pid, phase } });
	return 0;
}

/*
 * Killed by the kernel at birth: somebody has used cgroup.kill on a cgroup on the way since the probe at our start. From
 * now on children join their cgroup by themselves, and this one gets another try.
 */
static int spawn_again(struct supervised *sv, struct process *dead)
{
	struct manager *m = sv->manager;
	bool is_main = dead->is_main;

	if (m->spawn_method != SPAWN_CLONE3 || dead->index >= sv->unit->exec[dead->phase].n)
		return -EALREADY;
	m->spawn_method = SPAWN_ATTACH;
	log_notice("clone3 into a cgroup is poisoned by an earlier cgroup.kill: starting services "
		   "by fork and cgroup.procs from now on");
	*(is_main ? &sv->main : &sv->control) = NULL;
	return start_process(sv, is_main, dead->phase, dead->index);
}

/* ---- actions ---- */

static void queue(struct supervised *sv, const struct event *ev)
{
	assert(sv->queued < ARRAY_SIZE(sv->queue));
	sv->queue[sv->queued++] = *ev;
}

static void do_spawn(struct supervised *sv, const struct action *a)
{
	int r = start_process(sv, a->is_main, a->phase, a->index);
	struct event ev = { .kind = EVENT_SPAWNED, .is_main = a->is_main, .deadline = USEC_INFINITY };

	if (r < 0) {
		log_error("%s: cannot start %s: %s", supervised_name(sv), exec_phase_name(a->phase),
			  strerror(-r));
		ev.kind = EVENT_SPAWN_FAILED;
		if (is_empty(sv)) /* the machine has counted on a process */
			queue(sv, &(struct event){ .kind = EVENT_EMPTY, .deadline = USEC_INFINITY });
	}
	if (r < 0 || a->is_main)
		queue(sv, &ev);
}

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

static char *names_of_all(const struct supervised *sv, size_t *total)
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

/* Who dies of our own SIGKILL before it has run was not killed at birth by the kernel: no second try, see spawn_again(). */
static void note_kill(struct supervised *sv)
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

static int check_guard(struct supervised *sv)
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

	if (pidfd_in_cgroup(p->pidfd, p->pid, &born, VERIFY_GET_INFO) == 1 ||
	    pidfd_in_subtree(p->pidfd, p->pid, &sv->cgroups.unit) != 0)
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

/* What is frozen can act neither on ExecStop= nor on a signal; a kill needs no thaw. */
static void thaw(struct supervised *sv)
{
	(void)!cg_walk(&sv->cgroups.unit, thaw_one, NULL);
}

static void do_signal(struct supervised *sv, const struct action *a)
{
	struct process *p = a->whom == WHOM_MAIN      ? sv->main
			    : a->whom == WHOM_CONTROL ? sv->control
						      : NULL;
	struct trail_event e = { .kind = a->signal == SIGKILL ? TRAIL_KILL : TRAIL_SIGNAL,
				 .signal = { a->signal, a->whom, 0 } };
	ssize_t n = 0;

	if (!cg_is_open(&sv->cgroups.unit) || check_guard(sv) < 0)
		return;
	if (a->signal == SIGKILL)
		note_kill(sv);
	/* Where all are signalled the sweep thaws as it goes. */
	if (p && sv->unit->kill_mode != KILL_CONTROL_GROUP && a->signal != SIGKILL)
		thaw(sv);
	if (p && is_member(sv, p)) {
		e.names = name_of(sv, p);
		n = signal_process(p, a->signal, a->sighup) == 0;
	} else if (!p && a->whom == WHOM_ALL) {
		n = signal_all(sv, a->signal, a->sighup, a->signal != SIGKILL);
	}
	if (n < 0)
		log_error("%s: cannot signal its processes: %s", supervised_name(sv),
			  strerror((int)-n));
	if (n <= 0) {
		free(e.names);
		return;
	}
	e.signal.count = (unsigned)n;
	tell(sv, &e);
	if (sv->events_fd >= 0)
		recheck_soon(sv);
}

/* The main process has had its signal: now the others, if there are any. */
static void signal_rest(struct supervised *sv)
{
	struct action a = sv->rest_action;

	timer_clear(&sv->rest);
	sv->rest_action.kind = ACTION_INVALID;
	if (a.kind != ACTION_INVALID && sv->machine.populated)
		do_signal(sv, &a);
}

static void on_rest(struct timer *t, usec_t now)
{
	struct supervised *sv = container_of(t, struct supervised, rest);

	(void)now;
	if (!sv->main || !process_has_ended(sv->main)) /* else on_process_exit() is about to look */
		signal_rest(sv);
}

static void put_off(struct supervised *sv, const struct action *a)
{
	sv->rest_action = *a;
	if (timer_set(sv->manager->loop, &sv->rest, usec_add(clock_now(), LEADER_FIRST), on_rest) < 0)
		signal_rest(sv);
}

static void on_killed(struct killer *k, enum kill_status status);

static bool start_killer(struct supervised *sv, size_t members, usec_t give_up_after)
{
	sv->killer = killer_new(sv->manager->loop, &sv->cgroups.unit, members, give_up_after, sv,
				on_killed);
	if (!sv->killer)
		log_error("%s: cannot kill its cgroup: %s", supervised_name(sv), strerror(errno));
	return sv->killer;
}

static void on_killed(struct killer *k, enum kill_status status)
{
	struct supervised *sv = k->owner;
	usec_t left = usec_sub(k->give_up_at, clock_now());

	if (k->op.error < 0)
		log_warning("%s: cgroup.kill: %s", supervised_name(sv), strerror(-k->op.error));
	killer_free(TAKE_PTR(sv->killer));
	if (status == KILL_EMPTY && !cgroups_seal(&sv->cgroups)) {
		/* Somebody has joined after the kill: the next one is theirs, in what is left of the time. */
		if (left > 0 && start_killer(sv, 0, left))
			return;
		status = KILL_STUCK;
	}
	if (status == KILL_EMPTY)
		tell(sv, &(struct trail_event){ .kind = TRAIL_EMPTY });
	feed_kind(sv, status == KILL_EMPTY ? EVENT_EMPTY : EVENT_STUCK);
}

static void do_kill(struct supervised *sv)
{
	struct trail_event e = { .kind = TRAIL_KILL, .signal = { SIGKILL, WHOM_ALL, 0 } };
	size_t total = 0;

	if (sv->killer)
		return;
	if (!cg_is_open(&sv->cgroups.unit) || check_guard(sv) < 0) {
		queue(sv, &(struct event){ .kind = EVENT_STUCK, .deadline = USEC_INFINITY });
		return;
	}
	e.names = names_of_all(sv, &total);
	e.signal.count = (unsigned)total;
	cgroups_retire_control(&sv->cgroups); /* not to be launched into again */
	note_kill(sv);
	tell(sv, &e);
	if (!start_killer(sv, total, sv->unit->kill_verify))
		queue(sv, &(struct event){ .kind = EVENT_STUCK, .deadline = USEC_INFINITY });
}

static void log_state(struct supervised *sv, const struct action *a)
{
	const char *name = supervised_name(sv);
	const char *text = sv->unit->description ? sv->unit->description : name;
	bool was_starting = service_state_is_starting(a->from);

	if (service_state_is_starting(a->to) && !was_starting)
		log_info("%s: starting %s", name, text);
	else if (a->to == STATE_RUNNING && was_starting)
		log_info("%s: started %s", name, text);
	else if (service_state_is_stopping(a->to) && !service_state_is_stopping(a->from))
		log_info("%s: stopping %s", name, text);
	else if (a->to == STATE_DEAD && service_state_is_stopping(a->from))
		log_info("%s: stopped %s", name, text);
	if (a->from == STATE_STUCK && (a->to == STATE_STOP_SIGKILL || a->to == STATE_FINAL_SIGKILL))
		log_info("%s: trying again to kill what is stuck", name);
	else if (a->to == STATE_STOP_SIGKILL || a->to == STATE_FINAL_SIGKILL)
		log_warning("%s: state '%s' is over with processes alive: killing", name,
			    service_state_name(a->from));
	if (a->to == STATE_STUCK)
		log_error("%s: processes outlive SIGKILL: stuck", name);
	if (a->to == STATE_FAILED || a->to == STATE_AUTO_RESTART)
		log_warning("%s: %s with result '%s'", name,
			    a->to == STATE_FAILED ? "failed" : "ended, to be restarted,",
			    service_result_name(a->result));
}

static void do_state(struct supervised *sv, const struct action *a)
{
	bool over = service_state_is_ended(a->to) || a->to == STATE_AUTO_RESTART;

	timer_clear(&sv->rest);
	sv->rest_action.kind = ACTION_INVALID;
	sv->real_since = clock_realtime();
	if (a->to == STATE_STUCK)
		sv->stuck_since = clock_now();
	if (a->to == STATE_STOP && cg_is_open(&sv->cgroups.unit))
		thaw(sv);
	if (over && sv->machine.populated)
		(void)!cg_remove(&sv->manager->root, supervised_name(sv)); /* the empty ones of its leaves */
	if (over) {
		drop_leaf_killer(sv); /* its event was for the run that is over */
		sv->escaped = !sv->machine.populated && sv->main && !process_is_zombie(sv->main->pid);
		process_abandon(TAKE_PTR(sv->main));
		process_abandon(TAKE_PTR(sv->control));
	}
	log_state(sv, a);
	tell(sv, &(struct trail_event){ .kind = TRAIL_STATE, .state = a->to });
	manager_note_state(sv->manager, a->from, a->to);
}

static void do_answer(struct supervised *sv, const struct action *a)
{
	static const char *const names[REQUEST_MAX] = {
		[REQUEST_START] = "start", [REQUEST_STOP] = "stop", [REQUEST_RELOAD] = "reload"
	};
	struct list asked = LIST_INIT(asked);
	enum answer given = a->answer;
	struct list *node;
	struct waiter *w;

	list_for_each(&sv->waiters, w, struct waiter, link)
		if (w->request == a->request) {
			list_remove(&w->link);
			list_append(&asked, &w->link);
		}
	if (list_empty(&asked))
		return;
	/* What came up since the machine has answered: a late joiner, a main process that was moved away. */
	if (given == ANSWER_DONE && a->request == REQUEST_STOP && (sv->machine.populated || sv->escaped))
		given = ANSWER_SURVIVORS;
	tell(sv, &(struct trail_event){
			 .kind = TRAIL_JOB,
			 .job = { .what = names[a->request], .result = answer_name(given) } });
	while ((node = list_pop(&asked))) {
		w = container_of(node, struct waiter, link);
		w->fn(w, given);
	}
}

static void perform(struct supervised *sv, const struct action *a)
{
	switch (a->kind) {
	case ACTION_SPAWN:
		do_spawn(sv, a);
		break;
	case ACTION_SIGNAL:
		if (a->whom == WHOM_ALL && a->signal != SIGKILL && sv->main)
			put_off(sv, a);
		else
			do_signal(sv, a);
		break;
	case ACTION_KILL:
		do_kill(sv);
		break;
	case ACTION_STATE:
		do_state(sv, a);
		break;
	case ACTION_DONE:
		do_answer(sv, a);
		break;
	case ACTION_RELEASE:
		release_cgroup(sv);
		break;
	case ACTION_INVALID:
		break;
	}
}

static void on_timer(struct timer *t, usec_t now)
{
	(void)now;
	feed_kind(container_of(t, struct supervised, timer), EVENT_TIMER);
}

/* What the new state waits for. */
static void settle(struct supervised *sv)
{
	usec_t at = service_next_timer(&sv->machine);

	if (at == USEC_INFINITY)
		timer_clear(&sv->timer);
	else if (timer_set(sv->manager->loop, &sv->timer, at, on_timer) < 0)
		log_error("%s: no memory for its timer", supervised_name(sv));
	if (watch_empty(sv))
		look(sv);
}

static void feed(struct supervised *sv, const struct event *ev)
{
	struct actions actions;

	queue(sv, ev);
	if (sv->stepping)
		return;
	sv->stepping = true;
	while (sv->queued > 0) {
		struct event next = sv->queue[0];

		memmove(sv->queue, sv->queue + 1, --sv->queued * sizeof(sv->queue[0]));
		service_step(&sv->machine, &next, clock_now(), &actions);
		for (unsigned i = 0; i < actions.n; i++)
			perform(sv, &actions.v[i]);
	}
	sv->stepping = false;
	settle(sv);
}

/* ---- requests ---- */

static const struct {
	enum request request;
	const char *name;
} requests[EVENT_MAX] = {
	[EVENT_START] = { REQUEST_START, "start" },
	[EVENT_STOP] = { REQUEST_STOP, "stop" },
	[EVENT_RESTART] = { REQUEST_START, "restart" },
	[EVENT_RELOAD] = { REQUEST_RELOAD, "reload" },
	[EVENT_RESET_FAILED] = { REQUEST_INVALID, "reset-failed" },
};

void supervised_request(struct supervised *sv, enum event_kind kind, usec_t deadline,
			const struct peer *by, struct waiter *w)
{
	struct trail_event e = { .kind = TRAIL_JOB,
				 .job = { .what = requests[kind].name, .result = "requested" } };

	if (by) {
		e.job.by_peer = true;
		e.job.uid = by->uid;
		e.job.pid = by->pid;
		e.names = strdup(by->comm);
		log_info("%s: %s asked for by uid %u pid %d (%s)", supervised_name(sv), e.job.what,
			 by->uid, by->pid, by->comm);
	}
	tell(sv, &e);
	sv->escaped = false;
	if (!sv->main && !sv->control)
		look(sv); /* a request is judged by what lives now */
	if (w) {
		w->request = requests[kind].request;
		list_append(&sv->waiters, &w->link);
	}
	feed(sv, &(struct event){ .kind = kind, .deadline = deadline });
}

ssize_t supervised_signal(struct supervised *sv, enum whom whom, int sig, const struct peer *by)
{
	ssize_t n = 0;

	if (!cg_is_open(&sv->cgroups.unit))
		return -ESRCH;
	if (check_guard(sv) < 0)
		return -EPERM;
	log_info("%s: signal %s asked for by uid %u pid %d (%s)", supervised_name(sv),
		 signal_name(sig), by->uid, by->pid, by->comm);
	if (sig == SIGKILL)
		note_kill(sv);
	if (whom != WHOM_CONTROL && sv->main && is_member(sv, sv->main))
		n += signal_process(sv->main, sig, false) == 0;
	if (whom == WHOM_CONTROL && sv->control && is_member(sv, sv->control))
		n += signal_process(sv->control, sig, false) == 0;
	if (whom == WHOM_ALL) {
		/* A sweep alone can lose against a fork bomb; an error here leaves it to the sweep. */
		int r = sig == SIGKILL ? cg_kill_write(&sv->cgroups.unit) : 0;
		ssize_t rest = signal_all(sv, sig, false, false);

		if (r == 0 && sig == SIGKILL)
			cgroups_retire_control(&sv->cgroups);

		if (rest < 0)
			return rest;
		n += rest;
	}
	if (n > 0)
		tell(sv, &(struct trail_event){ .kind = TRAIL_SIGNAL,
						.signal = { sig, whom, (unsigned)n } });
	return n > 0 ? n : -ESRCH;
}

/* ---- life of the record ---- */

struct supervised *supervised_new(struct manager *m, const char *name)
{
	struct supervised *sv = calloc(1, sizeof(*sv));

	if (!sv)
		return NULL;
	sv->unit = unit_new(name);
	if (!sv->unit) {
		free(sv);
		return NULL;
	}
	sv->manager = m;
	sv->load_state = LOAD_NOT_FOUND;
	sv->cgroups = (struct cgroups)CGROUPS_INIT;
	sv->leaf = (struct cg)CG_INIT;
	sv->events_fd = -1;
	list_init(&sv->link);
	list_init(&sv->waiters);
	service_init(&sv->machine, sv->unit, clock_now());
	find_survivors(sv);
	settle(sv);
	return sv;
}

void supervised_free(struct supervised *sv)
{
	if (!sv)
		return;
	list_remove(&sv->link);
	killer_free(sv->killer);
	drop_leaf_killer(sv);
	close_cgroup(sv);
	timer_clear(&sv->timer);
	process_free(sv->main);
	process_free(sv->control);
	trail_deinit(&sv->trail);
	strv_free(sv->warnings);
	free(sv->load_error);
	free(sv->alias_of);
	unit_free(sv->unit);
	free(sv);
}
