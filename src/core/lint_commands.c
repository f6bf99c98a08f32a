/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks of command lines: those of whole lines, and those of each simple command in them, looked into with core/script.h.
 */
#include <errno.h>
#include <signal.h>

#include "core/cmdline.h"
#include "core/env.h"
#include "core/killargs.h"
#include "core/lint.h"
#include "core/script.h"
#include "core/text.h"
#include "util/parse.h"
#include "util/strv.h"

/* A command under a check. */
struct probe {
	const struct lint_subject *subject;
	const struct unit *unit;
	const struct lint_rule *rule;
	struct findings *out;

	enum exec_phase phase;
	const char *directive; /* "ExecStop" */
	const struct assignment *at;
	const struct exec_command *exec;
	struct script script; /* what it runs */

	/* of the simple command at hand */
	const struct script_command *command;
	const char *program; /* its base name */
	char *const *args;   /* what follows it */
};

#define tell(p, ...) findings_add((p)->out, (p)->rule, (p)->at->file, (p)->at->line, __VA_ARGS__)

/* The argument that is one of words; NULL: there is none. */
static char *const *find_arg(const struct probe *p, const char *const *words)
{
	for (char *const *a = p->args; *a; a++)
		if (text_is_one_of(*a, words))
			return a;
	return NULL;
}

#define ARG(p, ...) find_arg((p), (const char *const[]){ __VA_ARGS__, NULL })

static bool is_alone(const struct probe *p)
{
	return p->script.n == 1 && p->unit->exec[p->phase].n == 1;
}

/* --- kill(1) ----------------------------------------------------------------------------------- */

static bool is_main_pid(const char *word)
{
	return TEXT_IN(word, "$MAINPID", "${MAINPID}");
}

/* "kill … $MAINPID", and nobody else: the signal; KILL_UNKNOWN otherwise. */
static int signal_to_main(const struct probe *p)
{
	char *const *targets;
	int sig;

	if (!streq(p->program, "kill"))
		return KILL_UNKNOWN;
	sig = kill_read(p->args, &targets);
	return targets[0] && !targets[1] && is_main_pid(targets[0]) ? sig : KILL_UNKNOWN;
}

static void check_redundant_stop(const struct probe *p)
{
	const struct unit *u = p->unit;
	int sig = signal_to_main(p);

	if (streq(p->program, "start-stop-daemon") && ARG(p, "--stop", "-K") && ARG(p, "--pidfile", "-p"))
		sig = start_stop_daemon_signal(p->args);
	if (sig == u->kill_signal && is_alone(p) && u->kill_mode != KILL_NONE)
		tell(p, "ExecStop= does only what KillSignal=SIG%s does by itself right after it",
		     signal_name(sig));
}

/* What follows ExecStop= is not waiting but the next signal: systemd.service(5), ExecStop=. */
static void check_asynchronous_stop(const struct probe *p)
{
	const struct unit *u = p->unit;
	int sig = signal_to_main(p);

	if (sig > 0 && sig != SIGKILL && sig != u->kill_signal && !lint_signal_stops(sig) &&
	    is_alone(p) && u->kill_mode != KILL_NONE)
		tell(p, "ExecStop= sends SIG%s and returns, and KillSignal=SIG%s follows at once, whether the daemon has acted on it or not; KillSignal=SIG%s would wait for it",
		     signal_name(sig), signal_name(u->kill_signal), signal_name(sig));
}

static void check_suspending(const struct probe *p)
{
	int sig = signal_to_main(p);

	if (sig > 0 && lint_signal_stops(sig))
		tell(p, "%s= sends SIG%s, which only suspends the process until the SIGCONT of the stop",
		     p->directive, signal_name(sig));
}

static void check_early_return(const struct probe *p)
{
	static const struct {
		const char *program, *argument;
	} known[] = {
		{ "nginx", "quit" },
		{ "nginx", "stop" },
		{ "apachectl", "graceful-stop" },
		{ "apache2ctl", "graceful-stop" },
		{ "httpd", "graceful-stop" },
		{ "rndc", "stop" },
	};

	if (!is_alone(p))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (streq(p->program, known[i].program) && ARG(p, known[i].argument))
			tell(p, "\"%s … %s\" may return before the daemon is down, and KillSignal=SIG%s then cuts it short",
			     p->program, known[i].argument, signal_name(p->unit->kill_signal));
}

