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
	STEP_END,
};

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

void child_set_up_fds(struct child *c);
void child_set_up_stdio(const struct child *c);
void child_set_up_limits(const struct child *c);
void child_set_up_oom_score(const struct child *c);
void child_set_up_nice(const struct child *c);
void child_look_up_identity(struct child *c);
void child_build_environment(struct child *c);
void child_become(const struct child *c);
