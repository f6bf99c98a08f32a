/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/service.h"

#include <assert.h>

/* One event on its way through the machine. */
struct step {
	struct service *s;
	const struct event *ev;
	usec_t now;
	struct actions *out;
};

static const struct {
	const char *sub, *active;
} state_names[STATE_MAX] = {
	[STATE_DEAD] = { "dead", "inactive" },
	[STATE_CONDITION] = { "condition", "activating" },
	[STATE_START_PRE] = { "start-pre", "activating" },
	[STATE_START] = { "start", "activating" },
	[STATE_START_POST] = { "start-post", "activating" },
	[STATE_RUNNING] = { "running", "active" },
	[STATE_EXITED] = { "exited", "active" },
	[STATE_RELOAD] = { "reload", "reloading" },
	[STATE_STOP] = { "stop", "deactivating" },
	[STATE_STOP_WATCHDOG] = { "stop-watchdog", "deactivating" },
	[STATE_STOP_SIGTERM] = { "stop-sigterm", "deactivating" },
	[STATE_STOP_SIGKILL] = { "stop-sigkill", "deactivating" },
	[STATE_STOP_POST] = { "stop-post", "deactivating" },
	[STATE_FINAL_WATCHDOG] = { "final-watchdog", "deactivating" },
	[STATE_FINAL_SIGTERM] = { "final-sigterm", "deactivating" },
	[STATE_FINAL_SIGKILL] = { "final-sigkill", "deactivating" },
	[STATE_STUCK] = { "stuck", "deactivating" },
	[STATE_FAILED] = { "failed", "failed" },
	[STATE_AUTO_RESTART] = { "auto-restart", "activating" },
};

const char *service_state_name(enum service_state s)
{
	return (unsigned)s < STATE_MAX ? state_names[s].sub : NULL;
}

const char *service_active_state(enum service_state s)
{
	return (unsigned)s < STATE_MAX ? state_names[s].active : NULL;
}

bool service_state_is_starting(enum service_state s)
{
	return s >= STATE_CONDITION && s <= STATE_START_POST;
}

bool service_state_is_stopping(enum service_state s)
{
	return s >= STATE_STOP && s <= STATE_STUCK;
}

bool service_state_is_ended(enum service_state s)
{
	return s == STATE_DEAD || s == STATE_FAILED;
}

const char *event_name(enum event_kind kind)
{
	static const char *const names[EVENT_MAX] = {
		[EVENT_START] = "start",
		[EVENT_STOP] = "stop",
		[EVENT_RESTART] = "restart",
		[EVENT_RELOAD] = "reload",
		[EVENT_RESET_FAILED] = "reset-failed",
		[EVENT_SPAWNED] = "spawned",
		[EVENT_SPAWN_FAILED] = "spawn-failed",
		[EVENT_EXECED] = "execed",
		[EVENT_MAIN_EXIT] = "main-exit",
		[EVENT_CONTROL_EXIT] = "control-exit",
		[EVENT_EMPTY] = "empty",
		[EVENT_STUCK] = "stuck",
		[EVENT_TIMER] = "timer",
		[EVENT_MAIN_PID] = "main-pid",
		[EVENT_NO_MAIN] = "no-main",
		[EVENT_OOM] = "oom",
		[EVENT_READY] = "ready",
		[EVENT_STOPPING] = "stopping",
		[EVENT_RELOADING] = "reloading",
		[EVENT_EXTEND] = "extend",
		[EVENT_WATCHDOG] = "watchdog",
		[EVENT_WATCHDOG_TRIGGER] = "watchdog-trigger",
		[EVENT_WATCHDOG_USEC] = "watchdog-usec",
	};

	return kind < EVENT_MAX && names[kind] ? names[kind] : "?";
}

bool service_state_is_over(enum service_state s)
{
	return service_state_is_ended(s) || s == STATE_AUTO_RESTART;
}

const char *answer_name(enum answer a)
{
	static const char *const names[ANSWER_MAX] = {
		[ANSWER_DONE] = "done",
		[ANSWER_FAILED] = "failed",
		[ANSWER_CANCELED] = "canceled",
		[ANSWER_SKIPPED] = "skipped",
		[ANSWER_NOT_APPLICABLE] = "not-applicable",
		[ANSWER_REFUSED] = "refused",
		[ANSWER_SURVIVORS] = "survivors",
	};

	return (unsigned)a < ANSWER_MAX ? names[a] : NULL;
}

void service_init(struct service *s, const struct unit *u, usec_t now)
{
	*s = (struct service){
		.unit = u,
		.state = STATE_DEAD,
		.state_since = now,
		.result = RESULT_SUCCESS,
		.reload_result = RESULT_SUCCESS,
		.stage_end = USEC_INFINITY,
		.deadline = USEC_INFINITY,
		.runtime_end = USEC_INFINITY,
	};
}

/* ---- what actions and stages are made of ---- */

static void act(struct step *st, struct action a)
{
	assert(st->out->n < ACTIONS_MAX);
	st->out->v[st->out->n++] = a;
}

static void answer(struct step *st, enum request request, enum answer a)
{
	act(st, (struct action){ .kind = ACTION_DONE, .request = request, .answer = a });
}

static void set_state(struct step *st, enum service_state to)
{
	struct service *s = st->s;

	s->stage_end = USEC_INFINITY;
	s->killing = s->squeezed = false;
	if (s->state == to)
		return;
	act(st, (struct action){ .kind = ACTION_STATE, .from = s->state, .to = to, .result = s->result });
	s->state = to;
	s->state_since = st->now;
}

