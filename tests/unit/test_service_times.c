/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What moves a service in time: the watchdog, extensions, restarts, OOM kills, the steps of a stop. */
#include "service_world.h"

TestSuite(service_times, .timeout = 60);

/* ---- the watchdog ---- */

static struct unit watched_unit(void)
{
	struct unit u = plain_unit();

	u.watchdog = 2 * SEC;
	return u;
}

Test(service_times, watchdog)
{
	static struct world w;
	struct unit u = watched_unit();

	u.exec[EXEC_STOP] = one;
	u.send_sighup = true;
	world_init(&w, &u);
	w.main.ignores = true;
	world_started(&w);
	for (int i = 0; i < 5; i++) {
		run_for(&w, SEC);
		say(&w, EVENT_WATCHDOG, NEVER);
	}
	run_for(&w, 100 * SEC);
	expect_trace(&w, "7000: >stop-watchdog ABRT:main ABRT:all; 11000: >stop-sigkill kill; "
			 "11000: >failed");
	cr_expect_eq(w.s.result, RESULT_WATCHDOG);
}

/* One ping a second from each service must not cost a record each. */
Test(service_times, a_ping_is_not_worth_a_record)
{
	static struct world w;
	struct unit u = watched_unit();
	const struct event ping = { .kind = EVENT_WATCHDOG };
	struct actions out;

	world_init(&w, &u);
	world_started(&w);
	cr_expect_not(service_step(&w.s, &ping, w.now + SEC, &out));
	cr_expect_eq(service_next_timer(&w.s), w.now + 3 * SEC);
	cr_expect_eq(out.n, 0);
}

Test(service_times, watchdog_is_there_from_start_post_until_the_stop)
{
	static struct world w;
	struct unit u = watched_unit();

	u.type = SERVICE_NOTIFY;
	u.exec[EXEC_START_POST] = u.exec[EXEC_STOP] = one;
	world_init(&w, &u);
	w.control[EXEC_START_POST].life = NEVER;
	ask(&w, EVENT_START);
	say(&w, EVENT_WATCHDOG, NEVER); /* too early to matter */
	run_for(&w, 2500 * MSEC);
	say(&w, EVENT_READY, NEVER);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 2500: >start-post ExecStartPost[0]; "
			 "4500: >stop-watchdog ABRT:main ABRT:all; 4500: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_WATCHDOG);

	u.timeout_stop = 10 * SEC;
	world_init(&w, &u);
	w.control[EXEC_STOP].life = 5 * SEC;
	ask(&w, EVENT_START);
	say(&w, EVENT_READY, NEVER);
	run_for(&w, SEC);
	ask(&w, EVENT_STOP);
	say(&w, EVENT_WATCHDOG, NEVER);
	run_for(&w, 100 * SEC);
	cr_expect_eq(w.s.result, RESULT_SUCCESS);
}

Test(service_times, watchdog_during_a_reload)
{
	static struct world w;
	struct unit u = watched_unit();

	u.exec[EXEC_RELOAD] = one;
	world_init(&w, &u);
	w.control[EXEC_RELOAD].life = 10 * SEC;
	world_started(&w);
	ask(&w, EVENT_RELOAD);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >reload ExecReload[0]; 2000: >stop-watchdog ABRT:main ABRT:all; "
			 "2000: >failed reload=canceled");
}

Test(service_times, watchdog_usec)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ON_WATCHDOG;
	world_init(&w, &u);
	world_started(&w);
	say(&w, EVENT_WATCHDOG_USEC, 5 * SEC);
	run_for(&w, 4 * SEC);
	say(&w, EVENT_WATCHDOG, NEVER);
	run_for(&w, 4 * SEC);
	say(&w, EVENT_WATCHDOG_USEC, 0); /* no more */
	run_for(&w, 92 * SEC);
	say(&w, EVENT_WATCHDOG_USEC, SEC);
	run_for(&w, 50 * SEC); /* of this run only */
	expect_trace(&w, "101000: >stop-watchdog ABRT:main ABRT:all; 101000: >auto-restart; "
			 "101100: >start ExecStart[0]; 101100: >running");
}

