/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/unit.h"

#include <signal.h>

#include "core/cmdline.h"
#include "core/condition.h"
#include "core/credentials.h"
#include "core/directories.h"
#include "core/filter.h"
#include "core/logging.h"
#include "core/resources.h"
#include "core/sandbox.h"
#include "core/scheduling.h"
#include "core/socket.h"
#include "core/stdin_data.h"
#include "util/strv.h"

#define DEFAULT_TIMEOUT	     (90 * USEC_PER_SEC) /* DefaultTimeout*Sec= of systemd-system.conf(5) */
#define DEFAULT_RESTART	     (100 * USEC_PER_MSEC)
#define DEFAULT_START_WINDOW (10 * USEC_PER_SEC)
#define DEFAULT_START_BURST  5
#define DEFAULT_KILL_VERIFY  (5 * USEC_PER_SEC)

static const char *const service_types[SERVICE_TYPE_MAX] = {
	[SERVICE_SIMPLE] = "simple",
	[SERVICE_EXEC] = "exec",
	[SERVICE_FORKING] = "forking",
	[SERVICE_ONESHOT] = "oneshot",
	[SERVICE_DBUS] = "dbus",
	[SERVICE_NOTIFY] = "notify",
	[SERVICE_NOTIFY_RELOAD] = "notify-reload",
	[SERVICE_IDLE] = "idle",
};

static const char *const kill_modes[KILL_MODE_MAX] = {
	[KILL_CONTROL_GROUP] = "control-group",
	[KILL_MIXED] = "mixed",
	[KILL_PROCESS] = "process",
	[KILL_NONE] = "none",
};

static const char *const failure_modes[FAILURE_MODE_MAX] = {
	[FAILURE_TERMINATE] = "terminate",
	[FAILURE_ABORT] = "abort",
	[FAILURE_KILL] = "kill",
};

static const char *const escape_policies[ESCAPE_MAX] = {
	[ESCAPE_IGNORE] = "ignore",
	[ESCAPE_REPORT] = "report",
	[ESCAPE_KILL] = "kill",
};

static const char *const restart_policies[RESTART_MAX] = {
	[RESTART_NO] = "no",
	[RESTART_ON_SUCCESS] = "on-success",
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ON_ABNORMAL] = "on-abnormal",
	[RESTART_ON_WATCHDOG] = "on-watchdog",
	[RESTART_ON_ABORT] = "on-abort",
	[RESTART_ALWAYS] = "always",
};

static const char *const exec_phases[EXEC_PHASE_MAX] = {
	[EXEC_CONDITION] = "ExecCondition", [EXEC_START_PRE] = "ExecStartPre",
	[EXEC_START] = "ExecStart",	    [EXEC_START_POST] = "ExecStartPost",
	[EXEC_RELOAD] = "ExecReload",	    [EXEC_STOP] = "ExecStop",
	[EXEC_STOP_POST] = "ExecStopPost",
};

static const char *const dependencies[DEP_MAX] = {
	[DEP_REQUIRES] = "Requires",
	[DEP_REQUISITE] = "Requisite",
	[DEP_WANTS] = "Wants",
	[DEP_BINDS_TO] = "BindsTo",
	[DEP_PART_OF] = "PartOf",
	[DEP_UPHOLDS] = "Upholds",
	[DEP_CONFLICTS] = "Conflicts",
	[DEP_AFTER] = "After",
	[DEP_BEFORE] = "Before",
	[DEP_PROPAGATES_STOP_TO] = "PropagatesStopTo",
	[DEP_STOP_PROPAGATED_FROM] = "StopPropagatedFrom",
	[DEP_PROPAGATES_RELOAD_TO] = "PropagatesReloadTo",
	[DEP_RELOAD_PROPAGATED_FROM] = "ReloadPropagatedFrom",
	[DEP_ON_FAILURE] = "OnFailure",
	[DEP_ON_SUCCESS] = "OnSuccess",
};

static const char *const restart_modes[RESTART_MODE_MAX] = {
	[RESTART_MODE_NORMAL] = "normal",
	[RESTART_MODE_DIRECT] = "direct",
};

static const char *const exit_types[EXIT_TYPE_MAX] = {
	[EXIT_TYPE_MAIN] = "main",
	[EXIT_TYPE_CGROUP] = "cgroup",
};

static const char *const notify_accesses[NOTIFY_ACCESS_MAX] = {
	[NOTIFY_ACCESS_NONE] = "none",
	[NOTIFY_ACCESS_MAIN] = "main",
	[NOTIFY_ACCESS_EXEC] = "exec",
	[NOTIFY_ACCESS_ALL] = "all",
};

static const char *const oom_policies[OOM_POLICY_MAX] = {
	[OOM_POLICY_CONTINUE] = "continue",
	[OOM_POLICY_STOP] = "stop",
	[OOM_POLICY_KILL] = "kill",
};

static const char *const fdstore_preserves[FDSTORE_PRESERVE_MAX] = {
	[FDSTORE_PRESERVE_NO] = "no",
	[FDSTORE_PRESERVE_RESTART] = "restart",
	[FDSTORE_PRESERVE_YES] = "yes",
};

static const char *const unit_actions[UNIT_ACTION_MAX] = {
	[UNIT_ACTION_NONE] = "none",
	[UNIT_ACTION_EXIT] = "exit",
	[UNIT_ACTION_EXIT_FORCE] = "exit-force",
};

#define NAME_IN(table, value) ((size_t)(value) < ARRAY_SIZE(table) ? (table)[value] : NULL)

const char *service_type_name(enum service_type t)
{
	return NAME_IN(service_types, t);
}