/* The first thing that went wrong is the result. */
static void record(struct step *st, enum service_result r)
{
	if (st->s->result == RESULT_SUCCESS)
		st->s->result = r;
}

static void spawn(struct step *st, bool is_main, enum exec_phase phase, size_t index)
{
	struct service *s = st->s;

	s->phase = phase;
	s->index = index;
	s->populated = true;
	if (is_main)
		s->main_alive = true;
	else
		s->control_alive = true;
	act(st, (struct action){
			.kind = ACTION_SPAWN, .is_main = is_main, .phase = phase, .index = index });
}

static bool is_term_state(enum service_state state)
{
	return state == STATE_STOP_SIGTERM || state == STATE_FINAL_SIGTERM;
}

/* How much of what is left of the deadline a stage may take, so that something is left for those behind it. */
static usec_t stage_share(const struct service *s, usec_t left)
{
	const struct unit *u = s->unit;
	enum failure_mode then = u->timeout_stop_failure_mode;
	bool runs_command = s->state == STATE_STOP || s->state == STATE_STOP_POST;
	bool before_post = s->state >= STATE_STOP && s->state <= STATE_STOP_SIGKILL;

	if ((runs_command && s->index + 1 < u->exec[s->phase].n) ||
	    (s->state == STATE_STOP && then != FAILURE_KILL) ||
	    (is_term_state(s->state) && then == FAILURE_ABORT))
		return left / 2;
	return before_post && u->exec[EXEC_STOP_POST].n > 0 ? left - left / 4 : left;
}

/* The present stage's own timeout gives way to its share of what is left. */
static void fit_stage(struct step *st)
{
	struct service *s = st->s;
	usec_t end;

	if (s->deadline == USEC_INFINITY || s->killing)
		return;
	end = usec_add(st->now, stage_share(s, usec_sub(s->deadline, st->now)));
	if (end >= s->stage_end)
		return;
	s->stage_end = end;
	s->squeezed = true;
}

/* Runs one command of a list as a control process, with a time of its own. */
static void run_control(struct step *st, enum service_state state, enum exec_phase phase,
			size_t index, usec_t timeout)
{
	set_state(st, state);
	spawn(st, false, phase, index);
	st->s->stage_end = usec_add(st->now, timeout);
	fit_stage(st);
}

/* Runs the command behind the one that has ended; false when it was the last. */
static bool run_next_control(struct step *st, usec_t timeout)
{
	struct service *s = st->s;

	if (s->index + 1 >= s->unit->exec[s->phase].n)
		return false;
	run_control(st, s->state, s->phase, s->index + 1, timeout);
	return true;
}

static bool type_is(const struct service *s, enum service_type t)
{
	return s->unit->type == t;
}

/* ---- the stop: who is meant, who lives, what comes next ---- */

enum scope { SCOPE_INVALID, SCOPE_NOBODY, SCOPE_LEADERS, SCOPE_ALL };

static bool is_kill_state(enum service_state state)
{
	return state == STATE_STOP_SIGKILL || state == STATE_FINAL_SIGKILL || state == STATE_STUCK;
}

/* Whom a stage of the stop is about. */
static enum scope stage_scope(const struct service *s, enum service_state state)
{
	switch (s->unit->kill_mode) {
	case KILL_CONTROL_GROUP:
		return SCOPE_ALL;
	case KILL_MIXED:
		return is_kill_state(state) ? SCOPE_ALL : SCOPE_LEADERS;
	case KILL_PROCESS:
		return SCOPE_LEADERS;
	case KILL_NONE:
	case KILL_MODE_INVALID:
	case KILL_MODE_MAX:
		break;
	}
	return SCOPE_NOBODY;
}

static bool scope_lives(const struct service *s, enum scope scope)
{
	if (scope == SCOPE_NOBODY)
		return false;
	return s->main_alive || s->control_alive || (scope == SCOPE_ALL && s->populated);
}

static void on_start_ended(struct step *st);
static void enter_stop_post(struct step *st);

/* The stop's absolute deadline counts from the first moment of the stop. */
static void begin_stop(struct step *st)
{
	struct service *s = st->s;

	if (service_state_is_stopping(s->state))
		return;
	s->deadline = MIN_OF(s->deadline, usec_add(st->now, s->unit->stop_deadline));
	s->cut_short = false;
}

/* The end of a run, however it came about. */
static void enter_dead(struct step *st)
{
	struct service *s = st->s;
	bool again = !s->stop_requested && !s->start_pending &&
		     restart_wanted(s->unit, s->result, s->main_exit);
	bool clean = s->result == RESULT_SUCCESS || s->result == RESULT_EXEC_CONDITION;

	/* Whom the unit's KillMode= spared lives on, but is no longer ours to wait for: only `populated` tells of them. */
	s->main_alive = s->control_alive = false;
	s->deadline = s->runtime_end = USEC_INFINITY;
	set_state(st, again ? STATE_AUTO_RESTART : clean ? STATE_DEAD : STATE_FAILED);
	if (!s->populated)
		act(st, (struct action){ .kind = ACTION_RELEASE });
	answer(st, REQUEST_STOP, s->populated ? ANSWER_SURVIVORS : ANSWER_DONE);
	answer(st, REQUEST_RELOAD, ANSWER_CANCELED);
	if (again)
		s->stage_end = usec_add(st->now, s->unit->restart_delay);
	if (s->start_pending)
		on_start_ended(st);
	else
		answer(st, REQUEST_START,
		       s->result == RESULT_EXEC_CONDITION ? ANSWER_SKIPPED
		       : s->stop_requested		  ? ANSWER_CANCELED
							  : ANSWER_FAILED);
}

