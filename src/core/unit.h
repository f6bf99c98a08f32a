/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A unit, a service or a target, as its files describe it: plain data, filled from text by core/load.h, read by
 * everything else. Names and meanings are those of systemd.unit(5), systemd.service(5),
 * systemd.exec(5) and systemd.kill(5); what is ours comes from the section [X-Cgkill]. No I/O here.
 */
#include <sys/resource.h>

#include "util/clock.h"
#include "util/diag.h"
#include "util/macro.h"

struct buf;
struct conditions;
struct credentials;
struct directories;
struct filter;
struct logging;
struct privileges;
struct resources;
struct scheduling;
struct sandbox;
struct socket_unit;

#define UNIT_NAME_MAX 255

/* 0 is no valid member of any of these enumerations, so that a field that nothing set is noticed. */

/* What the suffix of a name says. Units of other kinds (timers, mounts …) are only names that others are ordered by. */
enum unit_kind {
	UNIT_KIND_INVALID,
	UNIT_SERVICE,
	UNIT_TARGET, /* a synchronisation point: no processes, only dependencies */
	UNIT_SLICE,  /* the same, and a cgroup for those of services: systemd.slice(5) */
	UNIT_SOCKET, /* listens, and has its service started by who speaks to it: systemd.socket(5) */
	UNIT_KIND_MAX,
};

/* What a unit wants of others: systemd.unit(5). Each is kept as it is written; core/graph.h knows the other direction. */
enum dependency {
	DEP_REQUIRES,
	DEP_REQUISITE,
	DEP_WANTS,
	DEP_BINDS_TO,
	DEP_PART_OF,
	DEP_UPHOLDS,
	DEP_CONFLICTS,
	DEP_AFTER,
	DEP_BEFORE,
	DEP_PROPAGATES_STOP_TO,
	DEP_STOP_PROPAGATED_FROM,
	DEP_PROPAGATES_RELOAD_TO,
	DEP_RELOAD_PROPAGATED_FROM,
	DEP_ON_FAILURE,
	DEP_ON_SUCCESS,
	DEP_MAX,
};

enum service_type {
	SERVICE_TYPE_INVALID,
	SERVICE_SIMPLE,
	SERVICE_EXEC,
	SERVICE_FORKING,
	SERVICE_ONESHOT,
	SERVICE_DBUS,
	SERVICE_NOTIFY,
	SERVICE_NOTIFY_RELOAD,
	SERVICE_IDLE,
	SERVICE_TYPE_MAX,
};

enum kill_mode {
	KILL_MODE_INVALID,
	KILL_CONTROL_GROUP,
	KILL_MIXED,
	KILL_PROCESS,
	KILL_NONE,
	KILL_MODE_MAX
};

enum failure_mode {
	FAILURE_MODE_INVALID,
	FAILURE_TERMINATE,
	FAILURE_ABORT,
	FAILURE_KILL,
	FAILURE_MODE_MAX
};

/* What becomes of processes that descend from a service and have left its cgroup. */
enum escape_policy {
	ESCAPE_INVALID,
	ESCAPE_IGNORE,
	ESCAPE_REPORT,
	ESCAPE_KILL, /* at the end of the run, as what is in the cgroup */
	ESCAPE_MAX,
};

enum restart_policy {
	RESTART_INVALID,
	RESTART_NO,
	RESTART_ON_SUCCESS,
	RESTART_ON_FAILURE,
	RESTART_ON_ABNORMAL,
	RESTART_ON_WATCHDOG,
	RESTART_ON_ABORT,
	RESTART_ALWAYS,
	RESTART_MAX,
};

/* RestartMode=: does a unit that is to be restarted pass through "failed" or "inactive", where others see it? */
enum restart_mode {
	RESTART_MODE_INVALID,
	RESTART_MODE_NORMAL,
	RESTART_MODE_DIRECT,
	RESTART_MODE_MAX
};

/* ExitType=: whose end is the end of the run. */
enum exit_type { EXIT_TYPE_INVALID, EXIT_TYPE_MAIN, EXIT_TYPE_CGROUP, EXIT_TYPE_MAX };

