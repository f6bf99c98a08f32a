/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the settings of a unit look like to "systemctl show": one table of keys.
 */
#include "core/condition.h"
#include "core/credentials.h"
#include "core/directories.h"
#include "core/filter.h"
#include "core/limit.h"
#include "core/load.h"
#include "core/logging.h"
#include "core/privileges.h"
#include "core/resources.h"
#include "core/sandbox.h"
#include "core/scheduling.h"
#include "core/socket.h"
#include "util/buf.h"
#include "util/parse.h"
#include "util/strv.h"

struct row {
	const char *key;
	void (*put)(struct buf *b, const void *field);
	size_t offset; /* of the field in struct unit */
};

static void put_text(struct buf *b, const void *field)
{
	const char *s = *(char *const *)field;

	buf_puts(b, s ? s : "");
}

static void put_bool(struct buf *b, const void *field)
{
	buf_puts(b, *(const bool *)field ? "yes" : "no");
}

static void put_int(struct buf *b, const void *field)
{
	buf_printf(b, "%d", *(const int *)field);
}

static void put_unsigned(struct buf *b, const void *field)
{
	buf_printf(b, "%u", *(const unsigned *)field);
}

static void put_mode(struct buf *b, const void *field)
{
	buf_printf(b, "%04o", *(const unsigned *)field);
}

static void put_span(struct buf *b, const void *field)
{
	char span[SPAN_MAX];

	buf_puts(b, format_span(*(const usec_t *)field, span));
}

static void put_type(struct buf *b, const void *field)
{
	buf_puts(b, service_type_name(*(const enum service_type *)field));
}

static void put_restart(struct buf *b, const void *field)
{
	buf_puts(b, restart_policy_name(*(const enum restart_policy *)field));
}

static void put_failure_mode(struct buf *b, const void *field)
{
	buf_puts(b, failure_mode_name(*(const enum failure_mode *)field));
}

static void put_kill_mode(struct buf *b, const void *field)
{
	buf_puts(b, kill_mode_name(*(const enum kill_mode *)field));
}

static void put_exit_type(struct buf *b, const void *field)
{
	buf_puts(b, exit_type_name(*(const enum exit_type *)field));
}

static void put_restart_mode(struct buf *b, const void *field)
{
	buf_puts(b, restart_mode_name(*(const enum restart_mode *)field));
}

static void put_notify_access(struct buf *b, const void *field)
{
	buf_puts(b, notify_access_name(*(const enum notify_access *)field));
}

static void put_oom_policy(struct buf *b, const void *field)
{
	buf_puts(b, oom_policy_name(*(const enum oom_policy *)field));
}

static void put_fdstore_preserve(struct buf *b, const void *field)
{
	buf_puts(b, fdstore_preserve_name(*(const enum fdstore_preserve *)field));
}

static void put_unit_action(struct buf *b, const void *field)
{
	buf_puts(b, unit_action_name(*(const enum unit_action *)field));
}

static void put_escape_policy(struct buf *b, const void *field)
{
	buf_puts(b, escape_policy_name(*(const enum escape_policy *)field));
}

static void put_separator(struct buf *b)
{
	if (b->len > 0)
		buf_putc(b, ' ');
}

/* A word that would not survive being split at white space is quoted. */
static void put_word(struct buf *b, const char *word)
{
	put_separator(b);
	if (*word && word[strcspn(word, " \t\n\"'\\")] == '\0') {
		buf_puts(b, word);
		return;
	}
	buf_putc(b, '"');
	for (; *word; word++) {
		if (*word == '\n') {
			buf_puts(b, "\\n");
			continue;
		}
		if (*word == '"' || *word == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *word);
	}
	buf_putc(b, '"');
}

static void put_words(struct buf *b, const void *field)
{
	char *const *words = *(char **const *)field;

	for (size_t i = 0; words && words[i]; i++)
		put_word(b, words[i]);
}

static void put_exit_set(struct buf *b, const void *field)
{
	const struct exit_set *set = *(struct exit_set *const *)field;

	for (int status = 0; status <= 255; status++)
		if (exit_set_has_status(set, status)) {
			put_separator(b);
			buf_printf(b, "%d", status);
		}
	for (int sig = 1; sig <= 64; sig++)
		if (exit_set_has_signal(set, sig)) {
			put_separator(b);
			buf_puts(b, signal_name(sig));
		}
}

static void put_stdio(struct buf *b, const void *field)
{
	static const char *const words[STDIO_MAX] = {
		[STDIO_NULL] = "null",	[STDIO_INHERIT] = "inherit", [STDIO_LOG] = "journal",
		[STDIO_FILE] = "file:", [STDIO_APPEND] = "append:",  [STDIO_TRUNCATE] = "truncate:",
		[STDIO_DATA] = "data",
	};
	const struct stdio_target *target = field;

	buf_printf(b, "%s%s", words[target->kind], target->path ? target->path : "");
}

