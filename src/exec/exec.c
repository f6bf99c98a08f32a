/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/exec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#include "core/cmdline.h"
#include "exec/child.h"
#include "sys/birth.h"

static const struct {
	const char *name;
	int exit_status;
} steps[STEP_END] = {
	[SPAWN_STEP_ATTACH] = { "CGROUP", 219 },
	[STEP_CGROUP] = { "CGROUP", 219 },
	[STEP_CHDIR] = { "CHDIR", 200 },
	[STEP_NICE] = { "NICE", 201 },
	[STEP_FDS] = { "FDS", 202 },
	[STEP_EXEC] = { "EXEC", 203 },
	[STEP_MEMORY] = { "MEMORY", 204 },
	[STEP_LIMITS] = { "LIMITS", 205 },
	[STEP_OOM_ADJUST] = { "OOM_ADJUST", 206 },
	[STEP_STDIN] = { "STDIN", 208 },
	[STEP_STDOUT] = { "STDOUT", 209 },
	[STEP_STDERR] = { "STDERR", 222 },
	[STEP_GROUP] = { "GROUP", 216 },
	[STEP_USER] = { "USER", 217 },
	[STEP_SETSID] = { "SETSID", 220 },
	[STEP_ENV_FILE] = { "ENVIRONMENT", 245 },
	[STEP_SETSCHEDULER] = { "SETSCHEDULER", 214 },
	[STEP_CPUAFFINITY] = { "CPUAFFINITY", 215 },
	[STEP_NUMA_POLICY] = { "NUMA_POLICY", 242 },
	[STEP_IOPRIO] = { "IOPRIO", 211 },
	[STEP_TIMERSLACK] = { "TIMERSLACK", 212 },
	[STEP_PERSONALITY] = { "PERSONALITY", 230 },
	[STEP_CHOWN] = { "CHOWN", 235 },
	[STEP_RUNTIME_DIRECTORY] = { "RUNTIME_DIRECTORY", 233 },
	[STEP_STATE_DIRECTORY] = { "STATE_DIRECTORY", 238 },
	[STEP_CACHE_DIRECTORY] = { "CACHE_DIRECTORY", 239 },
	[STEP_LOGS_DIRECTORY] = { "LOGS_DIRECTORY", 240 },
	[STEP_CONFIGURATION_DIRECTORY] = { "CONFIGURATION_DIRECTORY", 241 },
	[STEP_CREDENTIALS] = { "CREDENTIALS", 243 },
	[STEP_CAPABILITIES] = { "CAPABILITIES", 218 },
	[STEP_SECUREBITS] = { "SECUREBITS", 213 },
	[STEP_NO_NEW_PRIVILEGES] = { "NO_NEW_PRIVILEGES", 227 },
	[STEP_ADDRESS_FAMILIES] = { "ADDRESS_FAMILIES", 230 },
	[STEP_SECCOMP] = { "SECCOMP", 228 },
	[STEP_NAMESPACE] = { "NAMESPACE", 226 },
	[STEP_NETWORK] = { "NETWORK", 225 },
	[STEP_CHROOT] = { "CHROOT", 210 },
	[STEP_LISTEN] = { "LISTEN", EXIT_FAILURE }, /* ours: systemd has no process for it */
	[STEP_BIRTH_MARK] = { "BIRTH_MARK", 219 }, /* only ever a warning; the status is CGROUP's */
};

const char *exec_step_name(uint32_t step)
{
	step &= ~EXEC_STEP_WARNING;
	return step < STEP_END && steps[step].name ? steps[step].name : "?";
}

_Noreturn void child_fail(const struct child *c, enum exec_step step, int error)
{
	spawn_fail(c->report_fd, step, error < 0 ? -error : error, steps[step].exit_status);
}

static void report(const struct child *c, uint32_t step, int error, const char *what)
{
	struct spawn_report r = { .step = step, .error = (uint32_t)(error < 0 ? -error : error) };

	snprintf(r.what, sizeof(r.what), "%s", what);
	(void)!write(c->report_fd, &r, sizeof(r));
}