/* NotifyAccess=: whose messages count. Resolved: none is raised to main where the type or WatchdogSec= needs them. */
enum notify_access {
	NOTIFY_ACCESS_INVALID,
	NOTIFY_ACCESS_NONE,
	NOTIFY_ACCESS_MAIN,
	NOTIFY_ACCESS_EXEC, /* the main and the control process */
	NOTIFY_ACCESS_ALL,  /* whoever is in the cgroup */
	NOTIFY_ACCESS_MAX,
};

/* OOMPolicy=: what the kernel's out-of-memory killer in the cgroup means for the service. */
enum oom_policy {
	OOM_POLICY_INVALID,
	OOM_POLICY_CONTINUE,
	OOM_POLICY_STOP,
	OOM_POLICY_KILL,
	OOM_POLICY_MAX
};

/* FileDescriptorStorePreserve=: when the stored descriptors are closed. */
enum fdstore_preserve {
	FDSTORE_PRESERVE_INVALID,
	FDSTORE_PRESERVE_NO,	  /* when the service ends */
	FDSTORE_PRESERVE_RESTART, /* unless it is about to be started again */
	FDSTORE_PRESERVE_YES,	  /* when the unit is forgotten */
	FDSTORE_PRESERVE_MAX,
};

/* StartLimitAction=, SuccessAction=, FailureAction=: those that make sense without an init. */
enum unit_action {
	UNIT_ACTION_INVALID,
	UNIT_ACTION_NONE,
	UNIT_ACTION_EXIT,	/* cgkilld shuts down in order, and exits */
	UNIT_ACTION_EXIT_FORCE, /* … with everything killed at once */
	UNIT_ACTION_MAX,
};

enum stdio_kind {
	STDIO_INVALID,
	STDIO_NULL,
	STDIO_INHERIT, /* output only: as standard input has it (output), as standard output has it (error) */
	STDIO_LOG,	/* journal, syslog, kmsg and their "+console": a file of cgkilld's own */
	STDIO_FILE,	/* file:PATH */
	STDIO_APPEND,	/* append:PATH */
	STDIO_TRUNCATE, /* truncate:PATH */
	STDIO_DATA,	/* input only: StandardInputText= and StandardInputData= */
	STDIO_MAX,
};

struct stdio_target {
	enum stdio_kind kind;
	char *path; /* FILE, APPEND, TRUNCATE only; absolute */
};

/* The lists of commands, in the order in which a life runs through them. */
enum exec_phase {
	EXEC_CONDITION,
	EXEC_START_PRE,
	EXEC_START,
	EXEC_START_POST,
	EXEC_RELOAD,
	EXEC_STOP,
	EXEC_STOP_POST,
	EXEC_PHASE_MAX,
};

/* What a socket's processes do without executing a program: core/socket.h. */
enum exec_builtin {
	EXEC_NO_BUILTIN,
	EXEC_LISTEN, /* opens what the unit listens on, and hands it over */
	EXEC_UNLINK, /* RemoveOnStop= */
};

/* One command line, specifiers expanded, variables not yet. */
struct exec_command {
	char *path;		   /* absolute, or a bare name to be looked up on the fixed path */
	char **argv;		   /* argv[0] is path unless '@' */
	enum exec_builtin builtin; /* path is what people see of it */
	bool ignore_failure;	   /* '-' */
	bool no_env_expand;	   /* ':' */
	bool privileged; /* '+': User=, Group=, capabilities and namespaces do not apply */
	bool no_setuid;	 /* '!': User= and Group= do not apply */
};

struct exec_commands {
	struct exec_command *v;
	size_t n;
};

/* A set of exit statuses and signals (SuccessExitStatus= and its like). */
struct exit_set {
	uint8_t status[32]; /* one bit a status, 0 to 255 */
	uint64_t signals;   /* bit N - 1 = signal N, 1 to 64 (SIGRTMAX) */
};

struct env_file {
	char *path;
	bool optional; /* '-' */
};

struct limit {
	bool set;
	rlim_t soft, hard;
};

