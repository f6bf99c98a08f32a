/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "daemon/check.h"
#include "daemon/directories.h"
#include "daemon/escape.h"
#include "daemon/fdstore.h"
#include "daemon/init.h"
#include "daemon/killer.h"
#include "daemon/ledger.h"
#include "daemon/logs.h"
#include "daemon/mainpid.h"
#include "daemon/manager.h"
#include "daemon/namespaces.h"
#include "daemon/notify.h"
#include "daemon/oom.h"
#include "daemon/privatetmp.h"
#include "daemon/process.h"
#include "daemon/processes.h"
#include "daemon/recorder.h"
#include "daemon/scheduler.h"
#include "daemon/shutdown.h"
#include "daemon/signals.h"
#include "daemon/slicekill.h"
#include "daemon/slices.h"
#include "daemon/sockets.h"
#include "sys/kin.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/ownmem.h"
#include "util/strv.h"

/*
 * cgroup.events tells of a change at most once in about 10 ms (kernel/cgroup/cgroup.c, CGROUP_FILE_NOTIFY_MIN_INTV), so
 * right after a change it is looked at a few times on our own account, ever more seldom, and then no more.
 */
#define RECHECK_FIRST	  USEC_PER_MSEC
#define RECHECK_LAST	  (16 * USEC_PER_MSEC)
/* Without a descriptor or memory for the watch it is all that there is: then it goes on, this seldom. */
#define RECHECK_UNWATCHED USEC_PER_SEC

const char *supervised_name(const struct supervised *sv)
{
	return sv->unit->name;
}

const char *supervised_sub_state(const struct supervised *sv)
{
	return sv->machine.state != STATE_EXITED ? service_state_name(sv->machine.state)
	       : unit_is_point(sv->unit)	 ? "active"
	       : sv->unit->kind == UNIT_SOCKET	 ? sockets_sub_state(sv)
						 : service_state_name(sv->machine.state);
}

bool supervised_is_final(const struct supervised *sv)
{
	return service_state_is_ended(sv->machine.state) && !sv->machine.restart_requested;
}

static void feed_kind(struct supervised *sv, enum event_kind kind)
{
	supervised_feed(sv, &(struct event){ .kind = kind, .deadline = USEC_INFINITY });
}

/* States are told by log_state(), in the words of our own log. */
static void log_event(const struct supervised *sv, const struct trail_event *e)
{
	cleanup_buf struct buf text = BUF_INIT;

	trail_describe(&text, e);
	if (text.len > 0)
		logs_tell(sv->manager->logs, sv, "%s", text.data);
}

void supervised_tell(struct supervised *sv, const struct trail_event *e)
{
	const struct trail_event *kept = trail_add(&sv->trail, e);

	history_note(&sv->history, kept);
	if (kept)
		manager_tell(sv->manager, supervised_name(sv), kept);
	if (kept)
		log_event(sv, kept);
}

/* ---- the cgroup ---- */

static void close_cgroup(struct supervised *sv)
{
	io_unwatch(&sv->events_io);
	sv->events_fd = close_fd(sv->events_fd);
	timer_clear(&sv->recheck);
	signals_drop_rest(sv);
	cgroups_close(&sv->cgroups);
}

/* Processes that live under its name, be it since an earlier cgkilld: it is not started over them. */
static void find_survivors(struct supervised *sv)
{
	if (sv->unit->kind != UNIT_SLICE) /* who lives in a slice is a service's */
		sv->machine.populated =
			cgroups_find(&sv->cgroups, slices_home(sv), supervised_name(sv));
}

/* Empty and sealed, so this fails only for who was put into the unit's own cgroup since: then there are survivors. */
static void release_cgroup(struct supervised *sv)
{
	uint64_t run = sv->cgroups.unit.id;
	int r;

	close_cgroup(sv);
	sv->limited = false;
	r = cgroups_remove(&sv->cgroups, slices_home(sv), supervised_name(sv));
	if (r < 0)
		log_warning("%s: cannot remove its cgroup: %s", supervised_name(sv), strerror(-r));
	if (r == -EBUSY) {
		find_survivors(sv);
		if (sv->machine.populated) {
			ledger_write(sv); /* the record in it is of before the end */
			return;
		}
		(void)!cgroups_remove(&sv->cgroups, slices_home(sv), supervised_name(sv));
	}
	privatetmp_note_gone(sv, run);
	slices_leave(sv);
}

/* ---- emptiness ---- */

