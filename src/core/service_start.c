/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a request to start until the end of the main process. */
#include "core/service_impl.h"

/* ---- the way up ---- */

static bool is_good(const struct service *s)
{
	return s->main_alive || (s->mainless && s->populated) || outlives_main(s);
}

static usec_t runtime_limit(const struct step *st)
{
	const struct unit *u = st->s->unit;
	usec_t extra = u->runtime_extra;

	return usec_add(u->runtime_max, extra < USEC_INFINITY ? st->ev->random % (extra + 1) : 0);
}

void step_enter_running(struct step *st)
{
	struct service *s = st->s;
	bool good = is_good(s);

	if (s->result != RESULT_SUCCESS && !outlives_main(s)) {
		step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_SUCCESS);
		return;
	}
	if (good && s->runtime_end == USEC_INFINITY)
		s->runtime_end = usec_add(st->now, runtime_limit(st));
	if (good)
		step_set_state(st, STATE_RUNNING);
	else if (s->unit->remain_after_exit)
		step_set_state(st, STATE_EXITED);
	step_answer(st, REQUEST_START, ANSWER_DONE);
	if (!good && !s->unit->remain_after_exit)
		step_enter_stop(st, RESULT_SUCCESS);
}

static void enter_start_post(struct step *st)
{
	step_arm_watchdog(st);
	if (st->s->unit->exec[EXEC_START_POST].n > 0)
		step_run_control(st, STATE_START_POST, EXEC_START_POST, 0, st->s->unit->timeout_start);
	else
		step_enter_running(st);
}

static void start_main(struct step *st, size_t index)
{
	step_set_state(st, STATE_START);
	step_spawn(st, true, EXEC_START, index);
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
		step_run_control(st, STATE_START_PRE, EXEC_START_PRE, 0, st->s->unit->timeout_start);
	else
		enter_main(st);
}

/* It does not even begin. */
static void fail_start(struct step *st, enum service_result r, enum answer a)
{
	struct service *s = st->s;
	bool failed_before = s->state == STATE_FAILED;

	s->result = r;
	step_set_state(st, STATE_FAILED);
	step_answer(st, REQUEST_START, a);
	if (r == RESULT_START_LIMIT_HIT)
		step_unit_action(st, s->unit->start_limit_action);
	if (!failed_before)
		step_unit_action(st, s->unit->failure_action);
}

void step_check(struct step *st)
{
	step_act(st, (struct action){ .kind = ACTION_CHECK });
}

static void begin_run(struct step *st)
{
	struct service *s = st->s;
	const struct unit *u = s->unit;

	s->result = s->reload_result = RESULT_SUCCESS;
	s->main_exit = (struct exit_info){ 0 };
	s->mainless = false;
	s->watchdog = u->watchdog;
	if (u->exec[EXEC_CONDITION].n > 0)
		step_run_control(st, STATE_CONDITION, EXEC_CONDITION, 0, u->timeout_start);
	else
		enter_start_pre(st);
}

/* The start limit comes first: a unit that is restarted again and again is not to be looked at for ever. */
void step_enter_start(struct step *st)
{
	struct service *s = st->s;
	const struct unit *u = s->unit;

	s->start_pending = s->restart_requested = s->stop_requested = s->stuck_in_final = false;
	if (service_start_refused(s)) {
		if (s->state == STATE_AUTO_RESTART)
			fail_start(st, RESULT_RESOURCES, ANSWER_REFUSED);
		else
			step_answer(st, REQUEST_START, ANSWER_REFUSED);
		return;
	}
	if (!ratelimit_allows(&s->start_limit, u->start_limit_interval, u->start_limit_burst, st->now)) {
		fail_start(st, RESULT_START_LIMIT_HIT, ANSWER_FAILED);
		return;
	}
	if (!u->conditions) {
		begin_run(st);
		return;
	}
	step_set_state(st, STATE_CHECK);
	step_check(st);
}

/* There is no run, so neither Restart= nor ExecStopPost= nor a unit action is for it. */
static void end_check(struct step *st, enum answer a)
{
	struct service *s = st->s;

	s->result = RESULT_SUCCESS;
	step_set_state(st, STATE_DEAD);
	if (!s->populated)
		step_act(st, (struct action){ .kind = ACTION_RELEASE });
	step_answer(st, REQUEST_START, a);
}

