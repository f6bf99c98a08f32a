/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crash/scenario.h"

#include <signal.h>

#define STOP_TIMEOUT (300 * USEC_PER_MSEC)
#define RESTART_WAIT (100 * USEC_PER_MSEC)
#define EARLY	     (2 * USEC_PER_MSEC) /* how much before its time something may be seen */
#define UNHEARD	     (100 * USEC_PER_MSEC)
#define LATE	     (400 * USEC_PER_MSEC) /* and after: a busy machine */

#define SERVE "Type=simple\nExecStart=@ serve\n"
#define COMMANDS                                                         \
	SERVE "ExecStartPre=@ note pre1 2\nExecStartPre=@ note pre2 2\n" \
	      "ExecStartPost=@ note post 2\nExecStopPost=@ note stop-post 1\n"
#define RESTARTED SERVE "Restart=always\nRestartSec=100ms\n"
#define STUBBORN  "Type=simple\nExecStart=@ serve stubborn\nTimeoutStopSec=300ms\n"
#define NOTIFIES  "ExecStart=@ serve notify\n"
#define FORKS	  "Type=forking\nExecStart=@ fork\n"
#define UNMET	  "\n[Unit]\nConditionPathExists=/\nConditionPathExists=~/nowhere\n"
#define MET	  "\n[Unit]\nConditionPathExists=~/units\nAssertPathIsDirectory=~\n"

/* ---- triggers ---- */

static bool ask_start(struct stage *s)
{
	return stage_ask(s, "Start");
}

static bool ask_stop(struct stage *s)
{
	return stage_ask(s, "Stop");
}

static bool ask_restart(struct stage *s)
{
	return stage_ask(s, "Restart");
}

static bool ask_reload(struct stage *s)
{
	return stage_ask(s, "Reload");
}

static bool ask_status(struct stage *s)
{
	return stage_ask(s, "GetStatus");
}

static bool service_exits(struct stage *s)
{
	struct journal j;
	const struct line *start;

	stage_journal(s, &j);
	start = journal_last(&j, "start");
	stage_remember_state(s);
	return start && kill(start->pid, SIGUSR1) == 0;
}

static bool read_units_again(struct stage *s)
{
	stage_remember_state(s);
	return kill(s->cgkilld, SIGHUP) == 0;
}

static bool upgrade_cgkilld(struct stage *s)
{
	stage_remember_state(s);
	return kill(s->cgkilld, SIGUSR2) == 0;
}

static bool terminate_cgkilld(struct stage *s)
{
	stage_remember_state(s);
	return kill(s->cgkilld, SIGTERM) == 0;
}

/* ---- before ---- */

static bool start_first(struct stage *s)
{
	return stage_do(s, "Start") && stage_await_line(s, "start", 1);
}

static bool start_twins(struct stage *s)
{
	return start_first(s) && stage_await_line(s, "twin", 1);
}

static bool start_and_ask_stop(struct stage *s)
{
	return start_first(s) && stage_ask(s, "Stop") && stage_await_line(s, "term", 1) &&
	       stage_await_line(s, "child-term", 1);
}

static bool start_and_fail(struct stage *s)
{
	return start_first(s) && service_exits(s) && stage_await_line(s, "end", 1);
}

static bool begin_start(struct stage *s)
{
	return stage_ask(s, "Start") && stage_await_line(s, "pre1", 1);
}

static bool begin_notify(struct stage *s)
{
	return stage_ask(s, "Start") && stage_await_line(s, "start", 1);
}

static bool begin_forking(struct stage *s)
{
	return stage_ask(s, "Start") && stage_await_line(s, "forked", 1);
}

static bool begin_check(struct stage *s)
{
	return stage_ask(s, "Start");
}

/* … and a command of it ends while nobody looks. */
static bool begin_start_and_crash(struct stage *s)
{
	if (!begin_start(s))
		return false;
	stage_kill_cgkilld(s);
	return stage_await_line(s, "pre1-end", 1);
}

/* ---- over ---- */

static bool is_answered(void *stage)
{
	return stage_heard(stage);
}

