/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random lives of random services, with and without crashes of their manager. */
#include "service_world.h"

#include "core/condition.h"

TestSuite(service_walks, .timeout = 120);

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static unsigned pick(uint64_t *seed, unsigned n)
{
	return (unsigned)(random_next(seed) >> 20) % n;
}

static bool chance(uint64_t *seed, unsigned percent)
{
	return pick(seed, 100) < percent;
}

static usec_t pick_time(uint64_t *seed)
{
	return (1 + pick(seed, 3000)) * MSEC;
}

static struct nature random_nature(uint64_t *seed, bool is_command)
{
	return (struct nature){
		.life = chance(seed, is_command ? 80 : 30) ? (pick(seed, 2) ? 0 : pick_time(seed)) : NEVER,
		.status = chance(seed, 70) ? 0 : 1 + (int)pick(seed, 255),
		.ignores = chance(seed, 40),
		.unkillable = chance(seed, 5),
		.withheld = chance(seed, 2),
		.cannot_spawn = chance(seed, 4),
		.leaves_child = chance(seed, 30),
	};
}

static char some_path[] = "/run/a.pid";

static struct unit random_unit(uint64_t *seed)
{
	static const enum service_type types[] = {
		SERVICE_SIMPLE, SERVICE_EXEC,	SERVICE_ONESHOT, SERVICE_ONESHOT,
		SERVICE_NOTIFY, SERVICE_NOTIFY, SERVICE_FORKING, SERVICE_NOTIFY_RELOAD,
		SERVICE_IDLE,	SERVICE_DBUS,
	};
	static const int final_signals[] = { SIGKILL, SIGKILL, SIGQUIT };
	static struct conditions some_conditions = { .n = 1 };
	struct unit u = plain_unit();

	u.conditions = chance(seed, 30) ? &some_conditions : NULL;
	u.type = types[pick(seed, ARRAY_SIZE(types))];
	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		u.exec[p] = (struct exec_commands){ chance(seed, 30) ? lenient : commands,
						    chance(seed, 40) ? 1 + pick(seed, 2) : 0 };
	if (u.type != SERVICE_ONESHOT)
		u.exec[EXEC_START].n = 1;
	u.remain_after_exit = chance(seed, 30);
	u.restart = RESTART_NO + pick(seed, RESTART_MAX - RESTART_NO);
	u.start_limit_interval = pick(seed, 2) ? 0 : pick_time(seed);
	u.restart_delay = pick_time(seed);
	u.timeout_start = pick_time(seed);
	u.timeout_stop = pick_time(seed);
	u.timeout_abort = pick_time(seed);
	u.timeout_start_failure_mode = FAILURE_TERMINATE + pick(seed, 3);
	u.timeout_stop_failure_mode = FAILURE_TERMINATE + pick(seed, 3);
	u.runtime_max = chance(seed, 20) ? pick_time(seed) : NEVER;
	u.kill_mode = KILL_CONTROL_GROUP + pick(seed, 4);
	u.restart_kill_signal = chance(seed, 20) ? SIGUSR1 : SIGTERM;
	u.final_kill_signal = final_signals[pick(seed, ARRAY_SIZE(final_signals))];
	u.send_sigkill = chance(seed, 80);
	u.send_sighup = chance(seed, 20);
	u.stop_deadline = chance(seed, 30) ? pick_time(seed) : NEVER;
	u.kill_verify = pick_time(seed);
	u.exit_type = u.type != SERVICE_FORKING && chance(seed, 20) ? EXIT_TYPE_CGROUP : EXIT_TYPE_MAIN;
	u.restart_mode = chance(seed, 50) ? RESTART_MODE_DIRECT : RESTART_MODE_NORMAL;
	u.restart_steps = pick(seed, 4);
	u.restart_delay_max = chance(seed, 50) ? u.restart_delay * 3 : NEVER;
	u.runtime_extra = chance(seed, 20) ? pick_time(seed) : 0;
	u.watchdog = chance(seed, 30) ? pick_time(seed) : 0;
	u.notify_access = chance(seed, 50) ? NOTIFY_ACCESS_ALL : NOTIFY_ACCESS_MAIN;
	u.oom_policy = OOM_POLICY_CONTINUE + pick(seed, 3);
	u.leader_grace = chance(seed, 20) ? pick_time(seed) : 0;
	u.rest_grace = chance(seed, 20) ? pick_time(seed) : 0;
	u.pid_file = chance(seed, 50) ? some_path : NULL;
	u.start_limit_action = UNIT_ACTION_NONE + pick(seed, 3);
	u.success_action = UNIT_ACTION_NONE + pick(seed, 3);
	u.failure_action = UNIT_ACTION_NONE + pick(seed, 3);
	return u;
}

static void random_request(struct world *w, uint64_t *seed)
{
	enum event_kind kind = EVENT_START + pick(seed, EVENT_RESET_FAILED - EVENT_START + 1);
	usec_t deadline = chance(seed, 70) ? NEVER : usec_sub(w->now + pick_time(seed), 1 * SEC);

	ask_by(w, kind, is_stop(kind) || kind == EVENT_RESTART ? deadline : NEVER);
}

