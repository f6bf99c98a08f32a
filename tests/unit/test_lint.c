/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each check of core/lint.h: a unit that it is about, and a near miss that it must not be about. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/lint.h"
#include "lib/hostfacts.h"
#include "sys/unitdir.h"

TestSuite(lint, .timeout = 20);

static int find_program(const char *path)
{
	return strstr(path, "nowhere") ? -ENOENT : 0;
}

/* A unit that was read, as cgkillctl reads it. */
struct read_unit {
	struct diags diags;
	struct assignments where;
	struct unit *unit;
};

static void read_unit(struct read_unit *r, const char *name, const char *text)
{
	struct unit_text one = { name, text, strlen(text) };
	int e;

	*r = (struct read_unit){ .unit = NULL };
	cr_assert_eq(assignments_read(&r->where, &one, 1), 0);
	e = unit_load(&r->unit, name, &one, 1, &test_host, &r->diags);
	cr_assert(e == 0 || e == -EBADMSG);
}

static void forget_unit(struct read_unit *r)
{
	diags_deinit(&r->diags);
	assignments_deinit(&r->where);
	unit_free(r->unit);
}

static void lint_text(const char *name, const char *text, usec_t budget, struct findings *out)
{
	struct read_unit r;

	read_unit(&r, name, text);
	lint_diags(&r.diags, name, &r.where, out);
	if (r.unit)
		lint_unit(&(struct lint_subject){ r.unit, &r.where, &test_host, budget, find_program },
			  out);
	cr_assert_not(out->failed);
	forget_unit(&r);
}