static bool has_started_twice(void *stage)
{
	struct journal j;

	stage_journal(stage, &j);
	return journal_count(&j, "start") == 2;
}

static bool has_ended(void *stage)
{
	struct journal j;

	stage_journal(stage, &j);
	return journal_count(&j, "end") == 1;
}

static bool is_ready(void *stage)
{
	return stage_is_ready(stage);
}

/* As soon as it rests. */
static bool at_once(void *stage unused)
{
	return true;
}

static bool never(void *stage unused)
{
	return false;
}

/* ---- what has to be true ---- */

/* Exactly one instance runs, of `starts` that ever did. */
static bool one_runs(struct stage *s, unsigned starts)
{
	const struct line *last;
	struct status st;
	struct journal j;

	if (!stage_settled(s, &st))
		return false;
	if (!streq(st.active, "active"))
		return complain(s, "the service is %s (%s), result %s, instead of active; request %s",
				st.active, st.sub, st.result, s->taken ? "on record" : "not on record");
	if (!stage_await_line(s, "start", starts))
		return false;
	stage_journal(s, &j);
	last = journal_last(&j, "start");
	if (journal_count(&j, "start") != starts)
		return complain(s, "%u instances were started instead of %u",
				journal_count(&j, "start"), starts);
	if (st.main != last->pid)
		return complain(s, "its main process is %d, and not %d", (int)st.main, (int)last->pid);
	return process_lives(last->pid) || complain(s, "its main process is dead");
}

static bool none_lives(struct stage *s)
{
	unsigned n = stage_population(s);

	return n == 0 || complain(s, "%u processes live under an ended service", n);
}

/* How an end went that nobody saw; where there is a guard it saw it. */
static bool is_unknown(const struct stage *s, const struct status *st)
{
	return streq(st->active, "failed") && streq(st->result, "exit-unknown") && !s->guarded;
}

/* Ended, and well, but for what nobody can know. */
static bool has_ended_well(struct stage *s, const struct status *st)
{
	if (streq(st->active, "inactive") || is_unknown(s, st))
		return none_lives(s);
	return complain(s, "the service is %s (%s), result %s, instead of ended", st->active,
			st->sub, st->result);
}

static bool check_serves(struct stage *s)
{
	return stage_do(s, "Start") && one_runs(s, 1);
}

/* A start that was not taken up has left nothing, and can be asked for again. */
static bool start_was_lost(struct stage *s, const struct status *st, const char *word)
{
	struct journal j;

	stage_journal(s, &j);
	return !s->taken && streq(st->active, "inactive") && journal_count(&j, word) == 0;
}

static bool check_start(struct stage *s)
{
	struct status st;

	if (!stage_settled(s, &st))
		return false;
	if (start_was_lost(s, &st, "start") && (!none_lives(s) || !stage_do(s, "Start")))
		return false;
	return one_runs(s, 1);
}

/* Without a guard what it says while nobody listens is lost, and the start goes on until it is said again. */
static bool say_again(struct stage *s)
{
	usec_t end = clock_now() + UNHEARD;
	const struct line *start;
	struct status st;
	struct journal j;

	if (s->guarded)
		return true;
	do {
		if (!stage_status(s, &st))
			return false;
		stage_journal(s, &j);
		start = journal_last(&j, "start");
	} while (streq(st.active, "activating") && clock_now() < end);
	return !streq(st.active, "activating") || (start && kill(start->pid, SIGUSR2) == 0);
}

static bool check_notify(struct stage *s)
{
	return say_again(s) && check_start(s);
}

static bool check_skipped(struct stage *s)
{
	struct status st;
	struct journal j;

	if (!stage_settled(s, &st))
		return false;
	stage_journal(s, &j);
	if (journal_count(&j, "start") > 0)
		return complain(s, "it was started against its conditions");
	return streq(st.active, "inactive")
		       ? none_lives(s)
		       : complain(s, "what was not to start is %s (%s), result %s", st.active,
				  st.sub, st.result);
}

