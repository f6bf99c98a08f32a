/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every cell of the state machine, and what a start and a stop come to. */
#include "service_world.h"

#include "core/condition.h"

TestSuite(service, .timeout = 120);

/* ---- every cell of the machine ---- */

enum column {
	ON_START,
	ON_STOP,
	ON_RESTART,
	ON_RELOAD,
	ON_RESET,
	ON_SPAWNED,
	ON_SPAWN_FAILED,
	ON_EXECED,
	ON_MAIN_OK,
	ON_MAIN_FAILED,
	ON_CONTROL_OK,
	ON_CONTROL_FAILED,
	ON_EMPTY,
	ON_STUCK,
	ON_TIMER,
	ON_MAIN_PID,
	ON_NO_MAIN,
	ON_OOM,
	ON_READY,
	ON_STOPPING,
	ON_RELOADING,
	ON_EXTEND,
	ON_WATCHDOG,
	ON_TRIGGER,
	ON_WATCHDOG_USEC,
	N_COLUMNS,
};

#define ENDED(how)                                                          \
	{                                                                   \
		.kind = (how), .exit = { CLD_EXITED, 0 }, .deadline = NEVER \
	}
#define FAILED(how)                                                         \
	{                                                                   \
		.kind = (how), .exit = { CLD_EXITED, 1 }, .deadline = NEVER \
	}
#define PLAIN(which)                               \
	{                                          \
		.kind = (which), .deadline = NEVER \
	}

static const struct event columns[N_COLUMNS] = {
	[ON_START] = PLAIN(EVENT_START),
	[ON_STOP] = PLAIN(EVENT_STOP),
	[ON_RESTART] = PLAIN(EVENT_RESTART),
	[ON_RELOAD] = PLAIN(EVENT_RELOAD),
	[ON_RESET] = PLAIN(EVENT_RESET_FAILED),
	[ON_SPAWNED] = { .kind = EVENT_SPAWNED, .is_main = true },
	[ON_SPAWN_FAILED] = { .kind = EVENT_SPAWN_FAILED, .is_main = true },
	[ON_EXECED] = PLAIN(EVENT_EXECED),
	[ON_MAIN_OK] = ENDED(EVENT_MAIN_EXIT),
	[ON_MAIN_FAILED] = FAILED(EVENT_MAIN_EXIT),
	[ON_CONTROL_OK] = ENDED(EVENT_CONTROL_EXIT),
	[ON_CONTROL_FAILED] = FAILED(EVENT_CONTROL_EXIT),
	[ON_EMPTY] = PLAIN(EVENT_EMPTY),
	[ON_STUCK] = PLAIN(EVENT_STUCK),
	[ON_TIMER] = PLAIN(EVENT_TIMER),
	[ON_MAIN_PID] = PLAIN(EVENT_MAIN_PID),
	[ON_NO_MAIN] = PLAIN(EVENT_NO_MAIN),
	[ON_OOM] = PLAIN(EVENT_OOM),
	[ON_READY] = PLAIN(EVENT_READY),
	[ON_STOPPING] = PLAIN(EVENT_STOPPING),
	[ON_RELOADING] = { .kind = EVENT_RELOADING, .usec = 1000 * SEC },
	[ON_EXTEND] = { .kind = EVENT_EXTEND, .usec = SEC },
	[ON_WATCHDOG] = PLAIN(EVENT_WATCHDOG),
	[ON_TRIGGER] = PLAIN(EVENT_WATCHDOG_TRIGGER),
	[ON_WATCHDOG_USEC] = { .kind = EVENT_WATCHDOG_USEC, .usec = SEC },
};

/* What the actions of one step say, in the words of the table. */
static void render(const struct actions *out, char *text, size_t size)
{
	static const char *const requests[REQUEST_MAX] = { "", "start", "stop", "reload" };
	static const char *const whom[] = { "", "main", "control", "all" };

	text[0] = '\0';
	for (unsigned i = 0; i < out->n; i++) {
		const struct action *a = &out->v[i];
		size_t n = strlen(text);
		char *at = text + n;
		size_t left = size - n;

		if (i > 0 && left > 1) {
			*at++ = ' ';
			*at = '\0';
			left--;
		}
		if (a->kind == ACTION_SPAWN)
			(void)snprintf(at, left, "%s[%zu]", phase_names[a->phase], a->index);
		else if (a->kind == ACTION_SIGNAL)
			(void)snprintf(at, left, "%s:%s", signal_word(a->signal), whom[a->whom]);
		else if (a->kind == ACTION_STATE)
			(void)snprintf(at, left, ">%s", service_state_name(a->to));
		else if (a->kind == ACTION_DONE)
			(void)snprintf(at, left, "%s=%s", requests[a->request], answer_name(a->answer));
		else
			(void)snprintf(at, left, "%s",
				       a->kind == ACTION_KILL	   ? "kill"
				       : a->kind == ACTION_RELEASE ? "release"
								   : "?");
	}
}

/* One command in every list. */
static struct unit full_unit(void)
{
	struct unit u = plain_unit();

	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		u.exec[p] = (struct exec_commands){ commands, 1 };
	return u;
}

