/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "core/directories.h"
#include "core/env.h"
#include "core/specifier.h"
#include "exec/child.h"
#include "util/buf.h"
#include "util/parse.h"
#include "util/strv.h"

static void set(struct child *c, const char *name, const char *value)
{
	cleanup_free char *assignment = NULL;

	if (asprintf(&assignment, "%s=%s", name, value) < 0 || env_set(&c->env, assignment) < 0)
		child_fail(c, STEP_MEMORY, ENOMEM);
}

static void set_number(struct child *c, const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	set(c, name, text);
}

/* sd_listen_fds(3). $FDSTORE says that there is a store, be it empty: systemd.exec(5). */
static void set_stored_fds(struct child *c)
{
	if (c->x->is_main && c->x->unit->fdstore_max > 0)
		set_number(c, "FDSTORE", c->x->unit->fdstore_max);
	if (c->x->fds.n == 0)
		return;
	set_number(c, "LISTEN_FDS", (long)c->x->fds.n);
	set_number(c, "LISTEN_PID", getpid());
	set(c, "LISTEN_FDNAMES", c->x->fds.names);
}

/* sd_notify(3), sd_watchdog_enabled(3). */
static void set_notify(struct child *c)
{
	if (c->x->notify_socket)
		set(c, "NOTIFY_SOCKET", c->x->notify_socket);
	if (c->x->watchdog == 0 || c->x->watchdog == USEC_INFINITY)
		return;
	set_number(c, "WATCHDOG_USEC", (long)c->x->watchdog);
	set_number(c, "WATCHDOG_PID", getpid());
}

static void set_directories(struct child *c)
{
	const struct directories *d = c->x->unit->directories;

	for (enum directory_kind kind = 0; d && kind < DIRECTORY_KIND_MAX; kind++) {
		cleanup_buf struct buf paths = BUF_INIT;

		for (size_t i = 0; i < d->of[kind].n; i++)
			buf_printf(&paths, "%s%s/%s", i > 0 ? ":" : "",
				   directory_kind_base(kind, c->x->host), d->of[kind].v[i].path);
		if (buf_error(&paths) < 0)
			child_fail(c, STEP_MEMORY, ENOMEM);
		if (paths.len > 0)
			set(c, directory_kind_variable(kind), paths.data);
	}
}

static void set_credentials(struct child *c)
{
	cleanup_free char *path = NULL;

	if (!c->x->unit->credentials)
		return;
	if (specifier_expand("%d", c->x->unit->name, c->x->host, &path) < 0)
		child_fail(c, STEP_MEMORY, ENOMEM);
	set(c, "CREDENTIALS_DIRECTORY", path);
}

static void set_result(struct child *c)
{
	const struct exit_info *e = &c->x->main_exit;

	if (c->x->result == RESULT_INVALID)
		return;
	set(c, "SERVICE_RESULT", service_result_name(c->x->result));
	if (e->code == 0 || e->code == EXIT_UNKNOWN)
		return;
	set(c, "EXIT_CODE", exit_code_name(e->code));
	if (e->code == CLD_EXITED)
		set_number(c, "EXIT_STATUS", e->status);
	else
		set(c, "EXIT_STATUS", signal_name(e->status));
}

static void read_env_file(struct child *c, const struct env_file *f)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char chunk[4096];
	ssize_t n;

	if (fd < 0) {
		if (!f->optional)
			child_fail(c, STEP_ENV_FILE, errno);
		return;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && text.len < 1024UL * 1024)
		buf_append(&text, chunk, (size_t)n);
	if (n != 0)
		child_fail(c, STEP_ENV_FILE, n < 0 ? errno : EFBIG);
	if (buf_error(&text) < 0 ||
	    env_file_parse(&c->env, text.data ? text.data : "", text.len, f->path, &diags) < 0)
		child_fail(c, STEP_MEMORY, ENOMEM);
	if (diags.n > 0)
		child_warn(c, STEP_ENV_FILE, EINVAL, f->path);
}

void child_build_environment(struct child *c)
{
	const struct unit *u = c->x->unit;
	const char *value;

	if (u->foreground) {
		c->env = strv_copy(environ);
		set(c, "CGKILL_RUNTIME_DIR", c->x->runtime_dir);
		return;
	}
	set(c, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	value = getenv("LANG");
	if (value)
		set(c, "LANG", value);
	for (size_t i = 0; u->pass_environment && u->pass_environment[i]; i++) {
		value = getenv(u->pass_environment[i]);
		if (value)
			set(c, u->pass_environment[i], value);
	}
	if (c->user) {
		set(c, "USER", c->user);
		set(c, "LOGNAME", c->user);
		set(c, "HOME", c->home);
		set(c, "SHELL", c->shell);
	}
	set(c, "CGKILL_RUNTIME_DIR", c->x->runtime_dir);
	set_number(c, "SYSTEMD_EXEC_PID", getpid());
	if (c->x->main_pid > 0)
		set_number(c, "MAINPID", c->x->main_pid);
	set_notify(c);
	set_stored_fds(c);
	set_result(c);
	set_directories(c);
	set_credentials(c);
	for (size_t i = 0; u->environment && u->environment[i]; i++)
		if (env_set(&c->env, u->environment[i]) < 0)
			child_fail(c, STEP_MEMORY, ENOMEM);
	for (size_t i = 0; i < u->n_environment_files; i++)
		read_env_file(c, &u->environment_files[i]);
	for (size_t i = 0; u->unset_environment && u->unset_environment[i]; i++)
		env_unset(c->env, u->unset_environment[i]);
}