Test(service_times, watchdog_trigger)
{
	static struct world w;
	struct unit u = plain_unit();

	world_init(&w, &u);
	world_started(&w);
	say(&w, EVENT_WATCHDOG_TRIGGER, NEVER);
	cr_expect_eq(w.s.result, RESULT_WATCHDOG);
	run_for(&w, SEC);
	expect_trace(&w, "0: >stop-watchdog ABRT:main ABRT:all; 0: >failed");
}

Test(service_times, watchdog_after_a_crash)
{
	static struct world w;
	struct unit u = watched_unit();

	world_init(&w, &u);
	world_started(&w);
	run_for(&w, SEC);
	w.now += 5 * SEC; /* nobody there to hear it */
	crash(&w, &(struct actions){ 0 }, EVENT_INVALID);
	cr_expect_eq(service_next_timer(&w.s), w.now + 2 * SEC);
	run_for(&w, 1999 * MSEC);
	cr_expect_eq(w.s.state, STATE_RUNNING);
	run_for(&w, 1 * MSEC);
	cr_expect_eq(w.s.result, RESULT_WATCHDOG);
}

/* ---- EXTEND_TIMEOUT_USEC=: TEST-16-EXTEND-TIMEOUT of systemd, re-expressed ---- */

/* Every second from `from` on, n times, two more seconds are asked for. */
static void extend(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		say(w, EVENT_EXTEND, 2 * SEC);
		run_for(w, SEC);
	}
}

Test(service_times, extend_a_start)
{
	static struct world w;
	struct unit u = plain_unit(); /* TimeoutStartSec=3s */

	u.type = SERVICE_NOTIFY;
	world_init(&w, &u);
	ask(&w, EVENT_START);
	extend(&w, 10);
	say(&w, EVENT_READY, NEVER);
	expect_trace(&w, "0: >start ExecStart[0]; 10000: >running start=done");
	world_init(&w, &u);
	ask(&w, EVENT_START);
	extend(&w, 5); /* the last one at 4 s */
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 6000: >stop-sigterm TERM:main TERM:all; 6000: "
			 ">failed start=failed");
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
}

Test(service_times, extend_never_shortens)
{
	static struct world w;
	struct unit u = plain_unit();

	u.type = SERVICE_NOTIFY;
	world_init(&w, &u);
	ask(&w, EVENT_START);
	say(&w, EVENT_EXTEND, SEC);
	say(&w, EVENT_EXTEND, 0);
	say(&w, EVENT_EXTEND, NEVER);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 3000: >stop-sigterm TERM:main TERM:all; 3000: "
			 ">failed start=failed");
}

Test(service_times, extend_shortens_neither_runtime_nor_watchdog)
{
	static struct world w;
	struct unit u = watched_unit();

	u.runtime_max = 3 * SEC;
	world_init(&w, &u);
	world_started(&w);
	say(&w, EVENT_EXTEND, SEC);
	cr_expect_eq(service_next_timer(&w.s), w.now + 2 * SEC);
	say(&w, EVENT_WATCHDOG_USEC, 0);
	cr_expect_eq(service_next_timer(&w.s), w.now + 3 * SEC);
}

/* What it has said before it ended is read late; a tracer withholds its end. */
Test(service_times, extend_over_an_empty_cgroup)
{
	static struct world w;
	struct unit u = plain_unit();

	u.timeout_stop = 10 * SEC;
	world_init(&w, &u);
	w.main.withheld = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	say(&w, EVENT_EXTEND, 50 * SEC);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 5000: >dead stop=done");
}

