/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Type=, ExitType=, the main process, and the reload: what each waits for. */
#include "service_world.h"

TestSuite(service_types, .timeout = 60);

/* ---- types ---- */

/* A start, and what is said at 1 s. */
static void run_notify(struct world *w, const struct unit *u, enum event_kind said)
{
	world_init(w, u);
	ask(w, EVENT_START);
	run_for(w, SEC);
	if (said)
		say(w, said, NEVER);
	run_for(w, 100 * SEC);
}

Test(service_types, notify_has_started_when_it_says_so)
{
	static struct world w;
	struct unit u = plain_unit();

	u.type = SERVICE_NOTIFY;
	u.restart = RESTART_NO;
	u.exec[EXEC_START_POST] = one;
	run_notify(&w, &u, EVENT_READY);
	expect_trace(&w, "0: >start ExecStart[0]; 1000: >start-post ExecStartPost[0]; "
			 "1000: >running start=done");
	run_notify(&w, &u, EVENT_INVALID);
	expect_trace(&w, "0: >start ExecStart[0]; 3000: >stop-sigterm TERM:main TERM:all; "
			 "3000: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
	run_notify(&w, &u, EVENT_RELOADING); /* not yet */
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
	run_notify(&w, &u, EVENT_STOPPING); /* its end will tell */
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
}

static struct world early_end;

static void check_early_end(struct unit u, int status, bool leaves_child, enum service_result result)
{
	struct world *w = &early_end;

	u.type = SERVICE_NOTIFY;
	world_init(w, &u);
	w->main = (struct nature){ .life = SEC, .status = status, .leaves_child = leaves_child };
	w->child.life = 2 * SEC;
	ask(w, EVENT_START);
	run_for(w, 100 * SEC);
	cr_expect_eq(w->s.state, STATE_FAILED);
	cr_expect_eq(w->s.result, result, "%s: %s", w->trace, service_result_name(w->s.result));
}

Test(service_types, notify_that_ends_before_it_has_started)
{
	struct unit u = plain_unit();

	check_early_end(u, 0, false, RESULT_PROTOCOL);
	check_early_end(u, 1, false, RESULT_EXIT_CODE);
	check_early_end(u, 0, true, RESULT_PROTOCOL);
	u.remain_after_exit = true; /* somebody else may say it, if he may: until nobody is left */
	check_early_end(u, 0, true, RESULT_PROTOCOL);
	cr_expect_not_null(strstr(early_end.trace, "1000: >failed")
				   ?: strstr(early_end.trace, "1000: >stop-sigterm"),
			   "the main process alone may say it: %s", early_end.trace);
	u.notify_access = NOTIFY_ACCESS_ALL;
	check_early_end(u, 0, true, RESULT_PROTOCOL);
	check_early_end(u, 1, true, RESULT_EXIT_CODE);
}

Test(service_types, notify_whose_helper_says_that_it_has_started)
{
	static struct world w;
	struct unit u = plain_unit();

	u.type = SERVICE_NOTIFY;
	u.remain_after_exit = true;
	u.notify_access = NOTIFY_ACCESS_ALL;
	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .leaves_child = true };
	ask(&w, EVENT_START);
	run_for(&w, 2 * SEC);
	cr_expect(service_watches_empty(&w.s));
	say(&w, EVENT_READY, 0);
	expect_trace(&w, "0: >start ExecStart[0]; 2000: >exited start=done");
}

/* What a forking service comes to: its first process ends after 1 s. */
struct forking {
	int status;
	bool leaves_child;
	usec_t child_life, find_delay;
	bool finds_nobody;
};

static void check_forking(struct world *w, struct unit u, const struct forking *f, const char *trace)
{
	u.type = SERVICE_FORKING;
	world_init(w, &u);
	w->main = (struct nature){ .life = SEC, .status = f->status, .leaves_child = f->leaves_child };
	w->child.life = f->child_life;
	w->find_delay = f->find_delay;
	w->finds_nobody = f->finds_nobody;
	ask(w, EVENT_START);
	run_for(w, 10 * SEC);
	expect_trace(w, trace);
}

