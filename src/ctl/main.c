/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgkillctl: its command line. The verbs are in files of their own.
 */
#include <getopt.h>
#include <limits.h>
#include <signal.h>

#include "ctl/ctl.h"
#include "util/parse.h"
#include "util/strv.h"

#define ANY INT_MAX

static const struct verb {
	const char *name;
	int min_args, max_args;
	verb_fn *fn;
	const char *args;
	const char *help;
} verbs[] = {
	{ "list-units", 0, ANY, verb_list_units, "[PATTERN...]", "List units that are active or failed" },
	{ "status", 0, ANY, verb_status, "[UNIT...]", "Show how units are, with their processes" },
	{ "is-active", 1, ANY, verb_is_active, "UNIT...", "Exit with 0 if a unit is active" },
	{ "is-failed", 1, ANY, verb_is_failed, "UNIT...", "Exit with 0 if a unit has failed" },
	{ "show", 1, ANY, verb_show, "UNIT...", "Show properties of units" },
	{ "cat", 1, ANY, verb_cat, "UNIT...", "Show the files of units" },
	{ "start", 1, ANY, verb_job, "UNIT...", "Start units" },
	{ "stop", 1, ANY, verb_job, "UNIT...", "Stop units, and prove that nothing of them is left" },
	{ "restart", 1, ANY, verb_job, "UNIT...", "Stop and start units" },
	{ "try-restart", 1, ANY, verb_job, "UNIT...", "Restart those units that are active" },
	{ "reload", 1, ANY, verb_job, "UNIT...", "Have units reload their configuration" },
	{ "list-sockets", 0, ANY, verb_list_sockets, "[PATTERN...]", "List what sockets listen on" },
	{ "list-dependencies", 0, ANY, verb_list_dependencies, "[UNIT...]",
	  "Show whom a unit wants or requires, with --reverse who it" },
	{ "list-jobs", 0, 0, verb_list_jobs, "", "List what waits for its turn, and what runs" },
	{ "cancel", 0, ANY, verb_cancel, "[JOB...]",
	  "Cancel jobs by their numbers; all of them without one" },
	{ "kill", 1, ANY, verb_kill, "UNIT...", "Send a signal to processes of units" },
	{ "clean", 1, ANY, verb_clean, "UNIT...", "Delete directories of units that do not run" },
	{ "reset-failed", 0, ANY, verb_reset_failed, "[UNIT...]", "Forget that units have failed" },
	{ "logs", 0, ANY, verb_logs, "[UNIT...]",
	  "Show what units have written, and what happened to them" },
	{ "monitor", 0, ANY, verb_monitor, "[UNIT...]", "Print what happens to units as it happens" },
	{ "enable", 1, ANY, verb_enable, "UNIT...", "Have targets want units, as their [Install] says" },
	{ "disable", 1, ANY, verb_disable, "UNIT...", "Undo that" },
	{ "reenable", 1, ANY, verb_reenable, "UNIT...", "Disable and enable units" },
	{ "is-enabled", 1, ANY, verb_is_enabled, "UNIT...", "Exit with 0 if a unit is enabled" },
	{ "mask", 1, ANY, verb_mask, "UNIT...", "Make it impossible to start units" },
	{ "unmask", 1, ANY, verb_unmask, "UNIT...", "Undo that" },
	{ "list-unit-files", 0, ANY, verb_list_unit_files, "[PATTERN...]",
	  "List unit files, and whether they are enabled" },
	{ "daemon-reload", 0, 0, verb_daemon_reload, "", "Have cgkilld read all unit files again" },
	{ "daemon-reexec", 0, 0, verb_daemon_reexec, "",
	  "Have cgkilld replace itself by the program installed now" },
	{ "shutdown", 0, 0, verb_shutdown, "", "Stop everything, then cgkilld" },
	{ "critical-chain", 0, ANY, verb_critical_chain, "[UNIT...]",
	  "Show how long a stop can take, and why" },
	{ "plot", 0, ANY, verb_plot, "[UNIT...]", "Write the time line of the last stop as SVG" },
	{ "verify", 1, ANY, verb_verify, "FILE...", "Check unit files, above all how they stop" },
	{ "reap", 1, ANY, verb_reap, "CGROUP...", "End all that is in cgroups, and remove them" },
	{ "run", 1, ANY, verb_run, "COMMAND...", "Run a command of which nothing is left afterwards" },
	{ "ps", 1, ANY, verb_ps, "CGROUP...", "List the processes in cgroups" },
	{ "explain", 1, ANY, verb_explain, "PID|CGROUP...", "Say why processes do not end" },
	{ "check-host", 0, 0, verb_check_host, "", "Say what cgkill can do on this host, and what not" },
	{ "capabilities", 0, 0, verb_check_host, "", "Another name of check-host" },
	{ "version", 0, 0, verb_version, "", "Show versions, and how cgkilld works on this host" },
};