static bool check_oneshot(struct stage *s)
{
	struct status st;
	struct journal j;

	if (!stage_settled(s, &st))
		return false;
	if (start_was_lost(s, &st, "shot") && !(stage_do(s, "Start") && stage_settled(s, &st)))
		return false;
	stage_journal(s, &j);
	if (journal_count(&j, "shot") != 1 || journal_count(&j, "shot-end") != 1)
		return complain(s, "the command ran %u times and came to its end %u times; the service is %s (%s), result %s",
				journal_count(&j, "shot"), journal_count(&j, "shot-end"), st.active,
				st.sub, st.result);
	return has_ended_well(s, &st);
}

/* A control process that ended unseen makes the start fail; then another start is asked for. */
static bool check_start_with_commands(struct stage *s)
{
	struct status st;
	struct journal j;

	if (!stage_settled(s, &st))
		return false;
	if (start_was_lost(s, &st, "pre1") && !stage_do(s, "Start"))
		return false;
	if (is_unknown(s, &st) && !(none_lives(s) && stage_do(s, "Start")))
		return false;
	stage_journal(s, &j);
	return one_runs(s, 1 + journal_count(&j, "end"));
}

/*
 * Commands in their turn: none more often than what comes before it. One whose end nobody saw may be run again right away,
 * once. ExecStopPost= is last.
 */
static bool check_order(struct stage *s, const struct journal *j)
{
	static const char *const order[] = { "pre1", "pre1-end", "pre2", "pre2-end", "start" };
	unsigned seen[ARRAY_SIZE(order)] = { 0 };
	bool repeated = false;

	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(order); k++) {
			if (!streq(j->v[i].word, order[k]) || ++seen[k] <= (k > 0 ? seen[k - 1] : 2))
				continue;
			if (repeated || i == 0 || k + 1 == ARRAY_SIZE(order) ||
			    !streq(j->v[i - 1].word, order[k + 1]))
				return complain(s, "%s comes too early, or too often", order[k]);
			repeated = true;
			seen[k]--;
			seen[k + 1]--;
		}
	return (j->n > 0 && streq(j->v[j->n - 1].word, "stop-post-end")) ||
	       complain(s, "ExecStopPost= was not last");
}

static bool check_runs_on(struct stage *s)
{
	struct journal j;

	stage_journal(s, &j);
	return one_runs(s, 1) &&
	       (journal_count(&j, "term") == 0 || complain(s, "it was asked to end"));
}

static bool check_reload(struct stage *s)
{
	struct journal j;
	unsigned n;

	if (s->taken && !(stage_await_line(s, "reload-end", 1) && stage_await_line(s, "hup", 1)))
		return false;
	if (!check_runs_on(s))
		return false;
	stage_journal(s, &j);
	if (journal_count(&j, "reload") > 1 || journal_count(&j, "hup") > 1)
		return complain(s, "it was reloaded %u times", journal_count(&j, "reload"));
	n = stage_population(s);
	return n == 1 || complain(s, "%u processes live instead of 1", n);
}

/* Without a guard it may have been heard in part, and goes on by the timeout. */
static bool check_notify_reload(struct stage *s)
{
	struct status st;
	struct journal j;

	if (s->taken && !stage_await_line(s, "hup", 1))
		return false;
	if (!stage_settled(s, &st) || !check_runs_on(s))
		return false;
	stage_journal(s, &j);
	return journal_count(&j, "hup") <= 2 ||
	       complain(s, "it was reloaded %u times", journal_count(&j, "hup"));
}

static bool check_stop(struct stage *s)
{
	struct status st;

	if (!stage_settled(s, &st))
		return false;
	if (!s->taken && streq(st.active, "active"))
		return check_runs_on(s);
	return stage_await_line(s, "end", 1) && has_ended_well(s, &st);
}

static bool check_pid_file(struct stage *s, const struct journal *j unused)
{
	char path[sizeof(s->dir) + sizeof("/pid")];

	snprintf(path, sizeof(path), "%s/pid", s->dir);
	return access(path, F_OK) < 0 || complain(s, "its PID file is left");
}