/* systemd.kill(5): the hang-up belongs to the request to end, not to a restart, an abort or a kill. */
static void send_to(struct step *st, enum whom whom, int sig)
{
	const struct service *s = st->s;

	act(st, (struct action){
			.kind = ACTION_SIGNAL,
			.whom = whom,
			.signal = sig,
			.sighup = s->unit->send_sighup && is_term_state(s->state) &&
				  !s->restart_requested && sig != SIGHUP && sig != SIGKILL,
		});
}

/* The leader first: daemons whose helpers get the signal before them report failures that are none (finit #124). */
static void send_to_scope(struct step *st, enum scope scope, int sig)
{
	struct service *s = st->s;

	if (s->main_alive)
		send_to(st, WHOM_MAIN, sig);
	if (scope == SCOPE_ALL)
		send_to(st, WHOM_ALL, sig);
	else if (s->control_alive)
		send_to(st, WHOM_CONTROL, sig);
}

/* SIGKILL, at last. Its proof has a time of its own: KillVerifySec=. */
static void kill_now(struct step *st)
{
	struct service *s = st->s;
	enum scope scope = stage_scope(s, s->state);

	s->killing = true;
	if (scope == SCOPE_ALL) {
		s->stage_end = USEC_INFINITY; /* the engine says how it ends */
		act(st, (struct action){ .kind = ACTION_KILL });
	} else {
		s->stage_end = usec_add(st->now, s->unit->kill_verify);
		send_to_scope(st, scope, SIGKILL);
	}
}

/* The signal stages. Each falls through at once when nobody is there to be signalled. */
struct signal_stage {
	bool final;
	enum service_state kill; /* the state that comes when the time is up */
};

static const struct signal_stage signal_stages[STATE_MAX] = {
	[STATE_STOP_WATCHDOG] = { false, STATE_STOP_SIGKILL },
	[STATE_STOP_SIGTERM] = { false, STATE_STOP_SIGKILL },
	[STATE_STOP_SIGKILL] = { false, STATE_STOP_SIGKILL },
	[STATE_FINAL_WATCHDOG] = { true, STATE_FINAL_SIGKILL },
	[STATE_FINAL_SIGTERM] = { true, STATE_FINAL_SIGKILL },
	[STATE_FINAL_SIGKILL] = { true, STATE_FINAL_SIGKILL },
	[STATE_STUCK] = { false, STATE_STUCK }, /* final where stuck_in_final says so */
};

static void leave_stage(struct step *st, bool final)
{
	if (final)
		enter_dead(st);
	else
		enter_stop_post(st);
}

/* The signal that a stage begins with. */
static int stage_signal(const struct service *s)
{
	if (is_kill_state(s->state))
		return s->unit->final_kill_signal;
	if (!is_term_state(s->state))
		return s->unit->watchdog_signal;
	return s->restart_requested ? s->unit->restart_kill_signal : s->unit->kill_signal;
}

static void enter_signal(struct step *st, enum service_state state, enum service_result r)
{
	struct service *s = st->s;
	const struct unit *u = s->unit;
	bool kill = is_kill_state(state);
	enum scope scope = stage_scope(s, state);
	usec_t timeout;
	int sig;

	record(st, r);
	begin_stop(st);
	if (kill && !u->send_sigkill) {
		leave_stage(st, signal_stages[state].final);
		return;
	}
	if (!scope_lives(s, scope)) {
		/* mixed: the leader is gone, the rest only ever gets the SIGKILL */
		if (!kill && scope_lives(s, stage_scope(s, signal_stages[state].kill)))
			enter_signal(st, signal_stages[state].kill, RESULT_SUCCESS);
		else
			leave_stage(st, signal_stages[state].final);
		return;
	}
	set_state(st, state);
	sig = stage_signal(s);
	timeout = kill || is_term_state(state) ? u->timeout_stop : u->timeout_abort;
	if (kill && (sig == SIGKILL || st->now >= s->deadline)) {
		kill_now(st);
		return;
	}
	/* Over an empty cgroup only a zombie's end is waited for: see on_empty_stage(). */
	s->stage_end = usec_add(st->now, s->populated ? timeout : MIN_OF(timeout, u->kill_verify));
	fit_stage(st);
	send_to_scope(st, scope, sig);
}

/* Something has ended in a signal stage: was it the last one that the stage is about? */
static void check_stage(struct step *st)
{
	struct service *s = st->s;
	const struct signal_stage *stage = &signal_stages[s->state];

	if (scope_lives(s, stage_scope(s, s->state)))
		return;
	if (scope_lives(s, stage_scope(s, stage->kill)))
		enter_signal(st, stage->kill, RESULT_SUCCESS);
	else
		leave_stage(st, stage->final || (s->state == STATE_STUCK && s->stuck_in_final));
}

static void enter_stop(struct step *st, enum service_result r)
{
	record(st, r);
	begin_stop(st);
	if (st->s->unit->exec[EXEC_STOP].n > 0 && !st->s->control_alive)
		run_control(st, STATE_STOP, EXEC_STOP, 0, st->s->unit->timeout_stop);
	else
		enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
}