/* No entry: nothing happens. What lives was not told to be gone. */
static const char *const expected[STATE_MAX][N_COLUMNS] = {
	[STATE_DEAD] = {
		[ON_START] = ">condition ExecCondition[0]",
		[ON_STOP] = "stop=done",
		[ON_RESTART] = ">condition ExecCondition[0]",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_EMPTY] = "release",
	},
	[STATE_CHECK] = {
		[ON_STOP] = ">dead release start=canceled stop=done",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_EMPTY] = "release",
	},
	[STATE_CONDITION] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:all",
		[ON_CONTROL_OK] = ">start-pre ExecStartPre[0]",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:all",
		[ON_OOM] = ">stop-sigterm TERM:all",
	},
	[STATE_START_PRE] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:all",
		[ON_CONTROL_OK] = ">start ExecStart[0]",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:all",
		[ON_OOM] = ">stop-sigterm TERM:all",
	},
	[STATE_START] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWNED] = ">start-post ExecStartPost[0]",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:all",
		[ON_EXECED] = ">start-post ExecStartPost[0]",
		[ON_MAIN_OK] = ">stop-sigterm TERM:all",
		[ON_MAIN_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:main TERM:all",
		[ON_OOM] = ">stop-sigterm TERM:main TERM:all",
		[ON_TRIGGER] = ">stop-watchdog ABRT:main ABRT:all",
	},
	[STATE_START_POST] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_CONTROL_OK] = ">running start=done",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:main TERM:all",
		[ON_OOM] = ">stop-sigterm TERM:main TERM:all",
		[ON_STOPPING] = ">stop-sigterm",
		[ON_TRIGGER] = ">stop-watchdog ABRT:main ABRT:all",
	},
	[STATE_RUNNING] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop ExecStop[0]",
		[ON_RESTART] = ">stop ExecStop[0]",
		[ON_RELOAD] = ">reload ExecReload[0]",
		[ON_MAIN_OK] = "start=done >stop ExecStop[0]",
		[ON_MAIN_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop ExecStop[0]",
		[ON_OOM] = ">stop ExecStop[0]",
		[ON_STOPPING] = ">stop-sigterm",
		[ON_RELOADING] = ">reload-notify",
		[ON_TRIGGER] = ">stop-watchdog ABRT:main ABRT:all",
	},
	[STATE_EXITED] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop ExecStop[0]",
		[ON_RESTART] = ">stop ExecStop[0]",
		[ON_RELOAD] = ">reload ExecReload[0]",
		[ON_OOM] = ">stop ExecStop[0]",
	},
	[STATE_RELOAD] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_SPAWN_FAILED] = "reload=failed >running start=done",
		[ON_CONTROL_OK] = "reload=done >running start=done",
		[ON_CONTROL_FAILED] = "reload=failed >running start=done",
		[ON_TIMER] = "KILL:control",
		[ON_OOM] = ">stop-sigterm TERM:main TERM:all",
		[ON_STOPPING] = ">stop-sigterm",
		[ON_TRIGGER] = ">stop-watchdog ABRT:main ABRT:all",
	},
	[STATE_RELOAD_SIGNAL] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_MAIN_OK] = "reload=failed start=done >stop ExecStop[0]",
		[ON_MAIN_FAILED] = "reload=failed >stop-sigterm TERM:all",
		[ON_TIMER] = "reload=failed >running start=done",
		[ON_OOM] = ">stop-sigterm TERM:main TERM:all",
		[ON_STOPPING] = ">stop-sigterm",
		[ON_TRIGGER] = ">stop-watchdog ABRT:main ABRT:all",
		[ON_RELOADING] = ">reload-notify",
	},
	[STATE_RELOAD_NOTIFY] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_MAIN_OK] = "reload=failed start=done >stop ExecStop[0]",
		[ON_MAIN_FAILED] = "reload=failed >stop-sigterm TERM:all",
		[ON_TIMER] = "reload=failed >running start=done",
		[ON_OOM] = ">stop-sigterm TERM:main TERM:all",
		[ON_STOPPING] = ">stop-sigterm",
		[ON_TRIGGER] = ">stop-watchdog ABRT:main ABRT:all",
		[ON_READY] = "reload=done >running start=done",
	},
	[STATE_STOP] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_CONTROL_OK] = ">stop-sigterm TERM:main TERM:all",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:main TERM:all",
		[ON_OOM] = ">stop-sigterm TERM:main TERM:all",
	},
	[STATE_STOP_WATCHDOG] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">stop-sigkill kill",
		[ON_OOM] = ">stop-sigkill kill",
	},
	[STATE_STOP_SIGTERM] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">stop-sigkill kill",
		[ON_OOM] = ">stop-sigkill kill",
	},
	[STATE_STOP_SIGKILL] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_STUCK] = ">stuck stop=survivors start=survivors reload=canceled",
		[ON_TIMER] = ">stuck stop=survivors start=survivors reload=canceled",
	},
	[STATE_STOP_POST] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">final-sigterm TERM:all",
		[ON_CONTROL_OK] = ">final-sigterm TERM:all",
		[ON_CONTROL_FAILED] = ">final-sigterm TERM:all",
		[ON_TIMER] = ">final-sigterm TERM:all",
		[ON_OOM] = ">final-sigkill kill",
	},
	[STATE_FINAL_WATCHDOG] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">final-sigkill kill",
		[ON_OOM] = ">final-sigkill kill",
	},
	[STATE_FINAL_SIGTERM] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">final-sigkill kill",
		[ON_OOM] = ">final-sigkill kill",
	},
	[STATE_FINAL_SIGKILL] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_STUCK] = ">stuck stop=survivors start=survivors reload=canceled",
		[ON_TIMER] = ">stuck stop=survivors start=survivors reload=canceled",
	},
	[STATE_STUCK] = {
		[ON_START] = "start=refused",
		[ON_STOP] = "start=canceled >stop-sigkill kill",
		[ON_RESTART] = "start=refused",
		[ON_RELOAD] = "reload=not-applicable",
	},
	[STATE_FAILED] = {
		[ON_START] = ">condition ExecCondition[0]",
		[ON_STOP] = "stop=done",
		[ON_RESTART] = ">condition ExecCondition[0]",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_RESET] = ">dead",
		[ON_EMPTY] = "release",
	},
	[STATE_AUTO_RESTART] = {
		[ON_START] = ">condition ExecCondition[0]",
		[ON_STOP] = "start=canceled >dead stop=done",
		[ON_RESTART] = ">condition ExecCondition[0]",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_EMPTY] = "release",
		[ON_TIMER] = ">condition ExecCondition[0]",
	},
};

