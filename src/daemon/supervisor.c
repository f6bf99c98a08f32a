/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include "daemon/deathwatch.h"
#include "daemon/escape.h"
#include "daemon/guard.h"
#include "daemon/killer.h"
#include "daemon/ledger.h"
#include "daemon/manager.h"
#include "daemon/process.h"
#include "daemon/recorder.h"
#include "daemon/signals.h"
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

static void feed(struct supervised *sv, const struct event *ev);

const char *supervised_name(const struct supervised *sv)
{
	return sv->unit->name;
}

static void feed_kind(struct supervised *sv, enum event_kind kind)
{
	feed(sv, &(struct event){ .kind = kind, .deadline = USEC_INFINITY });
}

void supervised_tell(struct supervised *sv, const struct trail_event *e)
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
	if (r != -EBUSY)
		return;
	find_survivors(sv);
	if (sv->machine.populated)
		ledger_write(sv); /* the record in it is of before the end */
	else
		(void)!cgroups_remove(&sv->cgroups, &sv->manager->root, supervised_name(sv));
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
void supervised_look(struct supervised *sv)
{
	if (!sv->machine.populated || sv->killer || !is_empty(sv) || !cgroups_seal(&sv->cgroups) ||
	    escape_holds(sv))
		return;
	if (service_state_is_stopping(sv->machine.state))
		supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_EMPTY });
	feed_kind(sv, EVENT_EMPTY);
}

static void on_events(struct io_source *s, uint32_t events)
{
	(void)events;
	supervised_look(container_of(s, struct supervised, events_io));
}

static void on_recheck(struct timer *t, usec_t now)
{
	struct supervised *sv = container_of(t, struct supervised, recheck);

	sv->recheck_delay = MIN_OF(sv->recheck_delay * 2, RECHECK_UNWATCHED);
	if (sv->recheck_delay <= RECHECK_LAST || !sv->events_io.loop)
		(void)!timer_set(sv->manager->loop, t, usec_add(now, sv->recheck_delay), on_recheck);
	supervised_look(sv);
}

static void recheck_soon(struct supervised *sv)
{
	sv->recheck_delay = RECHECK_FIRST;
	(void)!timer_set(sv->manager->loop, &sv->recheck, usec_add(clock_now(), RECHECK_FIRST),
			 on_recheck);
}

void supervised_recheck(struct supervised *sv)
{
	if (sv->events_fd >= 0)
		recheck_soon(sv);
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
		sv->leaf_killer = killer_new(sv->manager->loop, &sv->leaf, 0, -1,
					     sv->unit->kill_verify, sv, on_leaf_killed);
	}
	if (!sv->leaf_killer)
		cg_close(&sv->leaf);
	return sv->leaf_killer;
}

static int spawn_again(struct supervised *sv, struct process *dead);

static void on_process_exit(struct process *p, struct exit_info e)
{
	struct supervised *sv = p->owner;
	struct event ev = { .kind = p->is_main ? EVENT_MAIN_EXIT : EVENT_CONTROL_EXIT,
			    .is_main = p->is_main,
			    .deadline = USEC_INFINITY };

	if (e.code == EXIT_UNKNOWN)
		(void)guard_exit_of(sv->manager->guard, &(struct process_id){ p->pid, p->identity }, &e);
	if (e.code == EXIT_UNKNOWN)
		(void)deathwatch_told(&sv->manager->deathwatch, p->pid, &e);
	ev.exit = e;
	if (!p->born && !p->killed && e.code == CLD_KILLED && e.status == SIGKILL &&
	    spawn_again(sv, p) == 0)
		return;
	if (p->is_main)
		sv->main = NULL;
	else
		sv->control = NULL;
	if (sv->last[p->phase].pid == p->pid)
		sv->last[p->phase].exit = e;
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_EXIT,
						   .exit = { p->pid, e, p->is_main } });
	log_exit(sv, p->is_main ? "Main" : "Control", e);
	if (!p->is_main && clear_leftovers(sv, &ev))
		return;
	/* The truth about the cgroup first, so that a stage that nobody is left for is not entered. */
	supervised_look(sv);
	if (p->is_main)
		signals_send_rest(sv);
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

static void set_callbacks(struct supervised *sv, struct process *p)
{
	p->owner = sv;
	p->guarded = sv->manager->guard;
	p->on_report = on_process_report;
	p->on_exec = on_process_exec;
	p->on_exit = on_process_exit;
}

