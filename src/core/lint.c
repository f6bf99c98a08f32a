/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/lint.h"

#include <signal.h>

#include "core/stopbound.h"
#include "util/parse.h"

/* A unit under a check. */
struct linting {
	const struct lint_subject *subject;
	const struct unit *unit;
	const struct lint_rule *rule;
	struct findings *out;
};

/* About the directive key, where it was last set, or else about the unit as a whole. */
#define tell(l, key, ...) tell_at((l), assignment_last((l)->subject->where, (key)), __VA_ARGS__)
#define tell_at(l, at, ...)                                                                   \
	({                                                                                    \
		const struct assignment *at_ = (at);                                          \
		findings_add((l)->out, (l)->rule, at_ ? at_->file : (l)->unit->fragment_path, \
			     at_ ? at_->line : 0, __VA_ARGS__);                               \
	})

static bool is_set(const struct linting *l, const char *key)
{
	return assignment_last(l->subject->where, key) != NULL;
}

static bool has(const struct linting *l, enum exec_phase phase)
{
	return l->unit->exec[phase].n > 0;
}

/* The types whose ExecStart= is the daemon itself. */
static bool stays_in_foreground(const struct unit *u)
{
	return u->type != SERVICE_FORKING && u->type != SERVICE_ONESHOT;
}

/* --- what stays behind ------------------------------------------------------------------------- */

static void check_kill_mode_none(const struct linting *l)
{
	if (l->unit->kill_mode == KILL_NONE)
		tell(l, "KillMode", "KillMode=none: a stop signals nobody, and every process of the service outlives it");
}

static void check_kill_mode_process(const struct linting *l)
{
	if (l->unit->kill_mode == KILL_PROCESS)
		tell(l, "KillMode", "KillMode=process: a stop signals the main process only, and leaves alone what that has started");
}

static void check_no_sigkill(const struct linting *l)
{
	if (!l->unit->send_sigkill)
		tell(l, "SendSIGKILL", "SendSIGKILL=no: a process that ignores SIG%s is never killed and outlives the stop",
		     signal_name(l->unit->kill_signal));
}

static void check_final_signal(const struct linting *l)
{
	const struct unit *u = l->unit;

	if (u->send_sigkill && u->final_kill_signal != SIGKILL)
		tell(l, "FinalKillSignal",
		     "FinalKillSignal=SIG%s can be ignored: what ignores it outlives the stop",
		     signal_name(u->final_kill_signal));
}

/* --- how it ends ------------------------------------------------------------------------------- */

static void check_kill_signal(const struct linting *l)
{
	if (l->unit->kill_signal == SIGKILL)
		tell(l, "KillSignal", "KillSignal=SIGKILL: the service has no chance to clean up");
}

