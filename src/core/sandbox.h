/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a service sees of the host: systemd.exec(5), "PATHS" and "SANDBOXING", as far as namespaces make it.
 */
#include "core/load.h"

/* 0 of each of these is the default, and does nothing. */
enum protect_system {
	PROTECT_SYSTEM_NO,
	PROTECT_SYSTEM_YES,
	PROTECT_SYSTEM_FULL,
	PROTECT_SYSTEM_STRICT
};
enum protect_home { PROTECT_HOME_NO, PROTECT_HOME_YES, PROTECT_HOME_READ_ONLY, PROTECT_HOME_TMPFS };
enum protect_proc {
	PROTECT_PROC_DEFAULT,
	PROTECT_PROC_NOACCESS,
	PROTECT_PROC_INVISIBLE,
	PROTECT_PROC_PTRACEABLE
};
enum proc_subset { PROC_SUBSET_ALL, PROC_SUBSET_PID };
enum mount_flags { MOUNT_FLAGS_UNSET, MOUNT_FLAGS_SHARED, MOUNT_FLAGS_SLAVE, MOUNT_FLAGS_PRIVATE };

/* The lists. */
enum sandbox_list {
	SANDBOX_READ_WRITE,
	SANDBOX_READ_ONLY,
	SANDBOX_INACCESSIBLE,
	SANDBOX_EXEC,
	SANDBOX_NO_EXEC,
	SANDBOX_BIND,
	SANDBOX_BIND_READ_ONLY,
	SANDBOX_TMPFS,
	SANDBOX_LIST_MAX,
};

struct sandbox_path {
	enum sandbox_list list;
	char *path;	/* absolute, normalized: where it is for the service */
	char *source;	/* BIND*: what is shown there */
	char *options;	/* TMPFS: of the mount; NULL = none */
	bool optional;	/* '-' */
	bool in_root;	/* '+': below RootDirectory=, where that is set */
	bool recursive; /* BIND* */
};

/* Of a unit that sets one of these; the others have none. */
struct sandbox {
	enum protect_system protect_system;
	enum protect_home protect_home;
	enum protect_proc protect_proc;
	enum proc_subset proc_subset;
	enum mount_flags mount_flags;
	bool private_tmp, private_devices, private_network, private_ipc, private_users, private_mounts;
	/* also read by core/privileges.h and core/filter.h, for what they take away besides */
	bool protect_kernel_tunables, protect_kernel_modules, protect_kernel_logs;
	bool protect_control_groups, protect_clock, protect_hostname;
	char *root_directory;			 /* NULL = / */
	char *network_namespace, *ipc_namespace; /* paths; NULL = none */
	struct sandbox_path *paths;
	size_t n_paths;
};

/* *s, made with every default where there is none. NULL without memory. */
struct sandbox *sandbox_get(struct sandbox **s) must_check;
void sandbox_free(struct sandbox *s);

/* Takes what p points to, also on failure. 0 or -ENOMEM. */
int sandbox_add_path(struct sandbox *s, struct sandbox_path p) must_check;
/* An empty assignment: systemd has one list of each of the two kinds of binds. */
void sandbox_clear_list(struct sandbox *s, enum sandbox_list list);

/*
 * The directory below /tmp, and below /var/tmp, that PrivateTmp= has for one run: from what does not change while the run
 * lasts and never comes again, so that nobody has to remember it. run: the id of the unit's cgroup.
 */
#define PRIVATE_TMP_NAME_MAX 256
void private_tmp_name(char name[static PRIVATE_TMP_NAME_MAX], const char *unit,
		      const struct host_facts *host, uint64_t run);

/* Does it take a mount namespace? */
bool sandbox_needs_mounts(const struct sandbox *s);

/* "strict", and so on; the parsers of core/value_sandbox.c know the words by these. NULL: not a member. */
const char *protect_system_name(enum protect_system p);
const char *protect_home_name(enum protect_home p);
const char *protect_proc_name(enum protect_proc p);
const char *proc_subset_name(enum proc_subset p);
const char *mount_flags_name(enum mount_flags f);
const char *sandbox_list_name(enum sandbox_list list); /* "ReadWritePaths" */

/* The rows of unit_show(); s may be NULL. */
void sandbox_show(const struct sandbox *s, struct showing *out);

/*
 * The directives that are set and take a mount namespace, as a person would write them, one after the other: for a host that
 * has none for us. *i starts at 0. NULL: no more.
 */
const char *sandbox_next_directive(const struct sandbox *s, size_t *i);