struct unit {
	char *name; /* "foo.service", "foo@bar.service", "foo.target" */
	enum unit_kind kind;

	/* where it came from, for status and cat */
	char *fragment_path; /* NULL: nothing found */
	char **dropin_paths;

	/* [Unit] */
	char *description; /* NULL: the name is all that there is */
	char **documentation;
	char **deps[DEP_MAX]; /* names of units, of whatever kind, with those of NAME.wants and NAME.requires */
	struct conditions *conditions; /* core/condition.h; NULL = none */
	bool default_dependencies;     /* core/defaults.h adds them */
	bool refuse_manual_start, refuse_manual_stop;
	enum unit_action start_limit_action, success_action, failure_action;
	usec_t start_limit_interval; /* 0 = no limit; default 10 s */
	unsigned start_limit_burst;  /* default 5 */

	/* [Service] */
	enum service_type type;
	enum exit_type exit_type;
	bool remain_after_exit;
	bool permissions_start_only; /* all commands but those of ExecStart= have a "+" */
	bool guess_main_pid;	     /* default yes */
	char *pid_file;		     /* absolute, NULL = none */
	char *bus_name;		     /* NULL = none */
	struct exec_commands exec[EXEC_PHASE_MAX];
	enum restart_policy restart;
	enum restart_mode restart_mode;
	usec_t restart_delay;	  /* RestartSec; default 100 ms */
	usec_t restart_delay_max; /* RestartMaxDelaySec; USEC_INFINITY = not set */
	unsigned restart_steps;	  /* 0 = the delay does not grow */
	struct exit_set *success; /* NULL = none, as of the others; SuccessExitStatus, beyond the built-in clean ends */
	struct exit_set *restart_prevent;
	struct exit_set *restart_force;
	usec_t timeout_start; /* USEC_INFINITY = none */
	usec_t timeout_stop;
	usec_t timeout_abort; /* resolved: TimeoutStopSec where it was not set */
	enum failure_mode timeout_start_failure_mode, timeout_stop_failure_mode;
	usec_t runtime_max;   /* USEC_INFINITY = none */
	usec_t runtime_extra; /* RuntimeRandomizedExtraSec */
	usec_t watchdog;      /* WatchdogSec; 0 or USEC_INFINITY = none */
	enum notify_access notify_access;
	int reload_signal;    /* Type=notify-reload; default SIGHUP */
	unsigned fdstore_max; /* FileDescriptorStoreMax; 0 = there is none */
	enum fdstore_preserve fdstore_preserve;
	enum oom_policy oom_policy;

	/* systemd.kill(5) */
	enum kill_mode kill_mode;
	int kill_signal;
	int restart_kill_signal; /* resolved: KillSignal where it was not set */
	int final_kill_signal;
	int watchdog_signal;
	bool send_sigkill;
	bool send_sighup;

	/* systemd.exec(5) */
	char *user, *group; /* NULL = the manager's own */
	char **supplementary_groups;
	char *working_directory; /* absolute or "~"; NULL = / */
	bool working_directory_optional;
	char **environment; /* NAME=value, later ones override earlier ones */
	char **unset_environment;
	char **pass_environment;
	struct env_file *environment_files;
	size_t n_environment_files;
	unsigned umask;
	bool nice_set;
	int nice;
	bool oom_score_adjust_set;
	int oom_score_adjust;
	struct limit *limits;		 /* RLIM_NLIMITS of them; NULL = none is set */
	struct privileges *privileges;	 /* core/privileges.h; NULL = none is set */
	struct filter *filter;		 /* core/filter.h; NULL = none is set */
	struct sandbox *sandbox;	 /* core/sandbox.h; NULL = none is set */
	struct scheduling *scheduling;	 /* core/scheduling.h; NULL = none is set */
	struct credentials *credentials; /* core/credentials.h; NULL = none is set */
	struct directories *directories; /* core/directories.h; NULL = none is set */
	struct logging *logging;	 /* core/logging.h; NULL = none is set */
	struct buf *stdin_data;		 /* core/stdin_data.h; NULL = none */
	struct socket_unit *socket; /* core/socket.h; of a socket, never NULL once loaded; NULL = none */
	struct stdio_target std_in, std_out, std_err;
	bool ignore_sigpipe; /* default yes */
	bool dynamic_user;   /* core/dynamicuser.h */
	/* cgkilld's own: session, terminal, environment, directory, $PATH, descriptors 0 to 2. core/initwords.h */
	bool foreground;