/* Behind "||", or after something else, it is the last resort. */
static void check_sigkill_first(const struct probe *p)
{
	char *const *targets;

	if (p->command != p->script.v || p->exec != p->unit->exec[p->phase].v)
		return;
	if ((streq(p->program, "kill") && kill_read(p->args, &targets) == SIGKILL) ||
	    (TEXT_IN(p->program, "pkill", "killall") && ARG(p, "-9", "-KILL", "-SIGKILL")))
		tell(p, "ExecStop= begins with SIGKILL: the service has no chance to clean up");
}

/* --- signals to strangers ---------------------------------------------------------------------- */

static bool is_search(const char *word)
{
	return strstr(word, "pidof") || strstr(word, "pgrep");
}

/* "pidof x | xargs kill", "kill $(pidof x)" */
static bool kills_what_was_found(const struct probe *p)
{
	if (streq(p->program, "xargs")) {
		const struct script_command *before = p->command - 1;

		return ARG(p, "kill", "/bin/kill", "/usr/bin/kill") && p->command > p->script.v &&
		       TEXT_IN(script_base_name(before->argv[0]), "pidof", "pgrep", "awk", "grep", "ps");
	}
	if (!streq(p->program, "kill"))
		return false;
	for (char *const *a = p->args; *a; a++)
		if (is_search(*a) && (strchr(*a, '`') || strstr(*a, "$(")))
			return true;
	return false;
}

static void check_pattern_kill(const struct probe *p)
{
	if (ARG(p, "-0"))
		return;
	if (streq(p->program, "pkill") && pkill_matches_lines(p->args) && !pkill_is_confined(p->args))
		tell(p, "%s=: \"pkill -f\" signals whatever has the text in its command line: other instances, other containers, somebody's editor",
		     p->directive);
	else if (streq(p->program, "pkill") ? !pkill_is_confined(p->args)
					    : TEXT_IN(p->program, "killall", "killall5", "skill"))
		tell(p, "%s=: \"%s\" goes by name, and may signal processes that are not of this service",
		     p->directive, p->program);
	else if (kills_what_was_found(p))
		tell(p, "%s= looks processes up by name and may signal some that are not of this service",
		     p->directive);
}

/* A variable that nothing in the script has set just before, other than $MAINPID, $! and $$. */
static bool is_noted_variable(const struct probe *p, const char *word)
{
	const char *name = word + 1;
	size_t n;

	if (*word != '$' || is_main_pid(word))
		return false;
	name += *name == '{';
	n = strcspn(name, "}");
	return env_name_valid(name, n) && !script_assigns(&p->script, name, n);
}

static bool is_noted(const struct probe *p, const char *target)
{
	return (p->script.shell &&
		(strstr(target, "$(cat ") || strstr(target, "`cat ") || strstr(target, "$(<"))) ||
	       is_noted_variable(p, target);
}

static void check_noted_pid(const struct probe *p)
{
	char *const *targets;

	if (streq(p->program, "pkill") && ARG(p, "-F", "--pidfile"))
		tell(p, "%s= signals the number in a file, which may be another process by now",
		     p->directive);
	if (!streq(p->program, "kill") || kill_read(p->args, &targets) == 0 ||
	    ARG(p, "$MAINPID", "${MAINPID}")) /* "kill $OPTIONS $MAINPID" */
		return;
	for (; *targets; targets++)
		if (is_noted(p, *targets))
			tell(p, "%s= signals %s, a number that was noted down, which may be another process by now",
			     p->directive, *targets);
}

static void check_kill_everything(const struct probe *p)
{
	char *const *targets;

	if (!streq(p->program, "kill") || kill_read(p->args, &targets) == 0)
		return;
	for (; *targets; targets++)
		if (streq(*targets, "-1"))
			tell(p, "%s=: \"kill … -1\" signals every process that it may signal",
			     p->directive);
}

static void check_group_kill(const struct probe *p)
{
	char *const *targets;

	if (!streq(p->program, "kill") || kill_read(p->args, &targets) == 0)
		return;
	for (; *targets; targets++)
		if (after_prefix(*targets, "-$MAINPID") || after_prefix(*targets, "-${MAINPID}"))
			tell(p, "%s= signals a process group: who has left it, as every daemon's child can, is missed",
			     p->directive);
		else if (after_prefix(*targets, "-$"))
			tell(p, "%s= signals the process group %s, which may be one of strangers by now, and misses who has left it",
			     p->directive, *targets + 1);
}

/* --- stopping ---------------------------------------------------------------------------------- */