/* What somebody in the service says, or what befalls it. */
static void random_saying(struct world *w, uint64_t *seed)
{
	static const enum event_kind kinds[] = {
		EVENT_READY,
		EVENT_READY,
		EVENT_READY,
		EVENT_READY,
		EVENT_RELOADING,
		EVENT_WATCHDOG,
		EVENT_EXTEND,
		EVENT_WATCHDOG_USEC,
		EVENT_MAIN_PID,
		EVENT_STOPPING,
		EVENT_WATCHDOG_TRIGGER,
		EVENT_OOM,
	};
	enum event_kind kind = kinds[pick(seed, ARRAY_SIZE(kinds))];
	usec_t usec = chance(seed, 10) ? NEVER : kind == EVENT_RELOADING ? w->now : pick_time(seed);
	struct proc *other;

	while (w->spawned || w->spawn_failed)
		(void)happen_now(w);
	other = find_other(w);
	if (kind != EVENT_MAIN_PID)
		say(w, kind, usec);
	else if (other && service_takes_main_pid(&w->s))
		tell_main_pid(w, other);
}

static unsigned n_pending(const struct world *w)
{
	return w->pending[REQUEST_START] + w->pending[REQUEST_STOP] + w->pending[REQUEST_RELOAD];
}

/* A stop ends, and says so. Then everybody lets go, and nothing is left of the service. */
static void end_walk(struct world *w)
{
	ask(w, EVENT_STOP);
	run_for(w, usec_add(stop_bound(w), SEC));
	WORLD_ASSERT(w, service_state_is_ended(w->s.state) || w->s.state == STATE_STUCK);
	WORLD_ASSERT(w, n_pending(w) == 0);
	for (unsigned i = 0; i < w->n_procs; i++) {
		w->procs[i].nature.unkillable = false;
		hit(w, &w->procs[i], SIGKILL);
	}
	w->main = w->child = (struct nature){ 0 };
	w->find_delay = w->check_delay = 0;
	w->verdict = VERDICT_UNMET;
	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		w->control[p] = (struct nature){ 0 };
	run_for(w, usec_add(stop_bound(w), SEC));
	ask(w, EVENT_STOP);
	run_for(w, usec_add(stop_bound(w), SEC));
	WORLD_ASSERT(w, service_state_is_ended(w->s.state));
	WORLD_ASSERT(w, n_pending(w) == 0);
	WORLD_ASSERT(w, !w->s.populated && w->releases > 0);
	WORLD_ASSERT(w, service_next_timer(&w->s) == NEVER);
}

static void walk(uint64_t seed, unsigned crash_percent, unsigned *events, unsigned *max_actions,
		 unsigned visits[STATE_MAX])
{
	static struct world w;
	struct unit u;

	(void)random_next(&seed);
	u = random_unit(&seed);
	world_init(&w, &u);
	w.main = random_nature(&seed, u.type == SERVICE_ONESHOT);
	w.child = random_nature(&seed, false);
	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		w.control[p] = random_nature(&seed, true);
	if (u.type == SERVICE_FORKING && chance(&seed, 80))
		w.main = (struct nature){ .leaves_child = true };
	w.find_delay = chance(&seed, 50) ? 0 : pick_time(&seed);
	w.finds_nobody = chance(&seed, 30);
	w.check_delay = chance(&seed, 50) ? 0 : pick_time(&seed);
	w.verdict = VERDICT_MET + pick(&seed, 5) % 3;
	ask(&w, EVENT_START);
	while (w.steps < 50) {
		usec_t later = w.now + pick_time(&seed);

		visits[w.s.state]++;
		w.crash_after = chance(&seed, crash_percent) ? pick(&seed, 6) : NO_CRASH;
		if (chance(&seed, 30))
			random_request(&w, &seed);
		else if (chance(&seed, 15))
			random_saying(&w, &seed);
		else if (!happen_now(&w))
			w.now = MIN_OF(next_time(&w), later);
	}
	w.crash_after = NO_CRASH;
	end_walk(&w);
	*events += w.steps;
	*max_actions = MAX_OF(*max_actions, w.max_actions);
}

#define WALKS 100000

Test(service_walks, random_walks)
{
	unsigned events = 0, max_actions = 0, visits[STATE_MAX] = { 0 };

	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed * 0x9e3779b97f4a7c15U, 0, &events, &max_actions, visits);
	cr_assert_geq(events, WALKS * 50U);
	cr_assert_lt(max_actions, ACTIONS_MAX);
	for (unsigned state = STATE_DEAD; state < STATE_MAX; state++)
		cr_assert_gt(visits[state], 100, "%s was hardly visited: %u",
			     service_state_name(state), visits[state]);
}

/* The same with a manager that is killed now and then, in the middle of what it does. */
Test(service_walks, random_walks_with_crashes)
{
	unsigned events = 0, max_actions = 0, visits[STATE_MAX] = { 0 };

	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed * 0x9e3779b97f4a7c15U, 10, &events, &max_actions, visits);
	for (unsigned state = STATE_DEAD; state < STATE_MAX; state++)
		cr_assert_gt(visits[state], 100, "%s was hardly visited: %u",
			     service_state_name(state), visits[state]);
}
