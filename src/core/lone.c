/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/lone.h"

#include "util/macro.h"

/* One that is asked to stop twice is in a hurry, as with cgkilld elsewhere (daemon/shutdown.h). */
static const struct transition {
	enum lone_state next; /* invalid: the event means nothing */
	enum lone_action action;
} machine[LONE_STATE_MAX][LONE_EVENT_MAX] = {
	[LONE_RUNNING] = { [LONE_STOP] = { LONE_STOPPING, LONE_TELL }, [LONE_ENDED] = { LONE_ENDING, LONE_TELL_ALL } },
	[LONE_STOPPING] = { [LONE_STOP] = { LONE_KILLING, LONE_KILL_ALL },
			    [LONE_TIME] = { LONE_KILLING, LONE_KILL_ALL },
			    [LONE_ENDED] = { LONE_ENDING, LONE_TELL_ALL } },
	[LONE_ENDING] = { [LONE_STOP] = { LONE_KILLING, LONE_KILL_ALL },
			  [LONE_TIME] = { LONE_KILLING, LONE_KILL_ALL },
			  [LONE_EMPTY] = { LONE_OVER, LONE_NOTHING } },
	[LONE_KILLING] = { [LONE_OTHER] = { LONE_KILLING, LONE_KILL_ALL },
			   [LONE_ENDED] = { LONE_KILLING, LONE_KILL_ALL },
			   [LONE_TIME] = { LONE_STUCK, LONE_NOTHING },
			   [LONE_EMPTY] = { LONE_OVER, LONE_NOTHING } },
};

struct lone lone_begin(struct lone_times times)
{
	return (struct lone){
		.state = LONE_RUNNING, .times = times, .deadline = USEC_INFINITY, .timer = USEC_INFINITY
	};
}

static void enter(struct lone *l, enum lone_state state, usec_t now)
{
	l->state = state;
	switch (state) {
	case LONE_STOPPING:
		l->timer = l->deadline = usec_add(now, l->times.stop);
		break;
	case LONE_ENDING:
		l->timer = MIN_OF(l->deadline, usec_add(now, l->times.rest));
		break;
	case LONE_KILLING:
		l->timer = usec_add(now, l->times.verify);
		break;
	case LONE_STATE_INVALID:
	case LONE_RUNNING:
	case LONE_OVER:
	case LONE_STUCK:
	case LONE_STATE_MAX:
		l->timer = USEC_INFINITY;
		break;
	}
}

enum lone_action lone_step(struct lone *l, enum lone_event event, usec_t now)
{
	const struct transition *t = &machine[l->state][event];

	if (t->next == LONE_STATE_INVALID || (event == LONE_TIME && now < l->timer))
		return LONE_NOTHING;
	if (t->next != l->state)
		enter(l, t->next, now);
	return t->action;
}