static void check_sleep(const struct probe *p)
{
	if (streq(p->program, "sleep") && p->args[0] && !p->script.loops)
		tell(p, "%s=: \"sleep %s\" %s, whether somebody is left or not", p->directive,
		     p->args[0], p->script.n > 1 ? "may lengthen a stop" : "lengthens every stop");
}

static void check_hidden_failure(const struct probe *p)
{
	if (p->command->before == JOINT_OR &&
	    (TEXT_IN(p->program, "true", ":") || (streq(p->program, "exit") && ARG(p, "0"))))
		tell(p, "\"|| %s\" hides every failure of ExecStop=", p->program);
}

static void check_systemctl(const struct probe *p)
{
	if (TEXT_IN(p->program, "systemctl", "cgkillctl") && !ARG(p, "--no-block") &&
	    ARG(p, "start", "stop", "restart", "try-restart", "reload-or-restart", "isolate"))
		tell(p, "%s=: \"%s\" waits for a job, which may itself wait for this stop",
		     p->directive, p->program);
}

static bool is_set_by_unit(const struct unit *u, const char *name, size_t len)
{
	cleanup_free char *copy = strndup(name, len);

	return !copy || env_get(u->environment, copy) || strv_contains(u->pass_environment, copy) ||
	       u->n_environment_files > 0;
}

/* "$VAR/…" or "${VAR}/…" of a variable that nothing sets is a path below the root. */
static bool may_become_root(const struct probe *p, const char *word)
{
	const char *name = word + 1, *end;

	if (*word != '$')
		return false;
	name += *name == '{';
	end = name + strcspn(name, "}/");
	if (after_prefix(*end == '}' ? end + 1 : end, "/") == NULL ||
	    !env_name_valid(name, (size_t)(end - name)))
		return false;
	return !(end - name == 4 && strncmp(name, "HOME", 4) == 0) &&
	       !is_set_by_unit(p->unit, name, (size_t)(end - name)) &&
	       !script_assigns(&p->script, name, (size_t)(end - name));
}

static void check_rm(const struct probe *p)
{
	if (!streq(p->program, "rm") || !ARG(p, "-rf", "-fr", "-r", "-R", "-Rf", "--recursive"))
		return;
	for (char *const *a = p->args; *a; a++)
		if (may_become_root(p, *a))
			tell(p, "%s=: where the variable is unset, \"rm -r %s\" begins at /",
			     p->directive, *a);
}

/* --- the daemon -------------------------------------------------------------------------------- */

static bool ends_with_its_command(const struct unit *u)
{
	return (u->type == SERVICE_SIMPLE || u->type == SERVICE_EXEC || u->type == SERVICE_IDLE) &&
	       u->exit_type == EXIT_TYPE_MAIN && !u->remain_after_exit;
}

static void check_background(const struct probe *p)
{
	if (ends_with_its_command(p->unit) && p->command->after == JOINT_BACKGROUND &&
	    p->command == &p->script.v[p->script.n - 1])
		tell(p, "The shell of ExecStart= leaves \"%s\" in the background and ends: the service counts as ended, and its stop begins",
		     p->program);
}

static void check_daemonizing(const struct probe *p)
{
	char *const *a = ARG(p, "--daemon", "--daemonize", "--background", "--detach");

	if (!a || !ends_with_its_command(p->unit) || p->command->after != JOINT_NONE)
		return;
	if (a[1] && TEXT_IN(a[1], "no", "off", "false", "0"))
		return;
	if (ARG(p, "--foreground", "--no-detach", "--nodetach", "--no-fork", "--nofork"))
		return;
	tell(p, "%s may make the daemon leave its first process, whose end Type=%s takes for the end of the service",
	     *a, service_type_name(p->unit->type));
}

/* --- whole command lines ----------------------------------------------------------------------- */

static bool mentions_main_pid(const struct probe *p)
{
	for (size_t i = 1; p->exec->argv[i]; i++)
		if (strstr(p->exec->argv[i], "$MAINPID") || strstr(p->exec->argv[i], "${MAINPID}"))
			return true;
	return false;
}

/* Where nothing is killed, the main process may outlive the stop until here. */
static bool may_have_main_pid(const struct probe *p)
{
	return p->phase == EXEC_STOP_POST &&
	       (p->unit->kill_mode == KILL_NONE || !p->unit->send_sigkill);
}

static void check_main_pid_unset(const struct probe *p)
{
	const char *name = "MAINPID";

	if (mentions_main_pid(p) && !may_have_main_pid(p) &&
	    !script_assigns(&p->script, name, strlen(name)))
		tell(p, "$MAINPID is unset in %s=: the main process %s", p->directive,
		     p->phase == EXEC_STOP_POST ? "has ended already" : "has not been started yet");
}