static int start_process(struct supervised *sv, bool is_main, enum exec_phase phase, size_t index)
{
	struct manager *m = sv->manager;
	const struct exec_commands *list = &sv->unit->exec[phase];
	bool tells_result = phase == EXEC_STOP || phase == EXEC_STOP_POST;
	struct exec_context x = { .unit = sv->unit,
				  .command = index < list->n ? &list->v[index] : NULL,
				  .log_dir = m->log_dir,
				  .nice = m->nice,
				  .no_file = &m->no_file,
				  .main_pid = !is_main && sv->main ? sv->main->pid : 0,
				  .result = tells_result ? sv->machine.result : RESULT_INVALID,
				  .main_exit = sv->machine.main_exit,
				  .is_main = is_main,
				  .spawn = is_main ? sv->main_spawn : sv->control_spawn,
				  .runtime_dir = m->runtime_dir };
	struct process *p = x.command ? calloc(1, sizeof(*p)) : NULL;
	struct cg leaf = CG_INIT;
	int r = p	    ? cgroups_open(&sv->cgroups, &m->root, supervised_name(sv))
		: x.command ? -ENOMEM
			    : -ENOENT; /* its unit was changed while nobody looked */

	if (r == 0)
		r = is_main ? cgroups_main_leaf(&sv->cgroups, &leaf)
			    : cgroups_control_leaf(&sv->cgroups, &leaf);
	if (r == 0) {
		*p = (struct process){
			.is_main = is_main, .phase = phase, .index = index, .pidfd = -1, .report_fd = -1
		};
		set_callbacks(sv, p);
		x.unit_fd = sv->cgroups.unit.fd;
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
	escape_follow(sv, p);
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_SPAWN, .spawn = { p->pid, phase } });
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

static void on_killed(struct killer *k, enum kill_status status);

static bool start_killer(struct supervised *sv, size_t members, usec_t give_up_after)
{
	int member = members == 1 && sv->main ? sv->main->pidfd : -1;

	sv->killer = killer_new(sv->manager->loop, &sv->cgroups.unit, members, member,
				give_up_after, sv, on_killed);
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
	if (status == KILL_EMPTY && escape_holds(sv))
		return;
	if (status == KILL_EMPTY)
		supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_EMPTY });
	feed_kind(sv, status == KILL_EMPTY ? EVENT_EMPTY : EVENT_STUCK);
}

static void do_kill(struct supervised *sv)
{
	struct trail_event e = { .kind = TRAIL_KILL, .signal = { SIGKILL, WHOM_ALL, 0 } };
	size_t total = 0;

	if (sv->killer)
		return;
	if (!cg_is_open(&sv->cgroups.unit) || signals_guard(sv) < 0) {
		queue(sv, &(struct event){ .kind = EVENT_STUCK, .deadline = USEC_INFINITY });
		return;
	}
	e.names = signals_names(sv, &total);
	e.signal.count = (unsigned)total;
	signals_note_kill(sv);
	supervised_tell(sv, &e);
	escape_kill(sv);
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
	bool over = service_state_is_over(a->to);

	timer_clear(&sv->rest);
	sv->rest_action.kind = ACTION_INVALID;
	if (a->to == STATE_STUCK)
		sv->stuck_since = clock_now();
	if (a->to == STATE_STOP && cg_is_open(&sv->cgroups.unit))
		signals_thaw(sv);
	if (over && sv->machine.populated)
		(void)!cg_remove(&sv->manager->root, supervised_name(sv)); /* the empty ones of its leaves */
	if (over) {
		drop_leaf_killer(sv); /* its event was for the run that is over */
		sv->escaped = !sv->machine.populated && sv->main && !process_is_zombie(sv->main->pid);
		process_abandon(TAKE_PTR(sv->main));
		process_abandon(TAKE_PTR(sv->control));
	}
	log_state(sv, a);
	escape_note_state(sv, a->to);
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_STATE, .state = a->to });
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
	if (given == ANSWER_DONE && a->request == REQUEST_STOP &&
	    (sv->machine.populated || sv->escaped || escape_remains(sv)))
		given = ANSWER_SURVIVORS;
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_JOB,
						   .job = { .what = names[a->request],
							    .result = answer_name(given) } });
	while ((node = list_pop(&asked))) {
		w = container_of(node, struct waiter, link);
		w->fn(w, given);
	}
}