/* Options without a letter of their own. */
enum {
	OPT_BOOT = UCHAR_MAX + 1,
	OPT_BUDGET,
	OPT_DEADLINE,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_KEEP,
	OPT_KILL_ONLY,
	OPT_KILL_WHOM,
	OPT_LAST_STOP,
	OPT_LEADER,
	OPT_NO_BLOCK,
	OPT_NO_LEGEND,
	OPT_NO_PAGER,
	OPT_NO_RELOAD,
	OPT_NOW,
	OPT_PARENT,
	OPT_ROOT,
	OPT_RUNTIME,
	OPT_RUNTIME_DIR,
	OPT_RUNTIME_MAX,
	OPT_SEVERITY,
	OPT_SINCE,
	OPT_SYSTEM,
	OPT_TIMEOUT,
	OPT_TIMEOUT_STOP,
	OPT_UNIT_PATH,
	OPT_UNTIL,
	OPT_USER,
	OPT_VALUE,
	OPT_VERSION,
	OPT_WHAT,
};

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "boot", no_argument, NULL, OPT_BOOT },
	{ "budget", required_argument, NULL, OPT_BUDGET },
	{ "deadline", required_argument, NULL, OPT_DEADLINE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "follow", no_argument, NULL, 'f' },
	{ "force", no_argument, NULL, 'f' },
	{ "full", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "kill-only", no_argument, NULL, OPT_KILL_ONLY },
	{ "kill-whom", required_argument, NULL, OPT_KILL_WHOM },
	{ "last-stop", no_argument, NULL, OPT_LAST_STOP },
	{ "leader", required_argument, NULL, OPT_LEADER },
	{ "lines", required_argument, NULL, 'n' },
	{ "no-block", no_argument, NULL, OPT_NO_BLOCK },
	{ "no-legend", no_argument, NULL, OPT_NO_LEGEND },
	{ "no-pager", no_argument, NULL, OPT_NO_PAGER },
	{ "no-reload", no_argument, NULL, OPT_NO_RELOAD },
	{ "now", no_argument, NULL, OPT_NOW },
	{ "output", required_argument, NULL, 'o' },
	{ "priority", required_argument, NULL, 'p' },
	{ "parent", required_argument, NULL, OPT_PARENT },
	{ "property", required_argument, NULL, 'p' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "reverse", no_argument, NULL, 'r' },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "runtime", no_argument, NULL, OPT_RUNTIME },
	{ "runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR },
	{ "runtime-max", required_argument, NULL, OPT_RUNTIME_MAX },
	{ "severity", required_argument, NULL, OPT_SEVERITY },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "signal", required_argument, NULL, 's' },
	{ "system", no_argument, NULL, OPT_SYSTEM },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "timeout-stop", required_argument, NULL, OPT_TIMEOUT_STOP },
	{ "type", required_argument, NULL, 't' },
	{ "unit", required_argument, NULL, 'u' },
	{ "unit-path", required_argument, NULL, OPT_UNIT_PATH },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "user", no_argument, NULL, OPT_USER },
	{ "value", no_argument, NULL, OPT_VALUE },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "what", required_argument, NULL, OPT_WHAT },
	{ NULL, 0, NULL, 0 },
};