static const struct finding *find(const struct findings *f, const char *id)
{
	for (size_t i = 0; i < f->n; i++)
		if (streq(f->v[i].rule->id, id))
			return &f->v[i];
	return NULL;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

#define DAEMON "[Service]\nExecStart=/usr/sbin/daemon\n"
#define SHELL  "/bin/sh -c "

/* What a check finds is on the last line of the first text. */
static const struct {
	const char *id;
	const char *about;
	const char *not_about;
} samples[] = {
	/* what the loader says */
	{ "inline-comment", DAEMON "TimeoutStopSec=2s # soon\n", DAEMON "# soon\nTimeoutStopSec=2s\n" },
	{ "unknown-key", DAEMON "TimeoutStop=2s\n", DAEMON "X-TimeoutStop=2s\n" },
	{ "unknown-section", DAEMON "[Servise]\n", DAEMON "[X-Servise]\n" },
	{ "never-met", DAEMON "[Unit]\nConditionACPower=maybe\n", DAEMON "[Unit]\nConditionACPower=no\n" },
	{ "removed-key", DAEMON "SysVStartPriority=1\n", DAEMON "Nice=1\n" },
	{ "unsupported-key", DAEMON "TTYPath=/dev/tty1\n", DAEMON "StandardInput=null\n" },
	{ "unprotected", DAEMON "DevicePolicy=closed\n", DAEMON "UMask=0077\n" },
	{ "bad-value", DAEMON "KillMode=everybody\n", DAEMON "KillMode=mixed\n" },
	{ "unusable", DAEMON "Type=oneshot\nRestart=always\n",
	  DAEMON "Type=oneshot\nRestart=on-failure\n" },

	/* what stays behind, and how it ends */
	{ "kill-mode-none", DAEMON "KillMode=none\n", DAEMON "KillMode=mixed\n" },
	{ "kill-mode-process", DAEMON "KillMode=process\n", DAEMON "KillMode=process\nKillMode=mixed\n" },
	{ "no-sigkill", DAEMON "SendSIGKILL=no\n", DAEMON "SendSIGKILL=yes\n" },
	{ "mild-final-signal", DAEMON "FinalKillSignal=SIGQUIT\n", DAEMON "FinalKillSignal=SIGKILL\n" },
	{ "mild-final-signal", DAEMON "FinalKillSignal=SIGABRT\n",
	  DAEMON "SendSIGKILL=no\nFinalKillSignal=SIGABRT\n" },
	{ "kill-signal-sigkill", DAEMON "KillSignal=SIGKILL\n", DAEMON "KillSignal=SIGINT\n" },
	{ "kill-signal-stops", DAEMON "KillSignal=SIGSTOP\n", DAEMON "KillSignal=SIGCONT\n" },

	/* how long it takes */
	{ "endless-stop", DAEMON "TimeoutStopSec=infinity\n",
	  DAEMON "TimeoutStopSec=infinity\n[X-Cgkill]\nStopDeadlineSec=5min\n" },
	{ "endless-stop", DAEMON "TimeoutSec=0\n", DAEMON "TimeoutStartSec=0\n" },
	{ "over-budget", DAEMON "TimeoutStopSec=60s\n",
	  DAEMON "TimeoutStopSec=60s\n[X-Cgkill]\nStopDeadlineSec=10s\n" },

	/* which process */
	{ "main-pid-unknown", DAEMON "KillMode=mixed\nType=forking\n",
	  DAEMON "KillMode=mixed\nType=forking\nPIDFile=/run/x.pid\n" },
	{ "main-pid-guessed", DAEMON "Type=forking\n", DAEMON "Type=forking\nPIDFile=/run/x.pid\n" },
	{ "legacy-run", DAEMON "PIDFile=/var/run/x.pid\n", DAEMON "PIDFile=/run/x.pid\n" },
	{ "remains-after-daemon", DAEMON "RemainAfterExit=yes\n",
	  DAEMON "Type=oneshot\nRemainAfterExit=yes\n" },
	{ "stop-at-once", DAEMON "Type=oneshot\nExecStop=/bin/undo\n",
	  DAEMON "Type=oneshot\nRemainAfterExit=yes\nExecStop=/bin/undo\n" },

	/* restarts */
	{ "endless-restart", DAEMON "RestartSec=2s\nRestart=always\n",
	  DAEMON "RestartSec=1900ms\nRestart=always\n" },
	{ "endless-restart", "[Unit]\nStartLimitIntervalSec=0\n" DAEMON "Restart=on-failure\n",
	  "[Unit]\nStartLimitIntervalSec=0\n" DAEMON "Restart=no\n" },

	/* what is written */
	{ "no-instance", DAEMON "Environment=NAME=%i\n", DAEMON "Environment=NAME=%%i\n" },

	/* whole command lines */
	{ "command-missing", DAEMON "ExecStop=/nowhere/stop\n", DAEMON "ExecStop=-/nowhere/stop\n" },
	{ "command-missing", "[Service]\nExecStart=/nowhere/x\n",
	  "[Unit]\nConditionFileIsExecutable=|/nowhere/x\n[Service]\nExecStart=/nowhere/x\n" },
	{ "command-missing", "[Service]\nExecStart=nowhere\n",
	  "[Service]\nRootDirectory=/x\nExecStart=nowhere\n" },
	{ "main-pid-unset", DAEMON "ExecStopPost=/bin/kill -9 $MAINPID\n",
	  DAEMON "ExecStop=/bin/wait-for $MAINPID\n" },
	{ "main-pid-unset", DAEMON "ExecStopPost=" SHELL "'ps -p ${MAINPID}'\n",
	  DAEMON "ExecStopPost=" SHELL "'MAINPID=$$(x); echo $MAINPID'\n" },
	{ "main-pid-unset", DAEMON "ExecStartPre=/bin/kill $MAINPID\n",
	  DAEMON "KillMode=none\nExecStopPost=/bin/kill $MAINPID\n" },
	{ "shell-syntax", DAEMON "ExecStop=/bin/kill $(cat /run/x)\n",
	  DAEMON "ExecStop=" SHELL "'stop $$(cat /run/x)'\n" },
	{ "shell-syntax", DAEMON "ExecStop=/bin/stop 2>/dev/null\n", DAEMON "ExecStop=/bin/stop a>b\n" },
	{ "comment-argument", DAEMON "ExecStop=/bin/stop # it\n", DAEMON "ExecStop=/bin/stop #1\n" },

	/* ExecStop= */
	{ "redundant-stop", DAEMON "ExecStop=/bin/kill -TERM $MAINPID\n",
	  DAEMON "KillSignal=SIGINT\nExecStop=/bin/kill -TERM $MAINPID\n" },
	{ "redundant-stop", DAEMON "ExecStop=kill ${MAINPID}\n",
	  DAEMON "KillMode=none\nExecStop=kill ${MAINPID}\n" },
	{ "redundant-stop", DAEMON "KillSignal=QUIT\nExecStop=/bin/kill -s SIGQUIT $MAINPID\n",
	  DAEMON "ExecStop=/bin/kill -0 $MAINPID\n" },
	{ "redundant-stop", DAEMON "ExecStop=/sbin/start-stop-daemon --stop --pidfile /run/x.pid\n",
	  DAEMON "ExecStop=/sbin/start-stop-daemon --stop --retry QUIT/5 --pidfile /run/x.pid\n" },
	{ "redundant-stop", DAEMON "ExecStop=/sbin/start-stop-daemon -K --retry=30 -p /run/x.pid\n",
	  DAEMON "ExecStop=/sbin/start-stop-daemon -K --signal=INT -p /run/x.pid\n" },
	{ "redundant-stop", DAEMON "ExecStop=" SHELL "'kill $MAINPID'\n",
	  DAEMON "ExecStop=" SHELL "'kill $MAINPID; wait-for-it'\n" },
	{ "asynchronous-stop", DAEMON "ExecStop=/bin/kill -QUIT $MAINPID\n",
	  DAEMON "ExecStop=" SHELL
		 "'kill -QUIT $MAINPID; while kill -0 $MAINPID; do sleep 0.1; done'\n" },
	{ "asynchronous-stop", DAEMON "ExecStop=/bin/kill -n 10 $MAINPID\n",
	  DAEMON "ExecStop=/bin/kill -n 10 $MAINPID\nExecStop=/bin/wait-for-it\n" },
	{ "suspends", DAEMON "ExecStop=/bin/kill -s STOP $MAINPID\n",
	  DAEMON "ExecStop=/bin/kill -s CONT $MAINPID\n" },
	{ "early-return", DAEMON "ExecStop=/usr/sbin/nginx -s quit\n",
	  DAEMON "ExecStop=/usr/sbin/nginx -s reopen\n" },
	{ "sigkill-first", DAEMON "ExecStop=/bin/kill -9 $MAINPID\n",
	  DAEMON "ExecStop=" SHELL "'ask-it || kill -9 $MAINPID'\n" },

	/* strangers */
	{ "pattern-kill", DAEMON "ExecStopPost=/usr/bin/pkill -9 -f /usr/sbin/daemon\n",
	  DAEMON "ExecStop=/usr/bin/pkill -f -P $MAINPID x\n" },
	{ "pattern-kill", DAEMON "ExecStop=/usr/bin/pkill -KILL daemon\n",
	  DAEMON "ExecStop=/usr/bin/pkill -P $MAINPID\n" },
	{ "pattern-kill", DAEMON "ExecStop=" SHELL "'true && sudo killall -q daemon'\n",
	  DAEMON "ExecStop=" SHELL "'echo killall daemon'\n" },
	{ "pattern-kill", DAEMON "ExecStop=" SHELL "'kill $$(pidof daemon)'\n",
	  DAEMON "ExecStop=" SHELL "'echo $$(pidof daemon)'\n" },
	{ "pattern-kill", DAEMON "ExecStop=" SHELL "'pgrep daemon | xargs -r kill'\n",
	  DAEMON "ExecStop=" SHELL "'pgrep daemon | xargs -r echo'\n" },
	{ "pattern-kill", DAEMON "ExecReload=/usr/bin/pkill -HUP daemon\n",
	  DAEMON "ExecReload=/usr/bin/pkill -0 daemon\n" },
	{ "noted-pid", DAEMON "ExecStop=" SHELL "'kill $$(cat /run/x.pid)'\n",
	  DAEMON "ExecStop=" SHELL "'cat /run/x.pid; kill $MAINPID'\n" },
	{ "noted-pid", DAEMON "ExecStop=/bin/kill $PID\n",
	  DAEMON "ExecStop=" SHELL "'for PID in 1 2; do kill $PID; done'\n" },
	{ "noted-pid", DAEMON "ExecStop=/bin/kill -s INT ${PID}\n",
	  DAEMON "ExecStop=/bin/kill $OPTIONS $MAINPID\n" },
	{ "noted-pid", DAEMON "ExecReload=/usr/bin/pkill -HUP -F /run/x.pid\n",
	  DAEMON "ExecReload=/bin/kill -HUP $MAINPID\n" },
	{ "kill-everything", DAEMON "ExecStopPost=/bin/kill -9 -1\n",
	  DAEMON "ExecStopPost=/bin/kill -1 $X\n" },
	{ "group-kill", DAEMON "ExecStop=/bin/kill -9 -$PGID\n", DAEMON "ExecStop=/bin/kill -9 $PGID\n" },
	{ "group-kill", DAEMON "ExecStop=/bin/kill -$PGID\n", DAEMON "ExecStop=/bin/kill -HUP $PGID\n" },
	{ "group-kill", DAEMON "ExecStop=/bin/kill -TERM -- -${MAINPID}\n",
	  DAEMON "ExecStop=/bin/kill -TERM -- ${MAINPID}\n" },

	/* the rest */
	{ "sleep-in-stop", DAEMON "ExecStop=/bin/sleep 5\n",
	  DAEMON "ExecStop=" SHELL "'while busy; do sleep 1; done'\n" },
	{ "hidden-failure", DAEMON "ExecStop=" SHELL "'bye || true'\n", DAEMON "ExecStop=-/bin/bye\n" },
	{ "hidden-failure", DAEMON "ExecStop=" SHELL "'bye || exit 0'\n",
	  DAEMON "ExecStop=" SHELL "'bye || exit 1'\n" },
	{ "waits-for-job", DAEMON "ExecStopPost=/bin/systemctl restart other\n",
	  DAEMON "ExecStopPost=/bin/systemctl --no-block restart other\n" },
	{ "unset-path",
	  DAEMON "ExecStopPost=/bin/rm -rf ${RUNTIME_DIRECTORY}/cache\n", DAEMON "Environment=RUNTIME_DIRECTORY=/run/x\nExecStopPost=/bin/rm -rf ${RUNTIME_DIRECTORY}/cache\n" },
	{ "unset-path", DAEMON "ExecStartPre=" SHELL "'rm -r $DIR/*'\n",
	  DAEMON "ExecStartPre=" SHELL "'rm -r $${DIR:?}/*'\n" },
	{ "background-start", "[Service]\nExecStart=" SHELL "'daemon &'\n",
	  "[Service]\nExecStart=" SHELL "'daemon & wait'\n" },
	{ "may-daemonize", "[Service]\nExecStart=/usr/bin/x --daemon\n",
	  "[Service]\nExecStart=/usr/bin/x --daemon --no-detach\n" },
	{ "may-daemonize", "[Service]\nExecStart=/usr/bin/x --daemonize yes\n",
	  "[Service]\nExecStart=/usr/bin/x --daemonize no\n" },
};

Test(lint, finds)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		cleanup_findings struct findings found = FINDINGS_INIT;
		const struct finding *f;

		lint_text("a.service", samples[i].about, 30 * USEC_PER_SEC, &found);
		f = find(&found, samples[i].id);
		cr_assert(f, "%s: nothing about:\n%s", samples[i].id, samples[i].about);
		cr_assert_eq(f->line, count_lines(samples[i].about), "%s: line %u of:\n%s",
			     samples[i].id, f->line, samples[i].about);
		cr_assert_str_eq(f->file, "a.service");
	}
}