_Noreturn void child_fail_at(const struct child *c, enum exec_step step, int error, const char *what)
{
	report(c, step, error, what);
	_exit(steps[step].exit_status);
}

void child_warn(const struct child *c, enum exec_step step, int error, const char *what)
{
	report(c, step | EXEC_STEP_WARNING, error, what);
}

void child_protection_refused(const struct child *c, enum exec_step step, int error, const char *what)
{
	child_warn(c, step, error, what);
	if (c->x->strict || c->x->unit->require_protections)
		child_fail(c, step, error);
}

static void change_directory(const struct child *c)
{
	const struct unit *u = c->x->unit;
	const char *dir = u->working_directory ? u->working_directory : "/";

	if (u->foreground)
		return;
	if (streq(dir, "~"))
		dir = c->home ? c->home : getenv("HOME");
	if (dir && chdir(dir) == 0)
		return;
	if (!u->working_directory_optional)
		child_fail(c, STEP_CHDIR, dir ? errno : ENOENT);
	if (chdir("/") < 0)
		child_fail(c, STEP_CHDIR, errno);
}

/* A bare name is looked up on systemd's fixed path, whatever $PATH says: systemd.service(5), "COMMAND LINES". */
static const char *locate(const char *path, char full[static PATH_MAX])
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					    "/usr/bin",	       "/sbin",		 "/bin" };

	if (path[0] == '/')
		return path;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (snprintf(full, PATH_MAX, "%s/%s", dirs[i], path) >= PATH_MAX)
			continue;
		if (access(full, X_OK) == 0)
			return full;
		if (errno != ENOENT && errno != ENOTDIR)
			return NULL;
	}
	errno = ENOENT;
	return NULL;
}

static _Noreturn void execute(const struct child *c, char **argv)
{
	char full[PATH_MAX];
	const char *path;

	if (c->x->unit->foreground)
		child_execute_foreground(c, argv);
	path = locate(c->x->command->path, full);
	/* Behind a filter execve could not say so any more. */
	if (!path || (child_is_filtered(c) && access(path, X_OK) < 0))
		child_fail(c, STEP_EXEC, errno);
	if (!c->x->unit->ignore_sigpipe)
		signal(SIGPIPE, SIG_DFL); /* our reports needed it ignored: spawn.h */
	child_load_filter(c);
	execve(path, argv, c->env);
	child_fail(c, STEP_EXEC, errno);
}

/* First of all: from here on this spawn counts as begun, and is not done again. */
static void sign(const struct child *c)
{
	int r = birth_sign(c->x->unit_fd, c->x->is_main, c->x->spawn);

	if (r < 0)
		child_warn(c, STEP_BIRTH_MARK, r, "");
}

void exec_child(void *arg, int report_fd)
{
	struct child c = { .x = arg, .report_fd = report_fd };
	char **argv;

	sign(&c);
	child_set_up_fds(&c);
	child_set_up_session(&c);
	if (c.x->command->builtin == EXEC_LISTEN)
		child_listen(&c);
	if (c.x->command->builtin == EXEC_UNLINK)
		child_unlink(&c);
	child_set_up_directories(&c); /* before what may be written to a file in one of them */
	child_set_up_credentials(&c);
	child_delegate(&c);
	child_set_up_stdio(&c);
	child_set_up_limits(&c);
	child_set_up_oom_score(&c);
	child_set_up_nice(&c);
	child_set_up_scheduling(&c);
	umask(c.x->unit->umask);
	child_look_up_identity(&c);
	child_own_stdio(&c);
	child_build_environment(&c);
	argv = cmdline_expand(c.x->command, c.env);
	if (!argv)
		child_fail(&c, STEP_MEMORY, ENOMEM);
	child_set_up_namespaces(&c);
	child_set_up_mounts(&c);
	child_join_groups(&c);
	child_set_up_user_namespace(&c);
	child_drop_capabilities(&c);
	child_become(&c);
	child_raise_ambient(&c);
	change_directory(&c); /* as the user: what he may not enter is not for his service */
	child_lock_privileges(&c);
	execute(&c, argv);
}
