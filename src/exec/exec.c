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

void child_warn(const struct child *c, enum exec_step step, int error, const char *what)
{
	struct spawn_report r = { .step = step | EXEC_STEP_WARNING,
				  .error = (uint32_t)(error < 0 ? -error : error) };

	snprintf(r.what, sizeof(r.what), "%s", what);
	(void)!write(c->report_fd, &r, sizeof(r));
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
static void execute(const struct child *c, char **argv)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					    "/usr/bin",	       "/sbin",		 "/bin" };
	const char *path = c->x->command->path;

	if (path[0] == '/') {
		execve(path, argv, c->env);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char full[PATH_MAX];

		if (snprintf(full, sizeof(full), "%s/%s", dirs[i], path) >= (int)sizeof(full))
			continue;
		execve(full, argv, c->env);
		if (errno != ENOENT && errno != ENOTDIR)
			return;
	}
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
	if (setsid() < 0)
		child_fail(&c, STEP_SETSID, errno);
	child_set_up_stdio(&c);
	child_set_up_limits(&c);
	child_set_up_oom_score(&c);
	child_set_up_nice(&c);
	umask(c.x->unit->umask);
	child_look_up_identity(&c);
	child_build_environment(&c);
	argv = cmdline_expand(c.x->command, c.env);
	if (!argv)
		child_fail(&c, STEP_MEMORY, ENOMEM);
	child_become(&c);
	change_directory(&c); /* as the user: what he may not enter is not for his service */
	if (!c.x->unit->ignore_sigpipe)
		signal(SIGPIPE, SIG_DFL); /* our reports needed it ignored: spawn.h */
	execute(&c, argv);
	child_fail(&c, STEP_EXEC, errno);
}
