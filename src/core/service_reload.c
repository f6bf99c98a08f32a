/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reload: ExecReload=, then ReloadSignal= for Type=notify-reload, which answers by RELOADING=1 and READY=1; or by the
 * service's own will, which says the same. However it ends, the service runs on.
 */
#include "core/service_impl.h"

static void end_reload(struct step *st)
{
	bool ok = st->s->reload_result == RESULT_SUCCESS;

	step_answer(st, REQUEST_RELOAD, ok ? ANSWER_DONE : ANSWER_FAILED);
	step_enter_running(st);
}

static bool reloads_by_signal(const struct service *s)
{
	return type_is(s, SERVICE_NOTIFY_RELOAD) && s->main_alive;
}

/* As systemd since 258: behind the commands, so that READY=1 ends it all. */
static void enter_reload_signal(struct step *st)
{
	struct service *s = st->s;

	if (!reloads_by_signal(s)) {
		end_reload(st);
		return;
	}
	step_set_state(st, STATE_RELOAD_SIGNAL);
	s->reload_began = st->now;
	s->stage_end = usec_add(st->now, s->unit->timeout_start);
	step_signal(st, WHOM_MAIN, s->unit->reload_signal);
}

void on_reload_active(struct step *st)
{
	struct service *s = st->s;
	bool has_commands = s->unit->exec[EXEC_RELOAD].n > 0;

	if (!has_commands && !reloads_by_signal(s)) {
		step_answer(st, REQUEST_RELOAD, ANSWER_NOT_APPLICABLE);
		return;
	}
	if (has_commands && s->control_alive) { /* the last one's command is still unkillable */
		step_answer(st, REQUEST_RELOAD, ANSWER_FAILED);
		return;
	}
	s->reload_result = RESULT_SUCCESS;
	if (has_commands)
		step_run_control(st, STATE_RELOAD, EXEC_RELOAD, 0, s->unit->timeout_start);
	else
		enter_reload_signal(st);
}

void on_reload_inactive(struct step *st)
{
	step_answer(st, REQUEST_RELOAD, ANSWER_NOT_APPLICABLE);
}

void on_control_reload(struct step *st)
{
	struct service *s = st->s;
	enum service_result r = step_note_control_end(st);

	if (s->reload_result == RESULT_SUCCESS)
		s->reload_result = r;
	if (s->reload_result != RESULT_SUCCESS)
		end_reload(st);
	else if (!step_run_next_control(st, s->unit->timeout_start))
		enter_reload_signal(st);
}

/* By the service's own will. */
void on_reloading_running(struct step *st)
{
	struct service *s = st->s;

	s->reload_result = RESULT_SUCCESS;
	step_set_state(st, STATE_RELOAD_NOTIFY);
	s->stage_end = usec_add(st->now, s->unit->timeout_start);
}

/* In answer to the signal, if it is one: the time of it all goes on. */
void on_reloading_signal(struct step *st)
{
	struct service *s = st->s;
	usec_t end = s->stage_end;

	if (st->ev->usec == USEC_INFINITY || st->ev->usec < s->reload_began)
		return;
	step_set_state(st, STATE_RELOAD_NOTIFY);
	s->stage_end = end;
}

/* Nobody is left who could say that it is done. */
static void break_off(struct step *st)
{
	st->s->reload_result = RESULT_PROTOCOL;
	end_reload(st);
}

void on_main_exit_reload(struct step *st)
{
	step_note_main_exit(st);
	if (!outlives_main(st->s))
		break_off(st);
}

void on_empty_reload(struct step *st)
{
	if (!st->s->main_alive)
		break_off(st);
}

void on_ready_reload(struct step *st)
{
	end_reload(st);
}

void on_timer_reload(struct step *st)
{
	struct service *s = st->s;
	bool again = s->reload_result == RESULT_TIMEOUT; /* unkillable: the stop will have to deal with it */

	s->reload_result = RESULT_TIMEOUT;
	if (again || s->state != STATE_RELOAD) {
		end_reload(st);
		return;
	}
	s->stage_end = usec_add(st->now, s->unit->kill_verify);
	step_signal(st, WHOM_CONTROL, SIGKILL); /* its end goes on from here */
}