/*
 * An error is no proof of emptiness. The rmdir that comes later would be one, as it refuses while anybody is in it
 * (cgroup_destroy_locked(), kernel/cgroup/cgroup.c), and would save these system calls; but the record goes with the cgroup, and
 * whether it is still needed the machine says only when it knows that this is empty.
 */
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

/* ---- actions ---- */

struct event_queue {
	struct event v[4];
	unsigned n;
};

static void queue(struct supervised *sv, const struct event *ev)
{
	assert(sv->queue->n < ARRAY_SIZE(sv->queue->v));
	sv->queue->v[sv->queue->n++] = *ev;
}

static void do_spawn(struct supervised *sv, const struct action *a)
{
	int r = processes_start(sv, a->is_main, a->phase, a->index);
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

static bool start_killer(struct supervised *sv, size_t members, usec_t give_up_after, unsigned avoid)
{
	int member = members == 1 && sv->main ? sv->main->pidfd : -1;

	sv->killer = killer_new(sv->manager->loop, &sv->cgroups.unit, members, member,
				give_up_after, avoid, sv, on_killed);
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
		if (left > 0 && start_killer(sv, 0, left, 0))
			return;
		status = KILL_STUCK;
	}
	if (status == KILL_EMPTY && escape_holds(sv))
		return;
	if (status == KILL_EMPTY)
		supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_EMPTY });
	feed_kind(sv, status == KILL_EMPTY ? EVENT_EMPTY : EVENT_STUCK);
}

void supervised_kill_now(struct supervised *sv, size_t members, bool struck)
{
	if (!start_killer(sv, members, sv->unit->kill_verify, struck ? KILL_STRUCK : 0))
		feed_kind(sv, EVENT_STUCK);
}

static void do_kill(struct supervised *sv)
{
	struct trail_event e = { .kind = TRAIL_KILL, .signal = { SIGKILL, WHOM_ALL, 0 } };
	cleanup_free char *names = NULL;
	size_t total = 0;

	if (sv->killer || !list_empty(&sv->kill_link))
		return;
	if (!cg_is_open(&sv->cgroups.unit) || signals_guard(sv) < 0) {
		queue(sv, &(struct event){ .kind = EVENT_STUCK, .deadline = USEC_INFINITY });
		return;
	}
	names = signals_names(sv, &total);
	e.names = names;
	e.signal.count = (unsigned)total;
	signals_note_kill(sv);
	supervised_tell(sv, &e);
	escape_kill(sv);
	if (!slicekill_put_off(sv, total))
		supervised_kill_now(sv, total, false);
}

/* To our own log and to the unit's. */
printf_like(3, 4) static void say(const struct supervised *sv, enum log_level level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_at(level, "%s: %s", supervised_name(sv), text);
	if (level <= LOG_WARNING_)
		logs_tell(sv->manager->logs, sv, "<%d>%s", (int)level, text);
	else
		logs_tell(sv->manager->logs, sv, "%s", text);
}

static void log_state(struct supervised *sv, const struct action *a)
{
	const char *text = sv->unit->description ? sv->unit->description : supervised_name(sv);
	bool was_starting = service_state_is_starting(a->from);

	if (unit_is_point(sv->unit))
		say(sv, LOG_INFO_, "%s %s", a->to == STATE_EXITED ? "reached" : "left", text);
	if (service_state_is_starting(a->to) && !was_starting)
		say(sv, LOG_INFO_, "starting %s", text);
	else if (a->to == STATE_EXITED && sv->unit->kind == UNIT_SOCKET)
		say(sv, LOG_INFO_, "listening: %s", text);
	else if (a->to == STATE_RUNNING && was_starting)
		say(sv, LOG_INFO_, "started %s", text);
	else if (service_state_is_stopping(a->to) && !service_state_is_stopping(a->from))
		say(sv, LOG_INFO_, "stopping %s", text);
	else if (a->to == STATE_DEAD && service_state_is_stopping(a->from))
		say(sv, LOG_INFO_, "stopped %s", text);
	if (a->from == STATE_STUCK && (a->to == STATE_STOP_SIGKILL || a->to == STATE_FINAL_SIGKILL))
		say(sv, LOG_INFO_, "trying again to kill what is stuck");
	else if (a->to == STATE_STOP_SIGKILL || a->to == STATE_FINAL_SIGKILL)
		say(sv, LOG_WARNING_, "state '%s' is over with processes alive: killing",
		    service_state_name(a->from));
	if (a->to == STATE_STUCK)
		say(sv, LOG_ERROR_, "processes outlive SIGKILL: stuck");
	if (a->to == STATE_FAILED || a->to == STATE_AUTO_RESTART) /* of a command our own exit status tells it */
		say(sv, sv->unit->foreground ? LOG_INFO_ : LOG_WARNING_, "%s with result '%s'",
		    a->to == STATE_FAILED ? "failed" : "ended, to be restarted,",
		    service_result_name(a->result));
}