static const char options_help[] =
	"  -h --help               Show this help\n"
	"     --version            Show the version of this program\n"
	"     --runtime-dir=DIR    Talk to the cgkilld whose socket is in DIR\n"
	"                          (also: $" CGKILL_RUNTIME_DIR_ENV ")\n"
	"     --system             Talk to the cgkilld of the host\n"
	"     --user               Talk to the cgkilld of the calling user\n"
	"     --deadline=SPAN      stop, restart: cap on the whole stop, whatever its stages;\n"
	"                          shutdown: when everything has to be gone\n"
	"     --budget=SPAN        verify, critical-chain: the longest that a stop should take\n"
	"     --last-stop, --boot  plot: of the last stop (the default), or of the boot\n"
	"     --no-block           Do not wait until the job is done\n"
	"  -s --signal=SIGNAL      kill, reap: the signal to send, SIGTERM by default\n"
	"     --kill-whom=WHOM     kill: main, control or all\n"
	"     --what=KINDS         clean: state, cache, logs, runtime, configuration or all;\n"
	"                          runtime,cache by default\n"
	"     --timeout=SPAN       reap: from the signal to the kill, 10s by default\n"
	"     --kill-only          reap: no signal first\n"
	"     --leader=PID         reap: the signal goes to this one, and when it has ended the\n"
	"                          others are killed\n"
	"     --timeout-stop=SPAN  run: what is asked to end has so long, 10s by default\n"
	"     --runtime-max=SPAN   run: the command is asked to end then\n"
	"     --parent=CGROUP      run, check-host: below this cgroup, not our own\n"
	"  -p --property=NAME=VALUE\n"
	"                          run: a limit: MemoryMax=512M, CPUQuota=50%, TasksMax=100 ...\n"
	"     --keep               reap: leave the empty cgroup there\n"
	"     --dry-run            reap: say what would be done\n"
	"  -a --all                list-units, list-sockets: also those that are inactive\n"
	"  -t --type=KIND          list-units: only services, sockets or targets\n"
	"  -p --property=NAME,...  show: only these properties\n"
	"     --value              show: values without their names\n"
	"  -P NAME                 The same as --value --property=NAME\n"
	"  -n --lines=N            status: how many events and lines of output to show, 10 by\n"
	"                          default; logs: how many lines, all by default\n"
	"  -p --priority=LEVEL     logs: only what is as bad as that or worse: emerg, alert, "
	"crit,\n"
	"                          err, warning, notice, info, debug; or LEVEL..LEVEL\n"
	"  -r --reverse            logs: the newest first; list-dependencies: who wants the unit\n"
	"  -f --follow             logs: go on with what comes\n"
	"     --since=TIME, --until=TIME\n"
	"                          logs: from then on, up to then: \"2026-01-31 12:00\", 12:00,\n"
	"                          yesterday, -5min\n"
	"  -o --output=FORM        logs: short, json, or cat: what was written, no more\n"
	"  -u --unit=UNIT          logs: the same as UNIT, as journalctl has it\n"
	"     --json=MODE          Print what cgkilld replied: short, pretty, off\n"
	"     --no-legend          list-units, list-jobs, list-unit-files: no headers, no footer\n"
	"     --now                enable, reenable, disable, mask: start or stop the units, too\n"
	"     --runtime            enable, disable, mask: until the next boot only\n"
	"  -f --force              enable, mask: replace links that lead elsewhere\n"
	"     --no-reload          enable, disable, mask: do not have cgkilld read unit files "
	"again\n"
	"     --root=DIR           enable, disable, mask, is-enabled, list-unit-files: of the "
	"system\n"
	"                          whose root directory is DIR\n"
	"     --severity=LEVEL     verify: exit with 1 for findings from there on: hint, warning, "
	"error\n"
	"     --unit-path=DIR:...  verify: where other units are\n"
	"  -q --quiet              Print errors only; verify: only findings that count\n"
	"  -v --verbose            Print the whole course of a job; run: what it took\n";

static int print_help(void)
{
	puts("cgkillctl [OPTIONS...] COMMAND [UNIT...]\n\n"
	     "Control services of cgkilld, the cgroup v2 kill enforcer.\n\nCommands:");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		int n = printf("  %s %s", verbs[i].name, verbs[i].args);

		printf("%*s%s\n", n < 30 ? 30 - n : 1, "", verbs[i].help);
	}
	printf("\nOptions:\n%s\nSee cgkillctl(1).\n", options_help);
	return CGKILL_EXIT_OK;
}