const char *kill_mode_name(enum kill_mode m)
{
	return NAME_IN(kill_modes, m);
}

const char *restart_policy_name(enum restart_policy r)
{
	return NAME_IN(restart_policies, r);
}

const char *failure_mode_name(enum failure_mode m)
{
	return NAME_IN(failure_modes, m);
}

const char *escape_policy_name(enum escape_policy p)
{
	return NAME_IN(escape_policies, p);
}

const char *exec_phase_name(enum exec_phase p)
{
	return NAME_IN(exec_phases, p);
}

const char *dependency_name(enum dependency d)
{
	return NAME_IN(dependencies, d);
}

const char *restart_mode_name(enum restart_mode m)
{
	return NAME_IN(restart_modes, m);
}

const char *exit_type_name(enum exit_type t)
{
	return NAME_IN(exit_types, t);
}

const char *notify_access_name(enum notify_access a)
{
	return NAME_IN(notify_accesses, a);
}

const char *oom_policy_name(enum oom_policy p)
{
	return NAME_IN(oom_policies, p);
}

const char *fdstore_preserve_name(enum fdstore_preserve p)
{
	return NAME_IN(fdstore_preserves, p);
}

const char *unit_action_name(enum unit_action a)
{
	return NAME_IN(unit_actions, a);
}

enum unit_kind unit_kind_of(const char *name)
{
	const char *suffix = strrchr(name, '.');

	return suffix && streq(suffix, ".service")  ? UNIT_SERVICE
	       : suffix && streq(suffix, ".target") ? UNIT_TARGET
	       : suffix && streq(suffix, ".slice")  ? UNIT_SLICE
	       : suffix && streq(suffix, ".socket") ? UNIT_SOCKET
						    : UNIT_KIND_INVALID;
}

struct unit *unit_new(const char *name)
{
	struct unit *u = malloc(sizeof(*u));

	if (!u)
		return NULL;
	*u = (struct unit){
		.name = strdup(name),
		.kind = unit_kind_of(name),
		.default_dependencies = true,
		.start_limit_action = UNIT_ACTION_NONE,
		.success_action = UNIT_ACTION_NONE,
		.failure_action = UNIT_ACTION_NONE,
		.start_limit_interval = DEFAULT_START_WINDOW,
		.start_limit_burst = DEFAULT_START_BURST,
		.type = SERVICE_SIMPLE,
		.exit_type = EXIT_TYPE_MAIN,
		.guess_main_pid = true,
		.restart = RESTART_NO,
		.restart_mode = RESTART_MODE_NORMAL,
		.restart_delay = DEFAULT_RESTART,
		.restart_delay_max = USEC_INFINITY,
		.timeout_start = DEFAULT_TIMEOUT,
		.timeout_stop = DEFAULT_TIMEOUT,
		.timeout_abort = DEFAULT_TIMEOUT,
		.timeout_start_failure_mode = FAILURE_TERMINATE,
		.timeout_stop_failure_mode = FAILURE_TERMINATE,
		.runtime_max = USEC_INFINITY,
		.notify_access = NOTIFY_ACCESS_NONE,
		.reload_signal = SIGHUP,
		.fdstore_preserve = FDSTORE_PRESERVE_RESTART,
		.oom_policy = OOM_POLICY_STOP,
		.kill_mode = KILL_CONTROL_GROUP,
		.kill_signal = SIGTERM,
		.restart_kill_signal = SIGTERM,
		.final_kill_signal = SIGKILL,
		.watchdog_signal = SIGABRT,
		.send_sigkill = true,
		.umask = 0022,
		.std_in = { .kind = STDIO_NULL },
		.std_out = { .kind = STDIO_LOG },
		.std_err = { .kind = STDIO_INHERIT },
		.ignore_sigpipe = true,
		.stop_deadline = USEC_INFINITY,
		.kill_verify = DEFAULT_KILL_VERIFY,
		.escape_policy = ESCAPE_IGNORE,
	};
	if (!u->name) {
		free(u);
		return NULL;
	}
	return u;
}

void unit_free(struct unit *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < EXEC_PHASE_MAX; i++)
		exec_commands_clear(&u->exec[i]);
	for (size_t i = 0; i < u->n_environment_files; i++)
		free(u->environment_files[i].path);
	free(u->environment_files);
	free(u->limits);
	free(u->privileges);
	filter_free(u->filter);
	sandbox_free(u->sandbox);
	resources_free(u->resources);
	credentials_free(u->credentials);
	directories_free(u->directories);
	stdin_data_free(u->stdin_data);
	socket_unit_free(u->socket);
	logging_free(u->logging);
	scheduling_free(u->scheduling);
	free(u->success);
	free(u->restart_prevent);
	free(u->restart_force);
	strv_free(u->dropin_paths);
	strv_free(u->documentation);
	for (size_t i = 0; i < DEP_MAX; i++)
		strv_free(u->deps[i]);
	conditions_free(u->conditions);
	strv_free(u->supplementary_groups);
	strv_free(u->environment);
	strv_free(u->unset_environment);
	strv_free(u->pass_environment);
	strv_free(u->wanted_by);
	strv_free(u->required_by);
	strv_free(u->upheld_by);
	strv_free(u->also);
	strv_free(u->alias);
	free(u->default_instance);
	free(u->std_in.path);
	free(u->std_out.path);
	free(u->std_err.path);
	free(u->working_directory);
	free(u->user);
	free(u->group);
	free(u->pid_file);
	free(u->bus_name);
	free(u->description);
	free(u->fragment_path);
	free(u->name);
	free(u);
}