static void enter_stop_post(struct step *st)
{
	struct service *s = st->s;

	bool wanted = s->unit->exec[EXEC_STOP_POST].n > 0;

	if (wanted && st->now < s->deadline) {
		run_control(st, STATE_STOP_POST, EXEC_STOP_POST, 0, s->unit->timeout_stop);
		return;
	}
	s->cut_short |= wanted;
	enter_dead(st);
}

static void enter_stuck(struct step *st)
{
	struct service *s = st->s;

	s->stuck_in_final = s->state == STATE_FINAL_SIGKILL;
	s->start_pending = false;
	record(st, RESULT_TIMEOUT);
	set_state(st, STATE_STUCK);
	answer(st, REQUEST_STOP, ANSWER_SURVIVORS);
	answer(st, REQUEST_START, ANSWER_SURVIVORS);
	answer(st, REQUEST_RELOAD, ANSWER_CANCELED);
}

/* A stage's time is up: TimeoutStopFailureMode= and its sister say what comes next. */
static void escalate(struct step *st, enum failure_mode mode, bool final)
{
	static const enum service_state next[2][FAILURE_MODE_MAX] = {
		{
			[FAILURE_TERMINATE] = STATE_STOP_SIGTERM,
			[FAILURE_ABORT] = STATE_STOP_WATCHDOG,
			[FAILURE_KILL] = STATE_STOP_SIGKILL,
		},
		{
			[FAILURE_TERMINATE] = STATE_FINAL_SIGTERM,
			[FAILURE_ABORT] = STATE_FINAL_WATCHDOG,
			[FAILURE_KILL] = STATE_FINAL_SIGKILL,
		},
	};

	enter_signal(st, next[final][mode], RESULT_TIMEOUT);
}

/* ---- the start ---- */

static void enter_running(struct step *st)
{
	struct service *s = st->s;
	bool good = s->main_alive || (type_is(s, SERVICE_FORKING) && s->populated);

	if (s->result != RESULT_SUCCESS) {
		enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
		return;
	}
	if (good && s->runtime_end == USEC_INFINITY)
		s->runtime_end = usec_add(st->now, s->unit->runtime_max);
	if (good)
		set_state(st, STATE_RUNNING);
	else if (s->unit->remain_after_exit)
		set_state(st, STATE_EXITED);
	answer(st, REQUEST_START, ANSWER_DONE);
	if (!good && !s->unit->remain_after_exit)
		enter_stop(st, RESULT_SUCCESS);
}

static void enter_start_post(struct step *st)
{
	if (st->s->unit->exec[EXEC_START_POST].n > 0)
		run_control(st, STATE_START_POST, EXEC_START_POST, 0, st->s->unit->timeout_start);
	else
		enter_running(st);
}

static void start_main(struct step *st, size_t index)
{
	set_state(st, STATE_START);
	spawn(st, true, EXEC_START, index);
	st->s->stage_end = usec_add(st->now, st->s->unit->timeout_start);
}

static void enter_main(struct step *st)
{
	if (st->s->unit->exec[EXEC_START].n > 0)
		start_main(st, 0);
	else
		enter_start_post(st); /* a oneshot may have ExecStop= alone */
}

static void enter_start_pre(struct step *st)
{
	if (st->s->unit->exec[EXEC_START_PRE].n > 0)
		run_control(st, STATE_START_PRE, EXEC_START_PRE, 0, st->s->unit->timeout_start);
	else
		enter_main(st);
}

static void enter_start(struct step *st)
{
	struct service *s = st->s;
	const struct unit *u = s->unit;

	s->start_pending = s->restart_requested = s->stop_requested = s->stuck_in_final = false;
	if (service_start_refused(s)) {
		if (s->state == STATE_AUTO_RESTART) {
			s->result = RESULT_RESOURCES;
			set_state(st, STATE_FAILED);
		}
		answer(st, REQUEST_START, ANSWER_REFUSED);
		return;
	}
	if (!ratelimit_allows(&s->start_limit, u->start_limit_interval, u->start_limit_burst, st->now)) {
		s->result = RESULT_START_LIMIT_HIT;
		set_state(st, STATE_FAILED);
		answer(st, REQUEST_START, ANSWER_FAILED);
		return;
	}
	s->result = s->reload_result = RESULT_SUCCESS;
	s->main_exit = (struct exit_info){ 0 };
	if (u->exec[EXEC_CONDITION].n > 0)
		run_control(st, STATE_CONDITION, EXEC_CONDITION, 0, u->timeout_start);
	else
		enter_start_pre(st);
}

/* ---- requests ---- */

static void on_start_ended(struct step *st)
{
	st->s->n_restarts = 0;
	enter_start(st);
}

static void on_start_active(struct step *st)
{
	answer(st, REQUEST_START, ANSWER_DONE);
}

/* It comes after the stop; while starting, a request joins the start under way and needs no function. */
static void on_start_stopping(struct step *st)
{
	st->s->start_pending = true;
}

static void on_start_stuck(struct step *st)
{
	answer(st, REQUEST_START, ANSWER_REFUSED);
}

static void on_restart_active(struct step *st)
{
	struct service *s = st->s;

	s->deadline = MIN_OF(s->deadline, st->ev->deadline);
	s->start_pending = s->restart_requested = true;
	enter_stop(st, RESULT_SUCCESS);
}

/* What is in the middle of something is not asked by ExecStop=, but signalled at once. */
static void on_restart_busy(struct step *st)
{
	struct service *s = st->s;

	s->deadline = MIN_OF(s->deadline, st->ev->deadline);
	s->start_pending = s->restart_requested = true;
	enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
}