/* Where it makes a difference: EVENT_EMPTY was told before. */
static const char *const expected_empty[STATE_MAX][N_COLUMNS] = {
	[STATE_CONDITION] = {
		[ON_SPAWN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_CONTROL_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_START_PRE] = {
		[ON_SPAWN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_CONTROL_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_START] = {
		[ON_SPAWN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_RUNNING] = {
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_RELOAD_SIGNAL] = {
		[ON_MAIN_FAILED] = "reload=failed >stop-post ExecStopPost[0]",
	},
	[STATE_RELOAD_NOTIFY] = {
		[ON_MAIN_FAILED] = "reload=failed >stop-post ExecStopPost[0]",
	},
	[STATE_STOP_WATCHDOG] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
	[STATE_STOP_SIGTERM] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
	[STATE_STOP_SIGKILL] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
	[STATE_STOP_POST] = {
		[ON_SPAWN_FAILED] = ">failed release stop=done reload=canceled start=failed",
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">failed release stop=done reload=canceled start=failed",
	},
	[STATE_FINAL_WATCHDOG] = {
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">dead release stop=done reload=canceled start=failed",
		[ON_TIMER] = ">dead release stop=done reload=canceled start=failed",
	},
	[STATE_FINAL_SIGTERM] = {
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">dead release stop=done reload=canceled start=failed",
		[ON_TIMER] = ">dead release stop=done reload=canceled start=failed",
	},
	[STATE_FINAL_SIGKILL] = {
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">dead release stop=done reload=canceled start=failed",
		[ON_TIMER] = ">dead release stop=done reload=canceled start=failed",
	},
	[STATE_STUCK] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
};

static void check_cell(enum service_state state, enum column column, bool empty)
{
	const char *want = expected[state][column];
	struct unit u = full_unit();
	enum service_state to = state;
	struct service s;
	struct actions out;
	char got[512];

	enact(&s, &u, state, 1000 * SEC);
	if (empty && expected_empty[state][column])
		want = expected_empty[state][column];
	if (empty)
		s.populated = false;
	if (empty && state == STATE_STUCK)
		s.stage_end = 1000 * SEC;
	service_step(&s, &columns[column], 1000 * SEC, &out);
	render(&out, got, sizeof(got));
	cr_expect_str_eq(got, want ? want : "", "%s, column %d%s:\n   got \"%s\"\n  want \"%s\"",
			 service_state_name(state), column, empty ? ", empty" : "", got,
			 want ? want : "");
	for (unsigned i = 0; i < out.n; i++)
		if (out.v[i].kind == ACTION_STATE)
			to = out.v[i].to;
	cr_expect_eq(s.state, to, "%s, column %d: in %s", service_state_name(state), column,
		     service_state_name(s.state));
}

Test(service, every_cell)
{
	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++)
		for (enum column column = ON_START; column < N_COLUMNS; column++) {
			check_cell(state, column, false);
			check_cell(state, column, true);
		}
}

/* The first half of a restart is a stop, but for its signal. */
Test(service, stop_to_start)
{
	const struct event stop = PLAIN(EVENT_STOP), to_start = PLAIN(EVENT_STOP_TO_START);

	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++) {
		struct unit u = full_unit();
		struct service a, b;
		struct actions out;
		char text_a[512], text_b[512];

		enact(&a, &u, state, 1000 * SEC);
		b = a;
		service_step(&a, &stop, 1000 * SEC, &out);
		render(&out, text_a, sizeof(text_a));
		service_step(&b, &to_start, 1000 * SEC, &out);
		render(&out, text_b, sizeof(text_b));
		cr_expect_str_eq(text_a, text_b, "%s", service_state_name(state));
		cr_expect_eq(a.state, b.state);
		cr_expect_eq(a.stop_requested, b.stop_requested, "%s", service_state_name(state));
	}
}

/* ---- who ignores what, under every KillMode= ---- */

enum {
	M = 1,
	C = 2,
	O = 4
}; /* the main process, the control process (a hanging ExecStop=), another one */

/* A stop by hand at 0, TimeoutStopSec=2s. */
static void run_kill_case(struct world *w, enum kill_mode mode, bool sigkill, bool sighup,
			  unsigned ignoring)
{
	struct unit u = plain_unit();

	u.kill_mode = mode;
	u.send_sigkill = sigkill;
	u.send_sighup = sighup;
	u.exec[EXEC_STOP] = u.exec[EXEC_STOP_POST] = (struct exec_commands){ commands, 1 };
	world_init(w, &u);
	w->main.leaves_child = true;
	w->main.ignores = ignoring & M;
	w->child.ignores = ignoring & O;
	w->control[EXEC_STOP] = (struct nature){ .life = NEVER, .ignores = ignoring & C };
	world_started(w);
	ask(w, EVENT_STOP);
	run_for(w, 100 * SEC);
}

#define BEGIN	     "0: >stop ExecStop[0]; "
#define T_ALL	     BEGIN "2000: >stop-sigterm TERM:main TERM:all; "
#define T_LEADERS    BEGIN "2000: >stop-sigterm TERM:main TERM:control; "
#define K(at, how)   #at ": >stop-sigkill " how "; "
#define P(at)	     #at ": >stop-post ExecStopPost[0]; "
#define F(at, how)   #at ": >final-sigterm " how "; "
#define END(at, how) #at ": >failed stop=" how

static const struct kill_case {
	enum kill_mode mode;
	bool sigkill;
	unsigned ignoring;
	const char *trace;
} kill_cases[] = {
	{ KILL_CONTROL_GROUP, true, 0, T_ALL P(2000) END(2000, "done") },
	{ KILL_CONTROL_GROUP, true, M, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, C, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, M | C, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, M | O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, C | O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, M | C | O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, false, 0, T_ALL P(2000) END(2000, "done") },
	{ KILL_CONTROL_GROUP, false, M,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, C, T_ALL P(4000) F(4000, "TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, M | C,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, O, T_ALL P(4000) F(4000, "TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, M | O,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, C | O, T_ALL P(4000) F(4000, "TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, M | C | O,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_MIXED, true, 0, T_LEADERS K(2000, "kill") P(2000) END(2000, "done") },
	{ KILL_MIXED, true, M, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, C, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, M | C, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, O, T_LEADERS K(2000, "kill") P(2000) END(2000, "done") },
	{ KILL_MIXED, true, M | O, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, C | O, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, M | C | O, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, false, 0, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_MIXED, false, M, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_MIXED, false, C, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_MIXED, false, M | C, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_MIXED, false, O, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_MIXED, false, M | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_MIXED, false, C | O, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_MIXED, false, M | C | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, true, 0, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, true, M, T_LEADERS K(4000, "KILL:main") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, C, T_LEADERS K(4000, "KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, M | C,
	  T_LEADERS K(4000, "KILL:main KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, O, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, true, M | O, T_LEADERS K(4000, "KILL:main") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, C | O, T_LEADERS K(4000, "KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, M | C | O,
	  T_LEADERS K(4000, "KILL:main KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, false, 0, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, false, M, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, false, C, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, false, M | C, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, false, O, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, false, M | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, false, C | O, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, false, M | C | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
};

/* The trace without its "+HUP"s, of which there must be one at every TERM and nowhere else. */
static void strip_hangups(char *trace)
{
	for (char *at = trace; (at = strstr(at, "TERM")); at += 4)
		cr_expect(strncmp(at + 4, "+HUP", 4) == 0, "%s", trace);
	for (char *at = trace; (at = strstr(at, "+HUP"));) {
		cr_expect(at - trace >= 4 && strncmp(at - 4, "TERM", 4) == 0, "%s", trace);
		memmove(at, at + 4, strlen(at + 4) + 1);
	}
}

Test(service, kill_modes)
{
	static struct world w;

	for (size_t i = 0; i < ARRAY_SIZE(kill_cases); i++) {
		const struct kill_case *c = &kill_cases[i];

		run_kill_case(&w, c->mode, c->sigkill, false, c->ignoring);
		expect_trace(&w, c->trace);
		run_kill_case(&w, c->mode, c->sigkill, true, c->ignoring);
		strip_hangups(w.trace);
		expect_trace(&w, c->trace);
	}
}

Test(service, kill_mode_none_signals_nobody)
{
	static struct world w;

	for (unsigned i = 0; i < 4 * 8; i++) {
		run_kill_case(&w, KILL_NONE, i & 8, i & 16, i & 7);
		expect_trace(&w, BEGIN P(2000) END(2000, "survivors"));
	}
}

/* ---- stories ---- */

static void check_stubborn_stop(const struct unit *u, const char *trace)
{
	static struct world w;

	world_stubborn(&w, u);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, trace);
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
	cr_expect_eq(w.releases, 1);
}

Test(service, a_milder_final_signal_is_followed_by_the_kill)
{
	struct unit u = plain_unit();

	u.final_kill_signal = SIGQUIT;
	u.send_sighup = true;
	check_stubborn_stop(&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-sigkill "
				"QUIT:main QUIT:all; "
				"4000: kill; 4000: >failed stop=done");
	u.stop_deadline = 3 * SEC;
	check_stubborn_stop(&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-sigkill "
				"QUIT:main QUIT:all; "
				"3000: kill; 3000: >failed stop=done");
	u.stop_deadline = 1 * SEC;
	check_stubborn_stop(
		&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 1000: >stop-sigkill kill; "
		    "1000: >failed stop=done");
}

Test(service, failure_modes_of_the_stop)
{
	struct unit u = plain_unit();

	u.send_sighup = true;
	u.timeout_stop_failure_mode = FAILURE_ABORT;
	check_stubborn_stop(&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-watchdog "
				"ABRT:main ABRT:all; "
				"6000: >stop-sigkill kill; 6000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_KILL;
	check_stubborn_stop(
		&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-sigkill kill; "
		    "2000: >failed stop=done");
}

/* One command of a list hangs. */
static void check_hang(const struct unit *u, enum exec_phase phase, const char *trace)
{
	static struct world w;
	struct unit with = *u;

	with.exec[phase] = one;
	world_init(&w, &with);
	w.control[phase] = (struct nature){ .life = NEVER, .ignores = true };
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	if (phase == EXEC_STOP || phase == EXEC_STOP_POST)
		ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, trace);
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
}

Test(service, failure_modes_over_a_command_that_hangs)
{
	struct unit u = plain_unit();

	check_hang(&u, EXEC_START_PRE,
		   "0: >start-pre ExecStartPre[0]; 3000: >stop-sigterm TERM:all; "
		   "5000: >stop-sigkill kill; 5000: >failed start=failed");
	check_hang(&u, EXEC_STOP,
		   "0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
		   "3000: >stop-sigterm TERM:main TERM:all; 5000: >stop-sigkill kill; "
		   "5000: >failed stop=done");
	check_hang(&u, EXEC_STOP_POST,
		   "0: >start ExecStart[0]; 0: >running start=done; "
		   "1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
		   "3000: >final-sigterm TERM:all; 5000: >final-sigkill kill; "
		   "5000: >failed stop=done");
	u.timeout_start_failure_mode = u.timeout_stop_failure_mode = FAILURE_ABORT;
	check_hang(&u, EXEC_START_PRE,
		   "0: >start-pre ExecStartPre[0]; 3000: >stop-watchdog ABRT:all; "
		   "7000: >stop-sigkill kill; 7000: >failed start=failed");
	check_hang(&u, EXEC_STOP,
		   "0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
		   "3000: >stop-watchdog ABRT:main ABRT:all; 7000: >stop-sigkill kill; "
		   "7000: >failed stop=done");
	check_hang(&u, EXEC_STOP_POST,
		   "0: >start ExecStart[0]; 0: >running start=done; "
		   "1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
		   "3000: >final-watchdog ABRT:all; 7000: >final-sigkill kill; "
		   "7000: >failed stop=done");
	u.timeout_start_failure_mode = u.timeout_stop_failure_mode = FAILURE_KILL;
	check_hang(&u, EXEC_CONDITION,
		   "0: >condition ExecCondition[0]; 3000: >stop-sigkill kill; "
		   "3000: >failed start=failed");
	check_hang(&u, EXEC_START_PRE,
		   "0: >start-pre ExecStartPre[0]; 3000: >stop-sigkill kill; "
		   "3000: >failed start=failed");
	check_hang(&u, EXEC_START_POST,
		   "0: >start ExecStart[0]; 0: >start-post ExecStartPost[0]; "
		   "3000: >stop-sigkill kill; 3000: >failed start=failed");
	check_hang(&u, EXEC_STOP,
		   "0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
		   "3000: >stop-sigkill kill; 3000: >failed stop=done");
	check_hang(&u, EXEC_STOP_POST,
		   "0: >start ExecStart[0]; 0: >running start=done; "
		   "1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
		   "3000: >final-sigkill kill; 3000: >failed stop=done");
}

/* From a start to the end of everything, with one thing that cannot be spawned. */
Test(service, what_cannot_be_spawned_fails_for_want_of_resources)
{
	static const char *const traces[EXEC_PHASE_MAX] = {
		[EXEC_CONDITION] = "0: >condition ExecCondition[0]; 0: >failed start=failed",
		[EXEC_START_PRE] = "0: >start-pre ExecStartPre[0]; 0: >failed start=failed",
		[EXEC_START] = "0: >start ExecStart[0]; 0: >failed start=failed",
		[EXEC_START_POST] = "0: >start ExecStart[0]; 0: >start-post ExecStartPost[0]; "
				    "0: >stop-sigterm TERM:main TERM:all; 0: >failed start=failed",
		[EXEC_STOP] =
			"0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
			"1000: >stop-sigterm TERM:main TERM:all; 1000: >failed stop=done",
		[EXEC_STOP_POST] =
			"0: >start ExecStart[0]; 0: >running start=done; "
			"1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
			"1000: >failed stop=done",
	};
	static struct world w;

	for (enum exec_phase phase = EXEC_CONDITION; phase < EXEC_PHASE_MAX; phase++) {
		struct unit u = plain_unit();

		if (phase == EXEC_RELOAD)
			continue;
		u.exec[phase] = (struct exec_commands){ lenient, 1 };
		world_init(&w, &u);
		w.control[phase].cannot_spawn = true;
		w.main.cannot_spawn = phase == EXEC_START;
		ask(&w, EVENT_START);
		run_for(&w, SEC);
		if (service_active_state(w.s.state)[0] == 'a')
			ask(&w, EVENT_STOP);
		run_for(&w, 100 * SEC);
		expect_trace(&w, traces[phase]);
		cr_expect_eq(w.s.result, RESULT_RESOURCES);
		cr_expect_eq(w.s.state, STATE_FAILED);
		cr_expect_eq(w.releases, 1);
	}
}

Test(service, start_limit)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.start_limit_burst = 3;
	world_init(&w, &u);
	w.main = (struct nature){ .life = 10 * MSEC };
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	expect_trace(&w,
		     "0: >start ExecStart[0]; 0: >running start=done; 10: >auto-restart; "
		     "110: >start ExecStart[0]; 110: >running; 120: >auto-restart; "
		     "220: >start ExecStart[0]; 220: >running; 230: >auto-restart; 330: >failed");
	cr_expect_eq(w.s.result, RESULT_START_LIMIT_HIT);
	cr_expect_eq(w.s.n_restarts, 3);

	/* by hand, too, until it is forgiven or the interval is over */
	w.trace[0] = '\0';
	ask(&w, EVENT_START);
	ask(&w, EVENT_RESET_FAILED);
	w.main.life = NEVER;
	ask(&w, EVENT_START);
	run_for(&w, 0);
	expect_trace(&w, "1000: start=failed; 1000: >dead; 1000: >start ExecStart[0]; "
			 "1000: >running start=done");
	cr_expect_eq(w.s.n_restarts, 0);
}

Test(service, start_limit_interval_ends)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.restart_delay = 4 * SEC;
	u.start_limit_burst = 3; /* 0, 4, 8, then 12 in a new interval */
	world_init(&w, &u);
	w.main.life = 0;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	cr_expect_eq(w.s.state, STATE_AUTO_RESTART);
	cr_expect_eq(w.s.n_restarts, 25);
}

Test(service, runtime_max)
{
	static struct world w;
	struct unit u = plain_unit();

	u.runtime_max = 7 * SEC;
	u.exec[EXEC_STOP] = one;
	u.restart = RESTART_ON_ABNORMAL;
	world_init(&w, &u);
	ask(&w, EVENT_START);
	run_for(&w, 7100 * MSEC);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >running start=done; 7000: >stop ExecStop[0]; "
			 "7000: >stop-sigterm TERM:main TERM:all; 7000: >auto-restart; "
			 "7100: >start ExecStart[0]; 7100: >running");
	cr_expect_eq(w.s.n_restarts, 1);
}

Test(service, oneshot_runs_its_commands_in_turn)
{
	static struct world w;
	struct unit u = plain_unit();

	u.type = SERVICE_ONESHOT;
	u.exec[EXEC_START] = two;
	u.exec[EXEC_STOP] = one;
	u.timeout_start = NEVER;
	world_init(&w, &u);
	w.main.life = 5 * SEC;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 5000: ExecStart[1]; "
			 "10000: start=done >stop ExecStop[0]; 10000: >dead");

	u.remain_after_exit = true;
	world_init(&w, &u);
	w.main.life = 5 * SEC;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 5000: ExecStart[1]; 10000: >exited start=done; "
			 "100000: >stop ExecStop[0]; 100000: >dead stop=done");

	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .status = 1 };
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 1000: >failed start=failed");

	u.exec[EXEC_START] = tolerant;
	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .status = 1 };
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 1000: ExecStart[1]; 2000: >exited start=done");
}