Test(lint, spares)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		cleanup_findings struct findings found = FINDINGS_INIT;
		const struct finding *f;

		lint_text("a.service", samples[i].not_about, 30 * USEC_PER_SEC, &found);
		f = find(&found, samples[i].id);
		cr_assert_not(f, "%s: \"%s\" about:\n%s", samples[i].id, f ? f->text : "",
			      samples[i].not_about);
	}
}

Test(lint, says_nothing_about_a_good_unit)
{
	static const char *const good[] = {
		"[Unit]\nDescription=x\nAfter=network.target\n" DAEMON
		"TimeoutStopSec=5s\nRestart=on-failure\nKillMode=mixed\n[Install]\nWantedBy=multi-"
		"user.target\n",
		"[Service]\nType=notify\nExecStart=/bin/x\nExecReload=/bin/kill -HUP $MAINPID\n",
		"[Service]\nType=forking\nPIDFile=/run/x.pid\nExecStart=/bin/x\n",
		"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/up\nExecStop=/down\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		cleanup_findings struct findings found = FINDINGS_INIT;

		lint_text("a.service", good[i], USEC_INFINITY, &found);
		cr_assert_eq(found.n, 0, "%zu: %s", i, found.n > 0 ? found.v[0].text : "");
	}
}

Test(lint, set_twice_points_at_the_line_in_vain)
{
	cleanup_findings struct findings found = FINDINGS_INIT;
	const struct finding *f;

	lint_text("a.service", DAEMON "KillMode=process\nKillMode=mixed\n", USEC_INFINITY, &found);
	f = find(&found, "set-twice");
	cr_assert(f);
	cr_assert_eq(f->line, 3);
	cr_assert(strstr(f->text, "line 4"));
}