/* Words that only a shell understands, where there is none. */
static void check_shell_syntax(const struct probe *p)
{
	if (p->script.shell)
		return;
	for (size_t i = 1; p->exec->argv[i]; i++) {
		const char *word = p->exec->argv[i];

		if (TEXT_IN(word, "|", "||", "&&", "&", ">", ">>", "2>&1") ||
		    after_prefix(word, ">/") || after_prefix(word, "2>/") ||
		    after_prefix(word, "$(") || after_prefix(word, "`")) {
			tell(p, "%s= is run without a shell: \"%s\" and what follows are arguments of %s",
			     p->directive, word, p->exec->path);
			return;
		}
	}
}

static void check_comment(const struct probe *p)
{
	for (size_t i = 1; !p->script.shell && p->exec->argv[i]; i++)
		if (streq(p->exec->argv[i], "#")) {
			tell(p, "%s=: \"#\" begins no comment here, it and the words behind it are arguments of %s",
			     p->directive, p->exec->path);
			return;
		}
}

static bool has_own_root(const struct probe *p)
{
	return assignment_last(p->subject->where, "RootDirectory") ||
	       assignment_last(p->subject->where, "RootImage");
}

/* ConditionFileIsExecutable= and the like: without the program the unit is not started. */
static bool depends_on_program(const struct probe *p)
{
	const struct assignments *where = p->subject->where;

	for (size_t i = 0; i < where->n; i++) {
		const struct assignment *a = &where->v[i];

		if ((after_prefix(a->key, "Condition") || after_prefix(a->key, "Assert")) &&
		    streq(a->value + strspn(a->value, "| "), p->exec->path))
			return true;
	}
	return false;
}

/* As systemd-analyze(1) verify says it, which leaves out what may fail. */
static void check_program(const struct probe *p)
{
	int r;

	if (p->exec->ignore_failure || has_own_root(p) || depends_on_program(p))
		return;
	r = p->subject->find_program(p->exec->path);
	if (r < 0)
		tell(p, "Command %s is not executable: %s", p->exec->path, strerror(-r));
}

/* --- the tables -------------------------------------------------------------------------------- */

#define IN(phase) (1U << (phase))
#define ANYWHERE  (IN(EXEC_PHASE_MAX) - 1)
#define STOPPING  (IN(EXEC_STOP) | IN(EXEC_STOP_POST))

#define LEAVE_IT                                                                                   \
	"Leave it to KillMode=mixed or control-group, which reaches every process of the service " \
	"and no other."

struct check {
	struct lint_rule rule;
	unsigned phases;
	void (*check)(const struct probe *p);
};

static const struct check line_checks[] = {
	{ { "command-missing", SEVERITY_ERROR,
	    "Correct the path, or prefix it with '-' if it may be missing." },
	  ANYWHERE,
	  check_program },
	{ { "main-pid-unset",
	    SEVERITY_WARNING, "Leave it out, and write KillMode=mixed, which kills what the main process leaves behind." },
	  IN(EXEC_CONDITION) | IN(EXEC_START_PRE) | IN(EXEC_STOP_POST),
	  check_main_pid_unset },
	{ { "shell-syntax", SEVERITY_WARNING, "Write /bin/sh -c '…' around it." },
	  ANYWHERE,
	  check_shell_syntax },
	{ { "comment-argument", SEVERITY_WARNING, "Put the comment on a line of its own." },
	  ANYWHERE,
	  check_comment },
};