bool lint_signal_stops(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* Only stopped until the SIGCONT that follows. */
static void check_stop_signal(const struct linting *l)
{
	int sig = l->unit->kill_signal;

	if (lint_signal_stops(sig))
		tell(l, "KillSignal",
		     "KillSignal=SIG%s ends no process, and the SIGCONT that follows undoes it",
		     signal_name(sig));
}

/* --- how long it takes ------------------------------------------------------------------------- */

static void check_endless_stop(const struct linting *l)
{
	const struct unit *u = l->unit;
	const char *key = is_set(l, "TimeoutStopSec") ? "TimeoutStopSec" : "TimeoutSec";

	if (u->timeout_stop == USEC_INFINITY && u->stop_deadline == USEC_INFINITY)
		tell(l, key,
		     "%s=infinity (or 0): a process that does not end is waited for for ever", key);
}

static void check_budget(const struct linting *l)
{
	char total[SPAN_MAX], budget[SPAN_MAX], fit[SPAN_MAX];
	usec_t limit = l->subject->budget, timeout;
	struct stopbound bound;

	if (limit == USEC_INFINITY || l->unit->kind != UNIT_SERVICE)
		return;
	stopbound_of(l->unit, &bound);
	if (bound.total <= limit)
		return;
	format_span(bound.total, total);
	format_span(limit, budget);
	if (stopbound_fit(l->unit, limit, &timeout))
		tell(l, "TimeoutStopSec", "A stop can take %s, the sum of its stages, and the budget is %s: TimeoutStopSec=%s keeps to it",
		     total, budget, format_span(timeout, fit));
	else
		tell(l, "TimeoutStopSec",
		     "A stop can take %s, the sum of its stages, and the budget is %s", total, budget);
}

/* --- which process it is about ----------------------------------------------------------------- */

static bool is_main_guessed(const struct unit *u)
{
	return u->type == SERVICE_FORKING && !u->pid_file;
}

static bool signals_main_alone(const struct unit *u)
{
	return u->kill_mode == KILL_PROCESS || u->kill_mode == KILL_MIXED;
}

static void check_main_unknown(const struct linting *l)
{
	const struct unit *u = l->unit;

	if (is_main_guessed(u) && signals_main_alone(u))
		tell(l, "Type", "Type=forking without PIDFile=: KillMode=%s signals the main process, which %s",
		     kill_mode_name(u->kill_mode),
		     u->guess_main_pid
			     ? "has to be guessed; where that fails, nobody gets KillSignal="
			     : "is not known with GuessMainPID=no, so that nobody gets "
			       "KillSignal=");
}

static void check_main_guessed(const struct linting *l)
{
	const struct unit *u = l->unit;

	if (is_main_guessed(u) && !signals_main_alone(u) && u->guess_main_pid)
		tell(l, "Type", "Type=forking without PIDFile=: the main process is guessed, which may fail where several remain");
}

static void check_legacy_run(const struct linting *l)
{
	const struct assignment *at = assignment_last(l->subject->where, "PIDFile");

	if (at && after_prefix(at->value, "/var/run/"))
		tell_at(l, at, "PIDFile= is below the legacy directory /var/run: %s", at->value);
}

static void check_remain(const struct linting *l)
{
	const struct unit *u = l->unit;

	if (u->remain_after_exit && stays_in_foreground(u) && u->exit_type == EXIT_TYPE_MAIN)
		tell(l, "RemainAfterExit", "RemainAfterExit=yes with Type=%s: when the daemon has ended with success, the unit stays active",
		     service_type_name(u->type));
}

/* systemd.service(5), RemainAfterExit=: without it a oneshot goes from "activating" to "inactive". */
static void check_stop_at_once(const struct linting *l)
{
	const struct unit *u = l->unit;

	if (u->type == SERVICE_ONESHOT && !u->remain_after_exit && has(l, EXEC_STOP))
		tell(l, "ExecStop", "ExecStop= of a Type=oneshot without RemainAfterExit=yes runs as soon as ExecStart= has ended");
}

/* --- restarts ---------------------------------------------------------------------------------- */

/* The start that exceeds the burst comes after burst pauses at least. */
static bool limit_can_trip(const struct unit *u)
{
	usec_t starts;

	if (u->start_limit_interval == 0 || u->start_limit_burst == 0)
		return false;
	return !__builtin_mul_overflow(u->restart_delay, (usec_t)u->start_limit_burst, &starts) &&
	       starts < u->start_limit_interval;
}

static void check_start_limit(const struct linting *l)
{
	const struct unit *u = l->unit;
	char delay[SPAN_MAX], interval[SPAN_MAX];

	if (u->restart == RESTART_NO || limit_can_trip(u))
		return;
	if (u->start_limit_interval == 0 || u->start_limit_burst == 0)
		tell(l, "Restart", "Restart=%s and no start limit: the restarts may go on for ever",
		     restart_policy_name(u->restart));
	else
		tell(l, "Restart", "Restart=%s after RestartSec=%s: the limit of %u starts in %s is never reached, so that the restarts may go on for ever",
		     restart_policy_name(u->restart), format_span(u->restart_delay, delay),
		     u->start_limit_burst, format_span(u->start_limit_interval, interval));
}

/* --- what is written --------------------------------------------------------------------------- */

/* Directives about the stop that have one value: in one file only the last line of them counts. */
static void check_set_twice(const struct linting *l)
{
	static const char *const keys[] = { "Type",	   "KillMode",	     "KillSignal",
					    "SendSIGKILL", "SendSIGHUP",     "FinalKillSignal",
					    "PIDFile",	   "Restart",	     "TimeoutStopSec",
					    "RestartSec",  "StopDeadlineSec" };
	const struct assignments *where = l->subject->where;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct assignment *last = assignment_last(where, keys[i]);

		for (const struct assignment *a = where->v; last && a < last; a++)
			if (streq(a->key, keys[i]) && streq(a->file, last->file) && *a->value)
				tell_at(l, a, "%s= is set again in line %u, which is what counts",
					keys[i], last->line);
	}
}