static void on_restart_stopping(struct step *st)
{
	st->s->deadline = MIN_OF(st->s->deadline, st->ev->deadline);
	st->s->start_pending = true;
	fit_stage(st);
}

static void note_stop(struct step *st)
{
	struct service *s = st->s;

	s->deadline = MIN_OF(s->deadline, st->ev->deadline);
	s->stop_requested = true;
	s->start_pending = s->restart_requested = false;
	answer(st, REQUEST_START, ANSWER_CANCELED);
}

/* What an earlier cgkilld has left, or who has joined since: asked to stop, it is stopped, where the unit allows the kill. */
static void on_stop_ended(struct step *st)
{
	struct service *s = st->s;

	if (s->populated && s->unit->send_sigkill && stage_scope(s, STATE_STOP_SIGKILL) == SCOPE_ALL) {
		s->result = RESULT_SUCCESS;
		note_stop(st);
		enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
		return;
	}
	answer(st, REQUEST_STOP, st->s->populated ? ANSWER_SURVIVORS : ANSWER_DONE);
}

static void on_stop_auto_restart(struct step *st)
{
	st->s->stop_requested = true;
	set_state(st, STATE_DEAD);
	on_stop_ended(st);
}

static void on_stop_busy(struct step *st)
{
	note_stop(st);
	enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
}

static void on_stop_active(struct step *st)
{
	note_stop(st);
	enter_stop(st, RESULT_SUCCESS);
}

static void on_stop_stopping(struct step *st)
{
	note_stop(st);
	fit_stage(st);
}

/* Another try, so that this caller, too, learns within KillVerifySec= whether it can be killed by now. */
static void on_stop_stuck(struct step *st)
{
	note_stop(st);
	set_state(st, st->s->stuck_in_final ? STATE_FINAL_SIGKILL : STATE_STOP_SIGKILL);
	kill_now(st);
}

static void on_reload_active(struct step *st)
{
	if (st->s->unit->exec[EXEC_RELOAD].n == 0) {
		answer(st, REQUEST_RELOAD, ANSWER_NOT_APPLICABLE);
		return;
	}
	if (st->s->control_alive) { /* the last one's command is still unkillable */
		answer(st, REQUEST_RELOAD, ANSWER_FAILED);
		return;
	}
	st->s->reload_result = RESULT_SUCCESS;
	run_control(st, STATE_RELOAD, EXEC_RELOAD, 0, st->s->unit->timeout_start);
}

static void on_reload_inactive(struct step *st)
{
	answer(st, REQUEST_RELOAD, ANSWER_NOT_APPLICABLE);
}

static void on_reset(struct step *st)
{
	struct service *s = st->s;

	s->start_limit = (struct ratelimit){ 0 };
	s->n_restarts = 0;
	if (s->state != STATE_FAILED)
		return;
	s->result = RESULT_SUCCESS;
	set_state(st, STATE_DEAD);
}

/* ---- facts ---- */

static void on_spawned_start(struct step *st)
{
	if (st->ev->is_main && (type_is(st->s, SERVICE_SIMPLE) || type_is(st->s, SERVICE_IDLE)))
		enter_start_post(st);
}

static void on_execed_start(struct step *st)
{
	const struct service *s = st->s;

	if (!type_is(s, SERVICE_ONESHOT) && !type_is(s, SERVICE_FORKING) && s->main_alive)
		enter_start_post(st);
}

/* Type=forking, and the process that we have started is to go, and leaves somebody. */
static bool forked(const struct service *s)
{
	return type_is(s, SERVICE_FORKING) && s->state == STATE_START && s->populated;
}

/* How the main process ended, for the result. */
static enum service_result note_main_exit(struct step *st)
{
	struct service *s = st->s;
	const struct exec_commands *list = &s->unit->exec[EXEC_START];
	size_t index = type_is(s, SERVICE_ONESHOT) && s->phase == EXEC_START ? s->index : 0;
	enum exit_kind kind = type_is(s, SERVICE_ONESHOT) ? EXIT_OF_COMMAND : EXIT_OF_DAEMON;
	enum service_result r = exit_result(st->ev->exit, kind, &s->unit->success);

	s->main_alive = false;
	s->main_exit = st->ev->exit;
	if (index < list->n && list->v[index].ignore_failure)
		r = RESULT_SUCCESS;
	if (r == RESULT_EXIT_UNKNOWN && (service_state_is_stopping(s->state) || forked(s)))
		r = RESULT_SUCCESS; /* it was asked to end; or it has left its daemon behind, as it should */
	record(st, r);
	return r;
}

static void on_main_exit_start(struct step *st)
{
	struct service *s = st->s;
	enum service_result r = note_main_exit(st);

	if (r != RESULT_SUCCESS)
		enter_signal(st, STATE_STOP_SIGTERM, r);
	else if (type_is(s, SERVICE_ONESHOT) && s->index + 1 < s->unit->exec[EXEC_START].n)
		start_main(st, s->index + 1);
	else if (type_is(s, SERVICE_ONESHOT) || type_is(s, SERVICE_FORKING))
		enter_start_post(st);
	else
		enter_signal(st, STATE_STOP_SIGTERM, RESULT_PROTOCOL);
}

/* A control process is at work: it ends first. */
static void on_main_exit_noted(struct step *st)
{
	note_main_exit(st);
}