Test(lint, a_dropin_may_set_it_again)
{
	static const struct unit_text texts[] = { { "a", "[Service]\nKillMode=mixed\n", 25 },
						  { "b", "[Service]\nKillMode=mixed\n", 25 } };
	cleanup_findings struct findings found = FINDINGS_INIT;
	struct read_unit r;

	read_unit(&r, "a.service", DAEMON);
	assignments_deinit(&r.where);
	cr_assert_eq(assignments_read(&r.where, texts, 2), 0);
	cr_assert_eq(r.where.n, 2);
	lint_unit(&(struct lint_subject){ r.unit, &r.where, &test_host, USEC_INFINITY, find_program },
		  &found);
	cr_assert_not(find(&found, "set-twice"));
	forget_unit(&r);
}

Test(lint, lists_are_not_set_twice)
{
	cleanup_findings struct findings found = FINDINGS_INIT;

	lint_text("a.service",
		  DAEMON
		  "ExecStop=/bin/a\nExecStop=/bin/b\nSuccessExitStatus=1\nSuccessExitStatus=2\n",
		  USEC_INFINITY, &found);
	cr_assert_eq(found.n, 0);
}

Test(lint, names_the_timeout_that_keeps_to_the_budget)
{
	cleanup_findings struct findings found = FINDINGS_INIT, again = FINDINGS_INIT;
	cleanup_free char *text = NULL;
	const struct finding *f;
	const char *remedy;

	lint_text("a.service", DAEMON "TimeoutStopSec=60s\n", 30 * USEC_PER_SEC, &found);
	f = find(&found, "over-budget");
	remedy = f ? strstr(f->text, "TimeoutStopSec=") : NULL;
	cr_assert(remedy);
	cr_assert_geq(asprintf(&text, DAEMON "%.*s\n", (int)(strstr(remedy, " keeps") - remedy), remedy),
		      0);
	lint_text("a.service", text, 30 * USEC_PER_SEC, &again);
	cr_assert_eq(again.n, 0, "%s", again.n > 0 ? again.v[0].text : "");
}