Test(service_times, extend_the_runtime)
{
	static struct world w;
	struct unit u = plain_unit();

	u.runtime_max = 3 * SEC;
	world_init(&w, &u);
	world_started(&w);
	extend(&w, 10);
	cr_expect_eq(w.s.state, STATE_RUNNING);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "11000: >stop-sigterm TERM:main TERM:all; 11000: >failed");
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
	u.watchdog = SEC; /* the watchdog waits likewise */
	world_init(&w, &u);
	world_started(&w);
	extend(&w, 5);
	cr_expect_eq(w.s.state, STATE_RUNNING);
	run_for(&w, 10 * SEC);
	cr_expect_eq(w.s.result, RESULT_WATCHDOG);
}

Test(service_times, extend_a_stop)
{
	static struct world w;
	struct unit u = plain_unit(); /* TimeoutStopSec=2s */

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	extend(&w, 10);
	w.procs[0].dies_at = w.now;
	w.procs[0].end = (struct exit_info){ CLD_EXITED, 0 };
	run_for(&w, SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 10000: >dead stop=done");
	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	extend(&w, 5);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 6000: >stop-sigkill kill; 6000: "
			 ">failed stop=done");
	cr_expect_not(w.s.cut_short);
}

/* The deadline stands; and what is left of it is shared anew. */
Test(service_times, extend_within_a_deadline)
{
	static struct world w;
	struct unit u = plain_unit();

	world_stubborn(&w, &u);
	ask_by(&w, EVENT_STOP, w.now + 5 * SEC);
	extend(&w, 8);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 5000: >stop-sigkill kill; 5000: "
			 ">failed stop=done");
	cr_expect(w.s.cut_short);
	u.exec[EXEC_STOP_POST] = one;
	world_stubborn(&w, &u);
	ask_by(&w, EVENT_STOP, w.now + 4 * SEC);
	say(&w, EVENT_EXTEND, 60 * SEC);
	run_for(&w, SEC);
	say(&w, EVENT_EXTEND, 60 * SEC);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 3250: >stop-sigkill kill; "
			 "3250: >stop-post ExecStopPost[0]; 3250: >failed stop=done");
	cr_expect(w.s.cut_short);
}

Test(service_times, extend_a_reload)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_RELOAD] = one;
	world_init(&w, &u);
	w.control[EXEC_RELOAD].life = 6 * SEC;
	world_started(&w);
	ask(&w, EVENT_RELOAD);
	extend(&w, 8);
	expect_trace(&w, "0: >reload ExecReload[0]; 6000: reload=done >running");
}

/* ---- STOPPING=1 ---- */

Test(service_times, stopping)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_STOP] = one;
	u.restart = RESTART_ALWAYS;
	world_stubborn(&w, &u);
	say(&w, EVENT_STOPPING, NEVER);
	say(&w, EVENT_READY, NEVER); /* the dying are not called back */
	run_for(&w, SEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >stop-sigterm; 2000: >stop-sigkill kill; 2000: "
			 ">failed stop=done");
}

/* Its helpers have heard of nothing until it has ended. */
Test(service_times, stopping_that_leaves_helpers)
{
	static struct world w;
	struct unit u = plain_unit();

	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .leaves_child = true };
	w.child.ignores = true;
	world_started(&w);
	say(&w, EVENT_STOPPING, NEVER);
	run_for(&w, 10 * SEC);
	expect_trace(&w,
		     "0: >stop-sigterm; 1000: TERM:all; 2000: >stop-sigkill kill; 2000: >failed");
	u.kill_mode = KILL_MIXED;
	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .leaves_child = true };
	world_started(&w);
	say(&w, EVENT_STOPPING, NEVER);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >stop-sigterm; 1000: >stop-sigkill kill; 1000: >dead");
}

/* ---- leader, rest, kill ---- */

static struct world staged;