Test(service_types, forking)
{
	static struct world w;
	struct unit u = plain_unit();
	struct forking f = { .leaves_child = true, .child_life = NEVER };

	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main; "
		      "1000: >running start=done");
	cr_expect(w.s.main_alive && !w.s.mainless);
	cr_expect_eq(w.s.main_exit.code, 0, "that of the first process is not the daemon's");
	f.find_delay = SEC;
	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main; "
		      "2000: >running start=done");
	f.find_delay = NEVER;
	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main; 3000: >stop-sigterm TERM:all; "
		      "3000: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
	f.child_life = 2 * SEC; /* it ends before it has written its PID file */
	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main; "
		      "2000: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_PROTOCOL);
}

Test(service_types, forking_that_leaves_nobody)
{
	static struct world w;
	struct unit u = plain_unit();
	struct forking f = { 0 };
	char path[] = "/run/a.pid";

	check_forking(&w, u, &f, "0: >start ExecStart[0]; 1000: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_PROTOCOL);
	f.status = 3;
	check_forking(&w, u, &f, "0: >start ExecStart[0]; 1000: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_EXIT_CODE);
	f.status = 0;
	u.remain_after_exit = true;
	check_forking(&w, u, &f, "0: >start ExecStart[0]; 1000: >exited start=done");
	u.pid_file = path;
	check_forking(&w, u, &f, "0: >start ExecStart[0]; 1000: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_PROTOCOL);
}

Test(service_types, forking_whose_main_process_nobody_can_tell)
{
	static struct world w;
	struct unit u = plain_unit();
	struct forking f = { .leaves_child = true, .child_life = 5 * SEC, .finds_nobody = true };

	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main; 1000: >running start=done; "
		      "5000: >dead");
	f.child_life = NEVER;
	u.exec[EXEC_STOP] = one;
	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main; "
		      "1000: >running start=done");
	cr_expect(w.s.mainless && service_watches_empty(&w.s));
	ask(&w, EVENT_RELOAD);
	cr_expect_eq(w.answers[REQUEST_RELOAD], ANSWER_NOT_APPLICABLE);
	/* it may say it later */
	cr_expect(service_takes_main_pid(&w.s));
	tell_main_pid(&w, find_other(&w));
	cr_expect(!w.s.mainless && !service_watches_empty(&w.s));
	hit(&w, find_role(&w, ROLE_MAIN), SIGKILL);
	run_for(&w, 0);
	cr_expect_eq(w.s.state, STATE_FAILED);
	cr_expect_eq(w.s.result, RESULT_SIGNAL);
}

/* ExecStartPost= may write the PID file. */
Test(service_types, forking_asks_again_behind_exec_start_post)
{
	static struct world w;
	struct unit u = plain_unit();
	struct forking f = {
		.leaves_child = true, .child_life = NEVER, .find_delay = SEC, .finds_nobody = true
	};

	u.exec[EXEC_START_POST] = one;
	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main-now; "
		      "1000: >start-post ExecStartPost[0]; "
		      "1000: find-main; 2000: >running start=done");
	f.finds_nobody = false;
	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main-now; "
		      "1000: >start-post ExecStartPost[0]; "
		      "1000: >running start=done");
	f = (struct forking){
		.leaves_child = true, .child_life = 2 * SEC, .find_delay = NEVER, .finds_nobody = true
	};
	check_forking(&w, u, &f,
		      "0: >start ExecStart[0]; 1000: find-main-now; "
		      "1000: >start-post ExecStartPost[0]; "
		      "1000: find-main; 2000: >failed start=failed");
	cr_expect_eq(w.s.result, RESULT_PROTOCOL);
}