static void check_condition(int status, const char *trace)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.restart_delay = 200 * SEC;
	u.exec[EXEC_CONDITION] = two;
	world_init(&w, &u);
	w.control[EXEC_CONDITION].status = status;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, trace);
}

Test(service, exec_condition)
{
	check_condition(
		0, "0: >condition ExecCondition[0]; 0: ExecCondition[1]; 0: >start ExecStart[0]; "
		   "0: >running start=done");
	check_condition(1, "0: >condition ExecCondition[0]; 0: >dead start=skipped");
	check_condition(254, "0: >condition ExecCondition[0]; 0: >dead start=skipped");
	check_condition(255, "0: >condition ExecCondition[0]; 0: >auto-restart start=failed");
}

/* What they are is not the machine's business, only that there are any. */
static struct conditions some_conditions = { .n = 1 };

static void check_verdict(enum verdict verdict, const char *trace)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.exec[EXEC_STOP_POST] = (struct exec_commands){ commands, 1 };
	u.conditions = &some_conditions;
	world_init(&w, &u);
	w.verdict = verdict;
	w.check_delay = SEC;
	ask(&w, EVENT_START);
	ask(&w, EVENT_START);
	run_for(&w, 10 * SEC);
	expect_trace(&w, trace);
}

Test(service, conditions)
{
	check_verdict(VERDICT_MET,
		      "0: >check check; 1000: >start ExecStart[0]; 1000: >running start=done");
	check_verdict(VERDICT_UNMET, "0: >check check; 1000: >dead start=skipped");
	check_verdict(VERDICT_ASSERT, "0: >check check; 1000: >dead start=assert");
}

