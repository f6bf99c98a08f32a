/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What actions and stages are made of. */
#include <assert.h>

#include "core/service_impl.h"

void step_act(struct step *st, struct action a)
{
	assert(st->out->n < ACTIONS_MAX);
	st->out->v[st->out->n++] = a;
}

void step_answer(struct step *st, enum request request, enum answer a)
{
	step_act(st, (struct action){ .kind = ACTION_DONE, .request = request, .answer = a });
}

void step_set_state(struct step *st, enum service_state to)
{
	struct service *s = st->s;

	s->stage_end = s->rest_at = USEC_INFINITY;
	s->killing = s->squeezed = s->rest_due = false;
	if (!state_has_watchdog(to))
		s->watchdog_end = USEC_INFINITY;
	if (s->state == to)
		return;
	step_act(st, (struct action){ .kind = ACTION_STATE,
				      .from = s->state,
				      .to = to,
				      .result = s->result,
				      .seen_as_ended = to == STATE_AUTO_RESTART &&
						       s->unit->restart_mode != RESTART_MODE_DIRECT });
	s->state = to;
	s->state_since = st->now;
}

void step_note_result(struct step *st, enum service_result r)
{
	if (st->s->result == RESULT_SUCCESS)
		st->s->result = r;
}

void step_unit_action(struct step *st, enum unit_action action)
{
	if (action == UNIT_ACTION_EXIT || action == UNIT_ACTION_EXIT_FORCE)
		step_act(st, (struct action){ .kind = ACTION_UNIT_ACTION, .unit_action = action });
}

void step_spawn(struct step *st, bool is_main, enum exec_phase phase, size_t index)
{
	struct service *s = st->s;

	s->phase = phase;
	s->index = index;
	s->populated = true;
	if (is_main)
		s->main_alive = true;
	else
		s->control_alive = true;
	step_act(st, (struct action){
			     .kind = ACTION_SPAWN, .is_main = is_main, .phase = phase, .index = index });
}

/* systemd.kill(5): the hang-up belongs to the request to end, not to a restart, an abort or a kill. */
void step_signal(struct step *st, enum whom whom, int sig)
{
	const struct service *s = st->s;

	step_act(st, (struct action){
			     .kind = ACTION_SIGNAL,
			     .whom = whom,
			     .signal = sig,
			     .sighup = s->unit->send_sighup && is_term_state(s->state) &&
				       !s->restart_requested && sig != SIGHUP && sig != SIGKILL,
		     });
}

/* ---- time ---- */

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

usec_t step_share_end(const struct step *st)
{
	const struct service *s = st->s;

	if (s->deadline == USEC_INFINITY)
		return USEC_INFINITY;
	return usec_add(st->now, stage_share(s, usec_sub(s->deadline, st->now)));
}

void step_fit_stage(struct step *st)
{
	struct service *s = st->s;
	usec_t end = step_share_end(st);

	if (end < s->stage_end && !s->killing) {
		s->stage_end = end;
		s->squeezed = true;
	}
	if (s->rest_at != USEC_INFINITY) /* the rest is to have as long as the main process alone, at least */
		s->rest_at =
			MIN_OF(s->rest_at, usec_add(st->now, usec_sub(s->stage_end, st->now) / 2));
}

/* ---- commands ---- */

void step_run_control(struct step *st, enum service_state state, enum exec_phase phase,
		      size_t index, usec_t timeout)
{
	step_set_state(st, state);
	step_spawn(st, false, phase, index);
	st->s->stage_end = usec_add(st->now, timeout);
	step_fit_stage(st);
}

bool step_run_next_control(struct step *st, usec_t timeout)
{
	struct service *s = st->s;

	if (s->index + 1 >= s->unit->exec[s->phase].n)
		return false;
	step_run_control(st, s->state, s->phase, s->index + 1, timeout);
	return true;
}

/* ---- ends ---- */

/* Type=forking, and the process that we have started is to go, and leaves somebody. */
static bool forked(const struct service *s)
{
	return type_is(s, SERVICE_FORKING) && s->state == STATE_START && s->populated;
}

enum service_result step_note_main_exit(struct step *st)
{
	struct service *s = st->s;
	const struct exec_commands *list = &s->unit->exec[EXEC_START];
	size_t index = type_is(s, SERVICE_ONESHOT) && s->phase == EXEC_START ? s->index : 0;
	enum exit_kind kind = type_is(s, SERVICE_ONESHOT) ? EXIT_OF_COMMAND : EXIT_OF_DAEMON;
	enum service_result r = exit_result(st->ev->exit, kind, s->unit->success);

	s->main_alive = false;
	s->main_exit = st->ev->exit;
	if (index < list->n && list->v[index].ignore_failure)
		r = RESULT_SUCCESS;
	if (r == RESULT_EXIT_UNKNOWN && (service_state_is_stopping(s->state) || forked(s)))
		r = RESULT_SUCCESS; /* it was asked to end; or it has left its daemon behind, as it should */
	step_note_result(st, r);
	return r;
}

/* No '-' excuses one that could not even be spawned. */
enum service_result step_note_control_end(struct step *st)
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