Test(service_types, forking_is_still_looked_for_after_a_crash)
{
	static struct world w;
	struct unit u = plain_unit();
	struct forking f = { .leaves_child = true, .child_life = NEVER, .find_delay = NEVER };

	u.timeout_start = NEVER;
	check_forking(&w, u, &f, "0: >start ExecStart[0]; 1000: find-main");
	w.find_delay = 0;
	w.trace[0] = '\0';
	crash(&w, &(struct actions){ 0 }, EVENT_INVALID);
	run_for(&w, 0);
	cr_expect_not_null(strstr(w.trace, "find-main; "), "%s", w.trace);
	cr_expect_eq(w.s.state, STATE_RUNNING);
}

/* The first one lives on as one of the others. */
Test(service_types, another_main_process)
{
	static struct world w;
	struct unit u = plain_unit();

	world_init(&w, &u);
	w.main.leaves_child = true;
	world_started(&w);
	tell_main_pid(&w, find_other(&w));
	w.procs[0].dies_at = w.now;
	run_for(&w, SEC);
	cr_expect_eq(w.s.state, STATE_RUNNING);
	w.procs[1].dies_at = w.now;
	w.procs[1].end = (struct exit_info){ CLD_EXITED, 7 };
	run_for(&w, SEC);
	cr_expect_eq(w.s.state, STATE_FAILED);
	cr_expect_eq(w.s.main_exit.status, 7);
}

/* MAINPID= in answer to SIGTERM: how often a main process was signalled, of two. */
static unsigned signals_of_takeover(enum kill_mode mode, usec_t leader_grace)
{
	static struct world w;
	struct unit u = plain_unit();
	unsigned n = 0;

	u.kill_mode = mode;
	u.leader_grace = leader_grace;
	u.exec[EXEC_STOP] = (struct exec_commands){ 0 };
	world_init(&w, &u);
	w.main = (struct nature){ .life = NEVER, .ignores = true, .leaves_child = true };
	w.child = w.main;
	w.child.leaves_child = false;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_until(&w, w.now);
	tell_main_pid(&w, find_other(&w));
	for (const char *at = w.trace; (at = strstr(at, "TERM:main")); at++)
		n++;
	return n;
}

Test(service_types, who_takes_over_in_a_stop_is_told_of_it)
{
	cr_expect_eq(signals_of_takeover(KILL_CONTROL_GROUP, 0), 1, "it was, as one of the rest");
	cr_expect_eq(signals_of_takeover(KILL_CONTROL_GROUP, SEC), 2, "the rest was not yet");
	cr_expect_eq(signals_of_takeover(KILL_MIXED, 0), 2);
	cr_expect_eq(signals_of_takeover(KILL_PROCESS, 0), 2);
}

Test(service_types, who_may_name_the_main_process)
{
	struct unit u = plain_unit(), silent = u;

	silent.notify_access = NOTIFY_ACCESS_NONE;
	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++) {
		bool takes = state == STATE_START || state == STATE_START_POST ||
			     state == STATE_RUNNING ||
			     streq(service_active_state(state), "reloading") ||
			     state == STATE_STOP || state == STATE_STOP_SIGTERM;
		struct service s;

		enact(&s, &u, state, SEC);
		cr_expect_eq(service_takes_main_pid(&s), takes, "%s", service_state_name(state));
		cr_expect_eq(service_hears(&s), !service_state_is_over(state), "%s",
			     service_state_name(state));
		s.unit = &silent;
		cr_expect_not(service_hears(&s));
	}
	u.type = SERVICE_FORKING;
	for (unsigned alive = 0; alive < 2; alive++) {
		struct service s;

		enact(&s, &u, STATE_START, SEC);
		s.main_alive = alive;
		cr_expect_eq(service_takes_main_pid(&s), !alive);
	}
}

/* ---- ExitType=cgroup ---- */