static void perform(struct supervised *sv, const struct action *a)
{
	switch (a->kind) {
	case ACTION_SPAWN:
		escape_watch(sv, false);
		do_spawn(sv, a);
		break;
	case ACTION_SIGNAL:
		if (a->whom == WHOM_ALL && a->signal != SIGKILL && sv->main)
			signals_put_off(sv, a);
		else
			signals_send(sv, a);
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
	case ACTION_FIND_MAIN:
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
		supervised_look(sv);
}

static void perform_all(struct supervised *sv, const struct actions *actions)
{
	ledger_write_ahead(sv, actions);
	for (unsigned i = 0; i < actions->n; i++)
		perform(sv, &actions->v[i]);
	if (sv->rest_action.kind == ACTION_INVALID)
		ledger_signals_sent(sv);
}

static void run_queue(struct supervised *sv)
{
	struct actions actions;

	sv->stepping = true;
	while (sv->queued > 0) {
		struct event next = sv->queue[0];

		memmove(sv->queue, sv->queue + 1, --sv->queued * sizeof(sv->queue[0]));
		recorder_begin(supervised_name(sv), event_name(next.kind));
		if (service_step(&sv->machine, &next, clock_now(), &actions))
			perform_all(sv, &actions);
	}
	sv->stepping = false;
	settle(sv);
}

static void feed(struct supervised *sv, const struct event *ev)
{
	queue(sv, ev);
	if (!sv->stepping)
		run_queue(sv);
}

/* ---- after an earlier cgkilld ---- */

static void take_over(struct supervised *sv, struct process *p, bool is_main)
{
	if (!p)
		return;
	set_callbacks(sv, p);
	*(is_main ? &sv->main : &sv->control) = p;
}

/* A process that has ended while nobody looked, as if it ended now. */
static void tell_end(struct supervised *sv, bool is_main, const struct process_id *id)
{
	struct process gone = { .pid = id->pid,
				.identity = id->identity,
				.is_main = is_main,
				.phase = is_main ? EXEC_START : sv->machine.phase,
				.born = true,
				.owner = sv };

	sv->last[gone.phase].pid = id->pid;
	on_process_exit(&gone, (struct exit_info){ .code = EXIT_UNKNOWN });
}

static void resume_machine(struct supervised *sv, const struct adopted *found)
{
	struct service *m = &sv->machine;
	struct resume how = {
		.main_never_ran = m->main_alive && found->main_id.pid == 0,
		.control_never_ran = m->control_alive && found->control_id.pid == 0,
		.signals_due = sv->signals_due,
	};
	struct actions actions;

	sv->stepping = true;
	service_resume(m, &how, clock_now(), &actions);
	perform_all(sv, &actions);
	sv->stepping = false;
}

void supervised_resume(struct supervised *sv, const struct adopted *found)
{
	struct service *m = &sv->machine;
	bool main_ran = m->main_alive && found->main_id.pid > 0;

	if (m->populated)
		escape_watch(sv, true);
	take_over(sv, found->main, true);
	take_over(sv, found->control, false);
	if (m->state == STATE_STUCK)
		sv->stuck_since = m->state_since;
	/* A kill that was cut off may have left it frozen. */
	if (m->killing)
		signals_thaw(sv);
	resume_machine(sv, found);
	run_queue(sv);
	if (main_ran && m->state == STATE_START) {
		feed(sv, &(struct event){
				 .kind = EVENT_SPAWNED, .is_main = true, .deadline = USEC_INFINITY });
		feed(sv, &(struct event){
				 .kind = EVENT_EXECED, .is_main = true, .deadline = USEC_INFINITY });
	}
	if (m->main_alive && !sv->main)
		tell_end(sv, true, &found->main_id);
	if (m->control_alive && !sv->control)
		tell_end(sv, false, &found->control_id);
	if (!sv->main && !sv->control)
		supervised_look(sv);
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

static void free_origin(struct supervised *sv)
{
	free(sv->asked.what);
	free(sv->asked.comm);
	sv->asked = (struct request_origin){ 0 };
}

/* What changes nothing in what is going on is not remembered. */
static void note_origin(struct supervised *sv, enum event_kind kind, const struct peer *by)
{
	if (requests[kind].request == REQUEST_INVALID)
		return;
	free_origin(sv);
	sv->asked.what = strdup(requests[kind].name);
	if (!by)
		return;
	sv->asked.uid = by->uid;
	sv->asked.pid = by->pid;
	sv->asked.comm = strdup(by->comm);
}

void supervised_request(struct supervised *sv, enum event_kind kind, usec_t deadline,
			const struct peer *by, struct waiter *w)
{
	struct trail_event e = { .kind = TRAIL_JOB,
				 .job = { .what = requests[kind].name, .result = "requested" } };

	note_origin(sv, kind, by);
	if (by) {
		e.job.by_peer = true;
		e.job.uid = by->uid;
		e.job.pid = by->pid;
		e.names = strdup(by->comm);
		log_info("%s: %s asked for by uid %u pid %d (%s)", supervised_name(sv), e.job.what,
			 by->uid, by->pid, by->comm);
	}
	supervised_tell(sv, &e);
	sv->escaped = false;
	if (!sv->main && !sv->control)
		supervised_look(sv); /* a request is judged by what lives now */
	if (w) {
		w->request = requests[kind].request;
		list_append(&sv->waiters, &w->link);
	}
	feed(sv, &(struct event){ .kind = kind, .deadline = deadline });
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
	watch_empty(sv); /* but do not look yet: if it is empty by now, its record would go before it was read */
	return sv;
}

void supervised_free(struct supervised *sv)
{
	if (!sv)
		return;
	list_remove(&sv->link);
	killer_free(sv->killer);
	drop_leaf_killer(sv);
	escape_free(sv);
	close_cgroup(sv);
	timer_clear(&sv->timer);
	process_free(sv->main);
	process_free(sv->control);
	trail_deinit(&sv->trail);
	strv_free(sv->warnings);
	free(sv->load_error);
	free(sv->alias_of);
	free_origin(sv);
	unit_free(sv->unit);
	free(sv);
}