Test(service, a_stop_ends_the_check)
{
	static struct world w;
	struct unit u = plain_unit();

	u.conditions = &some_conditions;
	world_init(&w, &u);
	w.check_delay = NEVER;
	ask(&w, EVENT_START);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	expect_trace(&w, "0: >check check; 0: >dead start=canceled stop=done");
}

/* Each automatic restart is a start. */
Test(service, conditions_of_a_restart)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.restart_delay = SEC;
	u.conditions = &some_conditions;
	world_init(&w, &u);
	w.main.life = SEC;
	ask(&w, EVENT_START);
	run_until(&w, w.now);
	w.verdict = VERDICT_UNMET;
	run_for(&w, 10 * SEC);
	cr_expect_eq(w.s.state, STATE_DEAD);
	cr_expect_eq(w.s.result, RESULT_SUCCESS);
	cr_expect_eq(w.s.n_restarts, 1);
}

Test(service, start_during_a_stop_comes_after_it)
{
	static struct world w;
	struct unit u = plain_unit();

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >stop-sigkill kill; "
			 "2000: >failed stop=done >start ExecStart[0]; 2000: >running start=done");

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 1000: start=canceled; "
			 "2000: >stop-sigkill kill; 2000: >failed stop=done");
}

Test(service, restart)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart_kill_signal = SIGUSR1;
	u.send_sighup = true;
	u.exec[EXEC_STOP] = one;
	world_stubborn(&w, &u);
	w.control[EXEC_STOP].life = SEC;
	ask(&w, EVENT_RESTART);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop ExecStop[0]; 1000: >stop-sigterm USR1:main USR1:all; "
			 "3000: >stop-sigkill kill; 3000: >failed >start ExecStart[0]; "
			 "3000: >running start=done");

	/* a stop makes it a stop */
	world_stubborn(&w, &u);
	w.control[EXEC_STOP].life = SEC;
	ask(&w, EVENT_RESTART);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w,
		     "0: >stop ExecStop[0]; 0: start=canceled; "
		     "1000: >stop-sigterm TERM+HUP:main TERM+HUP:all; 3000: >stop-sigkill kill; "
		     "3000: >failed stop=done");
}