/* 0, or the exit code of a value that is not acceptable, which is explained. */
static int bad_value(const char *option, const char *value, const char *hint)
{
	complain("\"%s\" is not a value of %s: %s.", value, option, hint);
	return CGKILL_EXIT_USAGE;
}

static int add_words(char ***words, const char *list)
{
	cleanup_free char *copy = strdup(list);
	char *rest = copy;
	int r = copy ? 0 : -1;

	while (r == 0 && rest) {
		const char *name = strsep(&rest, ",");

		if (*name)
			r = strv_push(words, name);
	}
	if (r < 0)
		complain("Out of memory.");
	return r < 0 ? CGKILL_EXIT_FAILED : CGKILL_EXIT_OK;
}

/* Names, or a limit as it is, with whatever commas. */
static int add_properties(struct options *o, const char *list)
{
	if (!strchr(list, '='))
		return add_words(&o->properties, list);
	if (strv_push(&o->properties, list) == 0)
		return CGKILL_EXIT_OK;
	complain("Out of memory.");
	return CGKILL_EXIT_FAILED;
}

static int add_what(struct options *o, const char *list)
{
	return add_words(&o->what, list);
}

static int set_json(struct options *o, const char *value)
{
	static const char *const forms[] = {
		[JSON_OFF] = "off", [JSON_SHORT] = "short", [JSON_PRETTY] = "pretty"
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (streq(forms[i], value)) {
			o->json = (enum json_form)i;
			return CGKILL_EXIT_OK;
		}
	return bad_value("--json=", value, "off, short or pretty");
}

static int set_kill_whom(struct options *o, const char *value)
{
	if (!streq(value, "main") && !streq(value, "control") && !streq(value, "all"))
		return bad_value("--kill-whom=", value, "main, control or all");
	o->kill_whom = value;
	return CGKILL_EXIT_OK;
}

static int set_deadline(struct options *o, const char *value)
{
	/* JSON's integers are signed */
	if (parse_span(value, &o->deadline) < 0 ||
	    (o->deadline > INT64_MAX && o->deadline != USEC_INFINITY))
		return bad_value("--deadline=", value, "a time span such as 500ms or \"1min 30s\"");
	return CGKILL_EXIT_OK;
}

static int set_budget(struct options *o, const char *value)
{
	if (parse_span(value, &o->budget) < 0)
		return bad_value("--budget=", value, "a time span such as 25s");
	return CGKILL_EXIT_OK;
}

static int set_span(usec_t *span, const char *option, const char *value)
{
	if (parse_span(value, span) < 0 || *span == USEC_INFINITY)
		return bad_value(option, value, "a time span such as 500ms or 30s");
	return CGKILL_EXIT_OK;
}

static int set_timeout(struct options *o, const char *value)
{
	return set_span(&o->timeout, "--timeout=", value);
}

static int set_timeout_stop(struct options *o, const char *value)
{
	return set_span(&o->timeout_stop, "--timeout-stop=", value);
}

static int set_runtime_max(struct options *o, const char *value)
{
	return set_span(&o->runtime_max, "--runtime-max=", value);
}

static int set_parent(struct options *o, const char *value)
{
	o->parent = value;
	return CGKILL_EXIT_OK;
}

static int set_leader(struct options *o, const char *value)
{
	if (parse_pid(value, &o->leader) < 0)
		return bad_value("--leader=", value, "the number of a process");
	return CGKILL_EXIT_OK;
}

static int set_signal(struct options *o, const char *value)
{
	if (parse_signal(value, &o->signal) < 0)
		return bad_value("--signal=", value, "the name or number of a signal");
	return CGKILL_EXIT_OK;
}

static int set_severity(struct options *o, const char *value)
{
	for (enum severity s = SEVERITY_HINT; s < SEVERITY_MAX; s++)
		if (streq(severity_name(s), value)) {
			o->severity = s;
			return CGKILL_EXIT_OK;
		}
	return bad_value("--severity=", value, "hint, warning or error");
}

static int set_unit_path(struct options *o, const char *value)
{
	o->unit_path = value;
	return CGKILL_EXIT_OK;
}

static int set_lines(struct options *o, const char *value)
{
	if (parse_uint(value, &o->lines) < 0)
		return bad_value("--lines=", value, "a number");
	o->has_lines = true;
	return CGKILL_EXIT_OK;
}

static int set_output(struct options *o, const char *value)
{
	o->output = value;
	return CGKILL_EXIT_OK;
}

static int set_since(struct options *o, const char *value)
{
	o->since = value;
	return CGKILL_EXIT_OK;
}

static int set_until(struct options *o, const char *value)
{
	o->until = value;
	return CGKILL_EXIT_OK;
}

static int add_unit(struct options *o, const char *value)
{
	if (strv_push(&o->units, value) == 0)
		return CGKILL_EXIT_OK;
	complain("Out of memory.");
	return CGKILL_EXIT_FAILED;
}

static int set_value_of(struct options *o, const char *value)
{
	o->value = true;
	return add_properties(o, value);
}

static int set_runtime_dir(struct options *o, const char *value)
{
	o->runtime_dir = value;
	return CGKILL_EXIT_OK;
}

static int set_root(struct options *o, const char *value)
{
	if (*value != '/')
		return bad_value("--root=", value, "an absolute path");
	o->root = value;
	return CGKILL_EXIT_OK;
}

static int set_type(struct options *o, const char *value)
{
	if (!streq(value, "service") && !streq(value, "socket") && !streq(value, "target"))
		return bad_value("--type=", value, "service, socket or target");
	o->type = value;
	return CGKILL_EXIT_OK;
}

static int set_system(struct options *o, const char *value unused)
{
	o->scope = SCOPE_SYSTEM;
	return CGKILL_EXIT_OK;
}

static int set_user(struct options *o, const char *value unused)
{
	o->scope = SCOPE_USER;
	return CGKILL_EXIT_OK;
}

/*
 * systemctl has it, and here there is nothing that it would change: no pager, and no line is cut.
 */
static int set_nothing(struct options *o unused, const char *value unused)
{
	return CGKILL_EXIT_OK;
}

/* What an option does: set is called, or else the bool at offset flag becomes true. */
static const struct {
	int option;
	int (*set)(struct options *o, const char *value);
	size_t flag;
} settings[] = {
	{ 'a', NULL, offsetof(struct options, all) },
	{ 'f', NULL, offsetof(struct options, force) },
	{ 'l', set_nothing, 0 },
	{ 'n', set_lines, 0 },
	{ 'o', set_output, 0 },
	{ 'P', set_value_of, 0 },
	{ 'p', add_properties, 0 },
	{ 'q', NULL, offsetof(struct options, quiet) },
	{ 'r', NULL, offsetof(struct options, reverse) },
	{ 's', set_signal, 0 },
	{ 't', set_type, 0 },
	{ 'u', add_unit, 0 },
	{ 'v', NULL, offsetof(struct options, verbose) },
	{ OPT_BOOT, NULL, offsetof(struct options, boot) },
	{ OPT_BUDGET, set_budget, 0 },
	{ OPT_DEADLINE, set_deadline, 0 },
	{ OPT_DRY_RUN, NULL, offsetof(struct options, dry_run) },
	{ OPT_JSON, set_json, 0 },
	{ OPT_KEEP, NULL, offsetof(struct options, keep) },
	{ OPT_KILL_ONLY, NULL, offsetof(struct options, kill_only) },
	{ OPT_KILL_WHOM, set_kill_whom, 0 },
	{ OPT_LAST_STOP, NULL, offsetof(struct options, last_stop) },
	{ OPT_LEADER, set_leader, 0 },
	{ OPT_NO_BLOCK, NULL, offsetof(struct options, no_block) },
	{ OPT_NO_LEGEND, NULL, offsetof(struct options, no_legend) },
	{ OPT_NO_PAGER, set_nothing, 0 },
	{ OPT_NO_RELOAD, NULL, offsetof(struct options, no_reload) },
	{ OPT_NOW, NULL, offsetof(struct options, now) },
	{ OPT_PARENT, set_parent, 0 },
	{ OPT_ROOT, set_root, 0 },
	{ OPT_RUNTIME, NULL, offsetof(struct options, runtime) },
	{ OPT_RUNTIME_DIR, set_runtime_dir, 0 },
	{ OPT_RUNTIME_MAX, set_runtime_max, 0 },
	{ OPT_SEVERITY, set_severity, 0 },
	{ OPT_SINCE, set_since, 0 },
	{ OPT_SYSTEM, set_system, 0 },
	{ OPT_TIMEOUT, set_timeout, 0 },
	{ OPT_TIMEOUT_STOP, set_timeout_stop, 0 },
	{ OPT_UNIT_PATH, set_unit_path, 0 },
	{ OPT_UNTIL, set_until, 0 },
	{ OPT_USER, set_user, 0 },
	{ OPT_VALUE, NULL, offsetof(struct options, value) },
	{ OPT_WHAT, add_what, 0 },
};

static int set_option(struct options *o, int option, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (settings[i].option != option)
			continue;
		if (settings[i].set)
			return settings[i].set(o, value);
		*(bool *)((char *)o + settings[i].flag) = true;
		return CGKILL_EXIT_OK;
	}
	return CGKILL_EXIT_USAGE; /* getopt_long(3) has explained it */
}