static void on_main_exit_running(struct step *st)
{
	note_main_exit(st);
	enter_running(st);
}

static void on_main_exit_stage(struct step *st)
{
	note_main_exit(st);
	check_stage(st);
}

/* The end of a control process as a result; no '-' excuses one that could not even be spawned. */
static enum service_result note_control_end(struct step *st)
{
	struct service *s = st->s;
	const struct exec_commands *list = &s->unit->exec[s->phase];
	enum service_result r;

	s->control_alive = false;
	if (st->ev->kind == EVENT_SPAWN_FAILED)
		return RESULT_RESOURCES;
	if (s->index < list->n && list->v[s->index].ignore_failure)
		return RESULT_SUCCESS;
	r = exit_result(st->ev->exit, EXIT_OF_COMMAND, NULL);
	return r == RESULT_EXIT_UNKNOWN && service_state_is_stopping(s->state) ? RESULT_SUCCESS : r;
}

/* Nobody saw how a command of the start ended: it is run again, as it is in every start; its failure is told then. */
static bool run_unknown_again(struct step *st)
{
	struct service *s = st->s;

	if (st->ev->kind != EVENT_CONTROL_EXIT || st->ev->exit.code != EXIT_UNKNOWN)
		return false;
	spawn(st, false, s->phase, s->index);
	return true;
}

static void on_control_condition(struct step *st)
{
	struct exit_info e = st->ev->exit;
	enum service_result r = note_control_end(st);

	if (run_unknown_again(st))
		return;
	if (r == RESULT_EXIT_CODE && e.status < 255)
		r = RESULT_EXEC_CONDITION; /* 1 to 254: not this time; 255 or a signal: a failure */
	if (r != RESULT_SUCCESS)
		enter_signal(st, STATE_STOP_SIGTERM, r);
	else if (!run_next_control(st, st->s->unit->timeout_start))
		enter_start_pre(st);
}

static void on_control_start_pre(struct step *st)
{
	enum service_result r = note_control_end(st);

	if (run_unknown_again(st))
		return;
	if (r != RESULT_SUCCESS)
		enter_signal(st, STATE_STOP_SIGTERM, r);
	else if (!run_next_control(st, st->s->unit->timeout_start))
		enter_main(st);
}

static void on_control_start_post(struct step *st)
{
	enum service_result r = note_control_end(st);

	if (run_unknown_again(st))
		return;
	if (r != RESULT_SUCCESS)
		enter_signal(st, STATE_STOP_SIGTERM, r);
	else if (!run_next_control(st, st->s->unit->timeout_start))
		enter_running(st);
}

static void end_reload(struct step *st)
{
	bool ok = st->s->reload_result == RESULT_SUCCESS;

	answer(st, REQUEST_RELOAD, ok ? ANSWER_DONE : ANSWER_FAILED);
	enter_running(st);
}

static void on_control_reload(struct step *st)
{
	struct service *s = st->s;
	enum service_result r = note_control_end(st);

	if (s->reload_result == RESULT_SUCCESS)
		s->reload_result = r;
	if (s->reload_result == RESULT_SUCCESS && run_next_control(st, s->unit->timeout_start))
		return;
	end_reload(st);
}

static void on_control_stop(struct step *st)
{
	enum service_result r = note_control_end(st);

	if (r != RESULT_SUCCESS)
		enter_signal(st, STATE_STOP_SIGTERM, r);
	else if (!run_next_control(st, st->s->unit->timeout_stop))
		enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
}

static void on_control_stop_post(struct step *st)
{
	enum service_result r = note_control_end(st);

	if (r != RESULT_SUCCESS)
		enter_signal(st, STATE_FINAL_SIGTERM, r);
	else if (!run_next_control(st, st->s->unit->timeout_stop))
		enter_signal(st, STATE_FINAL_SIGTERM, RESULT_SUCCESS);
}

static void on_control_noted(struct step *st)
{
	note_control_end(st);
}

static void on_control_stage(struct step *st)
{
	note_control_end(st);
	check_stage(st);
}

/* A leader of an empty cgroup is a zombie: its end is about to be told, unless a tracer withholds it. */
static void on_empty_stage(struct step *st)
{
	struct service *s = st->s;

	check_stage(st);
	if (signal_stages[s->state].kill && !s->populated)
		s->stage_end = MIN_OF(s->stage_end, usec_add(st->now, s->unit->kill_verify));
}

static void on_spawn_failed_start(struct step *st)
{
	st->s->main_alive = false;
	enter_signal(st, STATE_STOP_SIGTERM, RESULT_RESOURCES);
}

static void on_empty_running(struct step *st)
{
	if (type_is(st->s, SERVICE_FORKING) && !st->s->main_alive)
		enter_running(st);
}

static void on_empty_ended(struct step *st)
{
	act(st, (struct action){ .kind = ACTION_RELEASE });
}

static void on_stuck(struct step *st)
{
	if (st->s->killing)
		enter_stuck(st);
}

/* ---- time ---- */

static void on_timer_start(struct step *st)
{
	escalate(st, st->s->unit->timeout_start_failure_mode, false);
}

static void on_timer_running(struct step *st)
{
	enter_stop(st, RESULT_TIMEOUT);
}

static void on_timer_reload(struct step *st)
{
	struct service *s = st->s;

	if (s->reload_result == RESULT_TIMEOUT) { /* unkillable: the stop will have to deal with it */
		end_reload(st);
		return;
	}
	s->reload_result = RESULT_TIMEOUT;
	s->stage_end = usec_add(st->now, s->unit->kill_verify);
	send_to(st, WHOM_CONTROL, SIGKILL); /* its end goes on from here */
}

