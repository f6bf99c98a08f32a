/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of this directory share: a child on its way from clone3 to execve, which runs each of the functions below
 * once, in the order of exec_child(). They return when all is well, or the service can do without; else they do not return.
 */
#include "exec/exec.h"

/* What can fail, and the exit status that says so: systemd.exec(5), "PROCESS EXIT CODES". */
enum exec_step {
	STEP_CHDIR = SPAWN_STEP_FIRST,
	STEP_NICE,
	STEP_EXEC,
	STEP_MEMORY,
	STEP_LIMITS,
	STEP_OOM_ADJUST,
	STEP_STDIN,
	STEP_STDOUT,
	STEP_STDERR,
	STEP_GROUP,
	STEP_USER,
	STEP_SETSID,
	STEP_ENV_FILE,
	STEP_BIRTH_MARK,
	STEP_FDS,
	STEP_SETSCHEDULER,
	STEP_CPUAFFINITY,
	STEP_NUMA_POLICY,
	STEP_IOPRIO,
	STEP_TIMERSLACK,
	STEP_PERSONALITY,
	STEP_CHOWN,
	STEP_RUNTIME_DIRECTORY, /* the others in the order of enum directory_kind */
	STEP_STATE_DIRECTORY,
	STEP_CACHE_DIRECTORY,
	STEP_LOGS_DIRECTORY,
	STEP_CONFIGURATION_DIRECTORY,
	STEP_CREDENTIALS,
	STEP_CAPABILITIES,
	STEP_SECUREBITS,
	STEP_NO_NEW_PRIVILEGES,
	STEP_ADDRESS_FAMILIES,
	STEP_SECCOMP,
	STEP_CGROUP,
	STEP_NAMESPACE,
	STEP_NETWORK,
	STEP_CHROOT,
	STEP_LISTEN,
	STEP_END,
};

struct private_tmp;

struct child {
	const struct exec_context *x;
	int report_fd;
	/* who it becomes; (uid_t)-1 = stays */
	uid_t uid;
	gid_t gid;
	char *user, *home, *shell;
	gid_t *groups;
	int n_groups;
	char **env;
};

/* Reports what failed and exits with the status of systemd.exec(5); error may be negative. */
_Noreturn void child_fail(const struct child *c, enum exec_step step, int error);
/* The same of a path or a directive that what failed is about. */
_Noreturn void child_fail_at(const struct child *c, enum exec_step step, int error, const char *what);
/*
 * The host refuses something that the service can live without: told, and on. what: the directive, with its value where that
 * helps; may be "".
 */
void child_warn(const struct child *c, enum exec_step step, int error, const char *what);

/*
 * The host refuses something that protects it, or others, from the service: told by the directive's name, and on; unless
 * RequireProtections=yes or cgkilld --strict: then as child_fail().
 */
void child_protection_refused(const struct child *c, enum exec_step step, int error, const char *what);

/* In a session of its own, but for foreground. */
void child_set_up_session(const struct child *c);
_Noreturn void child_execute_foreground(const struct child *c, char **argv);
void child_set_up_fds(struct child *c);
void child_set_up_stdio(const struct child *c);
/* So that it may open /dev/stdout and /dev/stderr, as many do that were made for containers. */
void child_own_stdio(const struct child *c);
void child_set_up_limits(const struct child *c);
void child_set_up_oom_score(const struct child *c);
void child_set_up_nice(const struct child *c);
void child_set_up_scheduling(const struct child *c);
void child_look_up_identity(struct child *c);
/* DynamicUser=: of a user or a group of that name. 0 or -errno. */
int dynamic_user_number(const struct child *c, const char *name, unsigned *out) must_check;
/* Whose the unit's directories are, also where the command runs as somebody else. */
void child_look_up_owner(const struct child *c, uid_t *uid, gid_t *gid);
void child_set_up_directories(const struct child *c);
void child_set_up_credentials(const struct child *c);
void child_delegate(const struct child *c);
/* Of a socket: what its process is there for. The socketpair that takes what it opens is behind standard error. */
_Noreturn void child_listen(const struct child *c);
_Noreturn void child_unlink(const struct child *c);
void child_build_environment(struct child *c);
/* Before and after child_become(), between which the order of capabilities(7) counts; then what cannot be undone. */
void child_drop_capabilities(const struct child *c);
void child_join_groups(const struct child *c);
void child_become(const struct child *c);
void child_raise_ambient(const struct child *c);
void child_lock_privileges(const struct child *c);
/* Will child_load_filter() load something? */
bool child_is_filtered(const struct child *c);
/* Behind it there is only execve: all else may be forbidden, even to say that something has failed. */
void child_load_filter(const struct child *c);
/* Namespaces other than of mounts and users. */
void child_set_up_namespaces(const struct child *c);
/* The mount namespace, and the root directory. */
void child_set_up_mounts(const struct child *c);
/* Before it gives up any privilege, and after its groups: in the new namespace most of them do not exist. */
void child_set_up_user_namespace(const struct child *c);

/* Parts of child_set_up_mounts(). 0 or -errno. */
int devices_mount(int place) must_check;
/* A file system with nothing in it, mounted nowhere; MOUNT_ATTR_*. A descriptor or -errno. */
int mounts_make_tmpfs(unsigned attributes) must_check;
/* Does not return where it cannot; out is left alone where the unit has none. */
void private_tmp_make(const struct child *c, struct private_tmp *out);