static void put_commands(struct buf *b, const void *field)
{
	const struct exec_commands *commands = field;

	for (size_t i = 0; i < commands->n; i++) {
		const struct exec_command *c = &commands->v[i];

		put_separator(b);
		buf_printf(b, "{ path=%s ; argv[]=", c->path);
		for (size_t arg = 0; c->argv[arg]; arg++)
			buf_printf(b, "%s%s", arg > 0 ? " " : "", c->argv[arg]);
		buf_printf(b, " ; ignore_errors=%s }", c->ignore_failure ? "yes" : "no");
	}
}

static void put_conditions(struct buf *b, const void *field)
{
	const struct conditions *list = *(struct conditions *const *)field;

	for (size_t i = 0; list && i < list->n; i++) {
		cleanup_free char *text = condition_text(&list->v[i]);

		put_word(b, text ? text : "");
	}
}

#define ROW(key, put, member)                           \
	{                                               \
		key, put, offsetof(struct unit, member) \
	}

/* clang-format off */
static const struct row rows[] = {
	ROW("Id", put_text, name),
	ROW("Documentation", put_words, documentation),
	ROW("Requires", put_words, deps[DEP_REQUIRES]),
	ROW("Requisite", put_words, deps[DEP_REQUISITE]),
	ROW("Wants", put_words, deps[DEP_WANTS]),
	ROW("BindsTo", put_words, deps[DEP_BINDS_TO]),
	ROW("PartOf", put_words, deps[DEP_PART_OF]),
	ROW("Upholds", put_words, deps[DEP_UPHOLDS]),
	ROW("Conflicts", put_words, deps[DEP_CONFLICTS]),
	ROW("After", put_words, deps[DEP_AFTER]),
	ROW("Before", put_words, deps[DEP_BEFORE]),
	ROW("PropagatesStopTo", put_words, deps[DEP_PROPAGATES_STOP_TO]),
	ROW("StopPropagatedFrom", put_words, deps[DEP_STOP_PROPAGATED_FROM]),
	ROW("PropagatesReloadTo", put_words, deps[DEP_PROPAGATES_RELOAD_TO]),
	ROW("ReloadPropagatedFrom", put_words, deps[DEP_RELOAD_PROPAGATED_FROM]),
	ROW("OnFailure", put_words, deps[DEP_ON_FAILURE]),
	ROW("OnSuccess", put_words, deps[DEP_ON_SUCCESS]),
	ROW("Conditions", put_conditions, conditions),
	ROW("DefaultDependencies", put_bool, default_dependencies),
	ROW("RefuseManualStart", put_bool, refuse_manual_start),
	ROW("RefuseManualStop", put_bool, refuse_manual_stop),
	ROW("StartLimitAction", put_unit_action, start_limit_action),
	ROW("SuccessAction", put_unit_action, success_action),
	ROW("FailureAction", put_unit_action, failure_action),
	ROW("FragmentPath", put_text, fragment_path),
	ROW("DropInPaths", put_words, dropin_paths),
	ROW("Type", put_type, type),
	ROW("ExitType", put_exit_type, exit_type),
	ROW("RemainAfterExit", put_bool, remain_after_exit),
	ROW("GuessMainPID", put_bool, guess_main_pid),
	ROW("NotifyAccess", put_notify_access, notify_access),
	ROW("ReloadSignal", put_int, reload_signal),
	ROW("FileDescriptorStoreMax", put_unsigned, fdstore_max),
	ROW("FileDescriptorStorePreserve", put_fdstore_preserve, fdstore_preserve),
	ROW("OOMPolicy", put_oom_policy, oom_policy),
	ROW("PIDFile", put_text, pid_file),
	ROW("BusName", put_text, bus_name),
	ROW("ExecCondition", put_commands, exec[EXEC_CONDITION]),
	ROW("ExecStartPre", put_commands, exec[EXEC_START_PRE]),
	ROW("ExecStart", put_commands, exec[EXEC_START]),
	ROW("ExecStartPost", put_commands, exec[EXEC_START_POST]),
	ROW("ExecReload", put_commands, exec[EXEC_RELOAD]),
	ROW("ExecStop", put_commands, exec[EXEC_STOP]),
	ROW("ExecStopPost", put_commands, exec[EXEC_STOP_POST]),
	ROW("Restart", put_restart, restart),
	ROW("RestartMode", put_restart_mode, restart_mode),
	ROW("RestartUSec", put_span, restart_delay),
	ROW("RestartMaxDelayUSec", put_span, restart_delay_max),
	ROW("RestartSteps", put_unsigned, restart_steps),
	ROW("SuccessExitStatus", put_exit_set, success),
	ROW("RestartPreventExitStatus", put_exit_set, restart_prevent),
	ROW("RestartForceExitStatus", put_exit_set, restart_force),
	ROW("StartLimitIntervalUSec", put_span, start_limit_interval),
	ROW("StartLimitBurst", put_unsigned, start_limit_burst),
	ROW("TimeoutStartUSec", put_span, timeout_start),
	ROW("TimeoutStopUSec", put_span, timeout_stop),
	ROW("TimeoutAbortUSec", put_span, timeout_abort),
	ROW("TimeoutStartFailureMode", put_failure_mode, timeout_start_failure_mode),
	ROW("TimeoutStopFailureMode", put_failure_mode, timeout_stop_failure_mode),
	ROW("RuntimeMaxUSec", put_span, runtime_max),
	ROW("RuntimeRandomizedExtraUSec", put_span, runtime_extra),
	ROW("WatchdogUSec", put_span, watchdog),
	ROW("KillMode", put_kill_mode, kill_mode),
	ROW("KillSignal", put_int, kill_signal),
	ROW("RestartKillSignal", put_int, restart_kill_signal),
	ROW("FinalKillSignal", put_int, final_kill_signal),
	ROW("WatchdogSignal", put_int, watchdog_signal),
	ROW("SendSIGKILL", put_bool, send_sigkill),
	ROW("SendSIGHUP", put_bool, send_sighup),
	ROW("User", put_text, user),
	ROW("Group", put_text, group),
	ROW("DynamicUser", put_bool, dynamic_user),
	ROW("SupplementaryGroups", put_words, supplementary_groups),
	ROW("Environment", put_words, environment),
	ROW("PassEnvironment", put_words, pass_environment),
	ROW("UnsetEnvironment", put_words, unset_environment),
	ROW("UMask", put_mode, umask),
	ROW("StandardInput", put_stdio, std_in),
	ROW("StandardOutput", put_stdio, std_out),
	ROW("StandardError", put_stdio, std_err),
	ROW("IgnoreSIGPIPE", put_bool, ignore_sigpipe),
	ROW("WantedBy", put_words, wanted_by),
	ROW("RequiredBy", put_words, required_by),
	ROW("UpheldBy", put_words, upheld_by),
	ROW("StopDeadlineUSec", put_span, stop_deadline),
	ROW("KillVerifyUSec", put_span, kill_verify),
	ROW("LeaderGraceUSec", put_span, leader_grace),
	ROW("RestGraceUSec", put_span, rest_grace),
	ROW("EscapePolicy", put_escape_policy, escape_policy),
};
/* clang-format on */