/* An empty cgroup, and a leader's end that is still not told: it is not waited for any longer. */
static bool forget_untold(struct step *st)
{
	if (st->s->populated)
		return false;
	st->s->main_alive = st->s->control_alive = false;
	check_stage(st);
	return true;
}

/* The deadline of the whole stop has come: what may be killed is killed now, and nothing more is begun. */
static bool cut_short(struct step *st, enum service_state kill)
{
	if (st->now < st->s->deadline)
		return false;
	enter_signal(st, kill, RESULT_TIMEOUT);
	return true;
}

static void on_timer_stop(struct step *st)
{
	if (!cut_short(st, STATE_STOP_SIGKILL))
		escalate(st, st->s->unit->timeout_stop_failure_mode, false);
}

static void on_timer_stop_post(struct step *st)
{
	if (!cut_short(st, STATE_FINAL_SIGKILL))
		escalate(st, st->s->unit->timeout_stop_failure_mode, true);
}

static void on_timer_stage(struct step *st)
{
	struct service *s = st->s;
	enum service_state kill = signal_stages[s->state].kill;

	if (forget_untold(st) || cut_short(st, kill))
		return;
	if (is_term_state(s->state) && s->unit->timeout_stop_failure_mode == FAILURE_ABORT)
		escalate(st, FAILURE_ABORT, signal_stages[s->state].final);
	else
		enter_signal(st, kill, RESULT_TIMEOUT);
}

/* FinalKillSignal= was something milder than SIGKILL, and was not enough; or the leader did not die of SIGKILL. */
static void on_timer_kill(struct step *st)
{
	if (forget_untold(st))
		return;
	record(st, RESULT_TIMEOUT);
	if (st->s->killing)
		enter_stuck(st);
	else
		kill_now(st);
}

static void on_timer_stuck(struct step *st)
{
	forget_untold(st);
}

static void on_timer_auto_restart(struct step *st)
{
	st->s->n_restarts++;
	enter_start(st);
}

/* ---- the machine ---- */

typedef void (*step_fn)(struct step *st);

/* clang-format off */
#define ROW_REQUESTS(start, stop, restart, reload)                                                \
	[EVENT_START] = (start), [EVENT_STOP] = (stop), [EVENT_RESTART] = (restart),              \
	[EVENT_RELOAD] = (reload), [EVENT_RESET_FAILED] = on_reset
#define ROW_ENDED                                                                                 \
	ROW_REQUESTS(on_start_ended, on_stop_ended, on_start_ended, on_reload_inactive),          \
		[EVENT_EMPTY] = on_empty_ended
#define ROW_STARTING                                                                              \
	ROW_REQUESTS(NULL, on_stop_busy, on_restart_busy, on_reload_inactive),                    \
		[EVENT_TIMER] = on_timer_start
#define ROW_ACTIVE                                                                                \
	ROW_REQUESTS(on_start_active, on_stop_active, on_restart_active, on_reload_active),       \
		[EVENT_CONTROL_EXIT] = on_control_noted
#define ROW_STOPPING                                                                              \
	ROW_REQUESTS(on_start_stopping, on_stop_stopping, on_restart_stopping, on_reload_inactive)
#define ROW_CONTROL(fn) [EVENT_CONTROL_EXIT] = (fn), [EVENT_SPAWN_FAILED] = (fn)
#define ROW_STAGE                                                                                 \
	ROW_STOPPING, [EVENT_MAIN_EXIT] = on_main_exit_stage,                                     \
		[EVENT_CONTROL_EXIT] = on_control_stage, [EVENT_EMPTY] = on_empty_stage
#define ROW_KILL ROW_STAGE, [EVENT_STUCK] = on_stuck, [EVENT_TIMER] = on_timer_kill

