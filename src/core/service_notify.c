/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the service says of its time: that it stops, that it needs longer, that it lives. */
#include "core/service_impl.h"

/* It is as if it had been signalled; the others are, once it has ended (systemd: in final-sigterm). */
void on_stopping(struct step *st)
{
	struct service *s = st->s;

	step_begin_stop(st);
	step_set_state(st, STATE_STOP_SIGTERM);
	s->stage_end = usec_add(st->now, s->unit->timeout_stop);
	s->rest_due = s->main_alive;
	step_fit_stage(st);
}

static void prolong(usec_t *end, usec_t until)
{
	if (*end != USEC_INFINITY)
		*end = MAX_OF(*end, until);
}

void on_extend(struct step *st)
{
	struct service *s = st->s;
	usec_t until = usec_add(st->now, st->ev->usec), share_end = step_share_end(st);

	if (st->ev->usec == 0 || st->ev->usec == USEC_INFINITY)
		return;
	prolong(&s->watchdog_end, until);
	if (s->state == STATE_RUNNING)
		prolong(&s->runtime_end, until);
	if (!s->populated || s->stage_end == USEC_INFINITY || s->stage_end > MIN_OF(until, share_end))
		return; /* over an empty cgroup nobody needs time any more */
	s->stage_end = MIN_OF(until, share_end);
	s->squeezed = share_end < until;
}

/* ---- the watchdog ---- */

bool state_has_watchdog(enum service_state state)
{
	return state == STATE_START_POST || state == STATE_RUNNING || state == STATE_RELOAD ||
	       state == STATE_RELOAD_SIGNAL || state == STATE_RELOAD_NOTIFY;
}

void step_arm_watchdog(struct step *st)
{
	struct service *s = st->s;

	s->watchdog_end = s->watchdog > 0 ? usec_add(st->now, s->watchdog) : USEC_INFINITY;
}

void on_watchdog(struct step *st)
{
	step_arm_watchdog(st);
}

void on_watchdog_expired(struct step *st)
{
	step_enter_signal(st, STATE_STOP_WATCHDOG, RESULT_WATCHDOG);
}

void on_watchdog_usec(struct step *st)
{
	st->s->watchdog = st->ev->usec;
	if (state_has_watchdog(st->s->state))
		step_arm_watchdog(st);
}
