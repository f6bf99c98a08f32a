/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/stopbound.h"

static usec_t usec_times(usec_t t, size_t n)
{
	usec_t product;

	return __builtin_mul_overflow(t, (usec_t)n, &product) ? USEC_INFINITY : product;
}

static bool kills_group(const struct unit *u)
{
	return u->kill_mode == KILL_CONTROL_GROUP || u->kill_mode == KILL_MIXED;
}

/* Without scope nobody is signalled, nor waited for. */
static bool signals(const struct unit *u)
{
	return u->kill_mode != KILL_NONE;
}

/* SIGKILL, and the proof: of who has left the cgroup, too, after that of the cgroup. */
static usec_t verify_time(const struct unit *u)
{
	if (!signals(u) || !u->send_sigkill)
		return 0;
	return usec_times(u->kill_verify, u->escape_policy == ESCAPE_KILL && kills_group(u) ? 2 : 1);
}

static usec_t kill_time(const struct unit *u)
{
	usec_t milder = u->final_kill_signal == SIGKILL ? 0 : u->timeout_stop;

	return signals(u) && u->send_sigkill ? usec_add(milder, verify_time(u)) : 0;
}

static usec_t abort_time(const struct unit *u)
{
	return signals(u) && u->timeout_stop_failure_mode == FAILURE_ABORT ? u->timeout_abort : 0;
}

/*
 * After ExecStopPost= SIGTERM goes to whom it has left behind, where those are meant; to the main process, where that was
 * never killed; and else only to a command whose time is up, if the unit answers that by SIGTERM.
 */
static bool has_final_sigterm(const struct unit *u)
{
	bool means_rest = u->kill_mode == KILL_CONTROL_GROUP ||
			  (u->kill_mode == KILL_MIXED && u->rest_grace > 0);

	return signals(u) &&
	       (means_rest || !u->send_sigkill || u->timeout_stop_failure_mode == FAILURE_TERMINATE);
}

/* The main process is gone by then, unless it was never killed: RestGraceSec=. */
static usec_t final_sigterm_time(const struct unit *u)
{
	bool rest_alone = kills_group(u) && u->send_sigkill && u->rest_grace > 0;

	if (!has_final_sigterm(u))
		return 0;
	return rest_alone ? MIN_OF(u->timeout_stop, u->rest_grace) : u->timeout_stop;
}

/*
 * A command that ends at the last moment, and well, costs its whole time and is followed by the next; one that does not end
 * is the last of its list. So every command, every stage once. The abort comes after SIGTERM: were it the answer to ExecStop=
 * alone, SIGTERM would be left out.
 */
static void find_stages(const struct unit *u, usec_t stage[STATE_MAX])
{
	bool post = u->exec[EXEC_STOP_POST].n > 0;

	stage[STATE_STOP] = usec_times(u->timeout_stop, u->exec[EXEC_STOP].n);
	stage[STATE_STOP_SIGTERM] = signals(u) ? u->timeout_stop : 0;
	stage[STATE_STOP_WATCHDOG] = abort_time(u);
	stage[STATE_STOP_SIGKILL] = kill_time(u);
	stage[STATE_STOP_POST] = usec_times(u->timeout_stop, u->exec[EXEC_STOP_POST].n);
	stage[STATE_FINAL_SIGTERM] = post ? final_sigterm_time(u) : 0;
	stage[STATE_FINAL_WATCHDOG] = post ? abort_time(u) : 0;
	stage[STATE_FINAL_SIGKILL] = post ? kill_time(u) : 0;
}

void stopbound_of(const struct unit *u, struct stopbound *out)
{
	*out = (struct stopbound){ .costliest = STATE_INVALID };
	if (unit_is_point(u))
		return;
	find_stages(u, out->stage);
	for (enum service_state s = STATE_STOP; s < STATE_STUCK; s++) {
		out->total = usec_add(out->total, out->stage[s]);
		if (out->stage[s] > out->stage[out->costliest])
			out->costliest = s;
	}
	/* At the deadline what may be killed is killed, and nothing more is begun. */
	out->total = MIN_OF(out->total, usec_add(u->stop_deadline, verify_time(u)));
}

const char *stopbound_directive(const struct unit *u, enum service_state stage)
{
	bool kill = stage == STATE_STOP_SIGKILL || stage == STATE_FINAL_SIGKILL;

	if (!service_state_is_stopping(stage) || stage == STATE_STUCK)
		return NULL;
	if (stage == STATE_STOP_WATCHDOG || stage == STATE_FINAL_WATCHDOG)
		return "TimeoutAbortSec";
	return kill && usec_sub(kill_time(u), verify_time(u)) <= verify_time(u) ? "KillVerifySec"
										: "TimeoutStopSec";
}

static usec_t total_with(const struct unit *u, usec_t timeout_stop)
{
	struct unit changed = *u;
	struct stopbound b;

	if (changed.timeout_abort == changed.timeout_stop)
		changed.timeout_abort = timeout_stop;
	changed.timeout_stop = timeout_stop;
	stopbound_of(&changed, &b);
	return b.total;
}

/* The total grows with the timeout, so the largest that fits is found by halving. */
bool stopbound_fit(const struct unit *u, usec_t limit, usec_t *timeout_stop)
{
	usec_t fits = 1, above = limit + (limit < USEC_INFINITY); /* 0 would be no timeout at all */

	if (total_with(u, fits) > limit)
		return false;
	while (above - fits > 1) {
		usec_t middle = fits + (above - fits) / 2;

		if (total_with(u, middle) <= limit)
			fits = middle;
		else
			above = middle;
	}
	*timeout_stop = fits;
	return true;
}

/* What is less still fits. */
static usec_t round_down(usec_t t)
{
	return t - t % (t >= 60 * USEC_PER_SEC ? USEC_PER_SEC
			: t >= USEC_PER_SEC    ? 100 * USEC_PER_MSEC
					       : USEC_PER_MSEC);
}

/* Timeouts first, then a cap over them, then a shorter proof of the kill under that cap: a kill that works takes no time. */
size_t stopbound_shorten(const struct unit *u, usec_t limit,
			 struct stopbound_setting out[static STOPBOUND_SETTINGS_MAX])
{
	struct unit quick = *u;
	usec_t timeout;

	if (stopbound_fit(u, limit, &timeout) && round_down(timeout) > 0) {
		out[0] = (struct stopbound_setting){ "TimeoutStopSec", round_down(timeout) };
		return 1;
	}
	out[0] = (struct stopbound_setting){ "StopDeadlineSec",
					     round_down(limit - MIN_OF(limit, verify_time(u))) };
	if (out[0].value > 0)
		return 1;
	quick.kill_verify = round_down(limit / 4);
	out[0].value = round_down(limit - verify_time(&quick));
	out[1] = (struct stopbound_setting){ "KillVerifySec", quick.kill_verify };
	return out[1].value > 0 ? 2 : 0;
}