static void do_state(struct supervised *sv, const struct action *a)
{
	bool over = service_state_is_over(a->to);

	signals_drop_rest(sv);
	mainpid_stop_waiting(sv);
	check_stop(sv);
	if (a->to == STATE_STUCK)
		sv->stuck_since = clock_now();
	if (a->to == STATE_STOP && cg_is_open(&sv->cgroups.unit))
		signals_thaw(sv);
	if (over && sv->machine.populated)
		(void)!cg_remove(slices_home(sv), supervised_name(sv)); /* the empty ones of its leaves */
	if (over) {
		processes_drop_leftovers(sv); /* their event was for the run that is over */
		notify_close(sv);
		namespaces_close(sv);
		fdstore_note_over(sv);
		mainpid_clean_up(sv);
		directories_note_over(sv); /* the PID file may be in one */
		oom_free(TAKE_PTR(sv->oom));
		logs_note_over(sv->manager->logs);
		sv->escaped = !sv->machine.populated && sv->main && !process_is_zombie(sv->main->pid);
		process_abandon(TAKE_PTR(sv->main));
		process_abandon(TAKE_PTR(sv->control));
	}
	log_state(sv, a);
	escape_note_state(sv, a->to);
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_STATE, .state = a->to });
	manager_note_state(sv->manager, a->from, a->to);
	scheduler_note_state(sv->manager->scheduler, sv, a);
	sockets_note_state(sv, a->to);
	init_note_state(sv->manager->init);
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
		mainpid_find(sv, a->at_once);
		break;
	case ACTION_CHECK:
		check_start(sv);
		break;
	case ACTION_UNIT_ACTION:
		shutdown_by_unit(sv->manager, supervised_name(sv),
				 a->unit_action == UNIT_ACTION_EXIT_FORCE);
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
		supervised_look(sv);
}

static void perform_all(struct supervised *sv, const struct actions *actions)
{
	ledger_write_ahead(sv, actions);
	for (unsigned i = 0; i < actions->n; i++)
		perform(sv, &actions->v[i]);
	if (!sv->rest)
		ledger_signals_sent(sv);
}

/* Until nothing more has happened. */
static void run_queue(struct supervised *sv)
{
	struct event_queue *q = sv->queue;
	struct actions actions;

	while (q->n > 0) {
		struct event next = q->v[0];

		memmove(q->v, q->v + 1, --q->n * sizeof(q->v[0]));
		if (sv->unit->runtime_extra > 0)
			(void)!getrandom(&next.random, sizeof(next.random), GRND_NONBLOCK);
		recorder_begin(supervised_name(sv), event_name(next.kind));
		if (service_step(&sv->machine, &next, clock_now(), &actions))
			perform_all(sv, &actions);
	}
	sv->queue = NULL;
	settle(sv);
}

void supervised_feed(struct supervised *sv, const struct event *ev)
{
	struct event_queue q = { .n = 0 };
	bool rests = !sv->queue;

	if (rests)
		sv->queue = &q; /* cppcheck-suppress autoVariables; run_queue() ends it */
	queue(sv, ev);
	if (rests)
		run_queue(sv);
}

/* ---- after an earlier cgkilld ---- */

static void resume_machine(struct supervised *sv, const struct adopted *found)
{
	struct service *m = &sv->machine;
	struct resume how = {
		.main_never_ran = m->main_alive && found->main_id.pid == 0,
		.control_never_ran = m->control_alive && found->control_id.pid == 0,
		.signals_due = sv->signals_due,
	};
	struct event_queue q = { .n = 0 };
	struct actions actions;

	sv->queue = &q; /* cppcheck-suppress autoVariables; run_queue() ends it */
	service_resume(m, &how, clock_now(), &actions);
	perform_all(sv, &actions);
	run_queue(sv);
}