Test(service, restart_over_survivors_is_refused)
{
	static struct world w;
	struct unit u = plain_unit();

	u.send_sigkill = false;
	world_stubborn(&w, &u);
	ask(&w, EVENT_RESTART);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >failed start=refused");
	cr_expect(service_start_refused(&w.s));
	cr_expect(service_watches_empty(&w.s));
	w.procs[0].dies_at = w.now;
	run_for(&w, 0);
	cr_expect_not(service_start_refused(&w.s));
	cr_expect_eq(w.releases, 1);
}

Test(service, leftovers_of_kill_mode_process_do_not_hinder_a_start)
{
	static struct world w;
	struct unit u = plain_unit();

	u.kill_mode = KILL_PROCESS;
	world_init(&w, &u);
	w.main.leaves_child = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main; 0: >dead stop=survivors; "
			 "1000: >start ExecStart[0]; 1000: >running start=done");
}

Test(service, stop_during_a_start)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_START_PRE] = u.exec[EXEC_STOP] = u.exec[EXEC_STOP_POST] = one;
	u.restart = RESTART_ALWAYS;
	world_init(&w, &u);
	w.control[EXEC_START_PRE].life = NEVER;
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w,
		     "0: >start-pre ExecStartPre[0]; 1000: start=canceled >stop-sigterm TERM:all; "
		     "1000: >stop-post ExecStopPost[0]; 1000: >dead stop=done");
}

/* first and second: deadlines of a stop at 0 and of another one at 500 ms. */
static void check_deadlines(usec_t cap, usec_t first, usec_t second, const char *trace)
{
	static struct world w;
	struct unit u = plain_unit();
	usec_t start;

	u.timeout_stop = 90 * SEC;
	u.exec[EXEC_STOP_POST] = one;
	u.stop_deadline = cap;
	world_stubborn(&w, &u);
	start = w.now;
	ask_by(&w, EVENT_STOP, usec_add(start, first));
	run_for(&w, 500 * MSEC);
	ask_by(&w, EVENT_STOP, usec_add(start, second));
	run_for(&w, 200 * SEC);
	expect_trace(&w, trace);
}

Test(service, deadlines)
{
	check_deadlines(NEVER, NEVER, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 90000: >stop-sigkill kill; "
			"90000: >stop-post ExecStopPost[0]; 90000: >failed stop=done");
	check_deadlines(3 * SEC, NEVER, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 2250: >stop-sigkill kill; "
			"2250: >stop-post ExecStopPost[0]; 2250: >failed stop=done");
	check_deadlines(3 * SEC, 2 * SEC, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 1500: >stop-sigkill kill; "
			"1500: >stop-post ExecStopPost[0]; 1500: >failed stop=done");
	check_deadlines(3 * SEC, 4 * SEC, 5 * SEC,
			"0: >stop-sigterm TERM:main TERM:all; 2250: >stop-sigkill kill; "
			"2250: >stop-post ExecStopPost[0]; 2250: >failed stop=done");
	check_deadlines(NEVER, 4 * SEC, 1 * SEC,
			"0: >stop-sigterm TERM:main TERM:all; 875: >stop-sigkill kill; "
			"875: >stop-post ExecStopPost[0]; 875: >failed stop=done");
	check_deadlines(NEVER, 4 * SEC, 100 * MSEC,
			"0: >stop-sigterm TERM:main TERM:all; 500: >stop-sigkill kill; "
			"500: >failed stop=done");
	check_deadlines(NEVER, 0, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 0: >stop-sigkill kill; "
			"0: >failed stop=done; 500: stop=done");
}

/* Everything that a service has hangs, and the deadline of its stop is at 8 s. cut: whether the deadline cut it short. */
static void check_compressed(const struct unit *u, usec_t deadline, bool cut, const char *trace)
{
	static struct world w;
	struct nature hangs = { .life = NEVER, .ignores = true };

	world_init(&w, u);
	w.main.ignores = true;
	w.control[EXEC_STOP] = w.control[EXEC_STOP_POST] = hangs;
	world_started(&w);
	ask_by(&w, EVENT_STOP, usec_add(w.now, deadline));
	run_for(&w, 1000 * SEC);
	expect_trace(&w, trace);
	cr_expect_eq(w.s.cut_short, cut, "%s", trace);
}