Test(lint, commands_before_a_reset_do_not_count)
{
	cleanup_findings struct findings found = FINDINGS_INIT;
	const struct finding *f;

	lint_text(
		"a.service",
		DAEMON
		"ExecStop=/bin/kill -9 $MAINPID\nExecStop=\nExecStop=/bin/sleep 1 ; /bin/sleep 2\n",
		USEC_INFINITY, &found);
	cr_assert_not(find(&found, "sigkill-first"));
	f = find(&found, "sleep-in-stop");
	cr_assert(f);
	cr_assert_eq(f->line, 5);
	cr_assert_eq(found.n, 2, "both commands of the line");
}

/* --- several units ----------------------------------------------------------------------------- */

#define UNITS_MAX 4

struct crowd {
	struct read_unit read[UNITS_MAX];
	struct lint_name names[UNITS_MAX];
	size_t n;
	struct findings found;
};

/* text NULL: there is none of this name. */
static void add_unit(struct crowd *c, const char *name, const char *text)
{
	struct read_unit *r = &c->read[c->n];

	if (text)
		read_unit(r, name, text);
	c->names[c->n++] = (struct lint_name){ name, r->unit, &r->where, LINT_GIVEN };
}

static const struct finding *judge(struct crowd *c, const char *id)
{
	lint_units(c->names, c->n, &c->found);
	return find(&c->found, id);
}