static void check_exit_cgroup(struct unit u, int status, const char *trace, enum service_result result)
{
	static struct world w;

	u.exit_type = EXIT_TYPE_CGROUP;
	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .status = status, .leaves_child = true };
	w.child.life = 5 * SEC;
	ask(&w, EVENT_START);
	run_for(&w, 2 * SEC);
	cr_expect_eq(service_watches_empty(&w.s), w.s.state == STATE_RUNNING);
	ask(&w, EVENT_RELOAD);
	run_for(&w, 100 * SEC);
	expect_trace(&w, trace);
	cr_expect_eq(w.s.result, result);
}

Test(service_types, exit_type_cgroup)
{
	struct unit u = plain_unit();

	u.exec[EXEC_RELOAD] = one;
	check_exit_cgroup(
		u, 0,
		"0: >start ExecStart[0]; 0: >running start=done; 2000: >reload ExecReload[0]; "
		"2000: reload=done >running; 5000: >dead",
		RESULT_SUCCESS);
	check_exit_cgroup(
		u, 1,
		"0: >start ExecStart[0]; 0: >running start=done; 2000: >reload ExecReload[0]; "
		"2000: reload=done >running; 5000: >failed",
		RESULT_EXIT_CODE);
	u.type = SERVICE_ONESHOT;
	check_exit_cgroup(
		u, 0,
		"0: >start ExecStart[0]; 1000: >running start=done; 2000: >reload ExecReload[0]; "
		"2000: reload=done >running; 5000: >dead",
		RESULT_SUCCESS);
	check_exit_cgroup(u, 1,
			  "0: >start ExecStart[0]; 1000: >stop-sigterm TERM:all; "
			  "1000: >failed start=failed; "
			  "2000: reload=not-applicable",
			  RESULT_EXIT_CODE);
	u = plain_unit();
	u.remain_after_exit = true;
	check_exit_cgroup(
		u, 0,
		"0: >start ExecStart[0]; 0: >running start=done; 2000: reload=not-applicable; "
		"5000: >exited",
		RESULT_SUCCESS);
}

/* ---- reload ---- */

/* One that runs, and is asked to reload at 0; 1 s later. */
static void world_reloading(struct world *w, struct unit u)
{
	u.type = SERVICE_NOTIFY_RELOAD;
	u.reload_signal = SIGUSR1;
	world_init(w, &u);
	w->main.ignores = true;
	ask(w, EVENT_START);
	say(w, EVENT_READY, NEVER);
	w->trace[0] = '\0';
	ask(w, EVENT_RELOAD);
	run_for(w, SEC);
}

Test(service_types, notify_reload)
{
	static struct world w;

	world_reloading(&w, plain_unit());
	say(&w, EVENT_READY, NEVER);
	say(&w, EVENT_RELOADING, NEVER);
	say(&w, EVENT_RELOADING, w.now - SEC - 1); /* of before the signal */
	say(&w, EVENT_READY, NEVER);
	cr_expect_eq(w.s.state, STATE_RELOAD_SIGNAL);
	say(&w, EVENT_RELOADING, w.now - SEC);
	run_for(&w, SEC);
	ask(&w, EVENT_RELOAD); /* joins */
	say(&w, EVENT_READY, NEVER);
	expect_trace(
		&w,
		"0: >reload-signal USR1:main; 1000: >reload-notify; 2000: reload=done >running");
	cr_expect_eq(w.s.reload_result, RESULT_SUCCESS);
}

/* One TimeoutStartSec= for both halves; and the service runs on. */
Test(service_types, notify_reload_that_takes_too_long)
{
	static struct world w;

	world_reloading(&w, plain_unit());
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >reload-signal USR1:main; 3000: reload=failed >running");
	cr_expect_eq(w.s.reload_result, RESULT_TIMEOUT);
	cr_expect_eq(w.s.result, RESULT_SUCCESS);

	world_reloading(&w, plain_unit());
	run_for(&w, SEC);
	say(&w, EVENT_RELOADING, w.now);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >reload-signal USR1:main; 2000: >reload-notify; "
			 "3000: reload=failed >running");
	cr_expect_eq(w.s.reload_result, RESULT_TIMEOUT);
}