static void check_staged(const struct unit *u, struct nature main, struct nature child,
			 usec_t deadline, const char *trace)
{
	main.leaves_child = true;
	world_init(&staged, u);
	staged.main = main;
	staged.child = child;
	world_started(&staged);
	ask_by(&staged, EVENT_STOP, usec_add(staged.now, deadline));
	run_for(&staged, 100 * SEC);
	expect_trace(&staged, trace);
}

static const struct nature obeys = { .life = NEVER }, ignores = { .life = NEVER, .ignores = true };

Test(service_times, leader_grace)
{
	struct unit u = plain_unit();

	u.timeout_stop = 10 * SEC;
	u.leader_grace = 3 * SEC;
	check_staged(&u, obeys, obeys, NEVER,
		     "0: >stop-sigterm TERM:main; 0: TERM:all; 0: >dead stop=done");
	check_staged(&u, ignores, obeys, NEVER,
		     "0: >stop-sigterm TERM:main; 3000: TERM:all; "
		     "10000: >stop-sigkill kill; 10000: >failed stop=done");
	check_staged(&u, obeys, ignores, NEVER,
		     "0: >stop-sigterm TERM:main; 0: TERM:all; "
		     "10000: >stop-sigkill kill; 10000: >failed stop=done");
	/* the rest has its turn before the kill, however little time there is */
	check_staged(&u, ignores, obeys, 4 * SEC,
		     "0: >stop-sigterm TERM:main; 2000: TERM:all; "
		     "4000: >stop-sigkill kill; 4000: >failed stop=done");
	u.leader_grace = 60 * SEC;
	check_staged(&u, ignores, obeys, NEVER,
		     "0: >stop-sigterm TERM:main; 5000: TERM:all; "
		     "10000: >stop-sigkill kill; 10000: >failed stop=done");
	u.kill_mode = KILL_PROCESS;
	check_staged(&u, obeys, obeys, NEVER,
		     "0: >stop-sigterm TERM:main; "
		     "0: >dead stop=survivors");
}

Test(service_times, rest_grace)
{
	struct unit u = plain_unit();

	u.timeout_stop = 10 * SEC;
	u.rest_grace = 3 * SEC;
	check_staged(&u, obeys, ignores, NEVER,
		     "0: >stop-sigterm TERM:main TERM:all; 3000: >stop-sigkill kill; "
		     "3000: >failed stop=done");
	check_staged(&u, ignores, obeys, NEVER,
		     "0: >stop-sigterm TERM:main TERM:all; "
		     "10000: >stop-sigkill kill; 10000: >failed stop=done");
	check_staged(&u, obeys, ignores, 2 * SEC,
		     "0: >stop-sigterm TERM:main TERM:all; "
		     "2000: >stop-sigkill kill; 2000: >failed stop=done");
	cr_expect(staged.s.cut_short);
	check_staged(&u, obeys, ignores, 8 * SEC,
		     "0: >stop-sigterm TERM:main TERM:all; 3000: >stop-sigkill kill; "
		     "3000: >failed stop=done");
	cr_expect_not(staged.s.cut_short, "it has had its whole grace");
	u.leader_grace = SEC;
	check_staged(&u, obeys, ignores, NEVER,
		     "0: >stop-sigterm TERM:main; 0: TERM:all; "
		     "3000: >stop-sigkill kill; 3000: >failed stop=done");
	u.timeout_stop = 2 * SEC;
	check_staged(&u, obeys, ignores, NEVER,
		     "0: >stop-sigterm TERM:main; 0: TERM:all; "
		     "2000: >stop-sigkill kill; 2000: >failed stop=done");
}