Test(service, a_deadline_compresses_the_stages)
{
	struct unit u = plain_unit();

	u.timeout_stop = u.timeout_abort = 90 * SEC;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop-sigterm TERM:main TERM:all; 8000: >stop-sigkill kill; "
			 "8000: >failed stop=done");
	u.exec[EXEC_STOP] = one;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 4000: >stop-sigterm TERM:main TERM:all; "
			 "8000: >stop-sigkill kill; 8000: >failed stop=done");
	u.exec[EXEC_STOP_POST] = two;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 4000: >stop-sigterm TERM:main TERM:all; "
			 "7000: >stop-sigkill kill; 7000: >stop-post ExecStopPost[0]; "
			 "7500: >final-sigterm TERM:all; 8000: >final-sigkill kill; "
			 "8000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_ABORT;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 4000: >stop-watchdog ABRT:main ABRT:all; "
			 "7000: >stop-sigkill kill; 7000: >stop-post ExecStopPost[0]; "
			 "7500: >final-watchdog ABRT:all; 8000: >final-sigkill kill; "
			 "8000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_KILL;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 6000: >stop-sigkill kill; "
			 "6000: >stop-post ExecStopPost[0]; 7000: >final-sigkill kill; "
			 "7000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_ABORT;
	u.exec[EXEC_STOP].n = u.exec[EXEC_STOP_POST].n = 0;
	check_compressed(
		&u, 8 * SEC, true,
		"0: >stop-sigterm TERM:main TERM:all; 4000: >stop-watchdog ABRT:main ABRT:all; "
		"8000: >stop-sigkill kill; 8000: >failed stop=done");
}

Test(service, a_deadline_that_is_far_compresses_nothing)
{
	struct unit u = plain_unit();

	u.exec[EXEC_STOP] = u.exec[EXEC_STOP_POST] = one;
	check_compressed(&u, 20 * SEC, false,
			 "0: >stop ExecStop[0]; 2000: >stop-sigterm TERM:main TERM:all; "
			 "4000: >stop-sigkill kill; 4000: >stop-post ExecStopPost[0]; "
			 "6000: >final-sigterm TERM:all; 8000: >final-sigkill kill; "
			 "8000: >failed stop=done");
}

Test(service, a_deadline_brought_forward_compresses_the_stage_under_way)
{
	static struct world w;
	struct unit u = plain_unit();

	u.timeout_stop = 90 * SEC;
	u.exec[EXEC_STOP] = one;
	world_stubborn(&w, &u);
	w.control[EXEC_STOP] = (struct nature){ .life = NEVER, .ignores = true };
	ask(&w, EVENT_STOP);
	run_for(&w, 10 * SEC);
	ask_by(&w, EVENT_STOP, usec_add(w.now, 4 * SEC));
	run_for(&w, SEC);
	ask_by(&w, EVENT_STOP, usec_add(w.now, 50 * SEC)); /* an earlier one wins */
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop ExecStop[0]; 12000: >stop-sigterm TERM:main TERM:all; "
			 "14000: >stop-sigkill kill; 14000: >failed stop=done");
	cr_expect(w.s.cut_short);
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	w.trace[0] = '\0';
	w.procs[0].nature.ignores = false;
	w.control[EXEC_STOP].life = 0;
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	cr_expect_not(w.s.cut_short, "left over from the last stop");
}

Test(service, a_deadline_that_leaves_no_time_for_the_clean_up)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_STOP_POST] = one;
	world_stubborn(&w, &u);
	ask_by(&w, EVENT_STOP, w.now);
	run_for(&w, SEC);
	expect_trace(
		&w,
		"0: >stop-sigterm TERM:main TERM:all; 0: >stop-sigkill kill; 0: >failed stop=done");
	cr_expect(w.s.cut_short);
}

Test(service, stuck_until_it_is_released)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_STOP_POST] = one;
	world_init(&w, &u);
	w.main.unkillable = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	ask(&w, EVENT_START);
	ask(&w, EVENT_RESTART);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	cr_expect(service_watches_empty(&w.s));
	w.procs[0].nature.unkillable = false;
	ask(&w, EVENT_STOP);
	hit(&w, &w.procs[0], SIGKILL);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >stop-sigkill kill; "
			 "7000: >stuck stop=survivors; 50000: start=refused; 50000: start=refused; "
			 "50000: >stop-sigkill kill; 55000: >stuck stop=survivors; "
			 "100000: >stop-sigkill kill; 100000: >stop-post ExecStopPost[0]; "
			 "100000: >failed stop=done");
	cr_expect_eq(w.releases, 1);
}

Test(service, stuck_ends_by_itself_and_is_restarted)
{
	static struct world w;
	struct unit u = plain_unit();

	u.kill_mode = KILL_PROCESS;
	u.runtime_max = SEC;
	u.restart = RESTART_ON_FAILURE;
	world_init(&w, &u);
	w.main.unkillable = true;
	ask(&w, EVENT_START);
	run_for(&w, 50 * SEC);
	w.procs[0].dies_at = w.now;
	run_for(&w, 500 * MSEC);
	expect_trace(&w,
		     "0: >start ExecStart[0]; 0: >running start=done; "
		     "1000: >stop-sigterm TERM:main; 3000: >stop-sigkill KILL:main; 8000: >stuck; "
		     "50000: >auto-restart; 50100: >start ExecStart[0]; 50100: >running");
}

/* ExecStopPost= is run once, although what it leaves behind cannot be killed at first. */
Test(service, stuck_in_the_final_kill)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_STOP_POST] = one;
	world_init(&w, &u);
	w.child.unkillable = true;
	w.control[EXEC_STOP_POST].leaves_child = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	for (unsigned i = 0; i < w.n_procs; i++)
		w.procs[i].dies_at = w.now;
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 0: >stop-post ExecStopPost[0]; "
			 "0: >final-sigterm TERM:all; 2000: >final-sigkill kill; "
			 "7000: >stuck stop=survivors; 50000: >failed");
}

/* populated 0, and a tracer that keeps the zombie: KillVerifySec= bounds the wait. */
Test(service, an_end_that_is_never_told)
{
	static struct world w;
	struct unit u = plain_unit();

	u.timeout_stop = NEVER;
	world_init(&w, &u);
	w.main.withheld = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 5000: >dead stop=done");

	u.exec[EXEC_STOP] = one;
	world_init(&w, &u);
	w.main.withheld = true;
	world_started(&w);
	w.procs[0].dies_at = w.now;
	w.control[EXEC_STOP].life = SEC;
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop ExecStop[0]; 1000: >stop-sigterm TERM:main TERM:all; "
			 "6000: >dead stop=done");
}