static int dispatch(struct ctl *ctl, char **args, int n)
{
	static char default_verb[] = "list-units";
	char *no_args[] = { default_verb, NULL };

	if (n == 0) {
		args = no_args;
		n = 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!streq(verbs[i].name, args[0]))
			continue;
		if (n - 1 >= verbs[i].min_args && n - 1 <= verbs[i].max_args)
			return verbs[i].fn(ctl, args);
		complain(n - 1 < verbs[i].min_args ? "%s needs the name of a unit: see --help."
						   : "%s takes no arguments: see --help.",
			 verbs[i].name);
		return CGKILL_EXIT_USAGE;
	}
	complain("Unknown command \"%s\": see --help.", args[0]);
	return CGKILL_EXIT_USAGE;
}

/* Takes the options, up to optind. The exit code, or -1: go on. */
static int take_options(struct ctl *ctl, int argc, char **argv, const char *letters)
{
	int option, r;

	while ((option = getopt_long(argc, argv, letters, long_options, NULL)) >= 0) {
		if (option == 'h')
			return print_help();
		if (option == OPT_VERSION) {
			print_own_version();
			return CGKILL_EXIT_OK;
		}
		r = set_option(&ctl->options, option, optarg);
		if (r > 0)
			return r;
	}
	return -1;
}