/* That the rest is killed in the end is what KillMode=mixed means: no failure. */
Test(service_times, rest_grace_in_mixed_mode)
{
	struct unit u = plain_unit();

	u.timeout_stop = 10 * SEC;
	u.kill_mode = KILL_MIXED;
	u.timeout_stop_failure_mode = FAILURE_ABORT;
	check_staged(&u, obeys, ignores, NEVER,
		     "0: >stop-sigterm TERM:main; 0: >stop-sigkill kill; 0: >dead stop=done");
	u.rest_grace = 3 * SEC;
	check_staged(&u, obeys, ignores, NEVER,
		     "0: >stop-sigterm TERM:main; 0: TERM:all; "
		     "3000: >stop-sigkill kill; 3000: >dead stop=done");
	check_staged(&u, obeys, obeys, NEVER,
		     "0: >stop-sigterm TERM:main; 0: TERM:all; 0: >dead stop=done");
	check_staged(&u, ignores, obeys, NEVER,
		     "0: >stop-sigterm TERM:main; 10000: >stop-watchdog ABRT:main; 14000: "
		     ">stop-sigkill kill; "
		     "14000: >failed stop=done");
	u.leader_grace = SEC; /* the rest is not told before the leader has ended */
	u.timeout_stop_failure_mode = FAILURE_TERMINATE;
	check_staged(&u, ignores, obeys, NEVER,
		     "0: >stop-sigterm TERM:main; 10000: >stop-sigkill kill; "
		     "10000: >failed stop=done");
}

Test(service_times, rest_grace_without_a_leader)
{
	static struct world w;
	struct unit u = plain_unit();

	u.timeout_stop = 10 * SEC;
	u.rest_grace = 3 * SEC;
	for (unsigned mixed = 0; mixed < 2; mixed++) {
		u.kill_mode = mixed ? KILL_MIXED : KILL_CONTROL_GROUP;
		world_init(&w, &u);
		w.main = (struct nature){ .life = SEC, .leaves_child = true };
		w.child = ignores;
		ask(&w, EVENT_START);
		run_for(&w, 100 * SEC);
		expect_trace(&w, mixed ? "0: >start ExecStart[0]; 0: >running start=done; 1000: "
					 ">stop-sigterm TERM:all; "
					 "4000: >stop-sigkill kill; 4000: >dead"
				       : "0: >start ExecStart[0]; 0: >running start=done; 1000: "
					 ">stop-sigterm TERM:all; "
					 "4000: >stop-sigkill kill; 4000: >failed");
	}
}

/* Who has no signal yet when cgkilld dies gets it in its time. */
Test(service_times, staging_and_a_crash)
{
	static struct world w;
	struct unit u = plain_unit();
	struct actions sent = { .v = { { .kind = ACTION_SIGNAL } }, .n = 1 };

	u.timeout_stop = 10 * SEC;
	u.leader_grace = 3 * SEC;
	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	crash(&w, &sent, EVENT_INVALID);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main CRASH; 1000: TERM:main; 3000: TERM:all; "
			 "10000: >stop-sigkill kill; 10000: >failed");
}

/* ---- OOMPolicy= ---- */

static void check_oom(enum oom_policy policy, enum kill_mode mode, const char *running,
		      const char *stopping)
{
	static struct world w;
	struct unit u = plain_unit();

	u.oom_policy = policy;
	u.kill_mode = mode;
	u.exec[EXEC_STOP] = one;
	world_stubborn(&w, &u);
	say(&w, EVENT_OOM, NEVER);
	run_for(&w, 10 * SEC);
	expect_trace(&w, running);
	cr_expect_eq(w.s.result, policy == OOM_POLICY_CONTINUE ? RESULT_SUCCESS : RESULT_OOM_KILL);
	if (policy == OOM_POLICY_CONTINUE)
		cr_expect_not(service_state_is_stopping(w.s.state));

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	say(&w, EVENT_OOM, NEVER);
	run_for(&w, 10 * SEC);
	expect_trace(&w, stopping);
	cr_expect_eq(w.s.result, policy == OOM_POLICY_CONTINUE ? RESULT_TIMEOUT : RESULT_OOM_KILL);
}