static void check_reload(struct nature command, const char *trace)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_RELOAD] = two;
	world_init(&w, &u);
	w.control[EXEC_RELOAD] = command;
	world_started(&w);
	ask(&w, EVENT_RELOAD);
	run_for(&w, 50 * SEC);
	ask(&w, EVENT_RELOAD); /* and again, whatever became of the first */
	ask(&w, EVENT_STOP);
	run_for(&w, 500 * SEC);
	expect_trace(&w, trace);
}

Test(service, reload)
{
	check_reload((struct nature){ .life = SEC },
		     "0: >reload ExecReload[0]; 1000: ExecReload[1]; 2000: reload=done >running; "
		     "50000: >reload ExecReload[0]; 50000: >stop-sigterm TERM:main TERM:all; "
		     "50000: >dead stop=done reload=canceled");
	check_reload((struct nature){ .life = SEC, .status = 1 },
		     "0: >reload ExecReload[0]; 1000: reload=failed >running; "
		     "50000: >reload ExecReload[0]; 50000: >stop-sigterm TERM:main TERM:all; "
		     "50000: >dead stop=done reload=canceled");
	check_reload((struct nature){ .life = NEVER },
		     "0: >reload ExecReload[0]; 3000: KILL:control; 3000: reload=failed >running; "
		     "50000: >reload ExecReload[0]; 50000: >stop-sigterm TERM:main TERM:all; "
		     "50000: >dead stop=done reload=canceled");
	check_reload((struct nature){ .life = NEVER, .unkillable = true },
		     "0: >reload ExecReload[0]; 3000: KILL:control; 8000: reload=failed >running; "
		     "50000: reload=failed; 50000: >stop-sigterm TERM:main TERM:all; "
		     "52000: >stop-sigkill kill; 57000: >stuck stop=survivors");
	check_reload((struct nature){ .cannot_spawn = true },
		     "0: >reload ExecReload[0]; 0: reload=failed >running; "
		     "50000: >reload ExecReload[0]; 50000: reload=failed >running; "
		     "50000: >stop-sigterm TERM:main TERM:all; 50000: >dead stop=done");
}

Test(service, stop_ends_the_wait_for_a_restart)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	world_init(&w, &u);
	w.main.life = SEC;
	ask(&w, EVENT_START);
	run_for(&w, 1050 * MSEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >running start=done; 1000: >auto-restart; "
			 "1050: >dead stop=done");
}

/* What happens between the alarm and its handling is not punished. */
Test(service, an_alarm_that_was_overtaken)
{
	static struct world w;
	struct unit u = plain_unit();

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	run_for(&w, 1999 * MSEC);
	feed_event(&w, &(struct event){ .kind = EVENT_TIMER });
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all");
	run_for(&w, 1 * MSEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >stop-sigkill kill; "
			 "2000: >failed stop=done");
}

Test(service, a_restart_by_hand_counts_from_0)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	world_init(&w, &u);
	w.main.life = SEC;
	ask(&w, EVENT_START);
	run_for(&w, 2500 * MSEC);
	cr_assert_eq(w.s.state, STATE_RUNNING);
	cr_assert_eq(w.s.n_restarts, 2);
	ask(&w, EVENT_RESTART);
	run_for(&w, 0);
	cr_expect_eq(w.s.state, STATE_RUNNING);
	cr_expect_eq(w.s.n_restarts, 0);
}

/* Watched is what may still hold someone and hears of it in no other way. */
Test(service, when_emptiness_is_to_be_told)
{
	struct unit u = plain_unit();

	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++) {
		struct service s;
		bool active = service_state_is_starting(state) || state == STATE_RUNNING ||
			      streq(service_active_state(state), "reloading");

		enact(&s, &u, state, SEC);
		s.populated = true;
		if (state == STATE_AUTO_RESTART)
			active = false;
		cr_expect_eq(service_watches_empty(&s), !active, "%s", service_state_name(state));
		s.main_alive = false; /* its end has told nothing yet, or does not end the state */
		active &= state != STATE_START && state != STATE_RUNNING &&
			  state != STATE_RELOAD_SIGNAL && state != STATE_RELOAD_NOTIFY;
		cr_expect_eq(service_watches_empty(&s), !active, "%s", service_state_name(state));
		s.populated = false;
		cr_expect_not(service_watches_empty(&s), "%s", service_state_name(state));
	}
}

/* What an earlier cgkilld has left is stopped as its unit says, where the unit allows a kill. */
Test(service, a_stop_of_what_outlived_its_run)
{
	struct unit u = plain_unit();
	const struct event stop = { .kind = EVENT_STOP, .deadline = USEC_INFINITY };
	const struct event empty = { .kind = EVENT_EMPTY };
	struct actions out;
	struct service s;

	enact(&s, &u, STATE_DEAD, SEC);
	s.populated = true;
	service_step(&s, &stop, SEC, &out);
	cr_assert_eq(s.state, STATE_STOP_SIGTERM);
	service_step(&s, &empty, SEC, &out);
	cr_assert_eq(s.state, STATE_DEAD);
	cr_assert_eq(out.v[out.n - 3].kind, ACTION_DONE);
	cr_assert_eq(out.v[out.n - 3].answer, ANSWER_DONE);

	u.kill_mode = KILL_PROCESS;
	enact(&s, &u, STATE_DEAD, SEC);
	s.populated = true;
	service_step(&s, &stop, SEC, &out);
	cr_assert_eq(s.state, STATE_DEAD, "left alive by the unit's own will");
	cr_assert_eq(out.n, 1);
	cr_assert_eq(out.v[0].answer, ANSWER_SURVIVORS);
}

Test(service, names)
{
	cr_expect_null(service_state_name(STATE_INVALID));
	cr_expect_null(service_state_name(STATE_MAX));
	cr_expect_null(answer_name(ANSWER_INVALID));
	cr_expect_str_eq(service_active_state(STATE_STUCK), "deactivating");
	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++) {
		cr_expect_not_null(service_state_name(state), "%d", state);
		cr_expect_not_null(service_active_state(state), "%d", state);
		cr_expect_eq(service_state_is_stopping(state),
			     streq(service_active_state(state), "deactivating"), "%d", state);
	}
	for (enum answer a = ANSWER_DONE; a < ANSWER_MAX; a++)
		cr_expect_not_null(answer_name(a), "%d", a);
}