	/* systemd.resource-control(5); also of a slice */
	struct resources *resources; /* core/resources.h; NULL = none */

	/* [Install] */
	char **wanted_by, **required_by, **upheld_by, **also, **alias;
	char *default_instance; /* of a template; NULL = none */

	/* [X-Cgkill] */
	usec_t stop_deadline; /* StopDeadlineSec; USEC_INFINITY = none */
	usec_t kill_verify; /* KillVerifySec; default 5 s; how long a kill may take before it is called stuck */
	enum escape_policy escape_policy;
	bool require_protections; /* a start fails where the host refuses a directive that protects */
	/*
	 * The stop in three steps, where a unit wants that: the main process alone has KillSignal= for leader_grace
	 * (LeaderGraceSec=; 0 = a millisecond, see signals_put_off()), then everybody; who is left when the main process has
	 * ended has it for rest_grace (RestGraceSec=) before SIGKILL. Within TimeoutStopSec=, both.
	 * KillMode=mixed: rest_grace 0 means that the rest is killed at once, as systemd does.
	 */
	usec_t leader_grace, rest_grace;
};

/* A unit with every default set, which cannot run yet (no ExecStart). NULL without memory. */
struct unit *unit_new(const char *name) must_check;
void unit_free(struct unit *u);

static inline void unit_cleanup_(struct unit **u)
{
	unit_free(*u);
}
#define cleanup_unit __attribute__((cleanup(unit_cleanup_)))

/* The words of the unit files for each value, e.g. "control-group"; NULL for what is not a member. */
const char *service_type_name(enum service_type t);
const char *kill_mode_name(enum kill_mode m);
const char *restart_policy_name(enum restart_policy r);
const char *failure_mode_name(enum failure_mode m);
const char *escape_policy_name(enum escape_policy p);
const char *exec_phase_name(enum exec_phase p); /* "ExecStartPre" */
const char *dependency_name(enum dependency d); /* "Requires" */
const char *restart_mode_name(enum restart_mode m);
const char *exit_type_name(enum exit_type t);
const char *notify_access_name(enum notify_access a);
const char *oom_policy_name(enum oom_policy p);
const char *fdstore_preserve_name(enum fdstore_preserve p);
const char *unit_action_name(enum unit_action a); /* "exit-force" */

/* Without processes of its own: started and stopped by what others make of it. */
static inline bool unit_is_point(const struct unit *u)
{
	return u->kind == UNIT_TARGET || u->kind == UNIT_SLICE;
}

/* By the suffix of its name; INVALID: only a name here. */
enum unit_kind unit_kind_of(const char *name);

/* s may be NULL. */
static inline bool exit_set_has_status(const struct exit_set *s, int status)
{
	return s && status >= 0 && status <= 255 && (s->status[status / 8] & (1U << (status % 8)));
}

static inline bool exit_set_has_signal(const struct exit_set *s, int sig)
{
	return s && sig > 0 && sig <= 64 && (s->signals >> (sig - 1) & 1);
}

/*
 * A valid unit name: letters, digits and ":-_.\@", one of systemd's suffixes, at most UNIT_NAME_MAX
 * bytes, no template without an instance (systemd.unit(5)). Nothing that passes can be a path.
 */
bool unit_name_valid(const char *name);
/* The same of a template, "foo@.service": the name of a file, and of no unit. */
bool unit_name_is_template(const char *name);
/* "foo@.service" and "bar" → "foo@bar.service"; NULL without memory. The caller frees it. */
char *unit_name_instantiate(const char *template, const char *instance);
/* "foo@bar.service" → "foo@.service"; NULL when it is no instance. The caller frees it. */
char *unit_name_template(const char *name);