Test(service_times, oom)
{
	check_oom(OOM_POLICY_CONTINUE, KILL_CONTROL_GROUP, "",
		  "0: >stop ExecStop[0]; 0: >stop-sigterm TERM:main TERM:all; "
		  "2000: >stop-sigkill "
		  "kill; "
		  "2000: >failed stop=done");
	check_oom(OOM_POLICY_STOP, KILL_CONTROL_GROUP,
		  "0: >stop ExecStop[0]; "
		  "0: >stop-sigterm TERM:main TERM:all; 2000: >stop-sigkill kill; "
		  "2000: >failed",
		  "0: >stop ExecStop[0]; 0: >stop-sigterm TERM:main TERM:all; "
		  "1000: >stop-sigkill "
		  "kill; "
		  "1000: >failed stop=done");
	check_oom(OOM_POLICY_KILL, KILL_CONTROL_GROUP, "0: >stop-sigkill kill; 0: >failed",
		  "0: >stop ExecStop[0]; 0: >stop-sigterm TERM:main TERM:all; "
		  "1000: >stop-sigkill "
		  "kill; "
		  "1000: >failed stop=done");
	check_oom(OOM_POLICY_KILL, KILL_PROCESS, "0: >stop-sigkill KILL:main; 0: >failed",
		  "0: >stop ExecStop[0]; 0: >stop-sigterm TERM:main; "
		  "1000: >stop-sigkill KILL:main; "
		  "1000: >failed stop=done");
}

