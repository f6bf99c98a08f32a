/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the beginning of a stop until nothing lives: who is meant, who lives, what comes next. */
#include "core/service_impl.h"

static bool is_kill_state(enum service_state state)
{
	return state == STATE_STOP_SIGKILL || state == STATE_FINAL_SIGKILL || state == STATE_STUCK;
}

/* Whom a stage of the stop is about. */
static enum scope stage_scope(const struct service *s, enum service_state state)
{
	bool rest = is_kill_state(state) || (is_term_state(state) && s->unit->rest_grace > 0);

	switch (s->unit->kill_mode) {
	case KILL_CONTROL_GROUP:
		return SCOPE_ALL;
	case KILL_MIXED:
		return rest ? SCOPE_ALL : SCOPE_LEADERS;
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

static void enter_stop_post(struct step *st);

void step_begin_stop(struct step *st)
{
	struct service *s = st->s;

	if (service_state_is_stopping(s->state))
		return;
	s->deadline = MIN_OF(s->deadline, usec_add(st->now, s->unit->stop_deadline));
	s->cut_short = false;
}

/* ---- the end of a run, however it came about ---- */

/* A start that is to follow is no failure's, and no success's, last word. */
static void act_on_end(struct step *st)
{
	const struct service *s = st->s;

	if (s->state == STATE_FAILED)
		step_unit_action(st, s->unit->failure_action);
	else if (s->state == STATE_DEAD && s->result == RESULT_SUCCESS)
		step_unit_action(st, s->unit->success_action);
}

static void enter_dead(struct step *st)
{
	struct service *s = st->s;
	bool again = !s->stop_requested && !s->start_pending &&
		     restart_wanted(s->unit, s->result, s->main_exit);
	bool clean = s->result == RESULT_SUCCESS || s->result == RESULT_EXEC_CONDITION;

	/* Whom the unit's KillMode= spared lives on, but is no longer ours to wait for: only `populated` tells of them. */
	s->main_alive = s->control_alive = false;
	s->deadline = s->runtime_end = USEC_INFINITY;
	step_set_state(st, again ? STATE_AUTO_RESTART : clean ? STATE_DEAD : STATE_FAILED);
	if (!s->populated)
		step_act(st, (struct action){ .kind = ACTION_RELEASE });
	step_answer(st, REQUEST_STOP, s->populated ? ANSWER_SURVIVORS : ANSWER_DONE);
	step_answer(st, REQUEST_RELOAD, ANSWER_CANCELED);
	if (again)
		s->stage_end = usec_add(st->now, restart_delay(s->unit, s->n_restarts));
	if (s->start_pending) {
		on_start_ended(st);
		return;
	}
	if (again && s->unit->restart_mode == RESTART_MODE_DIRECT)
		return; /* nobody sees that it has ended: who waits for its start goes on waiting */
	step_answer(st, REQUEST_START,
		    s->result == RESULT_EXEC_CONDITION ? ANSWER_SKIPPED
		    : s->stop_requested		       ? ANSWER_CANCELED
						       : ANSWER_FAILED);
	act_on_end(st);
}

static void leave_stage(struct step *st, bool final)
{
	if (final)
		enter_dead(st);
	else
		enter_stop_post(st);
}

/* ---- the signal stages ---- */

/* Each falls through at once when nobody is there to be signalled. */
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

bool state_is_signal_stage(enum service_state state)
{
	return signal_stages[state].kill;
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

/* Who takes over in the midst of a stop is told of it, unless it was, as one of the rest. */
void on_main_pid_stage(struct step *st)
{
	struct service *s = st->s;
	enum scope scope = stage_scope(s, s->state);

	on_main_pid(st);
	if (scope == SCOPE_LEADERS || (scope == SCOPE_ALL && s->rest_due))
		step_signal(st, WHOM_MAIN, stage_signal(s));
}

static void signal_rest(struct step *st, enum scope scope, int sig)
{
	if (scope == SCOPE_ALL)
		step_signal(st, WHOM_ALL, sig);
	else if (st->s->control_alive)
		step_signal(st, WHOM_CONTROL, sig);
}

/* The leader first: daemons whose helpers get the signal before them report failures that are none (finit #124). */
static void signal_scope(struct step *st, enum scope scope, int sig)
{
	if (st->s->main_alive)
		step_signal(st, WHOM_MAIN, sig);
	if (!st->s->rest_due)
		signal_rest(st, scope, sig);
}

void step_signal_stage(struct step *st)
{
	signal_scope(st, stage_scope(st->s, st->s->state), stage_signal(st->s));
}

void on_rest_due(struct step *st)
{
	struct service *s = st->s;

	s->rest_due = false;
	s->rest_at = USEC_INFINITY;
	signal_rest(st, stage_scope(s, s->state), stage_signal(s));
}

/* Who is left without the main process has RestGraceSec=. */
static void limit_rest(struct step *st)
{
	struct service *s = st->s;
	usec_t end = usec_add(st->now, s->unit->rest_grace);

	if (s->unit->rest_grace == 0 || end >= s->stage_end)
		return;
	s->stage_end = end;
	s->squeezed = false;
}

/* Leader, rest, kill: whether the rest has to wait for its signal, and until when. */
static void plan_rest(struct step *st)
{
	struct service *s = st->s;
	bool mixed = s->unit->kill_mode == KILL_MIXED;

	if (!is_term_state(s->state) || stage_scope(s, s->state) != SCOPE_ALL)
		return;
	if (!s->main_alive) {
		limit_rest(st);
		return;
	}
	s->rest_due = mixed || s->unit->leader_grace > 0;
	if (s->rest_due && !mixed)
		s->rest_at = usec_add(st->now, s->unit->leader_grace);
}

/* SIGKILL, at last. Its proof has a time of its own: KillVerifySec=. */
void step_kill_now(struct step *st)
{
	struct service *s = st->s;
	enum scope scope = stage_scope(s, s->state);

	s->killing = true;
	if (scope == SCOPE_ALL) {
		s->stage_end = USEC_INFINITY; /* the engine says how it ends */
		step_act(st, (struct action){ .kind = ACTION_KILL });
	} else {
		s->stage_end = usec_add(st->now, s->unit->kill_verify);
		signal_scope(st, scope, SIGKILL);
	}
}

/* Nobody is left whom the stage is about. */
static void pass_stage(struct step *st, enum service_state state)
{
	const struct service *s = st->s;
	enum service_state kill = signal_stages[state].kill;

	/* mixed: the leader is gone, the rest only ever gets the SIGKILL */
	if (state != kill && scope_lives(s, stage_scope(s, kill)))
		step_enter_signal(st, kill, RESULT_SUCCESS);
	else
		leave_stage(st, signal_stages[state].final ||
					(state == STATE_STUCK && s->stuck_in_final));
}

void step_enter_signal(struct step *st, enum service_state state, enum service_result r)
{
	struct service *s = st->s;
	const struct unit *u = s->unit;
	bool kill = is_kill_state(state);
	usec_t timeout = kill || is_term_state(state) ? u->timeout_stop : u->timeout_abort;

	step_note_result(st, r);
	step_begin_stop(st);
	if (kill && !u->send_sigkill) {
		leave_stage(st, signal_stages[state].final);
		return;
	}
	if (!scope_lives(s, stage_scope(s, state))) {
		pass_stage(st, state);
		return;
	}
	step_set_state(st, state);
	if (kill && (stage_signal(s) == SIGKILL || st->now >= s->deadline)) {
		step_kill_now(st);
		return;
	}
	/* Over an empty cgroup only a zombie's end is waited for: see on_empty_stage(). */
	s->stage_end = usec_add(st->now, s->populated ? timeout : MIN_OF(timeout, u->kill_verify));
	plan_rest(st);
	step_fit_stage(st);
	step_signal_stage(st);
}

/* Something has ended in a signal stage: was it the last one that the stage is about? */
static void check_stage(struct step *st)
{
	const struct service *s = st->s;

	if (!scope_lives(s, stage_scope(s, s->state)))
		pass_stage(st, s->state);
}

void on_main_exit_stage(struct step *st)
{
	struct service *s = st->s;

	step_note_main_exit(st);
	if (is_term_state(s->state) && scope_lives(s, stage_scope(s, s->state))) {
		limit_rest(st);
		if (s->rest_due)
			on_rest_due(st);
	}
	check_stage(st);
}

void on_control_stage(struct step *st)
{
	step_note_control_end(st);
	check_stage(st);
}

/* A leader of an empty cgroup is a zombie: its end is about to be told, unless a tracer withholds it. */
void on_empty_stage(struct step *st)
{
	struct service *s = st->s;

	check_stage(st);
	if (state_is_signal_stage(s->state) && !s->populated)
		s->stage_end = MIN_OF(s->stage_end, usec_add(st->now, s->unit->kill_verify));
}

static void enter_stuck(struct step *st)
{
	struct service *s = st->s;

	s->stuck_in_final = s->state == STATE_FINAL_SIGKILL;
	s->start_pending = false;
	step_note_result(st, RESULT_TIMEOUT);
	step_set_state(st, STATE_STUCK);
	step_answer(st, REQUEST_STOP, ANSWER_SURVIVORS);
	step_answer(st, REQUEST_START, ANSWER_SURVIVORS);
	step_answer(st, REQUEST_RELOAD, ANSWER_CANCELED);
}

void on_stuck(struct step *st)
{
	if (st->s->killing)
		enter_stuck(st);
}

/* ---- the commands of the stop ---- */

void step_enter_stop(struct step *st, enum service_result r)
{
	step_note_result(st, r);
	step_begin_stop(st);
	if (st->s->unit->exec[EXEC_STOP].n > 0 && !st->s->control_alive)
		step_run_control(st, STATE_STOP, EXEC_STOP, 0, st->s->unit->timeout_stop);
	else
		step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
}

static void enter_stop_post(struct step *st)
{
	struct service *s = st->s;
	bool wanted = s->unit->exec[EXEC_STOP_POST].n > 0;

	if (wanted && st->now < s->deadline) {
		step_run_control(st, STATE_STOP_POST, EXEC_STOP_POST, 0, s->unit->timeout_stop);
		return;
	}
	s->cut_short |= wanted;
	enter_dead(st);
}

static void end_control_stop(struct step *st, enum service_state then)
{
	enum service_result r = step_note_control_end(st);

	if (r != RESULT_SUCCESS || !step_run_next_control(st, st->s->unit->timeout_stop))
		step_enter_signal(st, then, r);
}

void on_control_stop(struct step *st)
{
	end_control_stop(st, STATE_STOP_SIGTERM);
}

void on_control_stop_post(struct step *st)
{
	end_control_stop(st, STATE_FINAL_SIGTERM);
}

/* ---- requests ---- */

/* It comes after the stop; while starting, a request joins the start under way and needs no function. */
void on_start_stopping(struct step *st)
{
	st->s->start_pending = true;
}

void on_start_stuck(struct step *st)
{
	step_answer(st, REQUEST_START, ANSWER_REFUSED);
}

static void note_restart(struct step *st)
{
	struct service *s = st->s;

	s->deadline = MIN_OF(s->deadline, st->ev->deadline);
	s->start_pending = s->restart_requested = true;
}

void on_restart_active(struct step *st)
{
	note_restart(st);
	step_enter_stop(st, RESULT_SUCCESS);
}

/* What is in the middle of something is not asked by ExecStop=, but signalled at once. */
void on_restart_busy(struct step *st)
{
	note_restart(st);
	step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
}

void on_restart_stopping(struct step *st)
{
	st->s->deadline = MIN_OF(st->s->deadline, st->ev->deadline);
	st->s->start_pending = true;
	step_fit_stage(st);
}

static void note_stop(struct step *st)
{
	struct service *s = st->s;

	s->deadline = MIN_OF(s->deadline, st->ev->deadline);
	s->stop_requested = true;
	s->start_pending = false;
	s->restart_requested = st->ev->kind == EVENT_STOP_TO_START;
	step_answer(st, REQUEST_START, ANSWER_CANCELED);
}

/* What an earlier cgkilld has left, or who has joined since: asked to stop, it is stopped, where the unit allows the kill. */
void on_stop_ended(struct step *st)
{
	struct service *s = st->s;

	if (s->populated && s->unit->send_sigkill && stage_scope(s, STATE_STOP_SIGKILL) == SCOPE_ALL) {
		s->result = RESULT_SUCCESS;
		note_stop(st);
		step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
		return;
	}
	step_answer(st, REQUEST_STOP, st->s->populated ? ANSWER_SURVIVORS : ANSWER_DONE);
}

void on_stop_auto_restart(struct step *st)
{
	st->s->stop_requested = true;
	step_answer(st, REQUEST_START, ANSWER_CANCELED); /* RestartMode=direct: it is still waited for */
	step_set_state(st, STATE_DEAD);
	on_stop_ended(st);
}

void on_stop_busy(struct step *st)
{
	note_stop(st);
	step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
}

void on_stop_active(struct step *st)
{
	note_stop(st);
	step_enter_stop(st, RESULT_SUCCESS);
}

void on_broken(struct step *st)
{
	step_enter_stop(st, st->ev->result);
}

void on_stop_stopping(struct step *st)
{
	note_stop(st);
	step_fit_stage(st);
}

/* Another try, so that this caller, too, learns within KillVerifySec= whether it can be killed by now. */
void on_stop_stuck(struct step *st)
{
	note_stop(st);
	step_set_state(st, st->s->stuck_in_final ? STATE_FINAL_SIGKILL : STATE_STOP_SIGKILL);
	step_kill_now(st);
}

/* ---- OOMPolicy= ---- */

static bool oom_kills(const struct step *st)
{
	return st->s->unit->oom_policy == OOM_POLICY_KILL;
}

static bool oom_ends(const struct step *st)
{
	return oom_kills(st) || st->s->unit->oom_policy == OOM_POLICY_STOP;
}

void on_oom_busy(struct step *st)
{
	if (oom_ends(st))
		step_enter_signal(st, oom_kills(st) ? STATE_STOP_SIGKILL : STATE_STOP_SIGTERM,
				  RESULT_OOM_KILL);
}

void on_oom_active(struct step *st)
{
	if (oom_kills(st))
		step_enter_signal(st, STATE_STOP_SIGKILL, RESULT_OOM_KILL);
	else if (oom_ends(st))
		step_enter_stop(st, RESULT_OOM_KILL);
}

/* Who is about to end has no memory to do so in good order. */
void on_oom_stage(struct step *st)
{
	bool final = st->s->state == STATE_STOP_POST || signal_stages[st->s->state].final;

	if (!oom_ends(st))
		return;
	step_note_result(st, RESULT_OOM_KILL);
	if (st->s->unit->send_sigkill)
		step_enter_signal(st, final ? STATE_FINAL_SIGKILL : STATE_STOP_SIGKILL, RESULT_OOM_KILL);
}

void on_oom_kill(struct step *st)
{
	if (oom_ends(st))
		step_note_result(st, RESULT_OOM_KILL);
}

/* ---- time ---- */

void step_escalate(struct step *st, enum failure_mode mode, bool final)
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

	step_enter_signal(st, next[final][mode], RESULT_TIMEOUT);
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
	step_enter_signal(st, kill, RESULT_TIMEOUT);
	return true;
}

void on_timer_stop(struct step *st)
{
	if (!cut_short(st, STATE_STOP_SIGKILL))
		step_escalate(st, st->s->unit->timeout_stop_failure_mode, false);
}

void on_timer_stop_post(struct step *st)
{
	if (!cut_short(st, STATE_FINAL_SIGKILL))
		step_escalate(st, st->s->unit->timeout_stop_failure_mode, true);
}

/* KillMode=mixed with RestGraceSec=: the leaders have ended as they should, and the rest was never promised more. */
static bool only_rest_is_left(const struct service *s)
{
	return s->unit->kill_mode == KILL_MIXED && is_term_state(s->state) && !s->main_alive &&
	       !s->control_alive;
}

void on_timer_stage(struct step *st)
{
	struct service *s = st->s;
	enum service_state kill = signal_stages[s->state].kill;

	if (forget_untold(st) || cut_short(st, kill))
		return;
	if (only_rest_is_left(s))
		step_enter_signal(st, kill, RESULT_SUCCESS);
	else if (is_term_state(s->state) && s->unit->timeout_stop_failure_mode == FAILURE_ABORT)
		step_escalate(st, FAILURE_ABORT, signal_stages[s->state].final);
	else
		step_enter_signal(st, kill, RESULT_TIMEOUT);
}

/* FinalKillSignal= was something milder than SIGKILL, and was not enough; or the leader did not die of SIGKILL. */
void on_timer_kill(struct step *st)
{
	if (forget_untold(st))
		return;
	step_note_result(st, RESULT_TIMEOUT);
	if (st->s->killing)
		enter_stuck(st);
	else
		step_kill_now(st);
}

void on_timer_stuck(struct step *st)
{
	forget_untold(st);
}
