/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the parts of the state machine share; for core/service*.c only. service.c has the table, and what is asked about a
 * service; service_stage.c what stages are made of; service_start.c, _reload.c, _notify.c and _stop.c have the handlers.
 */
#include "core/service.h"

/* One event on its way through the machine. ev is NULL in service_resume(). */
struct step {
	struct service *s;
	const struct event *ev;
	usec_t now;
	struct actions *out;
};

/* A cell of the table. */
typedef void step_fn(struct step *st);

static inline bool type_is(const struct service *s, enum service_type t)
{
	return s->unit->type == t;
}

/* Type=notify and notify-reload have started when they say so. */
static inline bool says_ready(const struct service *s)
{
	return type_is(s, SERVICE_NOTIFY) || type_is(s, SERVICE_NOTIFY_RELOAD);
}

/* ExitType=cgroup: it goes on, whatever has become of the main process. */
static inline bool outlives_main(const struct service *s)
{
	return s->unit->exit_type == EXIT_TYPE_CGROUP && s->populated;
}

static inline bool is_term_state(enum service_state state)
{
	return state == STATE_STOP_SIGTERM || state == STATE_FINAL_SIGTERM;
}

/* ---- service_stage.c ---- */

void step_act(struct step *st, struct action a);
void step_answer(struct step *st, enum request request, enum answer a);
/* Begins a stage, be it of the same state, without a timeout. */
void step_set_state(struct step *st, enum service_state to);
/* The first thing that went wrong is the result. */
void step_note_result(struct step *st, enum service_result r);
void step_unit_action(struct step *st, enum unit_action action);
void step_spawn(struct step *st, bool is_main, enum exec_phase phase, size_t index);
/* With SIGHUP after it where the unit and the state say so. */
void step_signal(struct step *st, enum whom whom, int sig);
/* When the present stage must end for the deadline's sake; USEC_INFINITY: no deadline. */
usec_t step_share_end(const struct step *st);
/* The present stage's own timeout gives way to its share of what is left of the deadline. */
void step_fit_stage(struct step *st);
/* Runs one command of a list as a control process, with a time of its own. */
void step_run_control(struct step *st, enum service_state state, enum exec_phase phase,
		      size_t index, usec_t timeout);
/* Runs the command behind the one that has ended; false when it was the last. */
bool step_run_next_control(struct step *st, usec_t timeout);
/* How the main, or a control process ended, for the result; the former is noted in it. */
enum service_result step_note_main_exit(struct step *st);
enum service_result step_note_control_end(struct step *st);

/* ---- service_start.c ---- */

void step_enter_running(struct step *st);
void step_enter_start(struct step *st);
void step_check(struct step *st);
/* Is the answer to ACTION_FIND_MAIN what the state is waiting for? */
bool service_awaits_main(const struct service *s);
void step_find_main(struct step *st);

step_fn on_checked, on_stop_check, on_start_ended, on_start_active, on_spawned_start,
	on_execed_start, on_spawn_failed_start;
step_fn on_main_exit_start, on_main_exit_noted, on_main_exit_running;
step_fn on_control_condition, on_control_start_pre, on_control_start_post, on_control_noted;
step_fn on_main_pid, on_no_main, on_empty_start, on_empty_running, on_empty_ended, on_reset,
	on_ready_start;
step_fn on_timer_start, on_timer_running, on_timer_auto_restart;

/* ---- service_reload.c ---- */

step_fn on_reload_active, on_reload_inactive, on_control_reload, on_timer_reload;
step_fn on_reloading_running, on_reloading_signal, on_ready_reload, on_main_exit_reload, on_empty_reload;

/* ---- service_notify.c ---- */

/* A full interval from now, where there is one. */
void step_arm_watchdog(struct step *st);
/* Is it one in which the service has to say that it lives? */
bool state_has_watchdog(enum service_state state);

step_fn on_stopping, on_extend, on_watchdog, on_watchdog_expired, on_watchdog_usec;

/* ---- service_stop.c ---- */

enum scope { SCOPE_INVALID, SCOPE_NOBODY, SCOPE_LEADERS, SCOPE_ALL };

/* The signal stages: is this one, and which state comes when its time is up? */
bool state_is_signal_stage(enum service_state state);
/* The stop's absolute deadline counts from the first moment of the stop. */
void step_begin_stop(struct step *st);
void step_enter_stop(struct step *st, enum service_result r);
void step_enter_signal(struct step *st, enum service_state state, enum service_result r);
/* The signals that the present stage begins with, once more. */
void step_signal_stage(struct step *st);
void step_kill_now(struct step *st);
/* A stage's time is up: TimeoutStopFailureMode= and its sister say what comes next. */
void step_escalate(struct step *st, enum failure_mode mode, bool final);

step_fn on_start_stopping, on_start_stuck, on_restart_active, on_restart_busy, on_restart_stopping;
step_fn on_stop_ended, on_stop_auto_restart, on_stop_busy, on_stop_active, on_stop_stopping,
	on_stop_stuck;
step_fn on_broken, on_main_pid_stage, on_main_exit_stage, on_control_stop, on_control_stop_post,
	on_control_stage, on_empty_stage, on_stuck;
step_fn on_oom_busy, on_oom_active, on_oom_stage, on_oom_kill;
step_fn on_timer_stop, on_timer_stop_post, on_timer_stage, on_timer_kill, on_timer_stuck, on_rest_due;
