/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a verb of cgkillctl gets, and the verbs.
 */
#include "cgkill/protocol.h"
#include "core/finding.h"
#include "ctl/client.h"
#include "ctl/format.h"
#include "util/clock.h"
#include "util/macro.h"

enum scope { SCOPE_UNSET, SCOPE_SYSTEM, SCOPE_USER };
enum json_form { JSON_OFF, JSON_SHORT, JSON_PRETTY };

struct options {
	const char *runtime_dir; /* NULL: as scope, the environment and who we are have it */
	enum scope scope;
	enum json_form json;
	const char *root; /* of another installation, for what is about unit files; NULL = this one */
	bool all;
	const char *type; /* NULL = all kinds */
	bool force;
	bool no_block;
	bool no_legend;
	bool no_reload;
	bool now;
	bool quiet;
	bool reverse;
	bool runtime;
	bool value;
	bool verbose;
	usec_t deadline; /* of a stop, from now; USEC_INFINITY = none */
	int signal;
	const char *kill_whom; /* NULL = all */
	unsigned lines;
	bool has_lines; /* they were asked for */
	/* logs; NULL = not said */
	const char *output, *since, *until;
	char **units;	       /* -u */
	char **properties;     /* NULL = all; logs: the priority; run: limits */
	char **what;	       /* clean: kinds of directories; NULL = not said */
	const char *unit_path; /* NULL: the default */
	usec_t budget;	       /* for a stop; USEC_INFINITY = none */
	/* reap */
	usec_t timeout; /* from the signal to the kill; USEC_INFINITY = not said */
	int leader;	/* a process; 0 = all are told */
	bool kill_only, keep, dry_run;
	/* run; USEC_INFINITY = not said */
	usec_t timeout_stop, runtime_max;
	const char *parent;	/* NULL = our own cgroup */
	bool boot, last_stop;	/* plot: which time line */
	enum severity severity; /* of findings that count */
};

struct ctl {
	struct options options;
	struct client client;
	usec_t reconnect_until; /* the connection was lost, and no reply came since; 0 = it stands */
	usec_t reconnect_pause;
	struct style style;
};

/*
 * args[0] is the verb, what follows its arguments; NULL-terminated. Returns the exit code, with
 * every failure explained on standard error.
 */
typedef int verb_fn(struct ctl *ctl, char **args);

verb_fn verb_job;
verb_fn verb_status;
verb_fn verb_list_units;
verb_fn verb_list_sockets;
verb_fn verb_is_active, verb_is_failed;
verb_fn verb_show;
verb_fn verb_kill;
verb_fn verb_clean;
verb_fn verb_cat;
verb_fn verb_logs;
verb_fn verb_monitor;
verb_fn verb_daemon_reload, verb_daemon_reexec, verb_reset_failed, verb_version;
verb_fn verb_shutdown;
verb_fn verb_list_jobs, verb_cancel;
verb_fn verb_list_dependencies;
verb_fn verb_verify;
verb_fn verb_critical_chain, verb_plot;
verb_fn verb_enable, verb_disable, verb_reenable, verb_is_enabled;
verb_fn verb_mask, verb_unmask;
verb_fn verb_list_unit_files;
verb_fn verb_reap, verb_run, verb_ps, verb_explain, verb_check_host;

void print_own_version(void);