void supervised_resume(struct supervised *sv, const struct adopted *found)
{
	struct service *m = &sv->machine;
	bool main_ran = m->main_alive && found->main_id.pid > 0;

	if (m->populated)
		escape_watch(sv, true);
	notify_adopt(sv);
	namespaces_adopt(sv);
	if (service_state_is_over(m->state))
		directories_note_over(sv);
	else
		processes_watch_oom(sv);
	fdstore_adopt(sv);
	sockets_adopt(sv);
	processes_take_over(sv, found->main, true);
	processes_take_over(sv, found->control, false);
	if (m->state == STATE_STUCK)
		sv->stuck_since = m->state_since;
	/* A kill that was cut off may have left it frozen. */
	if (m->killing)
		signals_thaw(sv);
	resume_machine(sv, found);
	if (main_ran && m->state == STATE_START) {
		supervised_feed(sv, &(struct event){ .kind = EVENT_SPAWNED,
						     .is_main = true,
						     .deadline = USEC_INFINITY });
		supervised_feed(sv, &(struct event){ .kind = EVENT_EXECED,
						     .is_main = true,
						     .deadline = USEC_INFINITY });
	}
	if (m->main_alive && !sv->main)
		processes_tell_end(sv, true, &found->main_id);
	if (m->control_alive && !sv->control)
		processes_tell_end(sv, false, &found->control_id);
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
	[EVENT_STOP_TO_START] = { REQUEST_STOP, "restart" },
	[EVENT_RESET_FAILED] = { REQUEST_INVALID, "reset-failed" },
};

/* What changes nothing in what is going on is not remembered. */
static void note_origin(struct supervised *sv, enum event_kind kind, const struct peer *by)
{
	if (requests[kind].request == REQUEST_INVALID)
		return;
	sv->asked = (struct request_origin){ 0 };
	snprintf(sv->asked.what, sizeof(sv->asked.what), "%s", requests[kind].name);
	if (!by)
		return;
	sv->asked.uid = by->uid;
	sv->asked.pid = by->pid;
	snprintf(sv->asked.comm, sizeof(sv->asked.comm), "%s", by->comm);
}

void supervised_request(struct supervised *sv, enum event_kind kind, usec_t deadline,
			const struct asker *by, struct waiter *w)
{
	struct trail_event e = { .kind = TRAIL_JOB,
				 .job = { .what = requests[kind].name, .result = "requested" } };
	const struct peer *peer = by ? by->peer : NULL;

	note_origin(sv, kind, peer);
	if (peer) {
		e.by_peer = true;
		e.job.uid = peer->uid;
		e.job.pid = peer->pid;
		e.names = peer->comm;
		log_info("%s: %s asked for by uid %u pid %d (%s)", supervised_name(sv), e.job.what,
			 peer->uid, peer->pid, peer->comm);
	} else if (by && by->reason) {
		e.names = by->reason;
		log_info("%s: %s asked for as %s", supervised_name(sv), e.job.what, by->reason);
	}
	supervised_tell(sv, &e);
	sv->escaped = false;
	if (!sv->main && !sv->control)
		supervised_look(sv); /* a request is judged by what lives now */
	if (w) {
		w->request = requests[kind].request;
		list_append(&sv->waiters, &w->link);
	}
	supervised_feed(sv, &(struct event){ .kind = kind, .deadline = deadline });
}

/* ---- life of the record ---- */

struct supervised *supervised_new(struct manager *m, const char *name)
{
	struct supervised *sv = own_alloc(sizeof(*sv));

	if (!sv)
		return NULL;
	sv->unit = unit_new(name);
	if (!sv->unit) {
		own_free(sv, sizeof(*sv));
		return NULL;
	}
	sv->manager = m;
	sv->load_state = LOAD_NOT_FOUND;
	sv->cgroups = (struct cgroups)CGROUPS_INIT;
	sv->events_fd = sv->log_fifo = -1;
	list_init(&sv->link);
	list_init(&sv->waiters);
	list_init(&sv->job_waiter.link);
	list_init(&sv->kill_link);
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
	list_remove(&sv->kill_link);
	killer_free(sv->killer);
	processes_drop_leftovers(sv);
	escape_free(sv);
	check_free(sv->check);
	notify_free(sv->notify);
	namespaces_free(sv->namespaces);
	fdstore_free(sv->fdstore);
	sockets_free(sv->sockets);
	mainpid_stop_waiting(sv);
	oom_free(sv->oom);
	close_cgroup(sv);
	slices_leave(sv);
	timer_clear(&sv->timer);
	process_free(sv->main);
	process_free(sv->control);
	close_fd(sv->log_fifo);
	trail_deinit(&sv->trail);
	history_deinit(&sv->history);
	strv_free(sv->warnings);
	free(sv->load_error);
	free(sv->alias_of);
	unit_free(sv->unit);
	own_free(sv, sizeof(*sv));
}