static void disperse(struct crowd *c)
{
	for (size_t i = 0; i < c->n; i++)
		forget_unit(&c->read[i]);
	findings_deinit(&c->found);
}

#define cleanup_crowd __attribute__((cleanup(disperse)))

/* The first unit is a.service; b.service is what is given, or missing. */
static const struct {
	const char *id; /* NULL: nothing is found */
	const char *a, *b;
	unsigned line;
} pairs[] = {
	{ "missing-requirement", "[Unit]\nRequires=b.service\n" DAEMON, NULL, 2 },
	{ "missing-requirement", "[Unit]\nBindsTo=b.service\n" DAEMON, NULL, 2 },
	{ NULL, "[Unit]\nWants=b.service\nAfter=b.service\n" DAEMON, NULL, 0 },
	{ "missing-reaction", "[Unit]\nOnFailure=b.service\n" DAEMON, NULL, 2 },
	{ NULL, "[Unit]\nOnFailure=b.service\n" DAEMON, DAEMON, 0 },
	{ "contradiction", "[Unit]\nAfter=b.service\nBefore=b.service\n" DAEMON, NULL, 3 },
	{ "contradiction",
	  "[Unit]\nRequires=b.service\nAfter=b.service\nConflicts=c.service b.service\n" DAEMON,
	  DAEMON, 4 },
	{ NULL, "[Unit]\nWants=b.service\nConflicts=c.service\n" DAEMON, DAEMON, 0 },
	{ "unordered-requirement", "[Unit]\nRequires=b.service\n" DAEMON, DAEMON, 2 },
	{ NULL, "[Unit]\nRequires=b.service\n" DAEMON, "[Unit]\nBefore=a.service\n" DAEMON, 0 },
	{ "ordering-cycle", "[Unit]\nAfter=b.service\n" DAEMON, "[Unit]\nAfter=a.service\n" DAEMON, 2 },
	{ "ordering-cycle", "[Unit]\nBefore=b.service\n" DAEMON, "[Unit]\nBefore=a.service\n" DAEMON, 2 },
	{ NULL, "[Unit]\nAfter=b.service\n" DAEMON, "[Unit]\nBefore=a.service\n" DAEMON, 0 },
};

Test(lint, units)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		cleanup_crowd struct crowd c = { .n = 0 };
		const struct finding *f;

		add_unit(&c, "a.service", pairs[i].a);
		add_unit(&c, "b.service", pairs[i].b);
		f = judge(&c, pairs[i].id ? pairs[i].id : "");
		cr_assert_eq(c.found.n, pairs[i].id != NULL, "%zu: %zu", i, c.found.n);
		cr_assert_eq(f != NULL, pairs[i].id != NULL, "%zu", i);
		cr_assert(!f || f->line == pairs[i].line, "%zu", i);
	}
}

Test(lint, a_cycle_names_every_unit)
{
	cleanup_crowd struct crowd c = { .n = 0 };
	const struct finding *f;

	add_unit(&c, "in.service", "[Unit]\nAfter=a.service\n" DAEMON);
	add_unit(&c, "a.service", "[Unit]\nAfter=b.service\n" DAEMON);
	add_unit(&c, "b.service", "[Unit]\nAfter=c.service\n" DAEMON);
	add_unit(&c, "c.service", DAEMON "[Unit]\nAfter=x.service a.service\n");
	f = judge(&c, "ordering-cycle");
	cr_assert(f);
	cr_assert_eq(c.found.n, 1);
	cr_assert_str_eq(
		f->text,
		"Ordering cycle: a.service after b.service after c.service after a.service");
	cr_assert_str_eq(f->file, "c.service");
	cr_assert_eq(f->line, 4);
}

Test(lint, what_is_only_mentioned_closes_no_cycle)
{
	cleanup_crowd struct crowd c = { .n = 0 };

	add_unit(&c, "a.service", "[Unit]\nAfter=b.service\nOnFailure=b.service\n" DAEMON);
	add_unit(&c, "b.service", "[Unit]\nAfter=a.service\n" DAEMON);
	c.names[1].role = LINT_MENTIONED;
	cr_assert_not(judge(&c, "ordering-cycle"));
}