Test(service_times, oom_without_sigkill)
{
	static struct world w;
	struct unit u = plain_unit();

	u.send_sigkill = false;
	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	say(&w, EVENT_OOM, NEVER);
	run_for(&w, SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all");
	run_for(&w, 10 * SEC);
	cr_expect_eq(w.s.result, RESULT_OOM_KILL);
}

/* ---- Restart= ---- */

enum cause {
	CLEAN_CODE,
	CLEAN_SIGNAL,
	BAD_CODE,
	BAD_SIGNAL,
	CORE_DUMP,
	START_TIMEOUT,
	RUN_TIMEOUT,
	WATCHDOG,
	OOM,
	N_CAUSES
};

static void end_by(struct world *w, enum cause cause)
{
	static const struct exit_info ends[N_CAUSES] = {
		[CLEAN_CODE] = { CLD_EXITED, 0 },      [CLEAN_SIGNAL] = { CLD_KILLED, SIGTERM },
		[BAD_CODE] = { CLD_EXITED, 1 },	       [BAD_SIGNAL] = { CLD_KILLED, SIGUSR1 },
		[CORE_DUMP] = { CLD_DUMPED, SIGSEGV },
	};

	if (cause == WATCHDOG || cause == OOM)
		say(w, cause == OOM ? EVENT_OOM : EVENT_WATCHDOG_TRIGGER, NEVER);
	if (!ends[cause].code)
		return;
	w->procs[0].dies_at = w->now;
	w->procs[0].end = ends[cause];
}

/* Rows: causes. Columns: no, on-success, on-failure, on-abnormal, on-watchdog, on-abort, always. systemd.service(5). */
Test(service_times, restart_by_cause)
{
	static const char *const table[N_CAUSES] = {
		[CLEAN_CODE] = ".S....A",  [CLEAN_SIGNAL] = ".S....A", [BAD_CODE] = "..F...A",
		[BAD_SIGNAL] = "..FB.RA",  [CORE_DUMP] = "..FB.RA",    [START_TIMEOUT] = "..FB..A",
		[RUN_TIMEOUT] = "..FB..A", [WATCHDOG] = "..FBW.A",     [OOM] = "..FB..A",
	};
	static struct world w;

	for (enum cause cause = CLEAN_CODE; cause < N_CAUSES; cause++)
		for (enum restart_policy p = RESTART_NO; p < RESTART_MAX; p++) {
			struct unit u = plain_unit();

			u.restart = p;
			u.restart_delay = 50 * SEC;
			u.type = cause == START_TIMEOUT ? SERVICE_NOTIFY : SERVICE_SIMPLE;
			u.runtime_max = cause == RUN_TIMEOUT ? 4 * SEC : NEVER;
			world_init(&w, &u);
			world_started(&w);
			end_by(&w, cause);
			run_for(&w, 10 * SEC);
			cr_expect_eq(w.s.state == STATE_AUTO_RESTART,
				     table[cause][p - RESTART_NO] != '.', "cause %d, policy %d: %s",
				     cause, p, w.trace);
			ask(&w, EVENT_STOP); /* by hand: never */
			cr_expect(service_state_is_ended(w.s.state));
		}
}

Test(service_times, restart_delay_grows)
{
	static struct world w;
	struct unit u = plain_unit();

	u.start_limit_interval = 0;
	u.restart = RESTART_ALWAYS;
	u.restart_delay = SEC;
	u.restart_delay_max = 8 * SEC;
	u.restart_steps = 3;
	world_init(&w, &u);
	w.main.life = 0;
	ask(&w, EVENT_START);
	run_for(&w, 23 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >running start=done; 0: >auto-restart; "
			 "1000: >start ExecStart[0]; 1000: >running; 1000: >auto-restart; "
			 "3000: >start ExecStart[0]; 3000: >running; 3000: >auto-restart; "
			 "7000: >start ExecStart[0]; 7000: >running; 7000: >auto-restart; "
			 "15000: >start ExecStart[0]; 15000: >running; 15000: >auto-restart; "
			 "23000: >start ExecStart[0]; 23000: >running; 23000: >auto-restart");
}

static struct action last_state(const struct actions *out)
{
	for (unsigned i = out->n; i > 0; i--)
		if (out->v[i - 1].kind == ACTION_STATE)
			return out->v[i - 1];
	return (struct action){ 0 };
}

Test(service_times, restart_mode)
{
	const struct event crashed = { .kind = EVENT_MAIN_EXIT, .exit = { CLD_KILLED, SIGSEGV } };

	for (enum restart_mode mode = RESTART_MODE_NORMAL; mode < RESTART_MODE_MAX; mode++) {
		struct unit u = plain_unit();
		struct actions out;
		struct service s;
		struct action a;

		u.restart = RESTART_ALWAYS;
		u.restart_mode = mode;
		enact(&s, &u, STATE_RUNNING, SEC);
		s.populated = false;
		service_step(&s, &crashed, SEC, &out);
		a = last_state(&out);
		cr_expect_eq(a.to, STATE_AUTO_RESTART);
		cr_expect_eq(a.result, RESULT_SIGNAL);
		cr_expect_eq(a.seen_as_ended, mode == RESTART_MODE_NORMAL);
	}
}

/* Nobody sees that it has ended: who waits for its start waits for the one that succeeds, or is the last. */
Test(service_times, restart_mode_direct_keeps_a_start_waiting)
{
	static struct world w;
	struct unit u = plain_unit();

	u.type = SERVICE_ONESHOT;
	u.restart = RESTART_ON_FAILURE;
	u.restart_mode = RESTART_MODE_DIRECT;
	world_init(&w, &u);
	w.main = (struct nature){ .status = 1 };
	ask(&w, EVENT_START);
	run_for(&w, 150 * MSEC);
	w.main.status = 0;
	run_for(&w, SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >auto-restart; 100: >start ExecStart[0]; "
			 "100: >auto-restart; 200: >start ExecStart[0]; 200: start=done >dead");
	world_init(&w, &u);
	w.main = (struct nature){ .status = 1 };
	ask(&w, EVENT_START);
	run_for(&w, 50 * MSEC);
	ask(&w, EVENT_STOP);
	expect_trace(
		&w, "0: >start ExecStart[0]; 0: >auto-restart; 50: start=canceled >dead stop=done");
	u.start_limit_burst = 1;
	world_init(&w, &u);
	w.main = (struct nature){ .status = 1 };
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >auto-restart; 100: >failed start=failed");
}

Test(service_times, runtime_extra)
{
	struct unit u = plain_unit();

	u.runtime_max = 10 * SEC;
	u.runtime_extra = 9;
	for (uint64_t random = 0; random < 30; random++) {
		const struct event spawned = { .kind = EVENT_SPAWNED, .is_main = true, .random = random };
		struct actions out;
		struct service s;

		enact(&s, &u, STATE_START, SEC);
		service_step(&s, &spawned, 100 * SEC, &out);
		cr_expect_eq(s.state, STATE_RUNNING);
		cr_expect_eq(service_next_timer(&s), 110 * SEC + random % 10);
	}
	u.runtime_max = NEVER;
	{
		const struct event spawned = { .kind = EVENT_SPAWNED,
					       .is_main = true,
					       .random = UINT64_MAX };
		struct actions out;
		struct service s;

		u.runtime_extra = NEVER;
		enact(&s, &u, STATE_START, SEC);
		service_step(&s, &spawned, 100 * SEC, &out);
		cr_expect_eq(service_next_timer(&s), NEVER);
	}
}

/* ---- SuccessAction=, FailureAction=, StartLimitAction= ---- */

static struct unit acting_unit(void)
{
	struct unit u = plain_unit();

	u.success_action = UNIT_ACTION_EXIT;
	u.failure_action = UNIT_ACTION_EXIT_FORCE;
	return u;
}

static void check_end(const struct unit *u, int status, const char *trace)
{
	static struct world w;

	world_init(&w, u);
	w.main = (struct nature){ .life = SEC, .status = status };
	ask(&w, EVENT_START);
	run_for(&w, 1090 * MSEC);
	expect_trace(&w, trace);
}

#define RAN "0: >start ExecStart[0]; 0: >running start=done; 1000: >"

Test(service_times, unit_actions)
{
	struct unit u = acting_unit();

	check_end(&u, 0, RAN "dead exit!");
	check_end(&u, 1, RAN "failed exit-force!");
	u.restart = RESTART_ON_FAILURE;
	check_end(&u, 1, RAN "auto-restart"); /* not the end */
	check_end(&u, 0, RAN "dead exit!");
	u.exec[EXEC_CONDITION] = one;
	check_end(&u, 0, "0: >condition ExecCondition[0]; " RAN "dead exit!");
	u.success_action = u.failure_action = UNIT_ACTION_NONE;
	u.restart = RESTART_NO;
	check_end(&u, 1, "0: >condition ExecCondition[0]; " RAN "failed");
}

Test(service_times, no_unit_action_for_what_was_skipped_or_is_restarted)
{
	static struct world w;
	struct unit u = acting_unit();

	u.exec[EXEC_CONDITION] = one;
	world_init(&w, &u);
	w.control[EXEC_CONDITION].status = 1;
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	expect_trace(&w, "0: >condition ExecCondition[0]; 0: >dead start=skipped");
	u = acting_unit();
	world_init(&w, &u);
	world_started(&w);
	ask(&w, EVENT_RESTART);
	run_for(&w, SEC);
	cr_expect_eq(w.unit_actions, 0, "%s", w.trace);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	cr_expect_eq(w.unit_actions, 1, "%s", w.trace);
}

Test(service_times, start_limit_action)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.start_limit_burst = 2;
	u.start_limit_action = UNIT_ACTION_EXIT_FORCE;
	u.failure_action = UNIT_ACTION_EXIT;
	world_init(&w, &u);
	w.main.life = 0;
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	ask(&w, EVENT_START);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >running start=done; 0: >auto-restart; "
			 "100: >start ExecStart[0]; 100: >running; 100: >auto-restart; "
			 "200: >failed exit-force! exit!; 1000: start=failed exit-force!");
}