void on_checked(struct step *st)
{
	if (st->ev->verdict == VERDICT_MET)
		begin_run(st);
	else
		end_check(st, st->ev->verdict == VERDICT_ASSERT ? ANSWER_ASSERT : ANSWER_SKIPPED);
}

void on_stop_check(struct step *st)
{
	end_check(st, ANSWER_CANCELED);
	step_answer(st, REQUEST_STOP, st->s->populated ? ANSWER_SURVIVORS : ANSWER_DONE);
}

void on_start_ended(struct step *st)
{
	st->s->n_restarts = 0;
	step_enter_start(st);
}

void on_start_active(struct step *st)
{
	step_answer(st, REQUEST_START, ANSWER_DONE);
}

void on_timer_auto_restart(struct step *st)
{
	st->s->n_restarts++;
	step_enter_start(st);
}

void on_timer_start(struct step *st)
{
	step_escalate(st, st->s->unit->timeout_start_failure_mode, false);
}

void on_reset(struct step *st)
{
	struct service *s = st->s;

	s->start_limit = (struct ratelimit){ 0 };
	s->n_restarts = 0;
	if (s->state != STATE_FAILED)
		return;
	s->result = RESULT_SUCCESS;
	step_set_state(st, STATE_DEAD);
}

/* ---- the commands before it, and behind it ---- */

/* Nobody saw how a command of the start ended: it is run again, as it is in every start; its failure is told then. */
static bool run_unknown_again(struct step *st)
{
	struct service *s = st->s;

	if (st->ev->kind != EVENT_CONTROL_EXIT || st->ev->exit.code != EXIT_UNKNOWN)
		return false;
	step_spawn(st, false, s->phase, s->index);
	return true;
}

/* Goes on behind the last command of a list. */
static void end_control_start(struct step *st, enum service_result r, step_fn *then)
{
	if (r != RESULT_SUCCESS)
		step_enter_signal(st, STATE_STOP_SIGTERM, r);
	else if (!step_run_next_control(st, st->s->unit->timeout_start))
		then(st);
}

void on_control_condition(struct step *st)
{
	struct exit_info e = st->ev->exit;
	enum service_result r = step_note_control_end(st);

	if (run_unknown_again(st))
		return;
	if (r == RESULT_EXIT_CODE && e.status < 255)
		r = RESULT_EXEC_CONDITION; /* 1 to 254: not this time; 255 or a signal: a failure */
	end_control_start(st, r, enter_start_pre);
}

void on_control_start_pre(struct step *st)
{
	enum service_result r = step_note_control_end(st);

	if (!run_unknown_again(st))
		end_control_start(st, r, enter_main);
}

static void leave_start_post(struct step *st)
{
	if (service_awaits_main(st->s) && st->s->populated)
		step_find_main(st);
	else
		step_enter_running(st);
}

void on_control_start_post(struct step *st)
{
	enum service_result r = step_note_control_end(st);

	if (!run_unknown_again(st))
		end_control_start(st, r, leave_start_post);
}

void on_control_noted(struct step *st)
{
	step_note_control_end(st);
}

/* ---- the main process ---- */

void on_spawned_start(struct step *st)
{
	if (st->ev->is_main && (type_is(st->s, SERVICE_SIMPLE) || type_is(st->s, SERVICE_IDLE)))
		enter_start_post(st);
}

void on_execed_start(struct step *st)
{
	const struct service *s = st->s;

	if (!type_is(s, SERVICE_ONESHOT) && !type_is(s, SERVICE_FORKING) && !says_ready(s) && s->main_alive)
		enter_start_post(st);
}

void on_ready_start(struct step *st)
{
	if (says_ready(st->s))
		enter_start_post(st);
}

void on_spawn_failed_start(struct step *st)
{
	st->s->main_alive = false;
	step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_RESOURCES);
}

/* The first process of Type=forking has ended well: who is the daemon? */
static void enter_forked(struct step *st)
{
	const struct unit *u = st->s->unit;

	if (st->s->populated)
		step_find_main(st);
	else if (u->remain_after_exit && !u->pid_file)
		enter_start_post(st); /* an init script that has done something, and leaves nobody */
	else
		step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_PROTOCOL);
}