/* "%i" in value, where "%%" is no specifier. */
static bool names_instance(const char *value)
{
	for (const char *p = value; (p = strchr(p, '%')); p += 2) {
		if (p[1] == 'i' || p[1] == 'I')
			return true;
		if (p[1] == '\0')
			return false;
	}
	return false;
}

static void check_instance(const struct linting *l)
{
	const struct assignments *where = l->subject->where;

	if (strchr(l->unit->name, '@'))
		return;
	for (size_t i = 0; i < where->n; i++)
		if (names_instance(where->v[i].value) && !after_prefix(where->v[i].section, "X-"))
			tell_at(l, &where->v[i],
				"%%i is empty here, because %s is no instance of a template",
				l->unit->name);
}

/* --- the table --------------------------------------------------------------------------------- */

static const struct {
	struct lint_rule rule;
	void (*check)(const struct linting *l);
} checks[] = {
	{ { "kill-mode-none", SEVERITY_WARNING, "Write KillMode=mixed, or leave the line out." },
	  check_kill_mode_none },
	{ { "kill-mode-process",
	    SEVERITY_WARNING, "Write KillMode=mixed: SIGTERM to the main process, then SIGKILL to all that is left." },
	  check_kill_mode_process },
	{ { "no-sigkill", SEVERITY_WARNING,
	    "Write SendSIGKILL=yes, and a TimeoutStopSec= that is long enough." },
	  check_no_sigkill },
	{ { "mild-final-signal", SEVERITY_WARNING, "Write FinalKillSignal=SIGKILL, or leave the line out." },
	  check_final_signal },
	{ { "kill-signal-sigkill", SEVERITY_WARNING,
	    "Write KillSignal=SIGTERM and a short TimeoutStopSec=." },
	  check_kill_signal },
	{ { "kill-signal-stops", SEVERITY_ERROR, "Write KillSignal=SIGTERM, or leave the line out." },
	  check_stop_signal },
	{ { "endless-stop", SEVERITY_WARNING,
	    "Write a TimeoutStopSec= such as 5min, or StopDeadlineSec= in [X-Cgkill]." },
	  check_endless_stop },
	{ { "over-budget",
	    SEVERITY_WARNING, "Shorten TimeoutStopSec=, or write StopDeadlineSec= into [X-Cgkill], which caps the whole stop." },
	  check_budget },
	{ { "main-pid-unknown", SEVERITY_WARNING,
	    "Write PIDFile=, or Type=simple and run it in the foreground." },
	  check_main_unknown },
	{ { "main-pid-guessed", SEVERITY_HINT,
	    "Write PIDFile=, or Type=simple and run it in the foreground." },
	  check_main_guessed },
	{ { "legacy-run", SEVERITY_HINT, "Write /run instead of /var/run." }, check_legacy_run },
	{ { "remains-after-daemon", SEVERITY_WARNING,
	    "Leave RemainAfterExit= out; or write Type=oneshot, if the command ends by itself." },
	  check_remain },
	{ { "stop-at-once", SEVERITY_WARNING,
	    "Write RemainAfterExit=yes; or ExecStartPost=, if it is to run at once." },
	  check_stop_at_once },
	{ { "endless-restart",
	    SEVERITY_HINT, "Write a StartLimitIntervalSec= above StartLimitBurst= times RestartSec=, if it is to give up." },
	  check_start_limit },
	{ { "set-twice", SEVERITY_WARNING, "Keep one of the lines." }, check_set_twice },
	{ { "no-instance", SEVERITY_WARNING,
	    "Name the file as a template, foo@.service, or write what is meant." },
	  check_instance },
};

void lint_unit(const struct lint_subject *s, struct findings *out)
{
	struct linting l = { .subject = s, .unit = s->unit, .out = out };

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		l.rule = &checks[i].rule;
		checks[i].check(&l);
	}
	lint_commands(s, out);
}