Test(lint, a_target_is_after_what_it_wants)
{
	cleanup_crowd struct crowd c = { .n = 0 };
	const struct finding *f;

	add_unit(&c, "t.target", "[Unit]\nWants=b.service\n");
	add_unit(&c, "b.service", "[Unit]\nAfter=c.service\n" DAEMON);
	add_unit(&c, "c.service", "[Unit]\nAfter=t.target\n" DAEMON);
	f = judge(&c, "ordering-cycle");
	cr_assert(f);
	cr_assert(strstr(f->text, "t.target after b.service after c.service after t.target"));
}

Test(lint, sorts_and_says_nothing_twice)
{
	static const struct lint_rule rule = { "x", SEVERITY_HINT, "" };
	cleanup_findings struct findings f = FINDINGS_INIT;

	findings_add(&f, &rule, "b", 1, "one");
	findings_add(&f, &rule, "a", 2, "two");
	findings_add(&f, &rule, "a", 1, "three");
	findings_add(&f, &rule, "a", 2, "two");
	findings_sort(&f);
	cr_assert_eq(f.n, 3);
	cr_assert_str_eq(f.v[0].text, "three");
	cr_assert_str_eq(f.v[1].text, "two");
	cr_assert_str_eq(f.v[2].text, "one");
}

/* --- the units that people are shown first ----------------------------------------------------- */

struct expected {
	const char *unit;
	const char *ids; /* in the order of the lines, without command-missing: who has these daemons? */
};

static void check_directory(const char *below, const struct expected *units, size_t n)
{
	const char *top = getenv("CGKILL_SRCDIR");
	cleanup_free char *dir = NULL;
	cleanup_diags struct diags diags = DIAGS_INIT;

	cr_assert_geq(asprintf(&dir, "%s/%s", top ? top : ".", below), 0);
	if (access(dir, R_OK) < 0)
		cr_skip_test("SKIP: no %s here", below);
	for (size_t i = 0; i < n; i++) {
		char *const search_path[] = { dir, NULL };
		cleanup_findings struct findings found = FINDINGS_INIT;
		struct unit_files files;
		char ids[512] = "";

		cr_assert_eq(unitdir_read(search_path, units[i].unit, &files, &diags), 0);
		lint_text(units[i].unit, files.v[0].data, USEC_INFINITY, &found);
		findings_sort(&found);
		for (size_t j = 0; j < found.n; j++)
			snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s%u:%s",
				 j ? " " : "", found.v[j].line, found.v[j].rule->id);
		cr_assert_str_eq(ids, units[i].ids, "%s:\n%s", units[i].unit, ids);
		unit_files_deinit(&files);
	}
}

Test(lint, the_examples)
{
	static const struct expected units[] = {
		{ "family.service", "" },
		{ "stubborn-forced.service",
		  "10:inline-comment 11:inline-comment 12:inline-comment 13:endless-restart" },
		{ "stubborn-process.service",
		  "13:kill-mode-process 16:redundant-stop 17:main-pid-unset" },
		{ "stubborn.service",
		  "11:inline-comment 12:inline-comment 12:set-twice 13:inline-comment "
		  "14:inline-comment 15:inline-comment" },
	};

	check_directory("contrib/examples", units, ARRAY_SIZE(units));
}

Test(lint, the_units_of_the_first_user)
{
	static const struct expected units[] = {
		{ "seed-forced-2s.service",
		  "8:inline-comment 9:inline-comment 10:inline-comment 11:endless-restart" },
		{ "seed-mainpid.service",
		  "8:kill-mode-process 12:redundant-stop 13:main-pid-unset" },
		{ "seed-mixed.service", "8:inline-comment 8:set-twice 10:inline-comment "
					"11:inline-comment 12:inline-comment" },
		{ "seed-pkill.service", "8:kill-mode-process 10:redundant-stop 11:pattern-kill" },
	};

	check_directory("../shared/units", units, ARRAY_SIZE(units));
}
