/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/service_impl.h"

static const struct {
	const char *sub, *active;
} state_names[STATE_MAX] = {
	[STATE_DEAD] = { "dead", "inactive" },
	[STATE_CHECK] = { "check", "activating" },
	[STATE_CONDITION] = { "condition", "activating" },
	[STATE_START_PRE] = { "start-pre", "activating" },
	[STATE_START] = { "start", "activating" },
	[STATE_START_POST] = { "start-post", "activating" },
	[STATE_RUNNING] = { "running", "active" },
	[STATE_EXITED] = { "exited", "active" },
	[STATE_RELOAD] = { "reload", "reloading" },
	[STATE_RELOAD_SIGNAL] = { "reload-signal", "reloading" },
	[STATE_RELOAD_NOTIFY] = { "reload-notify", "reloading" },
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

bool service_state_is_over(enum service_state s)
{
	return service_state_is_ended(s) || s == STATE_AUTO_RESTART;
}

const char *event_name(enum event_kind kind)
{
	static const char *const names[EVENT_MAX] = {
		[EVENT_START] = "start",
		[EVENT_STOP] = "stop",
		[EVENT_RESTART] = "restart",
		[EVENT_RELOAD] = "reload",
		[EVENT_STOP_TO_START] = "stop-to-start",
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
		[EVENT_CHECKED] = "checked",
		[EVENT_BROKEN] = "broken",
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

const char *answer_name(enum answer a)
{
	static const char *const names[ANSWER_MAX] = {
		[ANSWER_DONE] = "done",		[ANSWER_FAILED] = "failed",
		[ANSWER_CANCELED] = "canceled", [ANSWER_SKIPPED] = "skipped",
		[ANSWER_ASSERT] = "assert",	[ANSWER_NOT_APPLICABLE] = "not-applicable",
		[ANSWER_REFUSED] = "refused",	[ANSWER_SURVIVORS] = "survivors",
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
		.rest_at = USEC_INFINITY,
		.watchdog_end = USEC_INFINITY,
	};
}

/* ---- the machine ---- */

/* clang-format off */
#define ROW_REQUESTS(start, stop, restart, reload)                                                \
	[EVENT_START] = (start), [EVENT_STOP] = (stop), [EVENT_RESTART] = (restart),              \
	[EVENT_STOP_TO_START] = (stop),                                                           \
	[EVENT_RELOAD] = (reload), [EVENT_RESET_FAILED] = on_reset
#define ROW_ENDED                                                                                 \
	ROW_REQUESTS(on_start_ended, on_stop_ended, on_start_ended, on_reload_inactive),          \
		[EVENT_EMPTY] = on_empty_ended
#define ROW_STARTING                                                                              \
	ROW_REQUESTS(NULL, on_stop_busy, on_restart_busy, on_reload_inactive),                    \
		[EVENT_OOM] = on_oom_busy, [EVENT_TIMER] = on_timer_start
#define ROW_ACTIVE                                                                                \
	ROW_REQUESTS(on_start_active, on_stop_active, on_restart_active, on_reload_active),       \
		[EVENT_CONTROL_EXIT] = on_control_noted, [EVENT_OOM] = on_oom_active
#define ROW_RELOADING                                                                             \
	ROW_REQUESTS(on_start_active, on_stop_busy, on_restart_busy, NULL),                       \
		[EVENT_OOM] = on_oom_busy, [EVENT_TIMER] = on_timer_reload
#define ROW_RELOADING_MAIN                                                                        \
	ROW_RELOADING, [EVENT_MAIN_EXIT] = on_main_exit_reload, [EVENT_EMPTY] = on_empty_reload,  \
		[EVENT_CONTROL_EXIT] = on_control_noted
#define ROW_STOPPING                                                                              \
	ROW_REQUESTS(on_start_stopping, on_stop_stopping, on_restart_stopping, on_reload_inactive)
#define ROW_CONTROL(fn) [EVENT_CONTROL_EXIT] = (fn), [EVENT_SPAWN_FAILED] = (fn)
#define ROW_STAGE                                                                                 \
	ROW_STOPPING, [EVENT_MAIN_EXIT] = on_main_exit_stage,                                     \
		[EVENT_CONTROL_EXIT] = on_control_stage, [EVENT_EMPTY] = on_empty_stage
#define ROW_SIGNAL                                                                                \
	ROW_STAGE, [EVENT_OOM] = on_oom_stage, [EVENT_EXTEND] = on_extend,                        \
		[EVENT_TIMER] = on_timer_stage
#define ROW_KILL                                                                                  \
	ROW_STAGE, [EVENT_STUCK] = on_stuck, [EVENT_OOM] = on_oom_kill,                           \
		[EVENT_TIMER] = on_timer_kill
/* What a service may say between the first moment of its main process and the stop. */
#define ROW_SAYS                                                                                  \
	[EVENT_MAIN_PID] = on_main_pid, [EVENT_EXTEND] = on_extend,                               \
		[EVENT_WATCHDOG_USEC] = on_watchdog_usec,                                         \
		[EVENT_WATCHDOG_TRIGGER] = on_watchdog_expired
#define ROW_WATCHED                                                                               \
	ROW_SAYS, [EVENT_WATCHDOG] = on_watchdog, [EVENT_STOPPING] = on_stopping

/* What is not in the table cannot happen in that state, or changes nothing there but the facts. */
static step_fn *const machine[STATE_MAX][EVENT_MAX] = {
	[STATE_DEAD] = { ROW_ENDED },
	[STATE_FAILED] = { ROW_ENDED },
	[STATE_AUTO_RESTART] = { ROW_REQUESTS(on_start_ended, on_stop_auto_restart, on_start_ended,
					      on_reload_inactive),
				 [EVENT_EMPTY] = on_empty_ended,
				 [EVENT_TIMER] = on_timer_auto_restart },
	[STATE_CHECK] = { ROW_REQUESTS(NULL, on_stop_check, NULL, on_reload_inactive),
			  [EVENT_CHECKED] = on_checked, [EVENT_EMPTY] = on_empty_ended },
	[STATE_CONDITION] = { ROW_STARTING, ROW_CONTROL(on_control_condition),
			      [EVENT_EXTEND] = on_extend },
	[STATE_START_PRE] = { ROW_STARTING, ROW_CONTROL(on_control_start_pre),
			      [EVENT_EXTEND] = on_extend },
	[STATE_START] = { ROW_SAYS, ROW_STARTING, [EVENT_SPAWNED] = on_spawned_start,
			  [EVENT_SPAWN_FAILED] = on_spawn_failed_start,
			  [EVENT_EXECED] = on_execed_start,
			  [EVENT_MAIN_EXIT] = on_main_exit_start, [EVENT_NO_MAIN] = on_no_main,
			  [EVENT_READY] = on_ready_start, [EVENT_EMPTY] = on_empty_start },
	[STATE_START_POST] = { ROW_WATCHED, ROW_STARTING, ROW_CONTROL(on_control_start_post),
			       [EVENT_MAIN_EXIT] = on_main_exit_noted,
			       [EVENT_NO_MAIN] = on_no_main, [EVENT_EMPTY] = on_empty_start },
	[STATE_RUNNING] = { ROW_WATCHED, ROW_ACTIVE, [EVENT_MAIN_EXIT] = on_main_exit_running,
			    [EVENT_EMPTY] = on_empty_running,
			    [EVENT_RELOADING] = on_reloading_running,
			    [EVENT_TIMER] = on_timer_running },
	[STATE_EXITED] = { ROW_ACTIVE, [EVENT_BROKEN] = on_broken },
	[STATE_RELOAD] = { ROW_WATCHED, ROW_RELOADING, ROW_CONTROL(on_control_reload),
			   [EVENT_MAIN_EXIT] = on_main_exit_noted },
	[STATE_RELOAD_SIGNAL] = { ROW_WATCHED, ROW_RELOADING_MAIN,
				  [EVENT_RELOADING] = on_reloading_signal },
	[STATE_RELOAD_NOTIFY] = { ROW_WATCHED, ROW_RELOADING_MAIN,
				  [EVENT_READY] = on_ready_reload },
	[STATE_STOP] = { ROW_STOPPING, ROW_CONTROL(on_control_stop),
			 [EVENT_MAIN_EXIT] = on_main_exit_noted, [EVENT_MAIN_PID] = on_main_pid,
			 [EVENT_OOM] = on_oom_busy, [EVENT_EXTEND] = on_extend,
			 [EVENT_TIMER] = on_timer_stop },
	[STATE_STOP_WATCHDOG] = { ROW_SIGNAL },
	[STATE_STOP_SIGTERM] = { ROW_SIGNAL, [EVENT_MAIN_PID] = on_main_pid_stage },
	[STATE_STOP_SIGKILL] = { ROW_KILL },
	[STATE_STOP_POST] = { ROW_STOPPING, ROW_CONTROL(on_control_stop_post),
			      [EVENT_MAIN_EXIT] = on_main_exit_noted,
			      [EVENT_OOM] = on_oom_stage, [EVENT_EXTEND] = on_extend,
			      [EVENT_TIMER] = on_timer_stop_post },
	[STATE_FINAL_WATCHDOG] = { ROW_SIGNAL },
	[STATE_FINAL_SIGTERM] = { ROW_SIGNAL },
	[STATE_FINAL_SIGKILL] = { ROW_KILL },
	[STATE_STUCK] = { ROW_REQUESTS(on_start_stuck, on_stop_stuck, on_start_stuck,
				       on_reload_inactive),
			  [EVENT_MAIN_EXIT] = on_main_exit_stage,
			  [EVENT_CONTROL_EXIT] = on_control_stage,
			  [EVENT_EMPTY] = on_empty_stage, [EVENT_TIMER] = on_timer_stuck },
};
/* clang-format on */

/* Which of the times that a service has is up. The watchdog's comes first, though: it tells why the others may be, too. */
static step_fn *timer_of(struct service *s, usec_t now)
{
	if (now >= s->watchdog_end)
		return on_watchdog_expired;
	if (now >= s->rest_at && now < MIN_OF(s->stage_end, s->deadline))
		return on_rest_due;
	s->cut_short |= s->squeezed;
	return machine[s->state][EVENT_TIMER];
}

bool service_step(struct service *s, const struct event *ev, usec_t now, struct actions *out)
{
	struct step st = { .s = s, .ev = ev, .now = now, .out = out };
	step_fn *fn = machine[s->state][ev->kind];

	out->n = 0;
	if (ev->kind == EVENT_TIMER) {
		if (now < service_next_timer(s))
			return false; /* an alarm that was overtaken by what happened */
		fn = timer_of(s, now);
	}
	if (ev->kind == EVENT_EMPTY)
		s->populated = false;
	if (fn)
		fn(&st);
	return out->n > 0 || (fn && ev->kind != EVENT_EMPTY && ev->kind != EVENT_WATCHDOG);
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

/* What the present stage has begun with, beside processes. */
static void resume_stage(struct step *st, bool signals_due)
{
	struct service *s = st->s;

	if (s->state == STATE_RELOAD && s->reload_result == RESULT_TIMEOUT)
		step_signal(st, WHOM_CONTROL, SIGKILL);
	else if (s->state == STATE_RELOAD_SIGNAL && signals_due)
		step_signal(st, WHOM_MAIN, s->unit->reload_signal);
	else if (s->killing && s->populated)
		step_kill_now(st); /* twice does no harm */
	else if (s->killing)	   /* the end of a zombie is waited for, as in on_empty_stage() */
		s->stage_end = MIN_OF(s->stage_end, usec_add(st->now, s->unit->kill_verify));
	else if (state_is_signal_stage(s->state) && signals_due)
		step_signal_stage(st);
}

void service_resume(struct service *s, const struct resume *how, usec_t now, struct actions *out)
{
	struct step st = { .s = s, .now = now, .out = out };

	out->n = 0;
	if (s->state == STATE_CHECK)
		step_check(&st);
	if (how->main_never_ran && s->state == STATE_START)
		step_spawn(&st, true, EXEC_START, type_is(s, SERVICE_ONESHOT) ? s->index : 0);
	if (how->control_never_ran && awaits_control(s))
		step_spawn(&st, false, s->phase, s->index);
	if (service_awaits_main(s))
		step_find_main(&st);
	if (s->watchdog_end != USEC_INFINITY)
		step_arm_watchdog(&st); /* whatever it has said meanwhile is lost */
	resume_stage(&st, how->signals_due);
	/* The cgroup may still be there, with an older record in it. */
	if (service_state_is_over(s->state) && !s->populated)
		step_act(&st, (struct action){ .kind = ACTION_RELEASE });
}

/* ---- what is asked about a service ---- */

/* Does the deadline of the whole stop still have something to cut short here? */
static bool deadline_matters(const struct service *s)
{
	return s->state == STATE_STOP || s->state == STATE_STOP_POST ||
	       (state_is_signal_stage(s->state) && s->state != STATE_STUCK && !s->killing);
}

usec_t service_next_timer(const struct service *s)
{
	usec_t at = MIN_OF(MIN_OF(s->stage_end, s->rest_at), s->watchdog_end);

	if (deadline_matters(s))
		at = MIN_OF(at, s->deadline);
	if (s->state == STATE_RUNNING)
		at = MIN_OF(at, s->runtime_end);
	return at;
}

/* The states in which nothing else may tell that nobody is left, once the main process is gone. */
static bool lives_by_cgroup(const struct service *s)
{
	static const bool states[STATE_MAX] = {
		[STATE_START] = true,
		[STATE_RUNNING] = true,
		[STATE_RELOAD_SIGNAL] = true,
		[STATE_RELOAD_NOTIFY] = true,
	};

	return (states[s->state] && !s->main_alive) || service_awaits_main(s);
}

bool service_watches_empty(const struct service *s)
{
	if (!s->populated)
		return false;
	return s->state == STATE_EXITED || s->state == STATE_AUTO_RESTART ||
	       s->state == STATE_CHECK || service_state_is_stopping(s->state) ||
	       service_state_is_ended(s->state) || lives_by_cgroup(s);
}

bool service_hears(const struct service *s)
{
	return s->unit->notify_access != NOTIFY_ACCESS_NONE && !service_state_is_over(s->state);
}

bool service_start_refused(const struct service *s)
{
	bool may_stay = s->unit->kill_mode == KILL_PROCESS || s->unit->kill_mode == KILL_NONE;

	return s->state == STATE_STUCK || (s->populated && !may_stay);
}