/* Its main process is gone: may READY=1 still come, from somebody who may say it? */
static bool may_get_ready(const struct service *s)
{
	const struct unit *u = s->unit;

	return says_ready(s) && s->populated &&
	       (u->exit_type == EXIT_TYPE_CGROUP || (s->result == RESULT_SUCCESS && u->remain_after_exit &&
						     u->notify_access != NOTIFY_ACCESS_MAIN));
}

void on_main_exit_start(struct step *st)
{
	struct service *s = st->s;
	enum service_result r = step_note_main_exit(st);

	if (may_get_ready(s))
		return;
	if (r != RESULT_SUCCESS)
		step_enter_signal(st, STATE_STOP_SIGTERM, r);
	else if (type_is(s, SERVICE_ONESHOT) && s->index + 1 < s->unit->exec[EXEC_START].n)
		start_main(st, s->index + 1);
	else if (type_is(s, SERVICE_ONESHOT))
		enter_start_post(st);
	else if (type_is(s, SERVICE_FORKING))
		enter_forked(st);
	else
		step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_PROTOCOL);
}

/* A control process is at work: it ends first. */
void on_main_exit_noted(struct step *st)
{
	step_note_main_exit(st);
}

void on_main_exit_running(struct step *st)
{
	step_note_main_exit(st);
	step_enter_running(st);
}

void on_timer_running(struct step *st)
{
	step_enter_stop(st, RESULT_TIMEOUT);
}

/* ---- who is the main process ---- */

bool service_awaits_main(const struct service *s)
{
	if (s->state == STATE_START_POST)
		return s->mainless && !s->control_alive;
	return s->state == STATE_START && type_is(s, SERVICE_FORKING) && !s->main_alive;
}

void step_find_main(struct step *st)
{
	const struct service *s = st->s;

	step_act(st, (struct action){ .kind = ACTION_FIND_MAIN,
				      .at_once = s->state == STATE_START &&
						 s->unit->exec[EXEC_START_POST].n > 0 });
}

bool service_takes_main_pid(const struct service *s)
{
	static const bool states[STATE_MAX] = {
		[STATE_START_POST] = true,    [STATE_RUNNING] = true,	    [STATE_RELOAD] = true,
		[STATE_RELOAD_SIGNAL] = true, [STATE_RELOAD_NOTIFY] = true, [STATE_STOP] = true,
		[STATE_STOP_SIGTERM] = true,
	};

	return states[s->state] ||
	       (s->state == STATE_START && !(type_is(s, SERVICE_FORKING) && s->main_alive));
}

/* The one that it was before may live on, as one of the others. */
void on_main_pid(struct step *st)
{
	struct service *s = st->s;
	bool awaited = service_awaits_main(s);

	if (!service_takes_main_pid(s))
		return;
	s->main_alive = true;
	s->mainless = false;
	s->main_exit = (struct exit_info){ 0 };
	if (awaited && s->state == STATE_START)
		enter_start_post(st);
	else if (awaited)
		step_enter_running(st);
}

void on_no_main(struct step *st)
{
	struct service *s = st->s;

	if (!service_awaits_main(s))
		return;
	s->main_exit = (struct exit_info){ 0 };
	s->mainless = true;
	if (s->state == STATE_START && s->populated)
		enter_start_post(st);
	else if (s->state == STATE_START)
		enter_forked(st);
	else
		step_enter_running(st);
}

/* ---- emptiness ---- */

/* In START and START_POST: nobody is left who could say, or write down, what is waited for. */
void on_empty_start(struct step *st)
{
	struct service *s = st->s;

	if (service_awaits_main(s) && s->state == STATE_START)
		enter_forked(st);
	else if (service_awaits_main(s) || (says_ready(s) && s->state == STATE_START && !s->main_alive))
		step_enter_signal(st, STATE_STOP_SIGTERM, RESULT_PROTOCOL);
}

void on_empty_running(struct step *st)
{
	if (!st->s->main_alive)
		step_enter_running(st);
}

void on_empty_ended(struct step *st)
{
	step_act(st, (struct action){ .kind = ACTION_RELEASE });
}