/* What is not in the table cannot happen in that state, or changes nothing there but the facts. */
static const step_fn machine[STATE_MAX][EVENT_MAX] = {
	[STATE_DEAD] = { ROW_ENDED },
	[STATE_FAILED] = { ROW_ENDED },
	[STATE_AUTO_RESTART] = { ROW_REQUESTS(on_start_ended, on_stop_auto_restart, on_start_ended,
					      on_reload_inactive),
				 [EVENT_EMPTY] = on_empty_ended,
				 [EVENT_TIMER] = on_timer_auto_restart },
	[STATE_CONDITION] = { ROW_STARTING, ROW_CONTROL(on_control_condition) },
	[STATE_START_PRE] = { ROW_STARTING, ROW_CONTROL(on_control_start_pre) },
	[STATE_START] = { ROW_STARTING, [EVENT_SPAWNED] = on_spawned_start,
			  [EVENT_SPAWN_FAILED] = on_spawn_failed_start,
			  [EVENT_EXECED] = on_execed_start,
			  [EVENT_MAIN_EXIT] = on_main_exit_start },
	[STATE_START_POST] = { ROW_STARTING, ROW_CONTROL(on_control_start_post),
			       [EVENT_MAIN_EXIT] = on_main_exit_noted },
	[STATE_RUNNING] = { ROW_ACTIVE, [EVENT_MAIN_EXIT] = on_main_exit_running,
			    [EVENT_EMPTY] = on_empty_running, [EVENT_TIMER] = on_timer_running },
	[STATE_EXITED] = { ROW_ACTIVE },
	[STATE_RELOAD] = { ROW_REQUESTS(on_start_active, on_stop_busy, on_restart_busy, NULL),
			   ROW_CONTROL(on_control_reload), [EVENT_MAIN_EXIT] = on_main_exit_noted,
			   [EVENT_TIMER] = on_timer_reload },
	[STATE_STOP] = { ROW_STOPPING, ROW_CONTROL(on_control_stop),
			 [EVENT_MAIN_EXIT] = on_main_exit_noted, [EVENT_TIMER] = on_timer_stop },
	[STATE_STOP_WATCHDOG] = { ROW_STAGE, [EVENT_TIMER] = on_timer_stage },
	[STATE_STOP_SIGTERM] = { ROW_STAGE, [EVENT_TIMER] = on_timer_stage },
	[STATE_STOP_SIGKILL] = { ROW_KILL },
	[STATE_STOP_POST] = { ROW_STOPPING, ROW_CONTROL(on_control_stop_post),
			      [EVENT_MAIN_EXIT] = on_main_exit_noted,
			      [EVENT_TIMER] = on_timer_stop_post },
	[STATE_FINAL_WATCHDOG] = { ROW_STAGE, [EVENT_TIMER] = on_timer_stage },
	[STATE_FINAL_SIGTERM] = { ROW_STAGE, [EVENT_TIMER] = on_timer_stage },
	[STATE_FINAL_SIGKILL] = { ROW_KILL },
	[STATE_STUCK] = { ROW_REQUESTS(on_start_stuck, on_stop_stuck, on_start_stuck,
				       on_reload_inactive),
			  [EVENT_MAIN_EXIT] = on_main_exit_stage,
			  [EVENT_CONTROL_EXIT] = on_control_stage,
			  [EVENT_EMPTY] = on_empty_stage, [EVENT_TIMER] = on_timer_stuck },
};
/* clang-format on */

bool service_step(struct service *s, const struct event *ev, usec_t now, struct actions *out)
{
	struct step st = { .s = s, .ev = ev, .now = now, .out = out };
	step_fn fn = machine[s->state][ev->kind];

	out->n = 0;
	if (ev->kind == EVENT_TIMER && now < service_next_timer(s))
		return false; /* an alarm that was overtaken by what happened */
	if (ev->kind == EVENT_TIMER)
		s->cut_short |= s->squeezed;
	if (ev->kind == EVENT_EMPTY)
		s->populated = false;
	if (fn)
		fn(&st);
	return out->n > 0 || (fn && ev->kind != EVENT_EMPTY);
}

/* Is the control process what the state is about? In the others it is there to be ended. */
static bool awaits_control(const struct service *s)
{
	static const bool states[STATE_MAX] = {
		[STATE_CONDITION] = true, [STATE_START_PRE] = true, [STATE_START_POST] = true,
		[STATE_RELOAD] = true,	  [STATE_STOP] = true,	    [STATE_STOP_POST] = true,
	};

	return states[s->state] && !(s->state == STATE_RELOAD && s->reload_result == RESULT_TIMEOUT);
}

void service_resume(struct service *s, const struct resume *how, usec_t now, struct actions *out)
{
	struct step st = { .s = s, .now = now, .out = out };

	out->n = 0;
	if (how->main_never_ran && s->state == STATE_START)
		spawn(&st, true, EXEC_START, type_is(s, SERVICE_ONESHOT) ? s->index : 0);
	if (how->control_never_ran && awaits_control(s))
		spawn(&st, false, s->phase, s->index);
	if (s->state == STATE_RELOAD && s->reload_result == RESULT_TIMEOUT)
		send_to(&st, WHOM_CONTROL, SIGKILL);
	else if (s->killing && s->populated)
		kill_now(&st); /* twice does no harm */
	else if (s->killing)   /* the end of a zombie is waited for, as in on_empty_stage() */
		s->stage_end = MIN_OF(s->stage_end, usec_add(now, s->unit->kill_verify));
	else if (signal_stages[s->state].kill && how->signals_due)
		send_to_scope(&st, stage_scope(s, s->state), stage_signal(s));
	/* The cgroup may still be there, with an older record in it. */
	if (service_state_is_over(s->state) && !s->populated)
		act(&st, (struct action){ .kind = ACTION_RELEASE });
}

/* Does the deadline of the whole stop still have something to cut short here? */
static bool deadline_matters(const struct service *s)
{
	return s->state == STATE_STOP || s->state == STATE_STOP_POST ||
	       (signal_stages[s->state].kill && s->state != STATE_STUCK && !s->killing);
}

usec_t service_next_timer(const struct service *s)
{
	usec_t at = s->stage_end;

	if (deadline_matters(s))
		at = MIN_OF(at, s->deadline);
	if (s->state == STATE_RUNNING)
		at = MIN_OF(at, s->runtime_end);
	return at;
}

bool service_watches_empty(const struct service *s)
{
	if (!s->populated)
		return false;
	return s->state == STATE_EXITED || s->state == STATE_AUTO_RESTART ||
	       service_state_is_stopping(s->state) || service_state_is_ended(s->state) ||
	       (s->state == STATE_RUNNING && !s->main_alive);
}

bool service_start_refused(const struct service *s)
{
	bool may_stay = s->unit->kill_mode == KILL_PROCESS || s->unit->kill_mode == KILL_NONE;

	return s->state == STATE_STUCK || (s->populated && !may_stay);
}