/* Options may stand anywhere, only that what comes behind the command of run is the command's. */
static int run(struct ctl *ctl, int argc, char **argv)
{
	static const char letters[] = "+afhln:o:P:p:qrs:t:u:v";
	int r = take_options(ctl, argc, argv, letters), at = optind;
	char *verb = argv[at];

	if (r >= 0 || !verb)
		return r >= 0 ? r : dispatch(ctl, argv + at, 0);
	argv[at] = argv[0]; /* for what getopt_long(3) has to say */
	optind = 0;
	r = take_options(ctl, argc - at, argv + at, streq(verb, "run") ? letters : letters + 1);
	if (r >= 0)
		return r;
	at += optind - 1;
	argv[at] = verb;
	return dispatch(ctl, argv + at, argc - at);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {
		.options = { .deadline = USEC_INFINITY,
			     .budget = USEC_INFINITY,
			     .timeout = USEC_INFINITY,
			     .timeout_stop = USEC_INFINITY,
			     .runtime_max = USEC_INFINITY,
			     .signal = SIGTERM,
			     .lines = 10,
			     .severity = SEVERITY_WARNING },
		.client = CLIENT_INIT,
	};
	int r;

	/* Any seed will do for the few keys of a protocol: jansson would open /dev/urandom for one. */
	json_object_seed(1);
	r = run(&ctl, argc, argv);
	client_deinit(&ctl.client);
	strv_free(ctl.options.properties);
	strv_free(ctl.options.what);
	strv_free(ctl.options.units);
	/* a full disk must not look like an answer */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("Standard output: %m.");
		return r > 0 ? r : CGKILL_EXIT_FAILED;
	}
	return r;
}