static const struct check command_checks[] = {
	{ { "redundant-stop", SEVERITY_HINT, "Leave ExecStop= out." }, IN(EXEC_STOP), check_redundant_stop },
	{ { "asynchronous-stop", SEVERITY_WARNING,
	    "Leave ExecStop= out, and write its signal as KillSignal=." },
	  IN(EXEC_STOP),
	  check_asynchronous_stop },
	{ { "suspends", SEVERITY_WARNING, "Leave it out: KillSignal=SIGTERM is what ends a service." },
	  IN(EXEC_STOP),
	  check_suspending },
	{ { "early-return",
	    SEVERITY_HINT, "Leave ExecStop= out and write KillSignal=, or have the command wait for the end of $MAINPID." },
	  IN(EXEC_STOP),
	  check_early_return },
	{ { "sigkill-first", SEVERITY_WARNING,
	    "Leave it out: SIGKILL comes by itself after TimeoutStopSec=." },
	  IN(EXEC_STOP),
	  check_sigkill_first },
	{ { "pattern-kill", SEVERITY_WARNING, LEAVE_IT }, ANYWHERE, check_pattern_kill },
	{ { "noted-pid", SEVERITY_WARNING, "Write $MAINPID, or leave it out: " LEAVE_IT },
	  STOPPING | IN(EXEC_RELOAD),
	  check_noted_pid },
	{ { "kill-everything", SEVERITY_ERROR, LEAVE_IT }, ANYWHERE, check_kill_everything },
	{ { "group-kill", SEVERITY_WARNING, LEAVE_IT }, STOPPING, check_group_kill },
	{ { "sleep-in-stop", SEVERITY_HINT,
	    "Leave it out: TimeoutStopSec= waits as long as somebody is left." },
	  STOPPING,
	  check_sleep },
	{ { "hidden-failure", SEVERITY_HINT, "Prefix the command with '-', which says so in status." },
	  IN(EXEC_STOP),
	  check_hidden_failure },
	{ { "waits-for-job", SEVERITY_WARNING, "Write PropagatesStopTo= or OnSuccess=; or add --no-block." },
	  STOPPING,
	  check_systemctl },
	{ { "unset-path", SEVERITY_WARNING, "Write ${VARIABLE:?} in a shell, or the path itself." },
	  ANYWHERE,
	  check_rm },
	{ { "background-start", SEVERITY_WARNING, "Leave the \"&\" out." }, IN(EXEC_START), check_background },
	{ { "may-daemonize", SEVERITY_HINT,
	    "Have it run in the foreground; or write Type=forking and PIDFile=." },
	  IN(EXEC_START),
	  check_daemonizing },
};

static void run_checks(struct probe *p, const struct check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(checks[i].phases & IN(p->phase)))
			continue;
		p->rule = &checks[i].rule;
		checks[i].check(p);
	}
}

static void lint_simple_commands(struct probe *p)
{
	for (size_t i = 0; i < p->script.n; i++) {
		char *const *argv = script_program(&p->script.v[i]);

		if (!*argv)
			continue;
		p->command = &p->script.v[i];
		p->program = script_base_name(argv[0]);
		p->args = argv + 1;
		run_checks(p, command_checks, ARRAY_SIZE(command_checks));
	}
}

static int lint_command(struct probe *p)
{
	int r = script_of(&p->script, p->exec);

	if (r < 0)
		return r;
	run_checks(p, line_checks, ARRAY_SIZE(line_checks));
	lint_simple_commands(p);
	script_deinit(&p->script);
	return 0;
}

/* How many commands of the phase one line gives: its words again, whose faults the loader has told. */
static int count_commands(const struct lint_subject *s, const struct assignment *a, size_t *n)
{
	cleanup_diags struct diags told_before = DIAGS_INIT;
	struct exec_commands commands = { .n = 0 };
	int r = cmdline_parse(&commands, a->value, s->unit->name, s->host, a->file, a->line,
			      &told_before);

	*n = commands.n;
	exec_commands_clear(&commands);
	return r == -ENOMEM ? r : 0;
}

/* Where the lines begin that count: behind the last one that is empty. */
static size_t after_reset(const struct assignments *where, const char *key)
{
	for (size_t i = where->n; i > 0; i--)
		if (streq(where->v[i - 1].key, key) && *where->v[i - 1].value == '\0')
			return i;
	return 0;
}

static int lint_phase(struct probe *p)
{
	const struct assignments *where = p->subject->where;
	const struct exec_commands *commands = &p->unit->exec[p->phase];
	size_t next = 0, n;
	int r = 0;

	for (size_t i = after_reset(where, p->directive); r == 0 && i < where->n; i++) {
		p->at = &where->v[i];
		if (!streq(p->at->key, p->directive) || !streq(p->at->section, "Service"))
			continue;
		r = count_commands(p->subject, p->at, &n);
		for (; r == 0 && n > 0 && next < commands->n; n--) {
			p->exec = &commands->v[next++];
			r = lint_command(p);
		}
	}
	return r;
}

void lint_commands(const struct lint_subject *s, struct findings *out)
{
	struct probe p = { .subject = s, .unit = s->unit, .out = out };
	int r = 0;

	for (p.phase = 0; r == 0 && p.phase < EXEC_PHASE_MAX; p.phase++) {
		p.directive = exec_phase_name(p.phase);
		r = lint_phase(&p);
	}
	if (r < 0)
		out->failed = true;
}