/* Each command of the stop has run once, and ExecStopPost= over the end. */
static bool check_stop_commands(struct stage *s, const struct journal *j)
{
	static const char *const words[] = { "stop", "stop-end", "stop-post", "stop-post-end" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (journal_count(j, words[i]) != 1)
			return complain(s, "%s happened %u times", words[i],
					journal_count(j, words[i]));
	return streq(j->v[j->n - 1].word, "stop-post-end") ||
	       complain(s, "ExecStopPost= was not last");
}

/* When the main process and its child were both dead. */
static bool await_death(struct stage *s, usec_t *out)
{
	usec_t end = clock_now() + STOP_TIMEOUT + 3 * USEC_PER_SEC;
	const struct line *main_process, *child;
	struct journal j;

	stage_journal(s, &j);
	main_process = journal_last(&j, "start");
	child = journal_last(&j, "child");
	while (process_lives(main_process->pid) || process_lives(child->pid)) {
		if (clock_now() > end)
			return complain(s, "the stop does not end");
		cgtest_sleep_ms(1);
	}
	*out = clock_now();
	return true;
}

/* The stop that was taken up goes on to its own deadline; one that was not is asked for again. */
static bool check_escalation(struct stage *s)
{
	usec_t due, died = 0;
	struct status st;
	struct journal j;

	if (!stage_status(s, &st))
		return false;
	if (!s->taken && streq(st.sub, "running")) {
		s->ready = 0;
		if (!check_runs_on(s) || !stage_ask(s, "Stop"))
			return false;
	}
	if (!await_death(s, &died))
		return false;
	due = s->asked + STOP_TIMEOUT;
	if (died < due - EARLY)
		return complain(s, "killed %llu µs before its deadline",
				(unsigned long long)(due - died));
	due = MAX_OF(due, s->ready);
	if (died > due + LATE)
		return complain(s, "killed %llu µs after its deadline",
				(unsigned long long)(died - due));
	if (!stage_settled(s, &st) || !none_lives(s))
		return false;
	stage_journal(s, &j);
	if (journal_count(&j, "term") == 0 || journal_count(&j, "child-term") == 0)
		return complain(s, "killed without having been asked to end");
	return streq(st.active, "failed") || streq(st.active, "inactive") ||
	       complain(s, "the service is %s (%s), result %s, instead of ended", st.active, st.sub,
			st.result);
}

/* The twin's stop may not have been taken up: who asks is there to ask again. */
static bool check_twins(struct stage *s)
{
	usec_t end;
	struct journal j;
	pid_t twin;

	stage_journal(s, &j);
	twin = journal_last(&j, "twin")->pid;
	if (!check_escalation(s) || !stage_do(s, "Stop"))
		return false;
	end = clock_now() + STOP_TIMEOUT + LATE;
	while (process_lives(twin) && clock_now() < end)
		cgtest_sleep_ms(1);
	return !process_lives(twin) || complain(s, "the other one in its slice outlives the stop");
}

static bool check_restart(struct stage *s)
{
	struct status st;
	struct journal j;

	if (!stage_settled(s, &st))
		return false;
	stage_journal(s, &j);
	return !s->taken && journal_count(&j, "term") == 0 ? one_runs(s, 1) : one_runs(s, 2);
}

/* Not before it is due, and no later than when it is due by whoever has seen the end. */
static bool check_auto_restart(struct stage *s)
{
	const struct line *end, *start;
	struct journal j;
	usec_t due;

	if (!stage_await_line(s, "start", 2) || !one_runs(s, 2))
		return false;
	stage_journal(s, &j);
	end = journal_last(&j, "end");
	start = journal_last(&j, "start");
	due = end->at + RESTART_WAIT;
	if (start->at < due - EARLY)
		return complain(s, "restarted %llu µs early", (unsigned long long)(due - start->at));
	due = MAX_OF(end->at, s->ready) + RESTART_WAIT;
	return start->at <= due + LATE ||
	       complain(s, "restarted %llu µs late", (unsigned long long)(start->at - due));
}

static bool check_failed(struct stage *s)
{
	usec_t end = clock_now() + LATE;
	struct status st;

	if (!stage_await_line(s, "end", 1))
		return false;
	do
		if (!stage_settled(s, &st))
			return false;
	while (streq(st.active, "active") && clock_now() < end);
	if (!is_unknown(s, &st) && !(streq(st.active, "failed") && streq(st.result, "exit-code")))
		return complain(s, "a service that failed is %s (%s), result %s", st.active, st.sub,
				st.result);
	return none_lives(s);
}

/* ---- the table ---- */

const struct scenario scenarios[] = {
	{ "start", SERVE, WATCH_CGKILLD, NULL, ask_start, is_answered, check_start, NULL },
	{ "start-commands", COMMANDS, WATCH_CGKILLD, NULL, ask_start, is_answered,
	  check_start_with_commands, check_order },
	{ "oneshot", "Type=oneshot\nExecStart=@ note shot 3\n", WATCH_CGKILLD, NULL, ask_start,
	  is_answered, check_oneshot, NULL },
	{ "birth", SERVE, WATCH_CHILD, NULL, ask_start, is_answered, check_start, NULL },
	{ "birth-control", SERVE "ExecStartPre=@ note pre1 0\n", WATCH_CHILD, NULL, ask_start,
	  is_answered, check_start_with_commands, NULL },
	{ "run", SERVE, WATCH_CGKILLD, start_first, ask_status, is_answered, check_runs_on, NULL },
	{ "reload", SERVE "ExecReload=@ reload $MAINPID\n", WATCH_CGKILLD, start_first, ask_reload,
	  is_answered, check_reload, NULL },
	{ "stop", SERVE, WATCH_CGKILLD, start_first, ask_stop, is_answered, check_stop, NULL },
	{ "stop-commands", SERVE "ExecStop=@ note stop 3\nExecStopPost=@ note stop-post 1\n",
	  WATCH_CGKILLD, start_first, ask_stop, is_answered, check_stop, check_stop_commands },
	{ "stop-escalation", STUBBORN, WATCH_CGKILLD, start_first, ask_stop, is_answered,
	  check_escalation, NULL },
	{ "slice-stop-escalation", STUBBORN "Slice=a-b.slice\n", WATCH_CGKILLD, start_first,
	  ask_stop, is_answered, check_escalation, NULL },
	{ "slice-kill", STUBBORN "Slice=a-b.slice\n[Unit]\nWants=twin.service\n", WATCH_CGKILLD,
	  start_twins, ask_stop, is_answered, check_twins, NULL },
	{ "slice-restart", SERVE "Slice=a-b.slice\n", WATCH_CGKILLD, start_first, ask_restart,
	  is_answered, check_restart, NULL },
	{ "subgroup-restart", SERVE "Delegate=yes\nDelegateSubgroup=sub\n", WATCH_CGKILLD,
	  start_first, ask_restart, is_answered, check_restart, NULL },
	{ "restart", SERVE, WATCH_CGKILLD, start_first, ask_restart, is_answered, check_restart, NULL },
	{ "restart-escalation", STUBBORN, WATCH_CGKILLD, start_first, ask_restart, is_answered,
	  check_restart, NULL },
	{ "auto-restart", RESTARTED, WATCH_CGKILLD, start_first, service_exits, has_started_twice,
	  check_auto_restart, NULL },
	{ "notify", "Type=notify\n" NOTIFIES, WATCH_CGKILLD, NULL, ask_start, is_answered,
	  check_notify, NULL },
	{ "notify-reload", "Type=notify-reload\nTimeoutStartSec=500ms\n" NOTIFIES, WATCH_CGKILLD,
	  start_first, ask_reload, is_answered, check_notify_reload, NULL },
	{ "forking", FORKS "PIDFile=~/pid\n", WATCH_CGKILLD, NULL, ask_start, is_answered,
	  check_start, check_pid_file },
	{ "forking-post", FORKS "PIDFile=~/pid\nExecStartPost=@ note post 2\n", WATCH_CGKILLD, NULL,
	  ask_start, is_answered, check_start_with_commands, check_pid_file },
	{ "forking-stop", FORKS "PIDFile=~/pid\n", WATCH_CGKILLD, start_first, ask_stop,
	  is_answered, check_stop, check_pid_file },
	{ "forking-guess", FORKS, WATCH_CGKILLD, NULL, ask_start, is_answered, check_start, NULL },
	{ "condition", SERVE MET, WATCH_CGKILLD, NULL, ask_start, is_answered, check_start, NULL },
	{ "condition-unmet", SERVE UNMET, WATCH_CGKILLD, NULL, ask_start, is_answered,
	  check_skipped, NULL },
	{ "condition-restart", RESTARTED MET, WATCH_CGKILLD, start_first, service_exits,
	  has_started_twice, check_auto_restart, NULL },
	{ "failure", SERVE, WATCH_CGKILLD, start_first, service_exits, has_ended, check_failed, NULL },
	{ "daemon-reload", SERVE, WATCH_CGKILLD, start_first, read_units_again, at_once,
	  check_runs_on, NULL },
	{ "upgrade", SERVE, WATCH_CGKILLD, start_first, upgrade_cgkilld, at_once, check_runs_on, NULL },
	{ "shutdown", SERVE, WATCH_CGKILLD, start_first, terminate_cgkilld, never, check_stop, NULL },
	{ "first-start", SERVE, WATCH_FIRST, NULL, NULL, is_ready, check_serves, NULL },
	{ "adoption", SERVE, WATCH_SUCCESSOR, start_first, NULL, is_ready, check_runs_on, NULL },
	{ "adoption-of-start", COMMANDS, WATCH_SUCCESSOR, begin_start, NULL, is_ready,
	  check_start_with_commands, check_order },
	{ "adoption-of-notify", "Type=notify\n" NOTIFIES, WATCH_SUCCESSOR, begin_notify, NULL,
	  is_ready, check_notify, NULL },
	{ "adoption-of-forking", FORKS "PIDFile=~/pid\n", WATCH_SUCCESSOR, begin_forking, NULL,
	  is_ready, check_start, check_pid_file },
	{ "adoption-of-check", SERVE MET, WATCH_SUCCESSOR, begin_check, NULL, is_ready, check_start,
	  NULL },
	{ "adoption-of-command", COMMANDS, WATCH_SUCCESSOR, begin_start_and_crash, NULL, is_ready,
	  check_start_with_commands, check_order },
	{ "adoption-of-stop", STUBBORN, WATCH_SUCCESSOR, start_and_ask_stop, NULL, is_ready,
	  check_escalation, NULL },
	{ "adoption-of-restart", RESTARTED, WATCH_SUCCESSOR, start_and_fail, NULL, is_ready,
	  check_auto_restart, NULL },
	{ "adoption-of-failure", SERVE, WATCH_SUCCESSOR, start_and_fail, NULL, is_ready,
	  check_failed, NULL },
};
const size_t n_scenarios = ARRAY_SIZE(scenarios);

bool scenario_suits_guard(const struct scenario *sc)
{
	return (sc->watched == WATCH_CGKILLD || sc->watched == WATCH_CHILD) &&
	       sc->trigger != terminate_cgkilld;
}

bool scenario_end(const struct scenario *sc, struct stage *s)
{
	struct status st;
	struct journal j;

	if (!stage_do(s, "Stop") || !stage_settled(s, &st))
		return false;
	if (!streq(st.active, "inactive") && !streq(st.active, "failed"))
		return complain(s, "a stop at the end leaves it %s (%s)", st.active, st.sub);
	if (!none_lives(s) || !stage_do(s, "ResetFailed"))
		return false;
	stage_journal(s, &j);
	if (journal_count(&j, "double!") > 0)
		return complain(s, "two instances ran at once");
	if (journal_count(&j, "child") == 0 &&
	    journal_count(&j, "start") != journal_count(&j, "end"))
		return complain(s, "%u instances were started, and %u came to their end",
				journal_count(&j, "start"), journal_count(&j, "end"));
	if (sc->check_end && !sc->check_end(s, &j))
		return false;
	return stage_end_cgkilld(s);
}