static void show_rlimit(struct showing *out, const char *name, const char *suffix, rlim_t value)
{
	char key[32];

	snprintf(key, sizeof(key), "Limit%s%s", name, suffix);
	if (value == RLIM_INFINITY)
		buf_puts(&out->text, "infinity");
	else
		buf_printf(&out->text, "%" PRIu64, (uint64_t)value);
	show_gathered(out, key);
}

/* What is shown only where it was set, because the rest is inherited. */
static void show_inherited(struct showing *out, const struct unit *u)
{
	for (int resource = 0; u->limits && resource < RLIM_NLIMITS; resource++) {
		const struct limit *l = &u->limits[resource];

		if (!l->set)
			continue;
		show_rlimit(out, limit_name(resource), "", l->hard);
		show_rlimit(out, limit_name(resource), "Soft", l->soft);
	}
	if (u->nice_set)
		show_format(out, "Nice", "%d", u->nice);
	if (u->oom_score_adjust_set)
		show_format(out, "OOMScoreAdjust", "%d", u->oom_score_adjust);
}

void unit_show(const struct unit *u, unit_show_fn fn, void *arg)
{
	struct showing out = { fn, arg, BUF_INIT };

	show_text(&out, "Description", u->description ? u->description : u->name);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i].put(&out.text, (const char *)u + rows[i].offset);
		show_gathered(&out, rows[i].key);
	}
	if (u->working_directory)
		show_format(&out, "WorkingDirectory", "%s%s",
			    u->working_directory_optional ? "!" : "", u->working_directory);
	for (size_t i = 0; i < u->n_environment_files; i++)
		show_format(&out, "EnvironmentFiles", "%s (ignore_errors=%s)",
			    u->environment_files[i].path,
			    u->environment_files[i].optional ? "yes" : "no");
	show_inherited(&out, u);
	resources_show(u->resources, &out);
	directories_show(u->directories, &out);
	credentials_show(u->credentials, &out);
	scheduling_show(u->scheduling, &out);
	logging_show(u->logging, &out);
	privileges_show(u, &out);
	filter_show(u->filter, &out);
	sandbox_show(u->sandbox, &out);
	socket_show(u, &out);
}
