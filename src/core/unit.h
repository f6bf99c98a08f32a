/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A service unit as its files describe it: plain data, filled from text by core/load.h, read by
 * everything else. Names and meanings are those of systemd.unit(5), systemd.service(5),
 * systemd.exec(5) and systemd.kill(5); what is ours comes from the section [X-Cgkill]. No I/O here.
 */
#include <sys/resource.h>

#include "util/clock.h"
#include "util/diag.h"
#include "util/macro.h"

#define UNIT_NAME_MAX 255

/* 0 is no valid member of any of these enumerations, so that a field that nothing set is noticed. */
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

enum stdio_kind {
	STDIO_INVALID,
	STDIO_NULL,
	STDIO_INHERIT, /* output only: as standard input has it (output), as standard output has it (error) */
	STDIO_LOG,	/* journal, syslog, kmsg and their "+console": a file of cgkilld's own */
	STDIO_FILE,	/* file:PATH */
	STDIO_APPEND,	/* append:PATH */
	STDIO_TRUNCATE, /* truncate:PATH */
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

/* One command line, specifiers expanded, variables not yet. */
struct exec_command {
	char *path;	     /* absolute, or a bare name to be looked up on the fixed path */
	char **argv;	     /* argv[0] is path unless '@' */
	bool ignore_failure; /* '-' */
	bool no_env_expand;  /* ':' */
	bool privileged;     /* '+': User=, Group=, capabilities and namespaces do not apply */
	bool no_setuid;	     /* '!' or '!!': User= and Group= do not apply */
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
	char *name; /* "foo.service", "foo@bar.service" */

	/* where it came from, for status and cat */
	char *fragment_path; /* NULL: nothing found */
	char **dropin_paths;

	/* [Unit] */
	char *description; /* the name where it was not set */
	char **documentation;
	char **after, **before; /* names of units; also of what can be no service here (network.target) */
	usec_t start_limit_interval; /* 0 = no limit; default 10 s */
	unsigned start_limit_burst;  /* default 5 */

	/* [Service] */
	enum service_type type;
	bool remain_after_exit;
	char *pid_file; /* absolute, NULL = none */
	char *bus_name; /* NULL = none */
	struct exec_commands exec[EXEC_PHASE_MAX];
	enum restart_policy restart;
	usec_t restart_delay;	 /* RestartSec; default 100 ms */
	struct exit_set success; /* SuccessExitStatus, beyond the built-in clean ends */
	struct exit_set restart_prevent;
	struct exit_set restart_force;
	usec_t timeout_start; /* USEC_INFINITY = none */
	usec_t timeout_stop;
	usec_t timeout_abort; /* resolved: TimeoutStopSec where it was not set */
	enum failure_mode timeout_start_failure_mode, timeout_stop_failure_mode;
	usec_t runtime_max; /* USEC_INFINITY = none */

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
	struct limit *limits; /* RLIM_NLIMITS of them; NULL = none is set */
	struct stdio_target std_in, std_out, std_err;
	bool ignore_sigpipe; /* default yes */

	/* [Install] */
	char **wanted_by, **required_by, **also, **alias;

	/* [X-Cgkill] */
	usec_t stop_deadline; /* StopDeadlineSec; USEC_INFINITY = none */
	usec_t kill_verify; /* KillVerifySec; default 5 s; how long a kill may take before it is called stuck */
	enum escape_policy escape_policy;
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

static inline bool exit_set_has_status(const struct exit_set *s, int status)
{
	return status >= 0 && status <= 255 && (s->status[status / 8] & (1U << (status % 8)));
}

static inline bool exit_set_has_signal(const struct exit_set *s, int sig)
{
	return sig > 0 && sig <= 64 && (s->signals >> (sig - 1) & 1);
}

bool exit_set_empty(const struct exit_set *s);

/*
 * A valid unit name: letters, digits and ":-_.\@", one of systemd's suffixes, at most UNIT_NAME_MAX
 * bytes, no template without an instance (systemd.unit(5)). Nothing that passes can be a path.
 */
bool unit_name_valid(const char *name);
/* "foo@bar.service" → "foo@.service"; NULL when it is no instance. The caller frees it. */
char *unit_name_template(const char *name);