Test(service_types, notify_reload_behind_exec_reload)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_RELOAD] = one;
	world_reloading(&w, u);
	expect_trace(&w, "0: >reload ExecReload[0]; 0: >reload-signal USR1:main");
	world_reloading(&w, u);
	w.control[EXEC_RELOAD].status = 1;
	say(&w, EVENT_RELOADING, w.now);
	say(&w, EVENT_READY, w.now);
	ask(&w, EVENT_RELOAD);
	run_for(&w, SEC);
	expect_trace(&w, "0: >reload ExecReload[0]; 0: >reload-signal USR1:main; "
			 "1000: >reload-notify; "
			 "1000: reload=done >running; 1000: >reload ExecReload[0]; "
			 "1000: reload=failed "
			 ">running");
}

Test(service_types, notify_reload_without_its_main_process)
{
	static struct world w;
	struct unit u = plain_unit();

	u.remain_after_exit = true;
	world_reloading(&w, u);
	w.procs[0].dies_at = w.now;
	run_for(&w, 0);
	ask(&w, EVENT_RELOAD);
	expect_trace(&w, "0: >reload-signal USR1:main; 1000: reload=failed >exited; "
			 "1000: reload=not-applicable");
	cr_expect_eq(w.s.reload_result, RESULT_PROTOCOL);
}

/* ExitType=cgroup: somebody else may say it; until nobody is left. */
Test(service_types, notify_reload_of_what_outlives_its_main_process)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exit_type = EXIT_TYPE_CGROUP;
	for (unsigned empty = 0; empty < 2; empty++) {
		world_reloading(&w, u);
		add_other(&w);
		w.procs[0].dies_at = w.now;
		run_for(&w, 0);
		cr_expect_eq(w.s.state, STATE_RELOAD_SIGNAL);
		say(&w, EVENT_RELOADING, w.now);
		cr_expect(service_watches_empty(&w.s));
		if (empty)
			find_other(&w)->dies_at = w.now;
		else
			say(&w, EVENT_READY, NEVER);
		run_for(&w, 0);
		expect_trace(&w, empty ? "0: >reload-signal USR1:main; 1000: >reload-notify; "
					 "1000: reload=failed >dead"
				       : "0: >reload-signal USR1:main; 1000: >reload-notify; "
					 "1000: reload=done >running");
	}
}

/* The signal may not have been sent before the crash. */
Test(service_types, notify_reload_and_a_crash)
{
	static struct world w;
	struct actions sent = { .v = { { .kind = ACTION_SIGNAL } }, .n = 1 };

	world_reloading(&w, plain_unit());
	w.crash_after = 0;
	crash(&w, &sent, EVENT_RELOAD);
	say(&w, EVENT_RELOADING, w.now);
	crash(&w, &(struct actions){ 0 }, EVENT_INVALID);
	say(&w, EVENT_READY, w.now);
	cr_expect_eq(w.s.state, STATE_RUNNING, "%s", w.trace);
	cr_expect_not_null(strstr(w.trace, "CRASH; 1000: USR1:main"), "%s", w.trace);
}

Test(service_types, a_reload_of_its_own_accord)
{
	static struct world w;
	struct unit u = plain_unit();

	u.runtime_max = 50 * SEC;
	world_init(&w, &u);
	world_started(&w);
	say(&w, EVENT_READY, NEVER);
	say(&w, EVENT_RELOADING, NEVER);
	cr_expect_str_eq(service_active_state(w.s.state), "reloading");
	run_for(&w, SEC);
	say(&w, EVENT_READY, NEVER);
	say(&w, EVENT_RELOADING, NEVER);
	run_for(&w, 10 * SEC);
	expect_trace(&w, "0: >reload-notify; 1000: >running; 1000: >reload-notify; "
			 "4000: >running");
	run_for(&w, 100 * SEC);
	cr_expect_eq(w.s.result, RESULT_TIMEOUT, "RuntimeMaxSec= goes on behind it");
}
