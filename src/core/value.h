/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The kinds of values that directives have, and how each is read into a struct unit.
 */
#include "core/load.h"

/* A unit while its files are read. */
struct loading {
	struct unit *unit; /* type and oom_policy INVALID, restart_kill_signal 0 while nothing has set them */
	bool timeout_start_set, timeout_abort_set;
	const struct host_facts *host;
	bool install_only; /* of the files only [Install] counts */
	struct diags *diags;
	const char *file; /* what is being read */
	unsigned line;
	char **ignored; /* "Section.Key" of what has been warned about */
};

/*
 * What '#' behind white space is in a value. systemd has no inline comments, but people write them.
 * Where no valid value can hold a '#', we take it for the comment it is meant to be, and say what
 * systemd makes of it.
 */
enum hash {
	HASH_IS_DATA,
	HASH_VOIDS,   /* systemd refuses the value as a whole */
	HASH_IS_WORD, /* systemd goes on reading words */
};

struct directive;

/* One kind of value. */
struct value_type {
	/*
	 * Reads value into field (and, if need be, its neighbours in l->unit). -EINVAL and -ERANGE
	 * are told by the caller; a parser that has told them itself returns 0.
	 */
	int (*parse)(struct loading *l, const struct directive *d, char *value, void *field);
	enum hash hash;
};

struct directive {
	const char *section, *key;
	const struct value_type *type;
	size_t offset; /* of the field in struct unit */
	int arg;
};

/* Says something about the line that is being read. */
#define value_tell(l, level, ...) value_tell_id((l), (level), NULL, __VA_ARGS__)
#define value_tell_id(l, level, id, ...) \
	diag_add_id((l)->diags, (level), (id), (l)->file, (l)->line, __VA_ARGS__)

/* In a value in which hash says what '#' is: a comment is cut off and told about. */
void value_cut_comment(struct loading *l, const char *key, char *value, enum hash hash);

extern const struct value_type value_text;
extern const struct value_type value_flag;
extern const struct value_type value_number;
extern const struct value_type value_mode;
extern const struct value_type value_signal_number;
extern const struct value_type value_seconds;
extern const struct value_type value_timeout;
extern const struct value_type value_timeout_start;
extern const struct value_type value_timeout_both;
extern const struct value_type value_timeout_abort;
extern const struct value_type value_bounded_wait;
extern const struct value_type value_service_type;
extern const struct value_type value_restart_policy;
extern const struct value_type value_failure_mode;
extern const struct value_type value_kill_mode;
extern const struct value_type value_restart_mode;
extern const struct value_type value_exit_type;
extern const struct value_type value_notify_access;
extern const struct value_type value_oom_policy;
extern const struct value_type value_resource;
extern const struct value_type value_cpus;
extern const struct value_type value_io;
extern const struct value_type value_delegate;
extern const struct value_type value_subgroup;
extern const struct value_type value_slice;
extern const struct value_type value_fdstore_preserve;
extern const struct value_type value_unit_action;
extern const struct value_type value_escape_policy;
extern const struct value_type value_nice_level;
extern const struct value_type value_oom_score_adjust;
extern const struct value_type value_limit;
extern const struct value_type value_exit_set;
extern const struct value_type value_commands;
extern const struct value_type value_names;
extern const struct value_type value_units;
extern const struct value_type value_urls;
extern const struct value_type value_environment;
extern const struct value_type value_variables;
extern const struct value_type value_environment_file;
extern const struct value_type value_account;
extern const struct value_type value_accounts;
extern const struct value_type value_working_directory;
extern const struct value_type value_pid_file;
extern const struct value_type value_stdio;
extern const struct value_type value_input_text;
extern const struct value_type value_input_data;
extern const struct value_type value_affinity;
extern const struct value_type value_cpu_policy;
extern const struct value_type value_cpu_priority;
extern const struct value_type value_reset_on_fork;
extern const struct value_type value_io_scheduling;
extern const struct value_type value_timer_slack;
extern const struct value_type value_coredump_filter;
extern const struct value_type value_personality;
extern const struct value_type value_numa_policy;
extern const struct value_type value_numa_mask;
extern const struct value_type value_credential;
extern const struct value_type value_directories;
extern const struct value_type value_directory_mode;
extern const struct value_type value_directory_preserve;
extern const struct value_type value_capabilities;
extern const struct value_type value_secure_bits;
extern const struct value_type value_no_new_privileges;
extern const struct value_type value_calls;
extern const struct value_type value_call_error;
extern const struct value_type value_families;
extern const struct value_type value_architectures;
extern const struct value_type value_namespaces;
extern const struct value_type value_filter_flag;
extern const struct value_type value_sandbox_flag;
extern const struct value_type value_sandbox_path;
extern const struct value_type value_sandbox_paths;
extern const struct value_type value_protect_system;
extern const struct value_type value_protect_home;
extern const struct value_type value_protect_proc;
extern const struct value_type value_proc_subset;
extern const struct value_type value_mount_flags;
extern const struct value_type value_log_level;
extern const struct value_type value_log_facility;
extern const struct value_type value_log_prefix;
extern const struct value_type value_log_identifier;
extern const struct value_type value_log_max_size;
extern const struct value_type value_log_max_files;
extern const struct value_type value_condition;
extern const struct value_type value_assertion;
extern const struct value_type value_listen;
extern const struct value_type value_socket_option;
extern const struct value_type value_socket_flag;
extern const struct value_type value_socket_number;
extern const struct value_type value_socket_mode;
extern const struct value_type value_socket_span;
extern const struct value_type value_socket_account;
extern const struct value_type value_socket_device;
extern const struct value_type value_socket_fd_name;
extern const struct value_type value_socket_service;
extern const struct value_type value_socket_links;
extern const struct value_type value_bind_ipv6_only;
extern const struct value_type value_sockets;
